import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fnn.models.vit import vit
from tests.models import equations as eq

IMAGES = np.random.default_rng(0).normal(size=(2, 6, 4, 3)).astype(np.float32)
small = functools.partial(vit, patch=2, features=8, heads=2, layers=2)


def drawn(net):
    return eq.shaken(net.init(jax.random.key(0), IMAGES))


@pytest.mark.parametrize("class_token", [True, False])
@pytest.mark.parametrize("classes", [5, None])
def test_values(class_token, classes):
    net = small(classes, class_token=class_token)
    params = drawn(net)
    exact = eq.wide(params)
    patches = IMAGES.astype(np.float64).reshape(2, 3, 2, 2, 2, 3)
    patches = patches.transpose(0, 1, 3, 2, 4, 5).reshape(2, 6, 12)
    weight = exact["patches"]["weight"].reshape(12, 8)
    x = patches @ weight + exact["patches"]["bias"]
    if class_token:
        token = np.broadcast_to(exact["class_token"], (2, 1, 8))
        x = np.concatenate([token, x], 1)
    x = x + exact["positions"]["weight"]
    norm = functools.partial(eq.layer_norm, eps=1e-6)
    for i in range(2):
        block = eq.copy(exact["blocks"], i)
        h = norm(block["attention_norm"], x)
        x = x + eq.attention(block["attention"], h, h, 2, True)
        h = norm(block["feed_forward_norm"], x)
        x = x + eq.feed_forward(block["feed_forward"], h, eq.gelu)
    x = norm(exact["norm"], x)
    x = x[:, 0] if class_token else x.mean(1)
    expected = x if classes is None else eq.affine(exact["head"], x)
    y = net.apply(params, IMAGES)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-4)


def test_starts_with_logits_of_zero_and_drops_in_training():
    net = small(5, dropout=0.5)
    params = net.init(jax.random.key(0), IMAGES)
    assert not params["head"]["weight"].any() and not params["head"]["bias"].any()
    assert params["positions"]["weight"].shape == (7, 8)
    params, apply = drawn(net), eq.applied(net)
    y, other = (
        apply(params, IMAGES, key=jax.random.key(i), train=True) for i in range(2)
    )
    assert jnp.any(y != other)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: vit(0), ValueError, "vit: expected classes of at least 1, got 0."),
        (
            lambda: vit(5, patch=(2, 2)),
            TypeError,
            "vit: expected patch to be an int, got (2, 2).",
        ),
        (
            lambda: vit(5, class_token=None),
            TypeError,
            "vit: expected class_token to be True or False, got None.",
        ),
        (
            lambda: small(5).init(jax.random.key(0), IMAGES[:, :5]),
            ValueError,
            "vit: expected images of shape (..., height, width, channels), height and "
            "width multiples of patch = 2, got (2, 5, 4, 3).",
        ),
        (
            lambda: small(5).init(jax.random.key(0), IMAGES.astype(np.uint8)),
            TypeError,
            "vit: expected images of floating dtype, got uint8.",
        ),
        (
            lambda: small(5).apply(drawn(small(5)), IMAGES[:, :4]),
            ValueError,
            "learned_positions: expected 7 steps, as many as there are positions, "
            "got 5.",
        ),
    ],
)
def test_messages(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
