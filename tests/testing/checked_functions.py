"""Functions that check_gradients is tried on, and what their tests share."""

import re

import jax
import jax.numpy as jnp
import pytest
from jax import lax

X = jax.random.normal(jax.random.key(0), (3, 4))


def raises(kind, sentence):
    return pytest.raises(kind, match=f"^{re.escape(sentence)}$")


# A network of convolution, pooling, normalisation and dense layers, in plain JAX.


def convolve(x, weight):
    kinds = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(x, weight, (1, 1), "SAME", dimension_numbers=kinds)


def max_pool(x):
    window = (1, 2, 2, 1)
    return lax.reduce_window(x, -jnp.inf, lax.max, window, window, "VALID")


def add(x, bias):
    return x + jnp.broadcast_to(bias, x.shape)


def normalise(x, params):
    mean = x.mean((0, 1, 2), keepdims=True)
    var = jnp.square(x - mean).mean((0, 1, 2), keepdims=True)
    scale = jnp.broadcast_to(params["scale"], x.shape)
    return add((x - mean) * lax.rsqrt(var + 1e-5) * scale, params["bias"])


def network(params, x):
    conv1, norm, conv2, dense = params
    x = max_pool(jax.nn.relu(add(convolve(x, conv1["weight"]), conv1["bias"])))
    x = jax.nn.relu(add(convolve(normalise(x, norm), conv2["weight"]), conv2["bias"]))
    x = max_pool(x).reshape(len(x), -1)
    return add(x @ dense["weight"], dense["bias"])


def draw(seed):
    """Parameters and images of a seed, biases zero as they are at the start."""
    keys = jax.random.split(jax.random.key(seed), 5)
    shapes = [(3, 3, 1, 3), (), (3, 3, 3, 3), (12, 4)]
    weights = [
        0.3 * jax.random.normal(key, s) for key, s in zip(keys[:4], shapes, strict=True)
    ]
    params = [
        {"weight": w, "bias": jnp.zeros(w.shape[-1:])}
        if w.shape
        else {"scale": jnp.ones(3), "bias": jnp.zeros(3)}
        for w in weights
    ]
    return params, jax.random.normal(keys[4], (2, 8, 8, 1))


PATHS = [
    "0/bias",
    "0/weight",
    "1/bias",
    "1/scale",
    "2/bias",
    "2/weight",
    "3/bias",
    "3/weight",
]


@jax.custom_jvp
def inflated(x):
    """The identity, with a derivative 1 % too large."""
    return x


@inflated.defjvp
def _inflated(primals, tangents):
    return primals[0], 1.01 * tangents[0]


@jax.custom_vjp
def pulled(x):
    return jnp.sin(x)


pulled.defvjp(lambda x: (jnp.sin(x), x), lambda x, ct: (ct * jnp.cos(x),))
