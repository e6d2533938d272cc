"""Attention, positions and what transformers are made of, a number at a time."""

import functools
from math import erf

import jax
import jax.numpy as jnp
import numpy as np

import fnn
from tests.proof.linear import affine
from tests.proof.normalization import layer_norm
from tests.proof.rows import (
    DEEP,
    EXACT,
    JOINS,
    SEQUENCES,
    Errors,
    composed,
    normal,
    row,
    variant,
)


# --------------------------------------------------------------------------- positions
def wave(position, features, base=10_000.0):
    """Sines and cosines by turns, of ever longer waves."""
    angles = [position / base ** (i // 2 * 2 / features) for i in range(features)]
    return [np.cos(a) if i % 2 else np.sin(a) for i, a in enumerate(angles)]


def sinusoidal(params, positions):
    y = np.zeros((*positions.shape, 5))
    for at in np.ndindex(positions.shape):
        y[at] = wave(positions[at], 5)
    return y


def with_waves(params, x):
    return x + np.array([wave(t, x.shape[-1]) for t in range(x.shape[1])])


def with_rows(params, x):
    return x + params["weight"][: x.shape[1]]


def turned(vector, position, base=10_000.0):
    """Value i and value i + m as a point of the plane, turned by the position."""
    m, y = len(vector) // 2, np.zeros(len(vector))
    for i in range(m):
        angle = position * base ** (-i / m)
        point = complex(vector[i], vector[i + m]) * np.exp(1j * angle)
        y[i], y[i + m] = point.real, point.imag
    return y


def rotary(params, x):
    y = np.zeros(x.shape)
    for *at, t in np.ndindex(x.shape[:-1]):
        y[(*at, t)] = turned(x[(*at, t)], t)
    return y


def alibi(params, distance):
    return np.array([-(2.0 ** (-8 * h / 4)) * abs(distance) for h in range(1, 5)])


# --------------------------------------------------------------------------- attention
def attention(
    params, x, memory=None, *, heads=2, kv_heads=2, causal=False, prepare=None
):
    """One output at a time; `prepare(vector, t)` turns queries and keys."""
    memory = x if memory is None else memory
    q, k, v = (
        affine(params[name], of)
        for name, of in (("query", x), ("key", memory), ("value", memory))
    )
    size, y = q.shape[-1] // heads, np.zeros(q.shape)
    for b, h, t in np.ndindex(x.shape[0], heads, x.shape[1]):
        group = h // (heads // kv_heads)
        mine, theirs = (slice(i * size, (i + 1) * size) for i in (h, group))
        logits, values = [], []
        for s in range(t + 1 if causal else memory.shape[1]):
            one, other = q[b, t, mine], k[b, s, theirs]
            if prepare is not None:
                one, other = prepare(one, t), prepare(other, s)
            logits.append(one @ other / np.sqrt(size))
            values.append(v[b, s, theirs])
        weights = np.exp(logits)
        y[b, t, mine] = weights @ np.array(values) / weights.sum()
    return affine(params["out"], y)


# ------------------------------------------------------------------------ transformers
def gelu(x):
    return 0.5 * x * (1 + np.vectorize(erf)(x / np.sqrt(2)))


def silu(x):
    return x / (1 + np.exp(-x))


def feed_forward(params, x, activation=gelu):
    return affine(params["down"], activation(affine(params["up"], x)))


def gated(params, x):
    hidden = silu(affine(params["gate"], x)) * affine(params["up"], x)
    return affine(params["down"], hidden)


def norm_first(params, x):
    h = layer_norm(params["attention_norm"], x)
    x = x + attention(params["attention"], h)
    h = layer_norm(params["feed_forward_norm"], x)
    return x + feed_forward(params["feed_forward"], h)


def norm_last(params, x, memory=None):
    h = x + attention(params["attention"], x)
    x = layer_norm(params["attention_norm"], h)
    h = x + attention(params["cross_attention"], x, memory)
    x = layer_norm(params["cross_attention_norm"], h)
    h = x + feed_forward(params["feed_forward"], x, np.tanh)
    return layer_norm(params["feed_forward_norm"], h)


def mixture(params, x):
    """The two experts of three that suit a step best, a step at a time."""
    steps = x.reshape(-1, x.shape[-1])
    odds = np.exp(steps @ params["router"]["weight"])
    odds = odds / odds.sum(-1, keepdims=True)
    y, taken = np.zeros((len(steps), 3)), np.zeros(3)
    for t, step in enumerate(steps):
        best = sorted(range(3), key=lambda e: -odds[t, e])[:2]
        for e in best:
            expert = {name: leaf[e] for name, leaf in params["experts"].items()}
            y[t] += odds[t, e] / odds[t, best].sum() * affine(expert, step)
            taken[e] += 1
    share = taken / taken.sum()
    return y.reshape(*x.shape[:-1], 3), 3 * (share * odds.mean(0)).sum()


MEMORY = normal(5, 2, 3, 4)
GELU = functools.partial(jax.nn.gelu, approximate=False)
IN_FLOAT32 = Errors(float64=1e-6)  # tables of numbers that are float32 whatever x is

ROWS = {
    "sinusoidal": [
        row(
            lambda positions: fnn.sinusoidal(positions, 5),
            10 * normal(6, 2, 3),
            equation=sinusoidal,
            errors=Errors(float64=1e-13),  # an angle is rounded before its sine
            skip={"dtypes": "Sines are given in at least float32."},
        )
    ],
    "sinusoidal_positions": [
        row(
            fnn.sinusoidal_positions(),
            SEQUENCES,
            equation=with_waves,
            errors=IN_FLOAT32,
        )
    ],
    "learned_positions": [row(fnn.learned_positions(7), SEQUENCES, equation=with_rows)],
    "rotary": [row(fnn.rotary, SEQUENCES, equation=rotary)],
    "alibi": [
        row(
            fnn.alibi(4),
            np.arange(5)[None, :] - np.arange(3)[:, None],
            equation=alibi,
            errors=EXACT,
            skip={
                "gradients": "Its input is of integers.",
                "second order": "Its input is of integers.",
                "batch": "Heads come before the distances.",
            },
        )
    ],
    "attention": [
        row(
            fnn.attention(
                4,
                4,
                kv_heads=2,
                head_features=2,
                causal=True,
                rotary=fnn.rotary,
            ),
            SEQUENCES,
            equation=functools.partial(
                attention, heads=4, kv_heads=2, causal=True, prepare=turned
            ),
            errors=DEEP,
        ),
        variant(
            fnn.attention(4, 2, cross=True),
            SEQUENCES,
            MEMORY,
            equation=attention,
        ),
    ],
    "feed_forward": [
        row(
            fnn.feed_forward(4, hidden=6, activation=GELU),
            SEQUENCES,
            equation=feed_forward,
        ),
        variant(
            fnn.feed_forward(4, hidden=6, activation=jax.nn.silu, gated=True),
            SEQUENCES,
            equation=gated,
        ),
    ],
    "transformer_block": [
        composed(
            fnn.transformer_block(
                fnn.attention(4, 2), fnn.feed_forward(4, hidden=6, activation=GELU)
            ),
            SEQUENCES,
            equation=norm_first,
        ),
        composed(
            fnn.transformer_block(
                fnn.attention(4, 2),
                fnn.feed_forward(4, hidden=6, activation=jnp.tanh),
                cross_attention=fnn.attention(4, 2, cross=True),
                norm_first=False,
            ),
            SEQUENCES,
            equation=norm_last,
            errors=DEEP,
            memory=MEMORY,
            skip={"batch": "A memory has the batch axes of the sequences."},
        ),
    ],
    "mixture_of_experts": [
        row(
            fnn.mixture_of_experts(fnn.dense(3), 3),
            SEQUENCES,
            equation=mixture,
            skip=JOINS | {"dtypes": "The balance loss is in at least float32."},
        )
    ],
}
