"""The residual network in Equinox: one image, channels first, under a named vmap."""

import equinox as eqx
import jax
import jax.numpy as jnp


class Block(eqx.Module):
    conv1: eqx.nn.Conv2d
    norm1: eqx.nn.BatchNorm
    conv2: eqx.nn.Conv2d
    norm2: eqx.nn.BatchNorm

    def __init__(self, features, *, key):
        def conv(key):
            return eqx.nn.Conv2d(
                features, features, 3, padding="SAME", use_bias=False, key=key
            )

        def norm():
            return eqx.nn.BatchNorm(features, axis_name="batch", mode="batch")

        key1, key2 = jax.random.split(key)
        self.conv1, self.norm1 = conv(key1), norm()
        self.conv2, self.norm2 = conv(key2), norm()

    def __call__(self, x, state):
        y, state = self.norm1(self.conv1(x), state)
        y, state = self.norm2(self.conv2(jax.nn.relu(y)), state)
        return jax.nn.relu(x + y), state


class Network(eqx.Module):
    blocks: list[Block]

    def __init__(self, depth, features, *, key):
        keys = jax.random.split(key, depth)
        self.blocks = [Block(features, key=key) for key in keys]

    def __call__(self, x, state):
        for block in self.blocks:
            x, state = block(x, state)
        return x, state


def build(depth, features, x):
    x = jnp.moveaxis(x, -1, 1)
    network, state = eqx.nn.make_with_state(Network)(
        depth, features, key=jax.random.key(0)
    )
    params, static = eqx.partition(network, eqx.is_inexact_array)

    def forward(params, state, x):
        network = eqx.combine(params, static)
        batched = jax.vmap(
            network, axis_name="batch", in_axes=(0, None), out_axes=(0, None)
        )
        return batched(x, state)

    def loss(params, state, x):
        y, state = forward(params, state, x)
        return jnp.mean(jnp.square(y)), state

    return forward, loss, params, state, x
