"""Updates that rounding swallows: parameters of too few bits to be trained in."""

from __future__ import annotations

import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.core import Tracer

from fnn.tree import paths

STEPS = 10  # in which it is looked for; later ones cost nothing
LOST = 0.5  # of the entries that should have changed: the share worth a warning


def is_low(leaf: Any) -> bool:
    """Whether a leaf is bfloat16, float16 or narrower."""
    return jnp.issubdtype(leaf.dtype, jnp.floating) and leaf.dtype.itemsize < 4


def lost_updates(
    step: jax.Array, params: Any, updates: Any, new: Any
) -> dict[str, Any]:
    """By path, for low-precision parameters alone, the share of entries left unchanged.

    Counted are entries whose update is not zero. After the first steps it is 0 at no
    cost, and where all parameters are wide it is ``{}``.
    """
    low = {path for path, leaf in paths(params).items() if is_low(leaf)}
    trees = [paths(tree) for tree in (params, updates, new)]
    chosen = [{path: tree[path] for path in low} for tree in trees]
    if not low:
        return {}

    def share(old, update, new):
        moved = update != 0
        lost = jnp.sum(moved & (old == new), dtype=jnp.float32)
        return lost / jnp.maximum(jnp.sum(moved, dtype=jnp.float32), 1)

    return lax.cond(
        step < STEPS,
        lambda *trees: jax.tree.map(share, *trees),
        lambda *trees: jax.tree.map(lambda _: jnp.zeros(()), trees[0]),
        *chosen,
    )


class LostUpdates:
    """Warns once, in the first steps that a trainer takes."""

    def __init__(self) -> None:
        self.left = STEPS

    def watch(self, shares: dict[str, Any]) -> None:
        """Looks at what `lost_updates` gave, of one step or of several."""
        traced = any(isinstance(share, Tracer) for share in shares.values())
        if not shares or self.left <= 0 or traced:
            return
        worst = {path: np.max(share) for path, share in shares.items()}
        self.left -= max(np.size(share) for share in shares.values())
        found = [f"{s:.0%} of {path}" for path, s in sorted(worst.items()) if s > LOST]
        if found:
            self.left = 0
            warnings.warn(
                "trainer: expected updates that change the parameters, got ones too "
                f"small for low precision: rounding left {', '.join(found)} as it was; "
                "keep parameters in float32 and only compute in low precision "
                "(fnn.mixed_precision).",
                UserWarning,
                stacklevel=3,
            )
