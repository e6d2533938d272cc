"""Transformers written out in float64 with NumPy, to compare models with."""

from math import erf

import jax
import numpy as np


def shaken(params):
    """Params of which none is left where it began."""
    rng = np.random.default_rng(3)
    return jax.tree.map(
        lambda leaf: leaf + 0.3 * rng.normal(size=leaf.shape).astype(leaf.dtype), params
    )


def applied(net):
    """Its apply, compiled once for all calls alike."""
    return jax.jit(net.apply, static_argnames="train")


def wide(params):
    """Params in float64."""
    return jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), params)


def copy(params, i):
    """Params of the i-th of several stacked copies."""
    return jax.tree.map(lambda leaf: leaf[i], params)


def affine(params, x):
    return x @ params["weight"] + params.get("bias", 0.0)


def layer_norm(params, x, eps=1e-5):
    centred = x - x.mean(-1, keepdims=True)
    std = np.sqrt((centred**2).mean(-1, keepdims=True) + eps)
    return centred / std * params["scale"] + params.get("bias", 0.0)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def gelu(x):
    return 0.5 * x * (1 + np.vectorize(erf)(x / np.sqrt(2)))


def gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def attention(params, x, memory, heads, allowed):
    """`allowed` is bool, and broadcasts to ``(batch, heads, time, keys)``."""

    def by_head(name, x):
        y = affine(params[name], x)
        return y.reshape(*y.shape[:2], heads, -1).transpose(0, 2, 1, 3)

    q, k, v = by_head("query", x), by_head("key", memory), by_head("value", memory)
    logits = q @ k.transpose(0, 1, 3, 2) / np.sqrt(q.shape[-1])
    y = softmax(np.where(allowed, logits, -np.inf)) @ v
    y = y.transpose(0, 2, 1, 3)
    return affine(params["out"], y.reshape(*y.shape[:2], -1))


def feed_forward(params, x, activation):
    return affine(params["down"], activation(affine(params["up"], x)))


def causal(time):
    return np.tril(np.ones((time, time), bool))


def kept(lengths, time):
    """Which keys are no padding, as a mask of attention."""
    return (np.arange(time) < np.asarray(lengths)[:, None])[:, None, None]
