import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn


def kept(rate):
    """The probability that a value is kept: that of the nearest of 2 ** 16 rates."""
    return 1 - np.round(rate * 2**16) / 2**16


def dropped(layer, x, seed=0):
    return layer.apply((), x, key=jax.random.key(seed), train=True)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_zeroes_at_its_rate_and_keeps_the_expectation(rate):
    y = dropped(fnn.dropout(rate), jnp.full((100, 1000), 3.0))
    zeroed = float((y == 0).mean())
    # Ten standard errors of 100,000 draws.
    assert abs(zeroed - rate) < 10 * (rate * (1 - rate) / 1e5) ** 0.5
    np.testing.assert_allclose(y[y != 0], 3 / kept(rate), rtol=1e-6)
    assert abs(float(y.mean()) / 3 - 1) < 10 * (rate / (1 - rate) / 1e5) ** 0.5


def test_dropout_of_rate_zero_and_without_training_is_the_identity():
    x = jnp.linspace(-1, 1, 12)
    assert jnp.array_equal(dropped(fnn.dropout(0.0), x), x)
    assert fnn.dropout(0.7).apply((), x) is x
    assert fnn.dropout(0.7).apply((), x, key=jax.random.key(0)) is x


@pytest.mark.parametrize("axes", [-2, 1, (1,), [-2]])
def test_a_draw_is_shared_along_broadcast_axes(axes):
    y = dropped(fnn.dropout(0.5, broadcast=axes), jnp.ones((8, 5, 7)))
    assert jnp.array_equal(y, jnp.broadcast_to(y[:, :1], y.shape))
    assert 0.2 < float((y == 0).mean()) < 0.8
    assert not jnp.array_equal(y[:, :, :1] + jnp.zeros_like(y), y)


def test_a_draw_is_shared_along_several_axes():
    y = dropped(fnn.dropout(0.5, broadcast=(1, 2)), jnp.ones((40, 3, 4, 2)))
    assert jnp.array_equal(y, jnp.broadcast_to(y[:, :1, :1], y.shape))


def test_the_key_decides():
    x = jnp.ones(64)
    layer = fnn.dropout(0.5)
    assert jnp.array_equal(dropped(layer, x), dropped(layer, x))
    assert not jnp.array_equal(dropped(layer, x), dropped(layer, x, seed=1))


def test_a_gradient_passes_where_values_do():
    x = jnp.arange(1.0, 33.0)
    layer, key = fnn.dropout(0.5), jax.random.key(0)
    y, pullback = jax.vjp(lambda x: layer.apply((), x, key=key, train=True), x)
    assert jnp.array_equal(pullback(jnp.ones_like(x))[0], jnp.where(y == 0, 0.0, 2.0))


def test_a_rate_may_be_traced():
    x = jnp.ones(1000)
    rates = jnp.array([0.0, 0.25, 0.9])
    y = jax.vmap(lambda rate: dropped(fnn.dropout(rate), x))(rates)
    assert jnp.array_equal(y[0], x)
    np.testing.assert_allclose((y == 0).mean(1), rates, atol=0.06)
    np.testing.assert_allclose(y.max(1), 1 / kept(rates), rtol=1e-6)


def test_dropout_keeps_the_dtype():
    for dtype in ("bfloat16", "float16", "complex64"):
        assert dropped(fnn.dropout(0.5), jnp.ones(4, dtype)).dtype == dtype
    traced = jax.jit(lambda r: dropped(fnn.dropout(r), jnp.ones(4, jnp.bfloat16)))
    assert traced(0.5).dtype == jnp.bfloat16


def test_dropout_has_no_parameters_and_inits_without_drawing():
    layer = fnn.dropout(0.5)
    assert layer.init(jax.random.key(0), jnp.ones(3)) == ()


@pytest.mark.parametrize("batch", [0, 1, 2])
def test_drop_path_draws_once_for_each_example(batch):
    y = dropped(fnn.drop_path(0.5, batch=batch), jnp.ones((16, 8, 5)))
    first = y[(..., *[slice(1)] * (3 - batch))]
    assert jnp.array_equal(y, jnp.broadcast_to(first, y.shape))
    assert set(np.unique(y)) <= {0.0, 2.0}
    if batch:
        assert 0.2 < float((y == 0).mean()) < 0.8
    if batch == 2:
        assert not jnp.array_equal(y, jnp.broadcast_to(y[:, :1], y.shape))


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_drop_path_zeroes_at_its_rate_and_keeps_the_expectation(rate):
    y = dropped(fnn.drop_path(rate), jnp.full((10000, 2), 3.0))
    # Ten standard errors of 10,000 draws.
    assert abs(float((y == 0).mean()) - rate) < 10 * (rate * (1 - rate) / 1e4) ** 0.5
    np.testing.assert_allclose(y[y != 0], 3 / kept(rate), rtol=1e-6)


def test_gaussian_noise_has_its_deviation():
    x = jnp.linspace(-1, 1, 100_000)
    noise = np.asarray(dropped(fnn.gaussian_noise(0.3), x) - x, np.float64) / 0.3
    # Moments of a standard normal, to five standard errors of 100,000 draws.
    for power, moment, error in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs((noise**power).mean() - moment) < 5 * (error / 1e5) ** 0.5
    assert abs(np.corrcoef(noise[1:], noise[:-1])[0, 1]) < 0.02


@pytest.mark.parametrize("build", [fnn.drop_path, fnn.gaussian_noise])
def test_layers_that_draw_are_the_identity_at_zero_and_out_of_training(build):
    x, key = jnp.linspace(-1, 1, 12), jax.random.key(0)
    assert jnp.array_equal(dropped(build(0.0), x), x)
    assert build(0.7).apply((), x) is x
    assert build(0.7).apply((), x, key=key) is x
    assert build(0.7).init(key, x) == ()
    assert not jnp.array_equal(dropped(build(0.7), x), x)


@pytest.mark.parametrize("build", [fnn.drop_path, fnn.gaussian_noise])
def test_layers_that_draw_keep_the_dtype_and_take_a_traced_number(build):
    for dtype in ("bfloat16", "float16", "complex64"):
        assert dropped(build(0.5), jnp.ones(4, dtype)).dtype == dtype
    x = jnp.ones(4, jnp.bfloat16)
    traced = jax.jit(lambda number: dropped(build(number), x))(0.5)
    assert traced.dtype == jnp.bfloat16
    assert jnp.array_equal(traced, dropped(build(0.5), x))
