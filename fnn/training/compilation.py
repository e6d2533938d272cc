"""How training compiles: the one place that calls `jax.jit` on whole steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax.core import Tracer


def compiled(
    function: Callable, *, donate: tuple[int, ...] = (), options: Mapping | None = None
) -> Any:
    """A whole step under `jax.jit`; the memory of donated arguments is used again.

    Options that win on a platform belong here: XLA takes them for a whole program, so
    that a nested jit can't have them.
    """
    return jax.jit(
        function,
        donate_argnums=donate,
        compiler_options=None if options is None else dict(options),
    )


class SlowInLoops:
    """Whether XLA would compile a step worse, and otherwise, within a loop.

    Its compiler for CPUs calls fast convolutions from a program's top level alone: in a
    loop they were four to seven times slower and not of the same bits (JAX 0.10, 0.12).
    """

    def __init__(self, step: Any) -> None:
        self.step = step
        self.answer: bool | None = None

    def __call__(self, state: Any, batches: Any) -> bool:
        if self.answer is None:
            first = jax.tree.map(lambda a: a[0], batches)
            devices = [
                device
                for leaf in jax.tree.leaves(state)
                if isinstance(leaf, jax.Array) and not isinstance(leaf, Tracer)
                for device in leaf.devices()
            ]
            on_cpu = all(device.platform == "cpu" for device in devices)
            self.answer = on_cpu and (
                "stablehlo.convolution" in self.step.lower(state, first).as_text()
            )
        return self.answer


def one_by_one(step: Callable, state: Any, batches: Any) -> tuple[Any, Any]:
    """What `jax.lax.scan` would do, in as many calls as there are batches."""
    rows = []
    for i in range(len(jax.tree.leaves(batches)[0])):
        state, metrics = step(state, jax.tree.map(lambda a, i=i: a[i], batches))
        rows.append(metrics)
    return state, jax.tree.map(lambda *values: jnp.stack(values), *rows)
