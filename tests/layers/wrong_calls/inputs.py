"""What wrong calls are made with."""

from typing import Any

import jax
import jax.numpy as jnp

import fnn as library

fnn: Any = library  # most calls are wrong in their types, too

ROW, SEQUENCE = jnp.ones((2, 4)), jnp.ones((2, 5, 4))
DENSE = {"weight": jnp.ones((4, 3)), "bias": jnp.ones(3)}
CONV = {"weight": jnp.ones((3, 3, 3, 8)), "bias": jnp.ones(8)}
NORM = (
    {"scale": jnp.ones(4), "bias": jnp.ones(4)},
    {"mean": jnp.ones(4), "var": jnp.ones(4)},
)
RNN = {
    "input": {"weight": jnp.ones((4, 3)), "bias": jnp.ones(3)},
    "recurrent": {"weight": jnp.ones((3, 3))},
}
LSTM = {
    "input": {"weight": jnp.ones((4, 12)), "bias": jnp.ones(12)},
    "recurrent": {"weight": jnp.ones((3, 12))},
}
CONV_LSTM = {
    "input": {"weight": jnp.ones((1, 4, 12)), "bias": jnp.ones(12)},
    "recurrent": {"weight": jnp.ones((1, 3, 12))},
}
RING = {
    "log_decay": jnp.ones(3),
    "log_phase": jnp.ones(3),
    "log_gain": jnp.ones(3),
    "input": {"real": jnp.ones((4, 3)), "imag": jnp.ones((4, 3))},
    "output": {"real": jnp.ones((3, 4)), "imag": jnp.ones((3, 4))},
    "skip": jnp.ones(4),
}
KEPT = {
    "carry": {"cell": jnp.ones((2, 3)), "hidden": jnp.ones((2, 3))},
    "inner": (),
}


def init(layer, *inputs):
    return layer.init(jax.random.key(0), *inputs)
