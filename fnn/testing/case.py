"""A layer on given inputs: what each promise of the contract is checked on."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from fnn.contract import with_state
from fnn.shapes import is_array, over_arrays
from fnn.testing.compilation import compiled_for
from fnn.tree import paths


class Values(NamedTuple):
    """All that a layer's ``apply`` computes with."""

    params: Any
    state: Any
    inputs: tuple
    named: dict[str, Any]


class Drawn(NamedTuple):
    """What ``init`` returns, in the stateful form."""

    params: Any
    state: Any


class Applied(NamedTuple):
    """What ``apply`` returns, in the stateful form."""

    outputs: Any
    state: Any


class Case(NamedTuple):
    """A layer, its inputs and what it drew for them."""

    layer: Any
    values: Values
    key: Any
    always_draws: bool  # also outside training
    options: dict[str, Any]  # of `check_layer`

    def init(self, key: Any, *inputs: Any) -> Drawn:
        """Params and state, drawn for other inputs than the case's."""
        return Drawn(*with_state(self.layer).init(key, *inputs, **self.values.named))

    def apply(self, values: Values, train: bool, draw: int = 0) -> Applied:
        """Outputs and state; the key, of a number, is given where it is needed."""
        needed = self.always_draws or (train and self.layer.form.draws)
        key = jax.random.fold_in(self.key, draw) if needed else None
        return self.apply_with(key, values, train)

    def apply_with(self, key: Any, values: Values, train: bool) -> Applied:
        params, state, inputs, named = values
        apply = with_state(self.layer).apply
        return Applied(*apply(params, state, *inputs, key=key, train=train, **named))


def make_case(
    layer: Any, inputs: tuple, named: dict[str, Any], key: Any, options: dict[str, Any]
) -> Case:
    """The case of params and state that the key draws.

    Raises:
      AssertionError: If ``init`` fails.
    """
    key = jax.random.key(0) if key is None else key
    try:
        params, state = with_state(layer).init(key, *inputs, **named)
    except Exception as error:
        raise broken(layer, "be initialised on its inputs", error) from error
    case = Case(layer, Values(params, state, inputs, named), key, False, options)
    if layer.form.draws:
        try:
            shape_of(case.apply, case.values, False)
        except Exception:  # refused for want of a key, or it fails with one as well
            case = case._replace(always_draws=True)
    return case


def broken(layer: Any, promise: str, got: str | Exception) -> AssertionError:
    """The error that tells which promise is broken, and how."""
    if isinstance(got, Exception):
        got = f"{type(got).__name__}: {str(got).splitlines()[0].rstrip('.')}"
    return AssertionError(f"check_layer: expected {layer!r} to {promise}, got {got}.")


def shape_of(function: Callable, *args: Any) -> Any:
    """`jax.eval_shape` in which arguments that are no arrays stay values."""
    return jax.eval_shape(*over_arrays(function, *args))


def jitted(function: Callable, *args: Any) -> Any:
    """The function's result under `jax.jit`, by its arrays."""
    of_arrays, arrays = over_arrays(function, *args)
    return compiled_for(of_arrays, arrays)(arrays)


def on_arrays(function: Callable, tree: Any) -> Any:
    """The tree with `function` of each array; other leaves stay as they are."""
    return jax.tree.map(lambda leaf: function(leaf) if is_array(leaf) else leaf, tree)


def on_floats(function: Callable, tree: Any) -> Any:
    """The tree with `function` of each floating array."""

    def of(leaf):
        return function(leaf) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf

    return on_arrays(of, tree)


def floats(tree: Any) -> list[Any]:
    """The floating arrays of a tree."""
    arrays = filter(is_array, jax.tree.leaves(tree))
    return [a for a in arrays if jnp.issubdtype(a.dtype, jnp.floating)]


def difference(found: Any, wanted: Any, tolerance: float = 0) -> str | None:
    """How two trees of arrays differ: by more than `tolerance`, or in a bit if it is 0.

    `tolerance` is in units of the largest magnitude of each array.
    """
    if jax.tree.structure(found) != jax.tree.structure(wanted):
        return "another structure"
    for (name, a), b in zip(paths(found).items(), jax.tree.leaves(wanted), strict=True):
        at = f" at {name}" if name else ""
        a, b = _plain(a), _plain(b)
        if (a.shape, a.dtype) != (b.shape, b.dtype):
            one, other = (f"{x.dtype}{list(x.shape)}" for x in (a, b))
            return f"{one} and not {other}{at}"
        inexact = a.dtype.kind in "fc"
        if np.array_equal(a, b, equal_nan=inexact):
            continue
        finite = np.isfinite(b)
        odd = np.array_equal(a[~finite], b[~finite], equal_nan=inexact)
        if not (tolerance and inexact and odd and np.isfinite(a[finite]).all()):
            return f"other values{at}"
        error = np.abs(a[finite] - b[finite]).max()
        size = max(np.abs(a[finite]).max(), np.abs(b[finite]).max())
        if error > tolerance * size:
            return f"values that differ by {error / size:.1g} of the largest{at}"
    return None


def _plain(array: Any) -> np.ndarray:
    if jnp.issubdtype(array.dtype, jax.dtypes.prng_key):
        array = jax.random.key_data(array)
    array = np.asarray(array)
    return array.astype(np.float32) if array.dtype == jnp.bfloat16 else array
