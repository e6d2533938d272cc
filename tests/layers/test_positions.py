import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fnn.layers.positions import learned_positions, sinusoidal, sinusoidal_positions
from fnn.layers.relative_positions import alibi, rotary


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


X = normal(0, 2, 5, 6)


def wave(position, features, base=10_000.0):
    found = np.zeros(features)
    for i in range(features):
        angle = position / base ** ((i - i % 2) / features)
        found[i] = np.cos(angle) if i % 2 else np.sin(angle)
    return found


@pytest.mark.parametrize("features", [1, 5, 6])
def test_sinusoidal(features):
    positions = np.array([[0, 3], [17, 100]])
    y = sinusoidal(positions, features, base=50.0)
    expected = [[wave(p, features, 50.0) for p in row] for row in positions]
    assert y.dtype == jnp.float32
    np.testing.assert_allclose(y, expected, atol=1e-5)
    times = jnp.asarray([0.25, 0.5], jnp.bfloat16)
    np.testing.assert_allclose(
        sinusoidal(times, features), [wave(t, features) for t in (0.25, 0.5)], atol=1e-6
    )


def test_sinusoidal_positions_are_added():
    apply = functools.partial(sinusoidal_positions().apply, ())
    waves = np.array([wave(t, 6) for t in range(8)])
    np.testing.assert_allclose(apply(X), X + waves[:5], atol=1e-5)
    np.testing.assert_allclose(apply(X[0]), X[0] + waves[:5], atol=1e-5)
    places = np.array([[0, 1, 0, 1, 2], [7, 6, 5, 4, 3]])
    np.testing.assert_allclose(apply(X, positions=places), X + waves[places], atol=1e-5)
    y = apply(X, positions=places[0], lengths=np.array([5, 2]))
    np.testing.assert_allclose(y[0], X[0] + waves[places[0]], atol=1e-5)
    np.testing.assert_allclose(y[1, :2], X[1, :2] + waves[:2], atol=1e-5)
    assert jnp.array_equal(y[1, 2:], X[1, 2:])
    assert apply(jnp.asarray(X, jnp.bfloat16)).dtype == jnp.bfloat16
    waves = np.array([wave(t, 6, 50.0) for t in range(5)])
    y = sinusoidal_positions(base=50.0).apply((), X)
    np.testing.assert_allclose(y, X + waves, atol=1e-5)


def test_learned_positions_are_added():
    layer = learned_positions(8)
    params = layer.init(jax.random.key(0), X)
    weight = params["weight"]
    assert weight.shape == (8, 6)
    assert jnp.array_equal(layer.apply(params, X), X + weight[None, :5])
    places = np.array([[0, 1, 0, 1, 2], [7, 6, 5, 4, 3]])
    assert jnp.array_equal(layer.apply(params, X, positions=places), X + weight[places])
    y = layer.apply(params, X, lengths=np.array([5, 2]))
    assert jnp.array_equal(
        y[1], X[1] + np.asarray(weight[:5]) * np.array([[1, 1, 0, 0, 0]]).T
    )
    grads = jax.grad(lambda p: layer.apply(p, X).sum())(params)
    assert jnp.array_equal(grads["weight"].any(-1), np.arange(8) < 5)
    assert learned_positions().init(jax.random.key(0), X)["weight"].shape == (5, 6)


def test_learned_positions_start_small():
    params = learned_positions(100).init(jax.random.key(0), jnp.ones((1, 1, 100)))
    assert abs(float(params["weight"].std()) / 0.02 - 1) < 0.03


def test_a_position_out_of_range_is_nan_where_nothing_can_raise():
    layer = learned_positions(3)
    params = layer.init(jax.random.key(0), X[:, :3])
    y = jax.jit(lambda p: layer.apply(params, X[0, :3], positions=p))(
        np.array([2, 3, -1])
    )
    assert jnp.array_equal(jnp.isnan(y).all(-1), np.array([False, True, True]))


def rotated(x, positions, base, turned, interleaved):
    """A pair at a time, as complex numbers."""
    y = np.array(x, np.float64)
    for at in np.ndindex(*x.shape[:-1]):
        for i in range(turned // 2):
            a, b = (2 * i, 2 * i + 1) if interleaved else (i, i + turned // 2)
            angle = positions[at[-1]] * base ** (-2 * i / turned)
            both = (y[(*at, a)] + 1j * y[(*at, b)]) * np.exp(1j * angle)
            y[(*at, a)], y[(*at, b)] = both.real, both.imag
    return y


@pytest.mark.parametrize("interleaved", [False, True])
@pytest.mark.parametrize("fraction, turned", [(1.0, 8), (0.5, 4), (0.8, 6)])
def test_rotary(interleaved, fraction, turned):
    x, positions = normal(0, 2, 3, 4, 8), np.array([5, 0, 2, 9])
    options = {"base": 100.0, "fraction": fraction, "interleaved": interleaved}
    y = rotary(x, positions, **options)
    expected = rotated(x, positions, 100.0, turned, interleaved)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)
    each = np.broadcast_to(positions, (2, 1, 4))
    assert jnp.array_equal(rotary(x, each, **options), y)
    first = rotated(x, np.arange(4), 100.0, turned, interleaved)
    np.testing.assert_allclose(rotary(x, **options), first, rtol=1e-5, atol=1e-5)


def test_rotary_products_depend_on_the_distance_alone():
    q, k = normal(0, 1, 8), normal(1, 1, 8)
    one = rotary(q, jnp.array([3])) @ rotary(k, jnp.array([1])).T
    other = rotary(q, jnp.array([103])) @ rotary(k, jnp.array([101])).T
    np.testing.assert_allclose(one, other, rtol=1e-4)
    low = rotary(jnp.asarray(q, jnp.bfloat16), jnp.array([101]))
    assert low.dtype == jnp.bfloat16  # but the angle, about 101, is not
    np.testing.assert_allclose(
        low.astype(jnp.float32), rotary(q, jnp.array([101])), atol=0.02
    )


@pytest.mark.parametrize(
    "heads, slopes",
    [
        (1, [2**-8]),
        (4, [2**-2, 2**-4, 2**-6, 2**-8]),
        (6, [2**-2, 2**-4, 2**-6, 2**-8, 2**-1, 2**-3]),  # as in the authors' code
    ],
)
def test_alibi(heads, slopes):
    distance = np.array([[0, 1], [-3, 2]])
    y = alibi(heads).apply((), distance)
    expected = -np.array(slopes)[:, None, None] * np.abs(distance)
    np.testing.assert_allclose(y, expected, rtol=1e-6)
