"""The residual network in Flax NNX, by its functional API, the cheapest to trace."""

import jax.numpy as jnp
from flax import nnx


class Block(nnx.Module):
    def __init__(self, features: int, *, rngs: nnx.Rngs):
        conv = {"use_bias": False, "rngs": rngs}
        self.conv1 = nnx.Conv(features, features, (3, 3), **conv)
        self.norm1 = nnx.BatchNorm(features, momentum=0.9, rngs=rngs)
        self.conv2 = nnx.Conv(features, features, (3, 3), **conv)
        self.norm2 = nnx.BatchNorm(features, momentum=0.9, rngs=rngs)

    def __call__(self, x):
        y = nnx.relu(self.norm1(self.conv1(x)))
        return nnx.relu(x + self.norm2(self.conv2(y)))


class Network(nnx.Module):
    def __init__(self, depth: int, features: int, *, rngs: nnx.Rngs):
        self.blocks = nnx.List(Block(features, rngs=rngs) for _ in range(depth))

    def __call__(self, x):
        for block in self.blocks:
            x = block(x)
        return x


def build(depth, features, x):
    network = Network(depth, features, rngs=nnx.Rngs(0))
    network.train()
    graph, params, state = nnx.split(network, nnx.Param, ...)

    def forward(params, state, x):
        network = nnx.merge(graph, params, state, copy=True)
        y = network(x)
        return y, nnx.state(network, nnx.BatchStat)

    def loss(params, state, x):
        y, state = forward(params, state, x)
        return jnp.mean(jnp.square(y)), state

    return forward, loss, params, state, x
