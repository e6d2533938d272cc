"""The residual network in Haiku."""

import haiku as hk
import jax
import jax.numpy as jnp


class Block(hk.Module):
    def __init__(self, features: int):
        super().__init__()
        self.features = features

    def __call__(self, x):
        def conv(x):
            return hk.Conv2D(self.features, 3, with_bias=False)(x)

        def norm(x):
            return hk.BatchNorm(create_scale=True, create_offset=True, decay_rate=0.9)(
                x, is_training=True
            )

        y = jax.nn.relu(norm(conv(x)))
        return jax.nn.relu(x + norm(conv(y)))


def build(depth, features, x):
    def network(x):
        for _ in range(depth):
            x = Block(features)(x)
        return x

    network = hk.transform_with_state(network)
    params, state = network.init(jax.random.key(0), x)

    def forward(params, state, x):
        return network.apply(params, state, None, x)

    def loss(params, state, x):
        y, state = forward(params, state, x)
        return jnp.mean(jnp.square(y)), state

    return forward, loss, params, state, x
