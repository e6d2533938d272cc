import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_einsum_onto_heads_equals_a_loop():
    x, weight, bias = normal(0, 2, 5, 4), normal(1, 4, 2, 3), normal(2, 2, 3)
    layer = fnn.einsum("...n,nhd->...hd", {"h": 2, "d": 3})
    y = layer.apply({"weight": weight, "bias": bias}, x)
    expected = np.zeros((2, 5, 2, 3))
    for b, t, h, d in np.ndindex(2, 5, 2, 3):
        expected[b, t, h, d] = x[b, t].astype(np.float64) @ weight[:, h, d] + bias[h, d]
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)


CASES = [
    # equation, lengths, x, weight, bias
    ("...n,nm->...m", {"m": 3}, (2, 4), (4, 3), (3,)),
    ("...hd,hdm->...m", {"m": 3}, (5, 2, 4), (2, 4, 3), (3,)),
    ("...gn,gnm->...gm", {"m": 3}, (5, 2, 4), (2, 4, 3), (2, 3)),
    ("...tn,ts->...sn", {"s": 3}, (5, 2, 4), (2, 3), (3,)),
    ("n...,mn->m...", {"m": 3}, (4, 5), (3, 4), (3,)),
    ("...n,n->...n", None, (2, 4), (4,), (4,)),
    ("...n,n->...", None, (2, 4), (4,), ()),
    ("bn , nm -> bm", {"m": 3}, (2, 4), (4, 3), (3,)),
]


@pytest.mark.parametrize("equation, lengths, size, weight, bias", CASES)
def test_einsum_infers_shapes(equation, lengths, size, weight, bias):
    x = normal(0, *size)
    layer = fnn.einsum(equation, lengths)
    params = layer.init(jax.random.key(0), x)
    assert jax.tree.map(jnp.shape, params) == {"weight": weight, "bias": bias}
    shift = normal(1, *bias)
    y = layer.apply({"weight": params["weight"], "bias": shift}, x)
    wide = np.asarray(params["weight"], np.float64)
    pure = np.einsum(equation, x.astype(np.float64), wide)
    # The bias goes to its letters by an einsum of its own.
    left, out = equation.replace(" ", "").split("->")
    letters = "".join(n for n in out if n in left.split(",")[1])
    ones = np.ones_like(pure)
    expected = pure + np.einsum(f"{letters},{out}->{out}", shift, ones)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)
    bare = fnn.einsum(equation, lengths, use_bias=False)
    y = bare.apply({"weight": params["weight"]}, x)
    np.testing.assert_allclose(y, pure, rtol=1e-5, atol=1e-5)


def test_einsum_keeps_the_variance():
    for equation, lengths, size in (
        ("...n,nhd->...hd", {"h": 10, "d": 20}, (1, 100)),
        ("...hd,hdm->...m", {"m": 200}, (1, 5, 20)),
        ("...gn,gnm->...gm", {"m": 10}, (1, 20, 100)),
    ):
        layer = fnn.einsum(equation, lengths)
        weight = layer.init(jax.random.key(0), jnp.ones(size))["weight"]
        assert abs(float(weight.var()) * 100 - 1) < 0.05


def test_einsum_is_a_value():
    layer = fnn.einsum("...n,nm->...m", {"m": 3})
    assert layer == fnn.einsum("...n,nm->...m", lengths={"m": 3})
    assert layer != fnn.einsum("...n,nm->...m", {"m": 4})
    assert hash(layer) == hash(pickle.loads(pickle.dumps(layer)))


def test_bilinear_equals_a_loop():
    x, z = normal(0, 2, 3, 4), normal(1, 2, 3, 5)
    weight, bias = normal(2, 4, 5, 6), normal(3, 6)
    y = fnn.bilinear(6).apply({"weight": weight, "bias": bias}, x, z)
    expected = np.zeros((2, 3, 6))
    for b, t, k in np.ndindex(2, 3, 6):
        w = weight[:, :, k].astype(np.float64)
        expected[b, t, k] = x[b, t] @ w @ z[b, t] + bias[k]
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)
    bare = fnn.bilinear(6, use_bias=False).apply({"weight": weight}, x, z)
    np.testing.assert_allclose(bare, expected - bias, rtol=1e-5, atol=1e-5)


def test_bilinear_weights_have_their_variance():
    x, z = jnp.ones((1, 20)), jnp.ones((1, 30))
    weight = fnn.bilinear(40).init(jax.random.key(0), x, z)["weight"]
    assert weight.shape == (20, 30, 40)
    assert abs(float(weight.var()) * 600 - 1) < 0.05
