"""What users of other libraries were hurt by: depth, length and zeros."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn

DEEP = {
    "dense": (fnn.dense(256), (64, 256)),
    "einsum": (fnn.einsum("...hd,hdkm->...km", {"k": 8, "m": 32}), (64, 8, 32)),
    "conv": (fnn.conv(128, (3,), padding="CIRCULAR"), (1, 32, 128)),
    "conv in groups": (fnn.conv(256, (3,), padding="CIRCULAR", groups=2), (1, 32, 256)),
}


# Layers made of projections, whose weights sum over the axis but last.
PROJECTIONS = {
    "attention": (fnn.attention(200, 2), (1, 3, 300)),
    "feed_forward": (fnn.feed_forward(200, hidden=300, gated=True), (1, 300)),
    "mixture_of_experts": (fnn.mixture_of_experts(fnn.dense(20), 100), (1, 300)),
}


@pytest.mark.parametrize("name", PROJECTIONS)
def test_projections_start_with_the_variance_of_what_they_sum(name):
    layer, shape = PROJECTIONS[name]
    for path, leaf in fnn.paths(layer.init(jax.random.key(0), jnp.ones(shape))).items():
        if path.endswith("weight"):
            assert abs(float(leaf.var()) * leaf.shape[-2] - 1) < 0.03, path
        else:
            assert path.endswith("bias") and not leaf.any()


@pytest.mark.slow
@pytest.mark.parametrize("name", DEEP)
def test_variance_stays_through_fifty_layers(name):
    # Of forward values and of gradients alike; a mean over draws, since the product of
    # 50 random matrices of 256 rows varies by a fifth from draw to draw.
    layer, shape = DEEP[name]
    net = fnn.repeat(layer, 50)

    def variances(key):
        drawing, x_key, y_key = jax.random.split(key, 3)
        x = jax.random.normal(x_key, shape)
        params = net.init(drawing, x)
        y, pullback = jax.vjp(lambda x: net.apply(params, x), x)
        (gradient,) = pullback(jax.random.normal(y_key, shape))
        return jnp.var(y), jnp.var(gradient)

    keys = jax.random.split(jax.random.key(0), 20)
    forward, backward = jax.jit(lambda: jax.lax.map(variances, keys))()
    assert 0.9 < np.mean(forward) < 1.1
    assert 0.9 < np.mean(backward) < 1.1


def test_an_lstm_of_ten_thousand_steps_is_finite():
    net = fnn.recurrent(fnn.lstm_cell(4))
    x = jax.random.normal(jax.random.key(0), (1, 10_000, 2))
    params = net.init(jax.random.key(1), x)

    def loss(params, x):
        return jnp.sum(net.apply(params, x)[0, -1] ** 2)

    value, gradients = jax.jit(jax.value_and_grad(loss, argnums=(0, 1)))(params, x)
    assert 0 < value < 4
    assert all(jnp.isfinite(g).all() for g in jax.tree.leaves(gradients))
    assert jnp.abs(gradients[1][0, -1]).max() > 0


NORMS = {
    "batch_norm": fnn.batch_norm(),
    "layer_norm": fnn.layer_norm(),
    "rms_norm": fnn.rms_norm(),
    "group_norm": fnn.group_norm(2),
    "instance_norm": fnn.instance_norm(),
}


@pytest.mark.parametrize("name", NORMS)
@pytest.mark.parametrize("constant", [0.0, 1e4])
def test_a_norm_of_a_constant_is_finite_with_finite_gradients(name, constant):
    layer = fnn.with_state(NORMS[name])
    x = jnp.full((2, 3, 4), constant)
    params, state = layer.init(jax.random.key(0), x)

    def loss(params, x):
        y, _ = layer.apply(params, state, x, train=True)
        return jnp.sum(jnp.sin(y + 1))

    value, gradients = jax.value_and_grad(loss, argnums=(0, 1))(params, x)
    assert jnp.isfinite(value)
    assert all(jnp.isfinite(g).all() for g in jax.tree.leaves(gradients))
