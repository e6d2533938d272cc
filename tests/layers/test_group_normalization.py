import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def normalized(x, groups, lead, eps=1e-5):
    """Example by example and group by group, in float64."""
    y = np.zeros(x.shape)
    size = x.shape[-1] // groups
    for example in np.ndindex(x.shape[:lead]):
        for first in range(0, x.shape[-1], size):
            at = (*example, ..., slice(first, first + size))
            part = x[at].astype(np.float64)
            y[at] = (part - part.mean()) / np.sqrt(part.var() + eps)
    return y


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
@pytest.mark.parametrize("shape", [(3, 5, 6), (2, 3, 4, 6), (2, 2, 3, 2, 6)])
def test_group_norm_equals_a_loop(groups, shape):
    x, scale, bias = normal(0, *shape), normal(1, 6), normal(2, 6)
    y = fnn.group_norm(groups).apply({"scale": scale, "bias": bias}, x)
    assert y.dtype == jnp.float32
    np.testing.assert_allclose(
        y, normalized(x, groups, 1) * scale + bias, rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("shape", [(3, 5, 4), (2, 3, 4, 4), (0, 3, 4)])
def test_instance_norm_equals_a_loop(shape):
    x, scale, bias = normal(0, *shape), normal(1, 4), normal(2, 4)
    y = fnn.instance_norm().apply({"scale": scale, "bias": bias}, x)
    np.testing.assert_allclose(
        y, normalized(x, 4, 1) * scale + bias, rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("space, lead", [(0, 3), (1, 2), (2, 1), (3, 0)])
def test_the_number_of_spatial_axes_may_be_given(space, lead):
    x = normal(0, 2, 3, 5, 4)
    group = fnn.group_norm(2, space=space, use_scale=False, use_bias=False)
    np.testing.assert_allclose(group.apply((), x), normalized(x, 2, lead), atol=1e-5)
    if space:
        layer = fnn.instance_norm(space=space, use_scale=False, use_bias=False)
        y = layer.apply((), x)
        np.testing.assert_allclose(y, normalized(x, 4, lead), atol=1e-5)


def test_rows_without_space_are_normalised_in_groups():
    x = normal(0, 3, 6)
    layer = fnn.group_norm(2)
    y = layer.apply(layer.init(jax.random.key(0), x), x)
    np.testing.assert_allclose(y, normalized(x, 2, 1), atol=1e-5)


@pytest.mark.parametrize(
    "build", [lambda **o: fnn.group_norm(2, **o), fnn.instance_norm]
)
def test_options(build):
    x, key = normal(0, 2, 3, 4), jax.random.key(0)
    bare = build(use_scale=False, use_bias=False, eps=0.5)
    assert bare.init(key, x) == ()
    groups = 2 if "group" in repr(bare) else 4
    expected = normalized(x, groups, 1, 0.5)
    np.testing.assert_allclose(bare.apply((), x), expected, atol=1e-5)
    drawn = build(scale_init=jax.nn.initializers.zeros, param_dtype=jnp.bfloat16)
    params = drawn.init(jax.random.key(1), jnp.asarray(x, jnp.bfloat16))
    assert jax.tree.map(jnp.shape, params) == {"scale": (4,), "bias": (4,)}
    y = drawn.apply(params, jnp.asarray(x, jnp.bfloat16))
    assert y.dtype == jnp.bfloat16 and not y.any()
    assert drawn.apply(params, x).dtype == jnp.float32
    traced = jax.jit(
        lambda eps: build(eps=eps, use_scale=False, use_bias=False).apply((), x)
    )
    np.testing.assert_allclose(traced(0.5), expected, atol=1e-5)


@pytest.mark.parametrize("build", [lambda: fnn.group_norm(2), fnn.instance_norm])
def test_a_large_mean_and_a_constant_are_harmless(build):
    # Noise of a power of two on a mean of a power of two is exact in float32.
    x = (2.0**13 + np.round(normal(0, 2, 64, 4) * 256) / 256).astype(np.float32)
    layer = build()
    params = layer.init(jax.random.key(0), x)
    y = layer.apply(params, x)
    # What is left is the mean's own rounding, at most 2 ** -11 of a deviation of 1.
    np.testing.assert_allclose(np.asarray(y, np.float64).var(1), 1, atol=0.2)
    groups = 2 if "group" in repr(layer) else 4
    np.testing.assert_allclose(y, normalized(x, groups, 1), atol=1e-3)
    constant = jnp.full((2, 3, 4), -1e4)
    y, pullback = jax.vjp(layer.apply, params, constant)
    assert not y.any()
    gradients = jax.tree.leaves(pullback(jnp.ones_like(y)))
    assert all(jnp.isfinite(g).all() for g in gradients)
