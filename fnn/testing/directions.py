"""Derivatives and differences of a problem along directions, in compiled programs."""

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from fnn.testing.compilation import compiled_for
from fnn.testing.coordinates import Problem
from fnn.testing.differences import OFFSETS

MODES = ("reverse", "forward")
# An output of more elements than this is seen through as many random projections.
PROJECTIONS = 3


class Direction(NamedTuple):
    """Entries ``start:stop`` of one row of a table, and zero elsewhere."""

    start: Any
    stop: Any
    row: Any

    def vector(self, table: Any) -> Any:
        place = lax.iota(jnp.int32, table.shape[1])
        inside = (place >= self.start) & (place < self.stop)
        return jnp.where(inside, table[self.row], 0.0)


class Programs(NamedTuple):
    """What is computed of a problem: compiled once, run at any point.

    Outputs are seen through k views: the elements of a small one, random projections of
    a large one.
    """

    views: list[str]  # what each shows
    modes: dict[str, Callable]  # (point, n directions) -> values, derivatives (n, k)
    changes: Callable  # (point, n directions, step) -> values, changes (n, 7, k)


def compile_programs(
    problem: Problem, modes: Sequence[str], table: np.ndarray, capacity: int
) -> Programs:
    """Programs for up to `capacity` directions in `table (rows, coordinates)`.

    Raises:
      TypeError: If the function can't be differentiated in one of `modes`.
      ValueError: If derivatives pass through less than float64.
    """
    shapes = _shapes(problem)
    views, weights = _views({name: shape.size for name, shape in shapes.items()})
    count = len(views)

    def outputs_through(weights, vector):
        return _through(weights, problem.outputs(vector))

    def reverse(weights, point):
        values, pullback = jax.vjp(functools.partial(outputs_through, weights), point)
        return values, lax.map(lambda view: pullback(view)[0], jnp.eye(count))

    def forward(weights, table, point, directions, n):
        function = functools.partial(outputs_through, weights)

        def derivative(direction):
            return jax.jvp(function, (point,), (direction.vector(table),))

        return _for_each(derivative, directions, n, (count,), (count,))

    def changes(weights, table, point, directions, n, step):
        def change(direction):
            shift = step * direction.vector(table)
            # One after the other, not by vmap: no primitive needs a rule for batches,
            # and a convolution with a batch of kernels would be slower.
            outputs = lax.map(lambda t: problem.outputs(point + t * shift), OFFSETS)
            centre = {name: y[3:4] for name, y in outputs.items()}
            moved = {name: y - centre[name] for name, y in outputs.items()}
            return _through(weights, centre)[0], _through(weights, moved)

        return _for_each(change, directions, n, (count,), (len(OFFSETS), count))

    def along(program, *rest):
        """The program, compiled for any number of directions up to `capacity`."""

        def arguments(point, directions, *rest):
            padding = [Direction(0, 0, 0)] * (capacity - len(directions))
            packed = Direction(*np.array([*directions, *padding], np.int32).T)
            return weights, table, point, packed, np.int32(len(directions)), *rest

        compiled = compiled_for(program, *arguments(problem.point, [], *rest))

        def run(point, directions, *rest):
            values, rows = compiled(*arguments(point, directions, *rest))
            return np.asarray(values)[0], np.asarray(rows)[: len(directions)]

        return run

    def by_reverse():
        compiled = compiled_for(reverse, weights, problem.point)

        def run(point, directions):
            values, rows = map(np.asarray, compiled(weights, point))
            derivatives = [rows[:, a:b] @ table[r, a:b] for a, b, r in directions]
            return values, np.stack(derivatives)

        return run

    make = {"reverse": by_reverse, "forward": lambda: along(forward)}
    with _explaining(modes[0]):
        narrow = _narrow_types(problem, modes[0])
    if narrow:
        raise ValueError(
            "check_gradients: expected a function that computes in the dtype of its "
            f"arguments, here float64, got one that casts to {' and '.join(narrow)}; "
            "check it without the cast, or cast to jnp.promote_types(x.dtype, "
            "jnp.float32)."
        )
    compiled = {}
    for mode in modes:
        with _explaining(mode):
            compiled[mode] = make[mode]()
    return Programs(views, compiled, along(changes, np.float64(1)))


def _shapes(problem: Problem) -> dict[str, jax.ShapeDtypeStruct]:
    try:
        return jax.eval_shape(problem.outputs, problem.point)
    except Exception as error:
        if str(error).startswith("check_gradients: "):
            raise type(error)(str(error)) from None  # without JAX's notes on tracing
        error.add_note(
            "check_gradients calls the function with float64 arguments; an array that "
            "it closes over keeps its dtype: pass that as an argument too."
        )
        raise


def _views(sizes: dict[str, int]) -> tuple[list[str], dict[str, np.ndarray]]:
    """What each view shows, and the weights `(elements, views)` of each output."""
    random = np.random.default_rng(0)
    names, weights = [], {}
    for name, size in sizes.items():
        if size <= PROJECTIONS:
            weights[name] = np.eye(size)
            whole = name or "the output"
            names += [f"{whole}[{i}]" if size > 1 else name for i in range(size)]
        else:
            weights[name] = random.standard_normal((size, PROJECTIONS))
            names += [f"a random projection of {name or 'the output'}"] * PROJECTIONS
    return names, weights


def _through(weights: dict[str, Any], outputs: dict[str, Any]) -> Any:
    views = [outputs[name] @ weights[name] for name in weights]
    return jnp.concatenate(views, axis=-1)


def _for_each(function: Callable, directions: Direction, n: Any, *shapes: Any) -> Any:
    """`function` of the first n directions, in a loop as long as that."""

    def body(i, rows):
        direction = Direction(*(column[i] for column in directions))
        values = function(direction)
        return [row.at[i].set(v) for row, v in zip(rows, values, strict=True)]

    capacity = len(directions.start)
    return lax.fori_loop(0, n, body, [jnp.zeros((capacity, *s)) for s in shapes])


@contextmanager
def _explaining(mode: str) -> Iterator[None]:
    """What was traced without derivatives fails in here because of them."""
    try:
        yield
    except Exception as error:
        other = MODES[1 - MODES.index(mode)]
        raise TypeError(
            f"check_gradients: expected a function that {mode} mode can differentiate, "
            f"got {type(error).__name__} from it; pass modes=({other!r},) if it can't "
            "(jax.custom_vjp has no forward mode, a while_loop no reverse mode)."
        ) from error


def _narrow_types(problem: Problem, mode: str) -> list[str]:
    """The floating types other than float64 that derivatives pass through."""
    found = set()

    def trace(point):
        if mode == "reverse":
            outputs, linear = jax.vjp(problem.outputs, point)
            jaxpr = jax.make_jaxpr(linear)(outputs)
        else:
            _, linear = jax.linearize(problem.outputs, point)
            jaxpr = jax.make_jaxpr(linear)(point)
        # What does not depend on the point was taken out: all that is left is linear.
        for equation in _equations(jaxpr.jaxpr):
            dtypes = {variable.aval.dtype for variable in equation.outvars}
            found.update(d.name for d in dtypes if jnp.issubdtype(d, jnp.floating))
        return ()

    jax.eval_shape(trace, problem.point)
    return sorted(found - {"float64"})


def _equations(jaxpr: Any) -> Iterator[Any]:
    for equation in jaxpr.eqns:
        yield equation
        for inner in jax.tree.leaves(list(equation.params.values())):
            inner = getattr(inner, "jaxpr", inner)  # of a closed one
            if hasattr(inner, "eqns"):
                yield from _equations(inner)
