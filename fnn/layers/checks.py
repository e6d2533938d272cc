"""What layers check of their options, inputs, params and state, a sentence each."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.typing import DTypeLike

from fnn.shapes import is_array, word

KINDS = {
    "floating": (jnp.floating,),
    "floating or complex": (jnp.inexact,),
    "floating or integer": (jnp.floating, jnp.integer),
    "integer": (jnp.integer,),
}


# ----------------------------------------------------------------------------- options
def is_int(value: Any) -> bool:
    """Whether it is an integer of Python or NumPy, and no bool."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def check_count(owner: str, name: str, value: Any, least: int = 1) -> None:
    """An option that counts something."""
    if not is_int(value):
        raise TypeError(f"{owner}: expected {name} to be an int, got {word(value)}.")
    if value < least:
        raise ValueError(
            f"{owner}: expected {name} of at least {least}, got {word(value)}."
        )


def check_flags(owner: str, **flags: Any) -> None:
    """Options that are on or off."""
    for name, value in flags.items():
        if not isinstance(value, bool):
            raise TypeError(
                f"{owner}: expected {name} to be True or False, got {word(value)}."
            )


def check_functions(owner: str, **functions: Any) -> None:
    """Options that are functions, such as initialisers and activations."""
    for name, value in functions.items():
        if not callable(value):
            raise TypeError(
                f"{owner}: expected {name} to be a function, got {word(value)}."
            )


def is_pure(function: Any) -> bool:
    """Whether a function surely closes over no array that is being differentiated."""
    function = inspect.unwrap(function)
    return isinstance(function, FunctionType) and not function.__closure__


def check_number(
    owner: str, name: str, value: Any, interval: str, holds: Callable[[float], bool]
) -> None:
    """An option that is a real number; a traced one is known only by its shape."""
    concrete = not isinstance(value, Tracer)
    if is_array(value):
        number = value.shape == () and is_kind(value, "floating or integer")
    else:
        number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number:
        raise TypeError(f"{owner}: expected {name} to be a number, got {word(value)}.")
    if concrete and not holds(float(value)):
        got = float(value) if is_array(value) else value
        raise ValueError(f"{owner}: expected {name} {interval}, got {word(got)}.")


def check_axes(owner: str, axis: Any, name: str = "axis") -> tuple[int, ...]:
    """An int, or several different ones, as a tuple."""
    axes = tuple(axis) if isinstance(axis, tuple | list) else (axis,)
    if not all(map(is_int, axes)):
        raise TypeError(
            f"{owner}: expected {name} to be an int or a tuple of ints, "
            f"got {word(axis)}."
        )
    if len(set(axes)) < len(axes):
        raise ValueError(f"{owner}: expected each {name} once, got {word(axis)}.")
    return axes


def check_param_dtype(
    owner: str, dtype: DTypeLike, kinds: str = "floating or complex"
) -> None:
    """The dtype that parameters are drawn in."""
    try:
        fits = dtype is not None and _fits(jnp.dtype(dtype), kinds)
    except TypeError:
        fits = False
    if not fits:
        raise TypeError(
            f"{owner}: expected param_dtype to be a {kinds} dtype, got {word(dtype)}."
        )


# ------------------------------------------------------------------------------ inputs
@functools.lru_cache
def _fits(dtype: Any, kinds: str) -> bool:
    return any(jnp.issubdtype(dtype, kind) for kind in KINDS[kinds])


def is_kind(x: Any, kinds: str) -> bool:
    """Whether an array's dtype is of these kinds, which `KINDS` names."""
    return _fits(x.dtype, kinds)


def check_array(
    owner: str, x: Any, kinds: str | None = "floating or complex", name: str = "x"
) -> None:
    """An input: an array with a dtype of these kinds."""
    if not is_array(x):
        raise TypeError(
            f"{owner}: expected {name} to be an array, got {type(x).__name__}."
        )
    if kinds is not None and not is_kind(x, kinds):
        raise TypeError(
            f"{owner}: expected {name} of {kinds} dtype, got {x.dtype.name}."
        )


# ------------------------------------------------------------------ params and state
def check_params(owner: str, params: Any, expected: Any, what: str = "params") -> None:
    """Params with exactly these names and shapes; a name in a shape is any length.

    `expected` is nested like the params are, a tuple standing for the shape of an array
    and ``{}`` for the params ``()`` of a part that has none.
    """
    if not _same(params, expected):
        tree = isinstance(params, dict | tuple) or is_array(params)
        kind = ValueError if tree else TypeError
        wanted = f"{what} of shape" if isinstance(expected, tuple) else what
        raise kind(
            f"{owner}: expected {wanted} {_words(expected)}, got {_words(params)}."
        )
    if all(is_kind(leaf, "floating or complex") for leaf in jax.tree.leaves(params)):
        return
    for path, leaf in jax.tree.leaves_with_path(params):
        if not is_kind(leaf, "floating or complex"):
            name = jax.tree_util.keystr(path, simple=True, separator="/") or what
            raise TypeError(
                f"{owner}: expected {name} of floating or complex dtype, "
                f"got {leaf.dtype.name}."
            )


def _same(tree: Any, expected: Any) -> bool:
    if not expected and isinstance(expected, dict):
        return type(tree) is tuple and not tree
    if isinstance(expected, dict):
        return (
            isinstance(tree, dict)
            and tree.keys() == expected.keys()
            and all(_same(tree[name], expected[name]) for name in expected)
        )
    if not is_array(tree) or len(tree.shape) != len(expected):
        return False
    pairs = zip(tree.shape, expected, strict=True)
    return all(isinstance(want, str) or got == want for got, want in pairs)


def _words(tree: Any) -> str:
    """Names and shapes of params, or those expected: `{weight: (n, 3), bias: (3,)}`."""
    if isinstance(tree, dict):
        inside = ", ".join(f"{name}: {_words(part)}" for name, part in tree.items())
        return f"{{{inside}}}" if tree else "()"
    if is_array(tree):
        tree = tuple(tree.shape)
    if type(tree) is tuple:
        inside = ", ".join(n if isinstance(n, str) else _words(n) for n in tree)
        return f"({inside}{',' if len(tree) == 1 else ''})"
    return word(tree)
