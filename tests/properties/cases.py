"""Drawn cases: a layer, its equation, and the values that both are applied to."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import fnn

FLOATS = ("float32", "bfloat16", "float16")


@dataclass(frozen=True)
class Case:
    """A layer and the shapes that it is applied to.

    Inputs are structures of `floats`, whose values `drawn` draws, and of integers and
    bools with their values. ``equation(params, *inputs, **named)``, with the state
    after the params where the layer keeps some, is NumPy in float64.
    """

    layer: Any
    equation: Callable[..., Any]
    inputs: tuple
    named: dict[str, Any] = field(default_factory=dict)
    init_inputs: tuple = ()  # what `init` gets, if not the inputs
    train: bool = False
    carries: bool = False  # whether the state takes part like an input
    dtypes: tuple[str, ...] = FLOATS  # of inputs; these three first


class Call(NamedTuple):
    """The values of a case, and the form in which they are handed to the layer."""

    seed: int
    dtype: str  # of inputs
    param_dtype: str
    form: str  # "array", "view" or "weak"


class Values(NamedTuple):
    """All that a layer is applied to."""

    params: Any
    state: tuple  # of one state, or empty where the layer keeps none
    inputs: tuple
    named: dict[str, Any]


def floats(*shape: int) -> jax.ShapeDtypeStruct:
    """An input whose values are still to be drawn."""
    return jax.ShapeDtypeStruct(shape, np.dtype("float64"))


def batched(tree: Any) -> Any:
    """The same inputs with one more axis before all others."""
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct((1, *leaf.shape), leaf.dtype), tree
    )


# ----------------------------------------------------------------------------- values
def drawn(case: Case, seed: int) -> Values:
    """Values for the case, in float64."""
    random = np.random.default_rng(seed)
    inputs = case.init_inputs or case.inputs
    named = {} if case.init_inputs else case.named
    made = jax.eval_shape(case.layer.init, jax.random.key(0), *inputs, **named)
    params, *state = made if isinstance(case.layer, fnn.StatefulLayer) else (made,)
    fill = functools.partial(jax.tree.map, functools.partial(_filled, random))
    # Variances among it: near zero a difference would be far from a derivative.
    state = jax.tree.map(lambda leaf: np.abs(leaf) + 0.1, fill(state))
    return Values(fill(params), tuple(state), fill(case.inputs), fill(case.named))


def _filled(random: np.random.Generator, leaf: Any) -> np.ndarray:
    """Different numbers between -2 and 2 in any order, none of them near another.

    So nothing is near a kink of a maximum, and no variance near zero.
    """
    if not isinstance(leaf, jax.ShapeDtypeStruct):
        return leaf
    if np.issubdtype(leaf.dtype, np.complexfloating):
        real = jax.ShapeDtypeStruct(leaf.shape, np.dtype("float64"))
        return _filled(random, real) + 1j * _filled(random, real)
    spread = np.linspace(-2, 2, leaf.size) + random.uniform(-1e-3, 1e-3)
    return random.permutation(spread).reshape(leaf.shape)


def expected(case: Case, values: Values) -> Any:
    params, state, inputs, named = jax.tree.map(wide, values)
    return case.equation(params, *state, *inputs, **named)


def wide(leaf: Any) -> np.ndarray:
    """An array in float64 or complex128, if it is no integer or bool."""
    array = np.asarray(leaf)
    if jnp.issubdtype(array.dtype, jnp.complexfloating):
        return array.astype(np.complex128)
    if jnp.issubdtype(array.dtype, jnp.floating):
        return array.astype(np.float64)
    return array


def is_inexact(leaf: Any) -> bool:
    return jnp.issubdtype(leaf.dtype, jnp.inexact)
