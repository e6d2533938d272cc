"""Kernels that bring a pullback of their own, with every derivative all the same.

A fast kernel usually comes as a `jax.custom_vjp`, which forbids forward mode and
derivatives of higher order. Here it is a primitive of JAX instead, whose tangent is
that of the same function in plain operations, and is a primitive as well: linear, and
transposed to a third one, which on the kernel's platform is the kernel's pullback. So
reverse mode takes the kernel both ways, and all else differentiates plain operations.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.extend.core import Primitive, jaxpr_as_fun
from jax.interpreters import ad, batching, mlir

from fnn.ops.shards import alike

# (arrays, constants, options) -> y: differentiable in the arrays; options are hashable.
Function = Callable[[tuple[Array, ...], tuple[Array, ...], Any], Array]


def fused(name: str, plain: Function, kernel: Function, platform: str) -> Function:
    """What `plain` computes, on a platform by `kernel` and its pullback.

    ``y`` has the shape and dtype of the first array. All arrays and constants have the
    same leading batch axes, of which both functions take any number: `jax.vmap` adds
    one. On other platforms it is as if `plain` had been called.
    """

    # Operands are (*arrays, *constants, *more): n arrays, and at the end what a
    # primitive is linear in.
    def split(operands, n, more):
        end = len(operands) - more
        return tuple(operands[:n]), tuple(operands[n:end]), tuple(operands[end:])

    def to_value(*operands, n, options):
        arrays, constants, _ = split(operands, n, 0)
        return [plain(arrays, constants, options)]

    def by_kernel(*operands, n, options):
        # As if for a pullback, so that XLA sees that both compute the same.
        arrays, constants, _ = split(operands, n, 0)
        return [jax.vjp(lambda *a: kernel(a, constants, options), *arrays)[0]]

    def to_tangent(*operands, n, options):
        arrays, constants, dots = split(operands, n, n)
        return [jax.jvp(lambda *a: plain(a, constants, options), arrays, dots)[1]]

    def to_pullback(function):
        def run(*operands, n, options):
            arrays, constants, (ct,) = split(operands, n, 1)
            pull = jax.vjp(lambda *a: function(a, constants, options), *arrays)[1]
            return list(pull(ct))

        return run

    def value_jvp(primals, tangents, n, options):
        y = value(*primals, n=n, options=options)
        dots = map(ad.instantiate_zeros, tangents[:n])
        return y, tangent(*primals, *dots, n=n, options=options)

    def linear_jvp(run, more):
        """In plain operations, in the arrays as in what it is linear in."""

        def jvp(primals, tangents, n, options):
            arrays, constants, rest = split(primals, n, more(n))
            of_arrays, _, of_rest = split(tangents, n, more(n))

            def moving(arrays, rest):
                return run(*arrays, *constants, *rest, n=n, options=options)

            dots = jax.tree.map(
                ad.instantiate_zeros,
                (of_arrays, of_rest),
                is_leaf=lambda t: isinstance(t, ad.Zero),
            )
            return jax.jvp(moving, (arrays, rest), dots)

        return jvp

    def tangent_transpose(cts, *operands, n, options, **_):
        arrays, constants, dots = split(operands, n, n)
        known = (*arrays, *constants)
        found = pullback(*known, *map(ad.instantiate_zeros, cts), n=n, options=options)
        asked = map(ad.is_undefined_primal, dots)
        found = [x if a else None for a, x in zip(asked, found, strict=True)]
        return [*(None for _ in known), *found]

    def pullback_transpose(cts, *operands, n, options, **_):
        known = operands[:-1]
        dots = map(ad.instantiate_zeros, cts)
        return [*(None for _ in known), *tangent(*known, *dots, n=n, options=options)]

    def one(operands, n):
        return operands[:1]

    def each(operands, n):
        return operands[:n]

    plain_pullback = to_pullback(plain)
    value, _ = _primitive(name, to_value, by_kernel, platform, one, value_jvp)
    tangent, tangent_p = _primitive(
        f"{name}_tangent",
        to_tangent,
        to_tangent,
        platform,
        one,
        linear_jvp(to_tangent, lambda n: n),
    )
    pullback, pullback_p = _primitive(
        f"{name}_pullback",
        plain_pullback,
        to_pullback(kernel),
        platform,
        each,
        linear_jvp(plain_pullback, lambda n: 1),
    )
    ad.primitive_transposes[tangent_p] = tangent_transpose
    ad.primitive_transposes[pullback_p] = pullback_transpose

    def call(arrays, constants, options):
        return value(*arrays, *constants, n=len(arrays), options=options)[0]

    return call


def _primitive(
    name: str,
    run: Callable,
    on_platform: Callable,
    platform: str,
    like: Callable[[Any, int], Any],
    jvp: Callable,
) -> tuple[Callable, Primitive]:
    """A primitive, lowered as `run` and on a platform otherwise; and how to call it.

    Its outputs are like some of its operands.
    """
    primitive = Primitive(name)
    primitive.multiple_results = True

    @functools.partial(jax.jit, static_argnames=("n", "options"))
    def call(*operands, n, options):
        operands = alike(*operands)
        # In the open, since JAX looks for what needs to know its devices to lower it.
        jaxpr = jax.make_jaxpr(lambda *x: on_platform(*x, n=n, options=options))(
            *operands
        )
        return primitive.bind(*operands, n=n, options=options, jaxpr=jaxpr)

    def batched(operands, axes, *, n, options, jaxpr):
        pairs = list(zip(operands, axes, strict=True))
        size = next(x.shape[axis] for x, axis in pairs if axis is not None)
        front = [
            jnp.broadcast_to(x, (size, *x.shape))
            if axis is None
            else jnp.moveaxis(x, axis, 0)
            for x, axis in pairs
        ]
        outputs = call(*front, n=n, options=options)
        return outputs, [0] * len(outputs)

    def shaped(*operands, n, options, jaxpr):
        return [array.update(weak_type=False) for array in like(operands, n)]

    primitive.def_impl(lambda *x, n, options, jaxpr: call(*x, n=n, options=options))
    primitive.def_abstract_eval(shaped)
    batching.primitive_batchers[primitive] = batched
    ad.primitive_jvps[primitive] = lambda primals, tangents, n, options, jaxpr: jvp(
        primals, tangents, n, options
    )
    mlir.register_lowering(
        primitive,
        mlir.lower_fun(lambda *x, n, options, jaxpr: run(*x, n=n, options=options)),
    )
    mlir.register_lowering(
        primitive,
        mlir.lower_fun(lambda *x, n, options, jaxpr: jaxpr_as_fun(jaxpr)(*x)),
        platform=platform,
    )
    return call, primitive
