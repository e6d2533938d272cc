"""Layers of images written out with jax.lax, and models compared with such networks."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from fnn.contract import StatefulLayer

LAYOUT = ("NHWC", "HWIO", "NHWC")


def drawn(net, images):
    """Params and state, ``()`` if there is none, that are nowhere as they begin."""
    shapes = jax.eval_shape(net.init, jax.random.key(0), images)
    rng = np.random.default_rng(3)

    def draw(leaf):
        x = rng.normal(size=leaf.shape)
        if x.ndim > 1:
            return np.sqrt(2 / np.prod(x.shape[:-1])) * x
        return 1 + 0.5 * np.tanh(x)  # a variance is above 0

    values = jax.tree.map(draw, shapes)
    return values if isinstance(net, StatefulLayer) else (values, ())


def agree(net, by_hand, images, train, gradients=True):
    """Holds outputs, state and gradients to those of a network, all in float64.

    ``by_hand(params, state, images, train) -> (outputs, state)``.
    """
    params, state = drawn(net, images)
    stateful = isinstance(net, StatefulLayer)

    def ours(params, images):
        if stateful:
            return net.apply(params, state, images, train=train)
        return net.apply(params, images, train=train), ()

    def theirs(params, images):
        with jax.numpy_rank_promotion("allow"):
            return by_hand(params, state, images, train)

    def run(f):
        def loss(params, images):
            outputs = f(params, images)
            return jnp.sum(jnp.sin(outputs[0])), outputs

        if not gradients:
            return jax.jit(f)(params, images)
        return jax.jit(jax.grad(loss, (0, 1), has_aux=True))(params, images)

    with jax.enable_x64(True):
        images = np.asarray(images, np.float64)
        found, expected = run(ours), run(theirs)
        assert jax.tree.structure(found) == jax.tree.structure(expected)
        assert all(leaf.dtype == np.float64 for leaf in jax.tree.leaves(found))
        close = functools.partial(np.testing.assert_allclose, rtol=1e-8, atol=1e-9)
        jax.tree.map(close, found, expected)


def conv(weight, x, stride=1, pad=0):
    pads, strides = [(pad, pad)] * 2, (stride, stride)
    return lax.conv_general_dilated(x, weight, strides, pads, dimension_numbers=LAYOUT)


def max_pool(x, side, stride, pad=0):
    window, strides = (1, side, side, 1), (1, stride, stride, 1)
    pads = [(0, 0), (pad, pad), (pad, pad), (0, 0)]
    return lax.reduce_window(x, -jnp.inf, lax.max, window, strides, pads)


def batch_norm(params, state, x, train):
    if train:
        mean, var, n = x.mean((0, 1, 2)), x.var((0, 1, 2)), x[..., 0].size
        new = {"mean": mean, "var": var * n / (n - 1)}
        new = {name: 0.9 * state[name] + 0.1 * new[name] for name in new}
    else:
        mean, var, new = state["mean"], state["var"], state
    y = (x - mean) / jnp.sqrt(var + 1e-5) * params["scale"] + params["bias"]
    return y, new
