"""A constructor's call as a value: when two are the same, and how one is pickled."""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer


def identity(build: Callable, args: tuple, kwargs: dict) -> Any:
    """Hashable, and equal for calls of one function with equal arguments."""
    bound = inspect.signature(build).bind(*args, **kwargs)
    bound.apply_defaults()
    return frozen(build), frozen(dict(bound.arguments))


def frozen(value: Any) -> Any:
    """A hashable stand-in for an argument, equal where the arguments are."""
    value = getattr(value, "__lifted__", value)  # a function and the layer made of it
    if isinstance(value, dict):
        return dict, tuple((k, frozen(v)) for k, v in value.items())
    if type(value) in (tuple, list):
        return tuple, tuple(map(frozen, value))
    if isinstance(value, functools.partial):
        return frozen(value.func), frozen(value.args), frozen(value.keywords)
    if isinstance(value, jax.Array) and not isinstance(value, Tracer):
        if jnp.issubdtype(value.dtype, jax.dtypes.prng_key):
            return value.dtype, frozen(jax.random.key_data(value))
        value = np.asarray(value)
    if isinstance(value, np.ndarray | np.generic):
        return value.shape, value.dtype, value.tobytes()
    try:
        hash(value)
    except TypeError:
        return _Same(value)
    return type(value), value


class _Same:
    """Equal to itself alone: a traced or otherwise unhashable argument."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)


class _Global(NamedTuple):
    """A function by name: `jax.nn.relu` and its like are no functions to pickle."""

    module: str
    name: str
    decorated: bool = False  # into a layer, which now has its name


class _Partial(NamedTuple):
    """A `functools.partial` of portable arguments."""

    function: Any
    args: tuple
    keywords: dict


def portable(value: Any) -> Any:
    """An argument with functions by name where pickle would find them."""
    if type(value) in (tuple, list):
        return type(value)(map(portable, value))
    if type(value) is dict:
        return {k: portable(v) for k, v in value.items()}
    if type(value) is functools.partial:
        return _Partial(*map(portable, (value.func, value.args, value.keywords)))
    module, name = getattr(value, "__module__", ""), getattr(value, "__name__", "")
    name = getattr(value, "__qualname__", name)
    found = getattr(sys.modules.get(module), name, None)
    if callable(value) and found is value:
        return _Global(module, name)
    if callable(value) and getattr(found, "__wrapped__", None) is value:
        return _Global(module, name, decorated=True)
    return value


def found(value: Any) -> Any:
    """What `portable` was given."""
    if type(value) in (tuple, list):
        return type(value)(map(found, value))
    if type(value) is dict:
        return {k: found(v) for k, v in value.items()}
    if type(value) is _Partial:
        return functools.partial(
            found(value.function), *found(value.args), **found(value.keywords)
        )
    if type(value) is _Global:
        function = getattr(importlib.import_module(value.module), value.name)
        return function.__wrapped__ if value.decorated else function
    return value


def construct(build: Callable, args: tuple, kwargs: dict) -> Any:
    """Makes the call again, with what `portable` made of its arguments."""
    return found(build)(*found(args), **found(kwargs))
