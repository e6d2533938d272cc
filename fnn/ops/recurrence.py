"""A loop over time whose gradient by its parameters is taken of all steps at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax


def recurrence(
    sums: Callable[..., Any],
    update: Callable[..., Any],
    params: Any,
    carry: Any,
    x: Any,
    rest: Any,
    **options: Any,
) -> tuple[Any, Any]:
    """`jax.lax.scan` of a step in two: the last carry, and the outputs of all steps.

    JAX's own gradient adds up that of each parameter in the loop: at each step a
    product of matrices, and a sum as large as all parameters. Here it is one product
    after the loop, over all steps (`benchmarks/ops/recurrence.py`).

    Args:
      sums: What parameters do, ``(params, carry, x) -> z``, of one step, and of all
        steps where carry and x have time as an axis in front.
      update: What follows without any, ``(carry, z, rest) -> (carry, y)``: cheap, since
        it is computed again for the gradient.
      params: The same at each step.
      carry: The first one.
      x: Inputs, time first.
      rest: What else a step needs, time first, that nobody differentiates.
      **options: Those of the scan.
    """

    def scan(body, carry, xs):
        return lax.scan(body, carry, xs, **options)

    @jax.custom_jvp
    def run(params, carry, x, rest):
        def body(carry, now):
            x, rest = now
            return update(carry, sums(params, carry, x), rest)

        return scan(body, carry, (x, rest))

    def with_tangents(primals, tangents):
        params, carry, x, rest = primals
        dparams, dcarry, dx, _ = tangents

        def body(carry, now):
            x, rest = now
            z = sums(params, carry, x)
            after, y = update(carry, z, rest)
            return after, (y, carry, z)

        last, (y, carries, z) = scan(body, carry, (x, rest))
        # What changes in a step by all but the change of its carry.
        dz = jax.jvp(lambda p, x: sums(p, carries, x), (params, x), (dparams, dx))[1]

        def along(dcarry, now):
            dz, carry, z, x, rest = now
            more = jax.jvp(lambda c: sums(params, c, x), (carry,), (dcarry,))[1]
            dz = jax.tree.map(jnp.add, dz, more)
            return jax.jvp(lambda c, z: update(c, z, rest), (carry, z), (dcarry, dz))[1]

        # What is cheap is computed again; nothing in a loop needs `prevent_cse`.
        along = jax.checkpoint(along, prevent_cse=False)
        return (last, y), scan(along, dcarry, (dz, carries, z, x, rest))

    run.defjvp(with_tangents)
    return run(params, carry, x, rest)
