"""Eager draws of arrays of any shapes, in about the time that the numbers take.

JAX alone compiles a program for each new shape, which takes a hundred times as long as
to run it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from fnn.ops.elementwise import (
    KEY,
    bound,
    is_variable,
    postponed,
    settled,
    threefry,
    write,
)


def drawn(draw: Callable[[Any], Any], key: Any) -> Any:
    """``draw(key)``, a tree of arrays, without compiling anything for their shapes.

    ``draw`` is traced, and then evaluated operation by operation, as it would be by
    itself. But random bits, and what arithmetic makes of them place by place, wait
    until an array is needed, and are drawn by a program that all shapes share. What is
    of another kind (an orthogonal matrix) JAX computes as ever.

    Random bits are exactly those of `jax.random`, and the arithmetic is that of
    ``jax.jit(draw)(key)``, of which XLA may round the last bit otherwise from shape to
    shape. Where `draw` isn't called eagerly, or not with a key of JAX's own generator,
    or the key is held to a device, it is called as it is; so it is under
    ``jax.debug_key_reuse``, which has to see each key that is used.
    """
    if isinstance(key, Tracer) or key.dtype.name != KEY or key.committed:
        return draw(key)
    words = jax.random.key_data(key)  # traced, if whatever is computed here is
    on_mesh = not jax.sharding.get_abstract_mesh().empty
    if isinstance(words, Tracer) or on_mesh or jax.debug_key_reuse.value:
        return draw(key)
    closed, tree = jax.make_jaxpr(draw, return_shape=True)(key)
    jaxpr = closed.jaxpr
    traced = any(isinstance(x, Tracer) for x in closed.consts)
    if closed.effects or traced or any(v.aval.weak_type for v in jaxpr.outvars):
        return draw(key)
    values = evaluate(jaxpr, closed.consts, [np.asarray(words)])
    avals = [v.aval for v in jaxpr.outvars]
    arrays = [settled(x, aval) for x, aval in zip(values, avals, strict=True)]
    arrays = jax.device_put(arrays)  # in one call: each by itself takes as long again
    pairs = zip(arrays, avals, strict=True)
    arrays = [keyed(x) if aval.dtype.name == KEY else x for x, aval in pairs]
    return jax.tree.unflatten(jax.tree.structure(tree), arrays)


def keys_from(key: Any, count: int) -> tuple[Any, ...]:
    """Those of `jax.random.split`, for which it would compile a program."""
    return drawn(lambda key: tuple(jax.random.split(key, count)), key)


def keyed(words: Any) -> jax.Array:
    """The keys of these words."""
    return jax.random.wrap_key_data(words, impl="threefry2x32")


def evaluate(jaxpr: Any, consts: Sequence[Any], args: Sequence[Any]) -> list[Any]:
    """What a traced function returns; of a key, its words; steps where none asks."""
    env = bound(jaxpr, consts, args)

    def read(atom):
        if is_variable(atom):
            return env[atom]
        return np.asarray(atom.val, atom.aval.dtype)

    for eqn, last in needed(jaxpr):
        value = postponed(eqn, [read(v) for v in eqn.invars])
        if value is None:
            # From here on they are arrays, so that no step is ever done twice.
            env.update({v: settled(env[v], v.aval) for v in variables(eqn.invars)})
            values = computed(eqn, [read(v) for v in eqn.invars])
        else:
            values = [value]
        env.update(zip(eqn.outvars, values, strict=True))
        for v in last:
            del env[v]
    return [read(v) for v in jaxpr.outvars]


def variables(atoms: Sequence[Any]) -> set[Any]:
    return set(filter(is_variable, atoms))


def needed(jaxpr: Any) -> list[tuple[Any, set[Any]]]:
    """The operations that lead to a result, and the variables that each uses last."""
    found, used = [], variables(jaxpr.outvars)
    for eqn in reversed(jaxpr.eqns):
        if used.intersection(eqn.outvars):
            last = variables(eqn.invars) - used
            used |= last
            found.append((eqn, last))
    return found[::-1]


# ----------------------------------------------------- what is not done place by place
def split(words: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """The words of the keys that a key gives for these numbers."""
    low = numbers.astype(np.uint32)
    return np.stack(threefry(words, np.zeros_like(low), low), axis=-1)


# What only moves numbers, or derives keys, and isn't worth a program.
BY_NUMPY: dict[str, Callable[..., Any]] = {
    "concatenate": lambda *arrays, dimension: [np.concatenate(arrays, dimension)],
    "slice": lambda x, start_indices, limit_indices, strides: [
        x[tuple(map(slice, start_indices, limit_indices, strides or [1] * x.ndim))]
    ],
    "squeeze": lambda x, dimensions: [x.squeeze(dimensions)],
    "unstack": lambda x, axis: list(np.moveaxis(x, axis, 0)),
    "random_wrap": lambda words, impl: [words],
    "random_unwrap": lambda words: [words],
    "random_clone": lambda words: [words],
    "random_fold_in": lambda words, data: [split(words, data.reshape(1))[0]],
    "random_split": lambda words, shape: [
        split(words, np.arange(math.prod(shape))).reshape(*shape, 2)
    ],
}


def computed(eqn: Any, operands: list[Any]) -> Sequence[Any]:
    """The results of an operation on arrays."""
    name, avals = eqn.primitive.name, [v.aval for v in (*eqn.invars, *eqn.outvars)]
    if any(foreign(aval) for aval in avals):
        return by_jax(eqn, operands)
    if name in ("random_fold_in", "random_split"):
        scalar = all(v.aval.shape == () for v in eqn.invars)
        if not scalar or not eqn.ctx.threefry_partitionable:
            return by_jax(eqn, operands)
    if name in BY_NUMPY:
        return BY_NUMPY[name](*map(np.asarray, operands), **eqn.params)
    if name == "scan" and all(stacked(eqn.outvars, eqn.params["jaxpr"].jaxpr.outvars)):
        return copies(eqn, operands)
    return by_jax(eqn, operands)


def foreign(aval: Any) -> bool:
    """Whether it is of the keys of another generator."""
    return jnp.issubdtype(aval.dtype, jax.dtypes.extended) and aval.dtype.name != KEY


def stacked(outer: Sequence[Any], inner: Sequence[Any]) -> list[bool]:
    """Which of a loop's variables have a slice for each iteration."""
    pairs = zip(outer, inner, strict=True)
    return [out.aval.ndim > one.aval.ndim for out, one in pairs]


def copies(eqn: Any, operands: list[Any]) -> list[np.ndarray]:
    """The results of a loop, no iteration of which reads another, one by one."""
    body = eqn.params["jaxpr"]
    sliced = stacked(eqn.invars, body.jaxpr.invars)

    def space(aval):
        if aval.dtype.name == KEY:
            return np.empty((*aval.shape, 2), np.uint32)
        return np.empty(aval.shape, aval.dtype)

    outs = [space(v.aval) for v in eqn.outvars]
    for i in range(eqn.params["length"]):
        pairs = zip(operands, sliced, strict=True)
        args = [np.asarray(x)[i] if has else x for x, has in pairs]
        values = evaluate(body.jaxpr, body.consts, args)
        for out, value in zip(outs, values, strict=True):
            write(out[i, ...], value)
    return outs


def by_jax(eqn: Any, operands: list[Any]) -> list[Any]:
    """The results as JAX computes them eagerly."""

    def is_key(v):
        return v.aval.dtype.name == KEY

    pairs = zip(operands, eqn.invars, strict=True)
    operands = [keyed(x) if is_key(v) else x for x, v in pairs]
    params = eqn.primitive.get_bind_params(eqn.params)
    with eqn.ctx.manager:
        results = eqn.primitive.bind(*operands, **params)
    results = results if eqn.primitive.multiple_results else [results]
    pairs = zip(results, eqn.outvars, strict=True)
    return [np.asarray(jax.random.key_data(x)) if is_key(v) else x for x, v in pairs]
