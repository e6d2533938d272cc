"""Attention a number at a time, and what it is compared on."""

import jax
import numpy as np


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


X, MEMORY = normal(0, 2, 5, 6), normal(1, 2, 4, 3)
LENGTHS = np.array([5, 2])


def drawn(layer, *inputs, **named):
    """Params of a layer, no bias among them zero."""
    params = layer.init(jax.random.key(0), *inputs, **named)
    return jax.tree.map(lambda leaf: leaf + 0.1 * normal(3, *leaf.shape), params)


def affine(params, x):
    weight, bias = (np.asarray(params[n], np.float64) for n in ("weight", "bias"))
    return np.asarray(x, np.float64) @ weight + bias


def oracle(params, x, memory, heads, kv_heads, allowed, bias=None, prepare=None):
    """Attention a number at a time; `allowed(b, h, t, s)`, `prepare(name, q, t)`."""
    q, k, v = (
        affine(params[name], of)
        for name, of in (("query", x), ("key", memory), ("value", memory))
    )
    size = q.shape[-1] // heads
    y = np.zeros(q.shape)
    for b, h, t in np.ndindex(x.shape[0], heads, x.shape[1]):
        group = h // (heads // kv_heads)
        mine, theirs = (slice(i * size, (i + 1) * size) for i in (h, group))
        keys = [s for s in range(memory.shape[1]) if allowed(b, h, t, s)]
        logits = []
        for s in keys:
            one, other = q[b, t, mine], k[b, s, theirs]
            if prepare is not None:
                one, other = prepare("query", one, t), prepare("key", other, s)
            extra = 0.0 if bias is None else bias[b, h, t, s]
            logits.append(one @ other / np.sqrt(size) + extra)
        weights = np.exp(np.array(logits) - max(logits, default=0.0))
        for s, weight in zip(
            keys, weights / weights.sum() if keys else [], strict=True
        ):
            y[b, t, mine] += weight * v[b, s, theirs]
    return affine(params["out"], y)


def anything(b, h, t, s):
    return True


def causal(b, h, t, s):
    return s <= t
