"""What wrong calls of attention and what stands around it are made with."""

import jax
import numpy as np

X, MEMORY = np.ones((2, 5, 6), np.float32), np.ones((2, 4, 3), np.float32)


def called(layer, *inputs, at=(X,), **named):
    """Applies a layer that was initialised at other inputs."""
    return layer.apply(layer.init(jax.random.key(0), *at), *inputs, **named)


def initialised(layer, *inputs, **named):
    return layer.init(jax.random.key(0), *inputs, **named)
