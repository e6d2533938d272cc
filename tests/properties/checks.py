"""A layer against its equation, in values and derivatives.

In float64 values are compared, the derivative in a direction is compared with the
central difference of the equation, and reverse mode is held to forward mode by the
identity ``<J v, u> = <v, J.T u>``. Then the layer is called as users do: with other
dtypes, with views of arrays, with weakly typed arrays.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import fnn
from tests.properties.cases import (
    Call,
    Case,
    Values,
    drawn,
    expected,
    is_inexact,
    wide,
)
from tests.properties.compilation import compiled

FLOAT64 = 1e-12  # the error of values in float64
STEP = 1e-6  # of the central difference
DERIVATIVE = 1e-6  # the error of a derivative, nearly all of it the difference's own
IDENTITY = 1e-11  # the error of an inner product: a sum of up to some hundred numbers
ULPS = 8  # the error in lower precision, in units of the last place


def check(case: Case, call: Call) -> None:
    """Raises where the layer is not its equation."""
    with jax.enable_x64(True):
        values = drawn(case, call.seed)
        check_derivatives(case, values)
    check_call(case, values, call)


# ------------------------------------------------------------------------ derivatives
def check_derivatives(case: Case, values: Values) -> None:
    """Values and derivatives in float64."""
    leaves, treedef = jax.tree.flatten(values)
    point = [leaf if is_inexact(leaf) else None for leaf in leaves]

    def at(point):
        moved = zip(point, leaves, strict=True)
        return jax.tree.unflatten(treedef, [b if a is None else a for a, b in moved])

    def linearized(point, direction):
        def function(point):
            outputs = applied(case, at(point))
            return differentiable(case, outputs), outputs

        y, push, outputs = jax.linearize(function, point, has_aux=True)
        cotangent = jax.tree.map(_waves, y)
        (back,) = jax.linear_transpose(push, point)(cotangent)
        return outputs, push(direction), cotangent, back

    random = np.random.default_rng(0)
    direction = [None if leaf is None else like(random, leaf) for leaf in point]
    found, forward, cotangent, back = compiled(linearized)(point, direction)
    assert_close(found, expected(case, values), FLOAT64, "values")
    for leaf in jax.tree.leaves(found):
        assert not is_inexact(leaf) or leaf.dtype in (np.float64, np.complex128)

    def moved(step):
        there = jax.tree.map(lambda leaf, by: leaf + step * by, point, direction)
        return differentiable(case, expected(case, at(there)))

    difference = jax.tree.map(
        lambda a, b: (a - b) / (2 * STEP), moved(STEP), moved(-STEP)
    )
    assert_close(forward, difference, DERIVATIVE, "derivative")
    one, other = inner(forward, cotangent), inner(direction, back)
    scale = inner(*(jax.tree.map(np.abs, tree) for tree in (direction, back)))
    assert abs(one - other) <= IDENTITY * max(1.0, scale), (
        f"<J v, u> = {one}, but <v, J.T u> = {other}"
    )


def applied(case: Case, values: Values) -> Any:
    params, state, inputs, named = values
    flags = {"train": True} if case.train else {}
    return case.layer.apply(params, *state, *inputs, **named, **flags)


def differentiable(case: Case, outputs: Any) -> Any:
    """Outputs without the state: statistics stop gradients on purpose."""
    return outputs[0] if isinstance(case.layer, fnn.StatefulLayer) else outputs


def like(random: np.random.Generator, leaf: np.ndarray) -> np.ndarray:
    return random.normal(size=leaf.shape).astype(leaf.dtype)


def _waves(y: Any) -> Any:
    """A direction that no symmetry of a layer makes orthogonal to its outputs."""
    t = jnp.reshape(jnp.arange(y.size, dtype=jnp.float64), y.shape)
    waves = jnp.cos(t + 1) + 0.1
    return jax.lax.complex(waves, jnp.sin(t)) if jnp.iscomplexobj(y) else waves


def inner(a: Any, b: Any) -> float:
    """The real part of the sum of the products, JAX's pairing of complex numbers."""
    products = jax.tree.map(lambda a, b: np.sum(np.real(wide(a) * wide(b))), a, b)
    return float(sum(jax.tree.leaves(products)))


# ------------------------------------------------------------------------------- calls
def check_call(case: Case, values: Values, call: Call) -> None:
    """Values in the dtypes and the form of the call."""
    narrow = Values(
        cast(values.params, call.param_dtype),
        cast(values.state, "float32"),
        cast(values.inputs, call.dtype),
        cast(values.named, call.dtype),
    )
    change = {"array": np.asarray, "view": view, "weak": weak}[call.form]
    inputs, named = jax.tree.map(change, (narrow.inputs, narrow.named))
    narrow = narrow._replace(inputs=inputs, named=named)
    if call.form == "view":  # which under jit can be seen only as a constant
        found = compiled(lambda: applied(case, narrow))()
    else:
        found = compiled(functools.partial(applied, case))(narrow)
    dtype = promoted(narrow.params, narrow.inputs, narrow.state if case.carries else ())
    precision = float(jnp.finfo(dtype).eps) if jnp.issubdtype(dtype, jnp.inexact) else 0
    wanted = expected(case, narrow)
    scales = moves(case, narrow, wanted)
    assert_close(found, wanted, ULPS * precision, str(call), scales)
    for y in jax.tree.leaves(differentiable(case, found)):
        assert y.dtype == dtype or jnp.iscomplexobj(y)
        assert not (y.weak_type and jax.tree.leaves(values.params))


def promoted(*trees: Any) -> Any:
    """The dtype of what is computed of them."""
    leaves = jax.tree.leaves(trees)
    inexact = [leaf.dtype for leaf in leaves if is_inexact(leaf)]
    with jax.numpy_dtype_promotion("standard"):
        return functools.reduce(jnp.promote_types, inexact or [leaves[-1].dtype])


def cast(tree: Any, dtype: str) -> Any:
    """Floats in another dtype, integers as eighths; complex ones get two parts."""

    def change(leaf):
        if not is_inexact(leaf):
            return leaf
        if np.iscomplexobj(leaf):
            return leaf.astype(np.complex64)
        if dtype == "complex64":
            leaf = leaf + 1j * np.flip(leaf)
        return (np.rint(8 * leaf) if dtype == "int32" else leaf).astype(
            jnp.dtype(dtype)
        )

    return jax.tree.map(change, tree)


def view(leaf: Any) -> np.ndarray:
    """The same array, but every other value of another one, backwards."""
    larger = np.ones([2 * n for n in leaf.shape], leaf.dtype, order="F")
    part = larger[(..., *[slice(None, None, -2)] * leaf.ndim)]
    part[...] = leaf
    return part


def weak(leaf: Any) -> Any:
    """The same floats, weakly typed."""
    if not jnp.issubdtype(leaf.dtype, jnp.floating):
        return leaf
    return jnp.full(leaf.shape, 0.0).at[...].set(leaf.astype(np.float32))


def moves(case: Case, values: Values, wanted: Any) -> list[float]:
    """How far outputs move with arguments, by how far these do relative to 1 and more.

    No algorithm can be nearer than that times the precision of its arguments.
    """
    random = np.random.default_rng(0)

    def moved(leaf):
        if not is_inexact(leaf):
            return leaf
        leaf = wide(leaf)
        return leaf + STEP * random.choice([-1, 1], leaf.shape) * (1 + np.abs(leaf))

    others = [expected(case, jax.tree.map(moved, values)) for _ in range(3)]
    return [
        max(np.max(np.abs(a - y), initial=0.0) / STEP for a in near)
        for y, *near in zip(*map(jax.tree.leaves, (wanted, *others)), strict=True)
    ]


def assert_close(
    found: Any,
    wanted: Any,
    tolerance: float,
    what: str,
    scales: list[float] | None = None,
) -> None:
    """Errors are relative to the largest value of each array, or to 1 if it is less.

    With scales they are relative to the scale of each array, if it is more than these.
    """
    assert jax.tree.structure(found) == jax.tree.structure(wanted)
    leaves = jax.tree.leaves(wanted)
    for (path, y), exact, least in zip(
        jax.tree.leaves_with_path(found),
        leaves,
        scales or [1.0] * len(leaves),
        strict=True,
    ):
        assert y.shape == np.shape(exact), f"{what}: {y.shape}, not {np.shape(exact)}"
        scale = max(1.0, least, np.max(np.abs(exact), initial=0.0))
        error = np.max(np.abs(wide(y) - exact), initial=0.0) / scale
        assert error <= tolerance, (
            f"{what}: an error of {error:.2g} at {jax.tree_util.keystr(path)!r}"
        )
