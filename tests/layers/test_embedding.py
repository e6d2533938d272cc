import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn

WEIGHT = np.arange(12, dtype=np.float32).reshape(4, 3) + 1


@pytest.mark.parametrize("dtype", ["int32", "uint8", "int16"])
@pytest.mark.parametrize("shape", [(), (5,), (2, 3), (0,)])
def test_embed_looks_up_rows(dtype, shape):
    ids = np.random.default_rng(0).integers(0, 4, shape).astype(dtype)
    y = fnn.embed(4, 3).apply({"weight": WEIGHT}, ids)
    assert y.shape == (*shape, 3) and y.dtype == jnp.float32
    assert np.array_equal(y, WEIGHT[ids])


def test_embed_scales_rows():
    y = fnn.embed(4, 3, scale=3**0.5).apply({"weight": WEIGHT}, jnp.array([2]))
    np.testing.assert_allclose(y, np.sqrt(3.0) * WEIGHT[[2]], rtol=1e-6)
    # A scale may be traced, and the rows keep their dtype.
    low = {"weight": jnp.asarray(WEIGHT, jnp.bfloat16)}
    doubled = jax.jit(lambda s: fnn.embed(4, 3, scale=s).apply(low, jnp.array([2])))
    assert doubled(2.0).dtype == jnp.bfloat16
    assert np.array_equal(doubled(2.0).astype(jnp.float32), 2 * WEIGHT[[2]])


def test_padding_is_zero_and_gets_no_gradient():
    layer, ids = fnn.embed(4, 3, padding_id=1), jnp.array([0, 1, 1, 3])
    params = layer.init(jax.random.key(0), ids)
    assert not params["weight"][1].any() and params["weight"][0].all()

    def loss(weight):
        return jnp.sum(layer.apply({"weight": weight}, ids) + 1.0)

    assert not layer.apply({"weight": WEIGHT}, ids)[1:3].any()
    gradient = jax.grad(loss)(jnp.asarray(WEIGHT))
    assert gradient.tolist() == [[1] * 3, [0] * 3, [0] * 3, [1] * 3]


@pytest.mark.parametrize("wrong", [4, 300, -1])
def test_traced_ids_out_of_range_give_nan_and_no_gradient(wrong):
    layer, ids = fnn.embed(4, 3), jnp.array([wrong, 2])
    y = jax.jit(layer.apply)({"weight": WEIGHT}, ids)
    assert np.isnan(y[0]).all() and np.array_equal(y[1], WEIGHT[2])
    gradient = jax.jit(
        jax.grad(lambda w, ids: layer.apply({"weight": w}, ids)[1].sum())
    )(WEIGHT, ids)
    assert gradient.tolist() == [[0] * 3, [0] * 3, [1] * 3, [0] * 3]


def test_traced_unsigned_ids_out_of_range_give_nan():
    y = jax.jit(fnn.embed(4, 3).apply)({"weight": WEIGHT}, jnp.array([200], jnp.uint8))
    assert np.isnan(y).all()


def test_embed_draws_rows_of_length_one():
    params = fnn.embed(500, 300).init(jax.random.key(0), jnp.zeros(1, jnp.int32))
    assert abs(float(params["weight"].var()) * 300 - 1) < 0.02


def test_embed_gives_the_dtype_of_its_parameters():
    layer = fnn.embed(4, 3, param_dtype=jnp.bfloat16)
    params = layer.init(jax.random.key(0), jnp.array([1]))
    assert layer.apply(params, jnp.array([1])).dtype == jnp.bfloat16
