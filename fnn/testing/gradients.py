"""The check of a function's derivatives, leaf by leaf."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np

from fnn.testing.comparison import compare
from fnn.testing.coordinates import Problem, as_problem
from fnn.testing.directions import MODES


def check_gradients(
    function: Callable,
    *args: Any,
    modes: Sequence[str] = MODES,
    order: int = 1,
    tolerance: float = 1e-6,
    max_coordinates: int = 500,
) -> None:
    """Comparison of reverse mode, forward mode and finite differences, in float64.

    ``function(*args)`` may be any function of pytrees that returns a pytree of arrays.
    Nothing is returned when its derivatives are right; else the error names the path of
    the parameter, the worst coordinate, all values there and the tolerance.

    Every floating and complex leaf of the arguments is differentiated, as float64
    whatever its dtype was (float32, bfloat16, ...), a complex one by its real and
    imaginary parts. Integers, bools, keys and leaves that are no arrays are held fixed.
    Neither ``JAX_ENABLE_X64`` nor any other setting need be changed: the function runs
    with 64-bit types and standard dtype promotion.

    Each coordinate of a leaf of up to ``max_coordinates`` is checked by itself,
    relative to its own derivative, so that an error of 1 % in any one is found as long
    as rounding leaves its differences that many digits: where an output is near 1, down
    to derivatives of 1e-11 per typical size of the leaf. (A bias before a normalisation
    has a derivative of zero, in which no error can be.) A larger leaf is checked at as
    many coordinates, chosen at random, and along 4 random directions through all of it:
    an error of the leaf as a whole is always found, one of a single coordinate perhaps
    not. Outputs of more than 3 elements are seen through 3 fixed random projections
    each.

    Kinks (relu, max, sort) raise no alarm: differences are taken on either side, with
    steps from a tenth down to 1e-7 of a leaf's typical size. Where the point itself
    lies on a kink, no value is right or wrong, and the derivative is checked at a point
    nearby instead. What ``jax.lax.stop_gradient`` hides is a wrong derivative to this
    check: leave such outputs (the running statistics of a layer) out of ``function``.

    Args:
      function: What is checked; gives the same outputs at every call.
      *args: Its arguments: the point at which it is checked.
      modes: ``"reverse"``, ``"forward"`` or both. A function that contains a
        ``jax.custom_vjp`` has no forward mode, a ``while_loop`` no reverse mode.
      order: 1, or 2 to check the derivatives of the derivatives as well: those of each
        mode, in each mode.
      tolerance: The largest relative error, in (0, 0.001]. Differences are right to
        about 1e-9 where the function is smooth; 1e-6 leaves room on both sides, for
        functions that curve sharply and below errors of 1 %.
      max_coordinates: How many coordinates of a leaf are checked; at least 1.

    Raises:
      AssertionError: If a derivative is wrong or not finite, or kinks are so dense
        that differences can't tell.
      TypeError: If ``function`` can't be called, returns something other than arrays,
        or can't be differentiated in one of ``modes``.
      ValueError: If there is nothing to differentiate, or the outputs differ from call
        to call, are not finite, or are computed in less than float64.

    Example:
      >>> def loss(params, x):
      ...     return jnp.sum(jnp.tanh(x @ params["weight"]))
      >>> params = {"weight": jnp.ones((3, 2))}
      >>> fnn.testing.check_gradients(loss, params, jnp.ones((4, 3)))
    """
    modes = (modes,) if isinstance(modes, str) else tuple(modes)
    _check_options(function, modes, order, tolerance, max_coordinates)
    with _float64():
        problem = as_problem(function, args)
        compare(problem, modes, tolerance, max_coordinates)
        if order == 2:
            for mode in modes:
                compare(_derived(problem, mode), modes, tolerance, max_coordinates)


def _check_options(
    function: Any, modes: tuple, order: int, tolerance: float, max_coordinates: int
) -> None:
    who = "check_gradients: expected"
    if not callable(function):
        hint = "; pass its apply" if hasattr(function, "apply") else ""
        raise TypeError(
            f"{who} a function of pytrees, got {type(function).__name__}{hint}."
        )
    if not modes or not set(modes) <= set(MODES):
        raise ValueError(f"{who} modes among {MODES}, got {modes}.")
    if order not in (1, 2):
        raise ValueError(f"{who} an order of 1 or 2, got {order}.")
    if not 0 < tolerance <= 1e-3:
        raise ValueError(f"{who} a tolerance in (0, 0.001], got {tolerance}.")
    if max_coordinates < 1:
        raise ValueError(f"{who} max_coordinates of at least 1, got {max_coordinates}.")


@contextmanager
def _float64() -> Iterator[None]:
    # Promotion is standard since arrays that the function closes over keep their dtype;
    # NaNs are let through since differences may step out of the function's domain, and
    # a key among the arguments is the same at every call.
    with (
        jax.enable_x64(True),
        jax.numpy_dtype_promotion("standard"),
        jax.debug_nans(False),
        jax.debug_infs(False),
        jax.debug_key_reuse(False),
    ):
        yield


def _derived(problem: Problem, mode: str) -> Problem:
    """The problem whose outputs are derivatives of this one's, in the given mode."""
    random = np.random.default_rng(1)
    shapes = jax.eval_shape(problem.outputs, problem.point)
    weights = {n: random.standard_normal(y.shape) for n, y in shapes.items()}
    tangent = problem.scale * random.standard_normal(problem.point.shape)

    def gradient(vector):
        def weighted(vector):
            outputs = problem.outputs(vector)
            return sum(weights[name] @ outputs[name] for name in weights)

        rows = jax.grad(weighted)(vector)
        return {
            f"the gradient by {leaf.name}": rows[leaf.start : leaf.stop]
            for leaf in problem.leaves
        }

    def along(vector):
        _, rows = jax.jvp(problem.outputs, (vector,), (tangent,))
        return {f"the tangent of {name or 'the output'}": rows[name] for name in rows}

    return problem._replace(outputs=gradient if mode == "reverse" else along)
