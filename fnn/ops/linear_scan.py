"""A linear recurrence over the first axis."""

from __future__ import annotations

import functools

import jax.numpy as jnp
from jax import Array, lax


def linear_scan(decays: Array, u: Array, *, reverse: bool = False) -> Array:
    """``h[t] = decays[t] * h[t - 1] + u[t]`` from zero on, or from the end if reverse.

    All h at once by `jax.lax.associative_scan`, which does twice the work in a number
    of steps that grows with the logarithm of the time. On a CPU, which has no use for
    so many at once, one after the other: 0.6 to 0.8 times as long, and 0.4 to 0.7 times
    with the gradient, at 64 steps and more (`benchmarks/ops/linear_scan.py`).
    """
    return lax.platform_dependent(
        decays,
        u,
        cpu=functools.partial(in_turn, reverse=reverse),
        default=functools.partial(at_once, reverse=reverse),
    )


def at_once(decays: Array, u: Array, *, reverse: bool = False) -> Array:
    """By pairs of steps, pairs of these, and so on."""

    def joined(early, late):
        (a, b), (c, d) = early, late
        return a * c, c * b + d

    return lax.associative_scan(joined, (decays, u), reverse=reverse)[1]


def in_turn(decays: Array, u: Array, *, reverse: bool = False) -> Array:
    """Step by step."""

    def step(h, now):
        decay, x = now
        h = decay * h + x
        return h, h

    start = decays[0] * jnp.zeros_like(u[0])
    return lax.scan(step, start, (decays, u), reverse=reverse)[1]
