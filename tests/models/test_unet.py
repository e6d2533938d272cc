import functools
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.nn import relu

import fnn
from fnn.models.unet import unet
from tests.models import images as by_hand

small = functools.partial(unet, 2, channels=(3, 4))
IMAGES = np.random.default_rng(0).normal(size=(2, 12, 16, 1)).astype(np.float32)


# -------------------------------------------------------------- the network, by hand
def network(params, state, x, train, padding="SAME", transposed=True):
    across = []

    def level(name, x, i=None):
        blocks, states = params[name], state and state[name]
        if i is not None:
            blocks, states = blocks[i], states and states[i]
        moved = []
        for j, part in enumerate(blocks):
            conv = part["conv"]
            pad = 1 if padding == "SAME" else 0
            x = by_hand.conv(conv["weight"], x, 1, pad) + conv.get("bias", 0.0)
            if "norm" in part:
                before = states[j]["norm"]
                x, after = by_hand.batch_norm(part["norm"], before, x, train)
                moved.append({**states[j], "norm": after})
            x = relu(x)
        return x, tuple(moved)

    def doubled(part, x):
        if transposed:
            y = jnp.einsum("bhwc,ijcf->bhiwjf", x, part["weight"])
            y = y.reshape(len(x), 2 * x.shape[1], 2 * x.shape[2], -1)
            return y + part["bias"]
        x = x.repeat(2, 1).repeat(2, 2)
        return by_hand.conv(part["conv"]["weight"], x, 1, 1) + part["conv"]["bias"]

    levels, down, up = len(params["down"]), [], []
    for i in range(levels):
        x, moved = level("down", x, i)
        across.append(x)
        down.append(moved)
        x = by_hand.max_pool(x, 2, 2)
    x, bottom = level("bottom", x)
    for i in reversed(range(levels)):
        x, skip = doubled(params["up_conv"][i], x), across[i]
        low = [(n - m) // 2 for n, m in zip(skip.shape, x.shape, strict=True)]
        skip = skip[:, low[1] :, low[2] :][:, : x.shape[1], : x.shape[2]]
        x, moved = level("up", jnp.concatenate([skip, x], -1), i)
        up.insert(0, moved)
    new = {"down": tuple(down), "bottom": bottom, "up": tuple(up)}
    new = {**state, **new} if state else ()
    head = params["head"]
    return by_hand.conv(head["weight"], x) + head["bias"], new


def test_values_and_gradients():
    by_hand.agree(small(), network, IMAGES, train=True)


@pytest.mark.parametrize("transposed", [False, True])
def test_form_of_the_paper(transposed):
    options = {"padding": "VALID", "transposed": transposed}
    net = small(channels=(3, 4, 5), norm=None, **options)
    forward = functools.partial(network, **options)
    images = np.random.default_rng(1).normal(size=(1, 44, 48, 2))
    by_hand.agree(net, forward, images, train=False, gradients=False)


def test_published_size():
    net, x = unet(2, padding="VALID", norm=None), jnp.zeros((1, 572, 572, 1))
    params = jax.eval_shape(net.init, jax.random.key(0), x)
    # Figure 1, counted: nine levels of two convolutions of 3, four of 2, one of 1.
    wide = [64, 128, 256, 512, 1024]
    ways = list(zip([1, *wide], wide, strict=False))
    ways += [(n, n) for n in wide] + [(n, n) for n in wide[:-1]]
    ways += [(2 * n, n) for n in wide[:-1]]
    size = sum(9 * n * m + m for n, m in ways)
    size += sum(4 * 2 * n * n + n for n in wide[:-1]) + 64 * 2 + 2
    assert size == 31_030_658
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == size
    y = jax.eval_shape(net.apply, params, x)
    assert y.shape == (1, 388, 388, 2)


@pytest.mark.parametrize("space", [1, 3])
def test_other_numbers_of_spatial_axes(space):
    net = small(space=space, blocks=1, norm=fnn.group_norm(1, space=space))
    x = jnp.ones((2, *[4] * space, 1))
    params = jax.eval_shape(net.init, jax.random.key(0), x)
    assert jax.eval_shape(net.apply, params, x).shape == (2, *[4] * space, 2)
    assert params["up"][0][0]["conv"]["weight"].shape == (*[3] * space, 6, 3)
    assert len(params["up"][0]) == len(params["bottom"]) == 1


def test_weights_are_spread_by_what_is_summed():
    block = small(channels=(32, 64)).parts["bottom"][0]
    params, _ = block.init(jax.random.key(0), jnp.ones((1, 2, 2, 32)))
    deviation = float(params["conv"]["weight"].std())
    assert abs(deviation / np.sqrt(2 / (9 * 32)) - 1) < 0.03


def test_surgery():
    net = small(norm=None)
    params, _ = by_hand.drawn(net, IMAGES)
    params = jax.tree.map(lambda leaf: leaf.astype(np.float32), params)
    captured = fnn.capture(net, ["down/0/1", "up_conv/0", "bottom/1"])
    _, found = jax.jit(captured.apply)(params, IMAGES)
    assert found["bottom/1"].shape == (2, 6, 8, 4)
    assert found["up_conv/0"].shape == found["down/0/1"].shape == (2, 12, 16, 3)
    cut = fnn.replace(net, {"up/0/*": lambda x: x, "head": lambda x: x})
    inside = {**params, "up": (((), ()),), "head": ()}
    y = jax.jit(cut.apply)(inside, IMAGES)
    both = jnp.concatenate([found["down/0/1"], found["up_conv/0"]], -1)
    np.testing.assert_allclose(y, both, rtol=1e-5, atol=1e-5)


def test_parts_are_values():
    net = small()
    assert fnn.map_parts(lambda path, part: part, net) == net == small()
    changed = fnn.replace(net, {"**/activation": jax.nn.silu})
    assert pickle.loads(pickle.dumps(changed)) == changed
    rows = {row.path: row for row in fnn.summary(net, IMAGES).rows}
    assert rows["up/0/0/conv"].parameters == 9 * 6 * 3
    params, _ = jax.eval_shape(net.init, jax.random.key(0), IMAGES)
    assert rows[""].parameters == sum(p.size for p in jax.tree.leaves(params))


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: unet(0), ValueError, "unet: expected features of at least 1, got 0."),
        (
            lambda: unet(2, channels=(64,)),
            ValueError,
            "unet: expected channels of at least 2 ints of at least 1, got (64,).",
        ),
        (
            lambda: unet(2, channels=64),
            TypeError,
            "unet: expected channels to be a tuple of ints, got 64.",
        ),
        (
            lambda: unet(2, blocks=0),
            ValueError,
            "unet: expected blocks of at least 1, got 0.",
        ),
        (
            lambda: unet(2, space=4),
            ValueError,
            "unet: expected space of 1, 2 or 3 axes, got 4.",
        ),
        (
            lambda: unet(2, padding=1),
            ValueError,
            "unet: expected padding to be one of SAME, VALID, got 1.",
        ),
        (
            lambda: unet(2, transposed="yes"),
            TypeError,
            "unet: expected transposed to be True or False, got 'yes'.",
        ),
        (
            lambda: unet(2, norm="batch"),
            TypeError,
            "unet, norm: expected a layer or a function of arrays, got 'batch'.",
        ),
        (
            lambda: unet(2, activation=0),
            TypeError,
            "unet, activation: expected a layer or a function of arrays, got 0.",
        ),
        (
            lambda: unet(2, dropout=-0.1),
            ValueError,
            "unet: expected dropout in [0, 1), got -0.1.",
        ),
        (
            lambda: small(channels=(2, 3, 4)).init(jax.random.key(0), IMAGES[:, :6]),
            ValueError,
            "unet: expected even lengths of space before each pool, "
            "got (3, 8) before pool 2.",
        ),
        (
            lambda: small().init(jax.random.key(0), IMAGES[0]),
            ValueError,
            "conv: expected x of shape (batch, height, width, channels), "
            "got (12, 16, 1).",
        ),
        (
            lambda: small(padding="VALID").init(jax.random.key(0), IMAGES[:, :8]),
            ValueError,
            "conv: expected height of at least 3 with its padding, got 2.",
        ),
    ],
)
def test_messages(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
