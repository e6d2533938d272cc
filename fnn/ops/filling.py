"""First states of a loop, in about the time that it takes to write them down.

JAX alone compiles a program that copies what a state takes over and fills the rest with
zeros, for each network another one.
"""

from __future__ import annotations

from typing import Any

import jax
from jax.core import Tracer

from fnn.ops.elementwise import (
    Constant,
    Step,
    bound,
    is_variable,
    literal,
    postponed,
    settled,
)


def filled(function: Any, *args: Any) -> Any:
    """``function(*args)``, of a jitted function, in memory that is nobody else's.

    It is traced. If it only copies arrays and fills others with a number, this is done
    without compiling it; else, and where it isn't called eagerly, or an array is held
    to devices, it is called as it is, and has to copy what it returns.
    """
    leaves = jax.tree.leaves(args)
    on_mesh = not jax.sharding.get_abstract_mesh().empty
    if on_mesh or jax.debug_key_reuse.value or not all(map(is_free, leaves)):
        return function(*args)
    traced = function.trace(*args)
    values = results(traced.jaxpr, leaves)
    if values is None:
        return function(*args)
    arrays = jax.device_put(values, may_alias=False)
    return jax.tree.unflatten(jax.tree.structure(traced.out_info), arrays)


def is_free(leaf: Any) -> bool:
    """Whether it is an array that may be computed with on any device."""
    is_array = isinstance(leaf, jax.Array) and not isinstance(leaf, Tracer)
    return is_array and not leaf.committed


def results(closed: Any, args: list[Any]) -> list[Any] | None:
    """The results of a traced function; None if they have to be computed."""
    env = bound(closed.jaxpr, closed.consts, args)
    if any(v.aval.weak_type for v in closed.jaxpr.outvars):
        return None  # an array of NumPy has no such type

    def read(atom):
        return env[atom] if is_variable(atom) else literal(atom)

    for eqn in closed.jaxpr.eqns:
        operands = [read(v) for v in eqn.invars]
        whole = eqn.primitive.name == "copy" and not isinstance(operands[0], Constant)
        value = operands[0] if whole else postponed(eqn, operands)
        if value is None or isinstance(value, Step):
            return None
        env[eqn.outvars[0]] = value
    return [settled(read(v), v.aval) for v in closed.jaxpr.outvars]
