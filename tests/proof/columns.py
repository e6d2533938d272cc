"""The columns of the table: what is checked of a row, by name."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import fnn
from fnn.contract import as_layer
from fnn.testing import check_gradients, check_layer
from fnn.testing.case import jitted, on_floats
from fnn.testing.layers import PROMISES
from tests.proof.rows import Row

# `check_gradients` checks so many coordinates of each array one by one, and a larger
# array as a whole.
COORDINATES = 4


class Values(NamedTuple):
    """What a layer and its equation compute with."""

    params: Any
    state: tuple  # of one state, or empty where the layer keeps none
    inputs: tuple
    named: dict[str, Any]


# ------------------------------------------------------------------------------ values
def check_errors(row: Row, dtype: str) -> None:
    """Raises where the layer is further from its equation than the row allows.

    Params and inputs are rounded to the dtype before both of them get them.
    """
    allowed = getattr(row.errors, dtype)
    for train in row.train:
        with jax.enable_x64(dtype == "float64"), jax.debug_key_reuse(False):
            values = drawn(row, dtype)
            found = jitted(applied, row, values, train)
            params, state, inputs, named = jax.tree.map(wide, values)
            named |= in_training(row) if train else {}
            wanted = row.equation(params, *state, *inputs, **named)
        for path, error in errors(found, wanted).items():
            assert error <= allowed, (
                f"{row.layer!r}: expected an error of at most {allowed:g} in {dtype} "
                f"with train={train}, got {error:.2g} at {path!r}."
            )


def errors(found: Any, wanted: Any) -> dict[str, float]:
    """Of each array, relative to its largest value, by path."""
    assert jax.tree.structure(found) == jax.tree.structure(wanted)
    relative = {}
    for (path, y), exact in zip(
        fnn.paths(found).items(), jax.tree.leaves(wanted), strict=True
    ):
        assert y.shape == np.shape(exact)
        largest = np.abs(exact).max()
        relative[path] = float(np.abs(wide(y) - exact).max() / (largest or 1.0))
    return relative


def drawn(row: Row, dtype: str) -> Values:
    """Params, state and inputs, none of which is left where `init` puts it."""
    random = np.random.default_rng(7)

    def noise(leaf):
        return 0.3 * random.normal(size=leaf.shape).astype(np.float32)

    params, *state = initialised(row)
    params = on_floats(lambda leaf: np.asarray(leaf) + noise(leaf), params)
    state = on_floats(lambda leaf: np.asarray(leaf) + np.abs(noise(leaf)), state)
    if dtype == "float64":
        state = cast(state, dtype)
    return Values(
        cast(params, dtype),
        tuple(state),
        cast(row.inputs, dtype),
        cast(row.named, dtype),
    )


@functools.lru_cache(maxsize=8)
def initialised(row: Row) -> tuple:
    """What `init` gives, as a tuple of one or two."""
    made = as_layer(row.layer).init(jax.random.key(0), *row.inputs, **row.named)
    return made if stateful(row) else (made,)


def stateful(row: Row) -> bool:
    return isinstance(row.layer, fnn.StatefulLayer)


def applied(row: Row, values: Values, train: bool) -> Any:
    """What the layer's `apply` gives."""
    params, state, inputs, named = values
    named = named | (in_training(row) if train else {})
    return as_layer(row.layer).apply(params, *state, *inputs, **named)


def in_training(row: Row) -> dict[str, Any]:
    """What `apply` and the equation get when training."""
    key = {"key": jax.random.key(1)} if as_layer(row.layer).form.draws else {}
    return {"train": True} | key


def cast(tree: Any, dtype: str) -> Any:
    return on_floats(lambda leaf: jnp.asarray(leaf, dtype), tree)


def wide(leaf: Any) -> Any:
    """An array in float64, if it is of floats."""
    array = np.asarray(leaf)
    return (
        array.astype(np.float64) if jnp.issubdtype(array.dtype, jnp.floating) else array
    )


# ------------------------------------------------------------------------- derivatives
def check_derivatives(row: Row, order: int) -> None:
    """Raises where a derivative is wrong, up to an order of 2, in either mode."""
    with jax.enable_x64(True):
        params, state, inputs, named = drawn(row, "float64")
    frozen, free = fnn.split(params, row.frozen) if row.frozen else ((), params)
    for train in row.train:

        def outputs(frozen, free, inputs, named, train=train):
            params = fnn.merge(frozen, free) if row.frozen else free
            y = applied(row, Values(params, state, inputs, named), train)
            return y[0] if state else y  # statistics stop gradients on purpose

        check_gradients(
            functools.partial(outputs, frozen),
            free,
            inputs,
            named,
            order=order,
            max_coordinates=COORDINATES,
        )
        if row.frozen:
            with jax.enable_x64(True):
                gradient = jax.grad(lambda *args: jnp.sum(outputs(*args)))
                zeros = jax.tree.leaves(gradient(frozen, free, inputs, named))
            assert zeros and not any(map(np.any, zeros))


def in_both_orders(row: Row) -> None:
    check_derivatives(row, order=1 if "second order" in row.skip else 2)


# ---------------------------------------------------------------------------- contract
def check_promises(row: Row, *names: str) -> None:
    """Raises where one of these promises of `check_layer` is broken."""
    check_layer(
        row.layer,
        *row.inputs,
        skip=[name for name in PROMISES if name not in names or name in row.skip],
        tolerance=max(1e-5, row.errors.float32),
        **row.named,
    )


def in_bfloat16(row: Row) -> None:
    check_promises(row, "dtypes")
    check_errors(row, "bfloat16")


# Promises of `check_layer` that have a column of their own.
APART = ("gradients", "jit", "vmap", "dtypes")
CONTRACT = tuple(promise for promise in PROMISES if promise not in APART)

CHECKS: dict[str, Callable[[Row], None]] = {
    "float64": lambda row: check_errors(row, "float64"),
    "float32": lambda row: check_errors(row, "float32"),
    "bfloat16": in_bfloat16,
    "gradients": in_both_orders,
    "contract": lambda row: check_promises(row, *CONTRACT),
    "jit": lambda row: check_promises(row, "jit"),
    "vmap": lambda row: check_promises(row, "vmap"),
}
