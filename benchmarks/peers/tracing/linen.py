"""The residual network in Flax Linen."""

import jax
import jax.numpy as jnp
from flax import linen as nn


class Block(nn.Module):
    features: int

    @nn.compact
    def __call__(self, x):
        def conv(x):
            return nn.Conv(self.features, (3, 3), use_bias=False)(x)

        def norm(x):
            return nn.BatchNorm(use_running_average=False, momentum=0.9)(x)

        y = nn.relu(norm(conv(x)))
        return nn.relu(x + norm(conv(y)))


class Network(nn.Module):
    depth: int
    features: int

    @nn.compact
    def __call__(self, x):
        for _ in range(self.depth):
            x = Block(self.features)(x)
        return x


def build(depth, features, x):
    network = Network(depth, features)
    variables = network.init(jax.random.key(0), x)
    params, state = variables["params"], variables["batch_stats"]

    def forward(params, state, x):
        variables = {"params": params, "batch_stats": state}
        y, updated = network.apply(variables, x, mutable=["batch_stats"])
        return y, updated["batch_stats"]

    def loss(params, state, x):
        y, state = forward(params, state, x)
        return jnp.mean(jnp.square(y)), state

    return forward, loss, params, state, x
