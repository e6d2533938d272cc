import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn
from fnn.models.lenet import lenet
from tests.models import equations as eq

IMAGES = np.random.default_rng(0).normal(size=(2, 28, 28, 1)).astype(np.float32)


def drawn(net, images=IMAGES):
    return eq.shaken(net.init(jax.random.key(0), images))


def windows(x, side):
    """Each window of an image: (batch, height, width, channels, side, side)."""
    return np.lib.stride_tricks.sliding_window_view(x, (side, side), (1, 2))


def conv(params, x):
    y = np.einsum("bhwcij,ijcf->bhwf", windows(x, 5), params["weight"])
    return y + params["bias"]


def pool(x, reduce):
    return reduce(windows(x, 2)[:, ::2, ::2], (-2, -1))


def network(params, x, activation, reduce):
    x = pool(activation(conv(params["c1"], x)), reduce)
    x = pool(activation(conv(params["c3"], x)), reduce)
    x = activation(conv(params["c5"], x))[:, 0, 0]
    return eq.affine(params["out"], activation(eq.affine(params["f6"], x)))


@pytest.mark.parametrize("border", [0, 2])
@pytest.mark.parametrize("original", [False, True])
def test_values(border, original):
    options = {"activation": jnp.tanh, "pool": fnn.avg_pool((2, 2))}
    net = lenet(**options) if original else lenet()
    params = drawn(net)
    params = jax.tree.map(lambda leaf: 0.3 * leaf, params)  # tanh is not yet flat
    pads = ((0, 0), (2, 2), (2, 2), (0, 0))
    whole = np.pad(IMAGES.astype(np.float64), pads)
    activation = np.tanh if original else lambda x: np.maximum(x, 0)
    reduce = np.mean if original else np.max
    expected = network(eq.wide(params), whole, activation, reduce)
    images = np.asarray(whole, np.float32) if border else IMAGES
    y = jax.jit(net.apply)(params, images)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-4)


def test_params():
    shapes = jax.eval_shape(lenet().init, jax.random.key(0), IMAGES)
    assert sum(leaf.size for leaf in jax.tree.leaves(shapes)) == 61_706
    assert shapes["c5"]["weight"].shape == (5, 5, 16, 120)


def test_surgery():
    net = lenet()
    params = drawn(net)
    halved = fnn.replace(net, {"s*": fnn.avg_pool((2, 2))})
    same = lenet(pool=fnn.avg_pool((2, 2))).apply(params, IMAGES)
    assert jnp.array_equal(halved.apply(params, IMAGES), same)
    y, found = fnn.capture(net, ["s2", "f6"]).apply(params, IMAGES)
    assert found["s2"].shape == (2, 14, 14, 6)
    hidden = np.maximum(np.asarray(found["f6"], np.float64), 0)
    logits = eq.affine(eq.wide(params["out"]), hidden)
    np.testing.assert_allclose(y, logits, rtol=1e-4, atol=1e-4)
    assert fnn.map_parts(lambda path, part: part, net) == net
    rows = {row.path: row for row in fnn.summary(net, IMAGES).rows}
    assert rows["c3"].parameters == 5 * 5 * 6 * 16 + 16


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: lenet(0), ValueError, "lenet: expected classes of at least 1, got 0."),
        (
            lambda: lenet(activation="tanh"),
            TypeError,
            "lenet, activation: expected a layer or a function of arrays, got 'tanh'.",
        ),
        (
            lambda: lenet(pool="max"),
            TypeError,
            "lenet, pool: expected a layer or a function of arrays, got 'max'.",
        ),
        (
            lambda: drawn(lenet(), IMAGES[..., 0]),
            ValueError,
            "lenet: expected images of shape (..., 28, 28, channels) or "
            "(..., 32, 32, channels), got (2, 28, 28).",
        ),
        (
            lambda: drawn(lenet(), IMAGES[:, 4:]),
            ValueError,
            "lenet: expected images of shape (..., 28, 28, channels) or "
            "(..., 32, 32, channels), got (2, 24, 28, 1).",
        ),
        (
            lambda: drawn(lenet(), IMAGES.astype(np.uint8)),
            TypeError,
            "lenet: expected images of floating dtype, got uint8.",
        ),
        (
            lambda: drawn(lenet(), IMAGES[0]),
            ValueError,
            "conv: expected x of shape (batch, height, width, channels), "
            "got (32, 32, 1).",
        ),
    ],
)
def test_messages(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
