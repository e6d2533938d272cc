"""What the contract checks of keys, `train`, params and outputs: one sentence each."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from fnn.shapes import is_array, shown, word
from fnn.signatures import Mode


def pair(expected: str, value: Any) -> tuple[Any, Any]:
    """The two values that a stateful function returned."""
    if type(value) is not tuple or len(value) != 2:
        raise TypeError(f"{expected}, got {shown(value)}.")
    return value


def check_function(who: str, expected: str, value: Any) -> None:
    """Raises where there should be a function."""
    if not callable(value):
        raise TypeError(f"{who}: expected {expected}, got {word(value)}.")


def check_empty(value: Any, expected: str) -> None:
    """Raises where there should be ()."""
    if type(value) is not tuple or value:
        raise ValueError(f"{expected}, (), got {shown(value)}.")


def check_state_given(name: str, inputs: tuple) -> None:
    """Raises where the only input was taken for the state."""
    if not inputs:
        raise TypeError(
            f"{name}: expected apply(params, state, *inputs), as it keeps state, "
            "got no inputs."
        )


def check_no_state(name: str, inputs: tuple) -> None:
    """Raises where a call that failed passed a state, too."""
    first = inputs[0] if len(inputs) > 1 else None
    if type(first) in (dict, tuple) and not jax.tree.leaves(first):
        raise TypeError(
            f"{name}: expected apply(params, *inputs), as it keeps no state, "
            "got an empty state as the first input."
        ) from None


def check_outputs(name: str, outputs: Any) -> Any:
    """Outputs, all of whose leaves are arrays."""
    wrong = [a for a in jax.tree.leaves(outputs) if not is_array(a)]
    if wrong or outputs is None:
        got = word(wrong[0]) if wrong else "None"
        raise TypeError(f"{name}: expected outputs that are arrays, got {got}.")
    return outputs


def check_params(name: str, params: Any) -> Any:
    """Params, made of dicts, tuples and arrays alone."""
    if type(params) is dict:
        wrong = [k for k in params if not isinstance(k, str) or "/" in k or not k]
        if wrong:
            raise ValueError(
                f"{name}: expected names of params without '/', got {wrong[0]!r}."
            )
    children = params.values() if type(params) is dict else params
    if type(params) in (dict, tuple):
        for child in children:
            check_params(name, child)
    elif not is_array(params):
        raise TypeError(
            f"{name}: expected init to return params in dicts, tuples and arrays, "
            f"got {word(params)}."
        )
    return params


def check_state(name: str, state: Any) -> Any:
    """State, all of whose leaves are arrays."""
    wrong = [a for a in jax.tree.leaves(state) if not is_array(a)]
    if wrong:
        raise TypeError(
            f"{name}: expected init to return a state of arrays, got {word(wrong[0])}."
        )
    return state


def check_train(train: Any) -> bool:
    """`train` as a bool, which it must be when a function is traced."""
    if isinstance(train, Tracer):
        raise TypeError(
            "train: expected a bool, got a traced value; under jax.jit bind it "
            "(functools.partial(apply, train=True)) or name it in static_argnames."
        )
    if not isinstance(train, bool | np.bool_ | Mode):
        raise TypeError(f"train: expected a bool, got {shown(train)}.")
    return bool(train)


def check_key(key: Any, call: str) -> Any:
    """One typed key; a raw uint32 key is wrapped."""
    if is_array(key) and key.dtype == jnp.uint32 and key.shape == (2,):
        return jax.random.wrap_key_data(key)
    typed = is_array(key) and jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
    if not typed or key.shape != ():
        raise TypeError(
            f"{call}: expected one key made by jax.random.key, got {shown(key)}."
        )
    return key
