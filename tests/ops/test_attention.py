"""Attention in parts, against all at once in float64 by NumPy."""

import functools
from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn
from fnn.ops import attention as ops
from fnn.ops.attention import Inputs, at_once, attention, in_parts

BATCH, HEADS, KV_HEADS, TIME, SIZE = 2, 4, 2, 200, 3  # two chunks, one shorter


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def arrays(time=TIME, batch=(BATCH,), keys=None):
    keys = time if keys is None else keys
    q = normal(0, *batch, HEADS, time, SIZE)
    k, v = (normal(i, *batch, KV_HEADS, keys, SIZE) for i in (1, 2))
    return q, k, v


def kept(seed, *shape):
    return normal(seed, *shape) > 0


LENGTHS = np.arange(TIME) < np.array([TIME - 70, 0])[:, None]
PADDING = LENGTHS[:, None, None, :]
OPTIONS = {
    "all": {},
    "causal": {"right": 0},
    "window": {"left": 5, "right": 3},
    "causal window": {"left": 120, "right": 0},
    "padding": {"masks": (PADDING,)},
    "mask": {"masks": (kept(3, 1, 1, TIME, TIME), PADDING), "right": 0},
    "mask of heads": {"masks": (kept(3, BATCH, HEADS, 1, TIME),)},
    "bias": {"bias": normal(3, 1, HEADS, TIME, TIME), "right": 0},
    "bias of keys": {"bias": normal(3, BATCH, 1, 1, TIME), "masks": (PADDING,)},
}


def reference(q, k, v, scale=0.7, bias=0.0, masks=(), left=None, right=None):
    group = q.shape[-3] // k.shape[-3]
    k, v = (np.repeat(x, group, -3) for x in (k, v))
    logits = scale * q @ np.swapaxes(k, -1, -2) + bias
    far = np.arange(k.shape[-2]) - np.arange(q.shape[-2])[:, None]
    allowed = np.ones(logits.shape, bool)
    allowed &= far >= -np.inf if left is None else far >= -left
    allowed &= far <= np.inf if right is None else far <= right
    for mask in masks:
        allowed &= mask
    weights = np.exp(logits - logits.max(-1, keepdims=True)) * allowed
    total = weights.sum(-1, keepdims=True)
    return weights / np.where(total == 0, 1, total) @ v


def narrowed(options):
    def narrow(x):
        return jnp.asarray(x, x.dtype if x.dtype == bool else jnp.float32)

    return {
        name: value if isinstance(value, int) else jax.tree.map(narrow, value)
        for name, value in options.items()
    }


@pytest.mark.parametrize("name", OPTIONS)
def test_values(name):
    options = OPTIONS[name]
    q, k, v = arrays()
    y = attention(
        *(jnp.asarray(x, jnp.float32) for x in (q, k, v)),
        scale=0.7,
        **narrowed(options),
    )
    np.testing.assert_allclose(y, reference(q, k, v, **options), atol=2e-6)


def grouped(q, k, v, bias=None, masks=()):
    """The inputs of the forms that `attention` chooses between."""

    def split(x):
        groups = (KV_HEADS, HEADS // KV_HEADS) if x.shape[-3] == HEADS else (1, 1)
        return jnp.asarray(x.reshape(*x.shape[:-3], *groups, *x.shape[-2:]))

    bias = None if bias is None else split(bias)
    return Inputs(split(q), jnp.asarray(k), jnp.asarray(v), bias, (*map(split, masks),))


@pytest.mark.parametrize("name", ["causal window", "mask", "mask of heads", "bias"])
@pytest.mark.parametrize("most", [TIME * TIME, 3 * TIME * TIME])
def test_sequences_and_heads_one_after_the_other(name, most, monkeypatch):
    options = dict(OPTIONS[name])
    sides = {side: options.pop(side, None) for side in ("left", "right")}

    def both(form):
        with jax.enable_x64(True):
            inputs = grouped(*arrays(), **options)
            masks = inputs.masks

            def run(*arrays):
                inputs = Inputs(*arrays, masks)
                return form(inputs, **sides)

            def loss(*arrays):
                return jnp.sum(jnp.sin(run(*arrays)))

            wrt = (0, 1, 2) if inputs.bias is None else (0, 1, 2, 3)
            program = jax.jit(lambda *a: (run(*a), jax.grad(loss, wrt)(*a)))
            return program(*inputs[:4]), program.lower(*inputs[:4]).as_text()

    expected, _ = both(at_once)
    monkeypatch.setattr(ops, "MOST_LOGITS", most)
    found, text = both(in_parts)
    assert "stablehlo.while" in text
    chex.assert_trees_all_close(found, expected, rtol=1e-9, atol=1e-12)


def test_derivatives_of_both_modes_and_orders():
    mask = jnp.asarray(kept(4, 1, 5, 5))

    def f(q, k, v, bias):
        options = {"bias": bias, "masks": (mask,), "left": 3, "right": 1}
        return jnp.sum(jnp.sin(attention(q, k, v, scale=0.7, **options)))

    q, k, v = arrays(5, ())
    inputs = (q[:2], k[:1], v[:1], normal(3, 2, 1, 5))
    fnn.testing.check_gradients(f, *inputs, order=2)


def test_queries_that_no_key_is_allowed_for_give_zeros_and_finite_gradients():
    q, k, v = (jnp.asarray(x, jnp.float32) for x in arrays(8))
    never = jnp.zeros((1, 1, 8, 8), bool).at[..., :4, :].set(True)

    def f(*arrays):
        return attention(*arrays, scale=1.0, masks=(never,), right=0)

    y, pullback = jax.vjp(f, q, k, v)
    assert not y[..., 4:, :].any() and y[..., :4, :].all()
    gradients = pullback(jnp.ones_like(y))
    assert all(jnp.isfinite(g).all() for g in gradients)
    assert not gradients[0][..., 4:, :].any()


def test_no_keys_and_no_queries():
    q, k, v = (jnp.asarray(x, jnp.float32) for x in arrays(3, keys=0))
    assert not attention(q, k, v, scale=1.0).any()
    assert attention(q[..., :0, :], q, q, scale=1.0).shape == (BATCH, HEADS, 0, SIZE)


def test_mapped_like_a_loop():
    q, k, v = (jnp.asarray(x, jnp.float32) for x in arrays(9, (3, BATCH)))
    gradient = jax.grad(
        lambda *a: jnp.sum(attention(*a, scale=0.7, right=0) ** 3), (0, 1, 2)
    )
    expected = [gradient(*one) for one in zip(q, k, v, strict=True)]
    expected = jax.tree.map(lambda *x: jnp.stack(x), *expected)
    chex.assert_trees_all_close(jax.vmap(gradient)(q, k, v), expected, rtol=1e-5)


def test_sixteen_bits_lose_what_they_must():
    q, k, v = (jnp.asarray(x, jnp.bfloat16) for x in arrays())
    y = attention(q, k, v, scale=0.7)
    assert y.dtype == jnp.bfloat16
    exact = reference(*(np.asarray(x, float) for x in (q, k, v)))
    # Elsewhere weights, too, are of 16 bits before they are summed over.
    atol = 1e-6 if jax.default_backend() == "cpu" else 2**-8
    np.testing.assert_allclose(np.asarray(y, float), exact, rtol=2**-8, atol=atol)


def temporaries(form):
    shape = jax.ShapeDtypeStruct((1, 4, 1, 1024, 8), jnp.float32)
    keys = jax.ShapeDtypeStruct((1, 4, 1024, 8), jnp.float32)

    def loss(q, k, v):
        y = form(Inputs(q, k, v, None, ()), left=None, right=0)
        return jnp.sum(y**2)

    compiled = jax.jit(jax.grad(loss, (0, 1, 2))).lower(shape, keys, keys).compile()
    analysis: Any = compiled.memory_analysis()
    return analysis.temp_size_in_bytes


def test_few_logits_exist_at_a_time(monkeypatch):
    monkeypatch.setattr(ops, "MOST_LOGITS", 1024 * 1024)
    everything = 4 * 1024 * 1024 * 4
    assert temporaries(in_parts) < 0.4 * everything < temporaries(at_once)


@pytest.mark.parametrize("platform", ["cpu", "cuda", "tpu"])
def test_queries_go_in_chunks_on_a_cpu_alone(platform):
    def products(function):
        shaped = [jax.ShapeDtypeStruct(x.shape, "float32") for x in arrays()]
        gradient = jax.jit(jax.grad(lambda *a: jnp.sum(function(*a)), (0, 1, 2)))
        lowered = gradient.trace(*shaped).lower(lowering_platforms=(platform,))
        return lowered.as_text().count("stablehlo.dot_general")

    def plain(q, k, v):
        q = jnp.reshape(q, (BATCH, KV_HEADS, HEADS // KV_HEADS, TIME, SIZE))
        return at_once(Inputs(q, k, v, None, ()), jnp.float32(1), left=None, right=0)

    found = products(functools.partial(attention, scale=1.0, right=0))
    plainly = products(jax.checkpoint(plain, prevent_cse=False))
    assert found == plainly if platform != "cpu" else found > plainly
