"""What larger layers are made of: forward functions that are values, projections."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax.nn.initializers import zeros

from fnn.layers.linear import dense


class Forward:
    """A forward function that is a frozen dataclass of its options.

    Unlike a closure it is equal to, and pickled as, any other of the same options; so a
    layer some of whose parts were replaced still is a value.
    """

    __name__ = "forward"

    def __post_init__(self) -> None:
        # A function has one, which is where pickle would look for it.
        object.__setattr__(self, "__qualname__", "")


def projection(features: int, **options: Any) -> Any:
    """A `dense` with those options that are not its defaults, so that it is pickled."""
    defaults = {
        "use_bias": True,
        "weight_init": None,
        "bias_init": zeros,
        "param_dtype": jnp.float32,
    }
    changed = {n: v for n, v in options.items() if v is not defaults[n]}
    return dense(features, **changed)
