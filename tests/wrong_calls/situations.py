"""Layers and functions that wrong calls are made of."""

from typing import Any

import jax
import jax.numpy as jnp
from jax.nn import relu

import fnn as library

fnn: Any = library  # most of these are wrong in their types, too

X, SEQ = jnp.ones((2, 4)), jnp.ones((2, 5, 4))
IMAGES, NCHW = jnp.ones((2, 8, 8, 3)), jnp.ones((2, 3, 8, 8))
CHAIN = fnn.sequential(fnn.dense(3), relu, fnn.dense(2))
NAMED = fnn.sequential(body=fnn.dense(3), head=fnn.dense(2))
CNN = fnn.sequential(
    fnn.conv(4, (3, 3)), relu, fnn.max_pool((2, 2)), fnn.flatten(), fnn.dense(2)
)
NORMED = fnn.sequential(fnn.dense(3), fnn.batch_norm(), relu)
COUNTER = fnn.StatefulLayer(
    lambda key, x: ((), jnp.zeros(())), lambda params, state, x: (x, state + 1)
)
WAYS_OUT = (
    "inside a JAX transform a part can't reach the threaded key or change its state: "
    "pass it key=, use its .apply, or fnn.repeat, recurrent, remat, ensemble."
)


@fnn.module(conv=fnn.dense(4), norm=fnn.batch_norm(), drop=fnn.dropout(0.5))
def block(parts, x):
    return parts.drop(parts.norm(parts.conv(x)))


def key(seed):
    return jax.random.key(seed)


def init(layer, *inputs, **named):
    return layer.init(key(0), *inputs, **named)


def applied(layer, at, x, change=lambda params: params, **named):
    """Applies to x the changed params of an init at other inputs."""
    return layer.apply(change(init(layer, at)), x, **named)


def stateful(
    layer, at, x=None, params=lambda params: params, state=lambda state: state, **named
):
    made = init(layer, at)
    return layer.apply(params(made[0]), state(made[1]), at if x is None else x, **named)


def wired(forward, **parts):
    return fnn.module(**parts)(forward)


def inside(part, how):
    return wired(lambda parts, x: how(parts.part, x), part=part)


def layer_of(value):
    return fnn.Layer(lambda key, x: value, lambda params, x: x)


def stateful_of(value):
    return fnn.StatefulLayer(lambda key, x: value, lambda params, state, x: (x, state))


def unwrapped(layer, params, state, x):
    return x, state


def assigned(parts, x):
    y = parts.a(x)

    def change(x):
        parts.a.state = parts.a.state + 1
        return x

    return jax.vmap(change)(y)


def kept():
    parts_kept: list[Any] = []
    net = wired(lambda parts, x: parts_kept.append(parts) or parts.a(x), a=relu)
    net.apply({"a": ()}, X)
    parts_kept[0].a(X)
