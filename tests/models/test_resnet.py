import functools
import pickle
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.nn import relu
from jax.nn.initializers import zeros

import fnn
from fnn.models.residual_blocks import padded_shortcut, residual_block
from fnn.models.resnet import resnet
from tests.models import images as by_hand

small = functools.partial(resnet, depth=8, cifar=True, features=4)


def images(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


IMAGES = images(3, 6, 7, 3)


# ------------------------------------------------------------- the networks, by hand
def block(params, state, x, stride, train):
    y, new = x, {}
    strides = {"1": 1, "2": stride, "3": 1} if "conv3" in params else {"1": stride}
    for i in sorted(name[-1] for name in params if name.startswith("conv")):
        weight = params[f"conv{i}"]["weight"]
        y = by_hand.conv(weight, y, strides.get(i, 1), len(weight) // 2)
        y, new[f"norm{i}"] = by_hand.batch_norm(
            params[f"norm{i}"], state[f"norm{i}"], y, train
        )
        y = relu(y) if f"conv{int(i) + 1}" in params else y
    inner = params["shortcut"]
    if inner:
        x = by_hand.conv(inner["conv"]["weight"], x, stride)
        norm = state["shortcut"]["norm"]
        x, norm = by_hand.batch_norm(inner["norm"], norm, x, train)
        new["shortcut"] = {**state["shortcut"], "norm": norm}
    elif x.shape != y.shape:
        more = (y.shape[-1] - x.shape[-1]) // 2
        x = jnp.pad(x[:, ::stride, ::stride], [(0, 0)] * 3 + [(more, more)])
    return relu(x + y), {**state, **new}


def network(params, state, x, train, cifar):
    weight = params["conv1"]["weight"]
    x = by_hand.conv(weight, x, 1 if cifar else 2, len(weight) // 2)
    x, norm = by_hand.batch_norm(params["norm1"], state["norm1"], x, train)
    x = relu(x) if cifar else by_hand.max_pool(relu(x), 3, 2, 1)
    stages = []
    for i, stage in enumerate(params["stages"]):
        stages.append([])
        for j, part in enumerate(stage):
            stride = 2 if i > 0 and j == 0 else 1
            x, new = block(part, state["stages"][i][j], x, stride, train)
            stages[i].append(new)
    logits = x.mean((1, 2)) @ params["head"]["weight"] + params["head"]["bias"]
    stages = type(state["stages"])(type(state["stages"][0])(s) for s in stages)
    return logits, {**state, "norm1": norm, "stages": stages}


@pytest.mark.parametrize("train", [False, True])
def test_form_for_cifar(train):
    net = small(5, projection=not train)
    forward = functools.partial(network, cifar=True)
    by_hand.agree(net, forward, IMAGES, train, gradients=train)


def test_form_for_photographs():
    net, x = resnet(5, depth=18, features=2), images(2, 40, 37, 3)
    forward = functools.partial(network, cifar=False)
    by_hand.agree(net, forward, x, train=True, gradients=False)


def test_bottleneck_has_its_stride_in_the_middle():
    shortcut = fnn.sequential(
        conv=fnn.conv(8, (1, 1), stride=2, use_bias=False), norm=fnn.batch_norm()
    )
    net = residual_block(2, stride=2, bottleneck=True, shortcut=shortcut)

    def forward(params, state, x, train):
        return block(params, state, x, 2, train)

    by_hand.agree(net, forward, IMAGES, train=True)


# -------------------------------------------------------------------------- the params
# Of akamaster/pytorch_resnet_cifar10 and of torchvision.
@pytest.mark.parametrize(
    "options, size",
    [
        ({"depth": 20, "cifar": True}, 269_722),
        ({"depth": 20, "cifar": True, "projection": True}, 272_474),
        ({"depth": 56, "cifar": True}, 853_018),
        ({"depth": 18}, 11_689_512),
        ({"depth": 34}, 21_797_672),
        ({"depth": 50}, 25_557_032),
    ],
)
def test_published_numbers_of_parameters(options, size):
    cifar = "cifar" in options
    x = jax.ShapeDtypeStruct((1, 32, 32, 3), jnp.float32)
    net = resnet(10 if cifar else 1000, **options)
    params, _ = jax.eval_shape(net.init, jax.random.key(0), x)
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == size


@pytest.mark.parametrize("depth", [18, 34, 50, 101, 152])
def test_depth_counts_layers_with_weights(depth):
    stages = resnet(5, depth=depth).parts["stages"]
    names = [name for stage in stages for block in stage for name in block.parts]
    assert 2 + sum(name.startswith("conv") for name in names) == depth
    assert len(resnet(5, depth=110, cifar=True).parts["stages"][2]) == 18


def test_names_become_those_of_torchvision_by_a_table():
    x = jax.ShapeDtypeStruct((1, 32, 32, 3), jnp.float32)
    trees = jax.eval_shape(resnet(1000).init, jax.random.key(0), x)
    table = {
        r"stages/(\d)/": lambda found: f"layer{int(found[1]) + 1}/",
        r"norm(\d)/": r"bn\1/",
        "shortcut/conv": "downsample/0",
        "shortcut/norm": "downsample/1",
        "head": "fc",
        "scale": "weight",
        "mean": "running_mean",
        "var": "running_var",
        "/": ".",
    }
    shapes = {}
    for tree in trees:
        for name, leaf in fnn.paths(tree).items():
            for ours, theirs in table.items():
                name = re.sub(ours, theirs, name)
            shapes[name] = leaf.shape
    assert len(shapes) == 267  # torchvision's 320, less 53 counters of batches
    assert shapes["conv1.weight"] == (7, 7, 3, 64)
    assert shapes["layer1.0.downsample.0.weight"] == (1, 1, 64, 256)
    assert shapes["layer3.5.conv3.weight"] == (1, 1, 256, 1024)
    assert shapes["layer4.2.bn3.running_var"] == (2048,)
    assert shapes["fc.weight"] == (2048, 1000)


def test_what_a_block_begins_as():
    x, last = images(1, 4, 4, 16), fnn.batch_norm(scale_init=zeros)
    shortcut = padded_shortcut(64, 1)
    net = residual_block(64, shortcut=shortcut, last_norm=last)
    params, state = net.init(jax.random.key(0), x)
    deviation = float(params["conv1"]["weight"].std())
    assert abs(deviation / np.sqrt(2 / (9 * 64)) - 1) < 0.03  # not of 9 * 16
    assert params["norm1"]["scale"].all() and not params["norm2"]["scale"].any()
    y, _ = net.apply(params, state, x)
    np.testing.assert_array_equal(y, relu(shortcut.apply((), x)))
    for last_norm in (None, last):  # and it reaches the blocks of the whole
        made = resnet(5, last_norm=last_norm).parts["stages"][3][2]
        assert made.parts["norm3"] == (last_norm or fnn.batch_norm())


# ------------------------------------------------------------------------ the contract
def test_surgery():
    net = small(5)
    trees = by_hand.drawn(net, IMAGES)
    params, state = jax.tree.map(lambda leaf: leaf.astype(np.float32), trees)
    captured = fnn.capture(net, ["stages/*/*", "average"])
    (_, found), _ = jax.jit(captured.apply)(params, state, IMAGES)
    assert found["stages/1/0"].shape == (3, 3, 4, 8)
    means = found["stages/2/0"].mean((1, 2))
    np.testing.assert_allclose(found["average"], means, rtol=1e-5, atol=1e-6)
    # Without its last block and its head, it gives what went into that block.
    ends = {"stages/2/0": lambda x: x, "head": lambda x: x}
    shorter = fnn.replace(net, ends)
    params = {**params, "head": (), "stages": (*params["stages"][:2], ((),))}
    state = {**state, "stages": (*state["stages"][:2], ((),))}
    y, _ = jax.jit(shorter.apply)(params, state, IMAGES)
    means = found["stages/1/0"].mean((1, 2))
    np.testing.assert_allclose(y, means, rtol=1e-5, atol=1e-6)


def test_parts_are_values():
    net = small(5)
    assert fnn.map_parts(lambda path, part: part, net) == net == small(5)
    smooth = {"**/activation": jax.nn.silu, "**/norm*": fnn.group_norm(2, space=2)}
    changed = fnn.replace(net, smooth)
    assert isinstance(changed, fnn.Layer)
    assert pickle.loads(pickle.dumps(changed)) == changed
    assert changed == fnn.replace(small(5), smooth)
    params, _ = jax.eval_shape(net.init, jax.random.key(0), IMAGES)
    rows = {row.path: row for row in fnn.summary(net, IMAGES).rows}
    assert rows[""].parameters == sum(p.size for p in jax.tree.leaves(params))
    assert rows["stages/1/0/conv2"].parameters == 9 * 8 * 8


def test_a_replaced_part_must_keep_the_shape():
    net = fnn.replace(small(5), {"stages/0/0/conv2": fnn.conv(5, (3, 3))})
    sentence = (
        "residual_block: expected a shortcut to the shape of what is added to it, "
        "(3, 6, 7, 5), got (3, 6, 7, 4)."
    )
    with pytest.raises(ValueError, match=re.escape(sentence)):
        jax.eval_shape(net.init, jax.random.key(0), IMAGES)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (
            lambda: resnet(10, depth=20),
            ValueError,
            "resnet: expected depth to be one of 18, 34, 50, 101, 152, got 20.",
        ),
        (
            lambda: resnet(10, depth=18, cifar=True),
            ValueError,
            "resnet: expected depth of 6 * n + 2 with n of at least 1 for CIFAR, "
            "got 18.",
        ),
        (
            lambda: resnet(10, depth="50"),
            TypeError,
            "resnet: expected depth to be an int, got '50'.",
        ),
        (
            lambda: resnet(0),
            ValueError,
            "resnet: expected classes of at least 1, got 0.",
        ),
        (
            lambda: resnet(10, features=0),
            ValueError,
            "resnet: expected features of at least 1, got 0.",
        ),
        (
            lambda: resnet(10, projection="B"),
            TypeError,
            "resnet: expected projection to be True or False, got 'B'.",
        ),
        (
            lambda: resnet(10, cifar=1),
            TypeError,
            "resnet: expected cifar to be True or False, got 1.",
        ),
        (
            lambda: resnet(10, activation=None),
            TypeError,
            "resnet, activation: expected a layer or a function of arrays, got None.",
        ),
        (
            lambda: resnet(10, norm=None),
            TypeError,
            "resnet, norm: expected a layer or a function of arrays, got None.",
        ),
        (
            lambda: resnet(10, last_norm=0.0),
            TypeError,
            "resnet, last_norm: expected a layer or a function of arrays, got 0.0.",
        ),
        (
            lambda: residual_block(0),
            ValueError,
            "residual_block: expected features of at least 1, got 0.",
        ),
        (
            lambda: residual_block(4, bottleneck=3),
            TypeError,
            "residual_block: expected bottleneck to be True or False, got 3.",
        ),
        (
            lambda: residual_block(4, shortcut="A"),
            TypeError,
            "residual_block, shortcut: expected a layer or a function of arrays, "
            "got 'A'.",
        ),
        (
            lambda: padded_shortcut(2, 2).apply((), IMAGES),
            ValueError,
            "padded_shortcut: expected at most 2 channels, got shape (3, 6, 7, 3).",
        ),
        (
            lambda: small(5).init(jax.random.key(0), IMAGES[0]),
            ValueError,
            "conv: expected x of shape (batch, height, width, channels), "
            "got (6, 7, 3).",
        ),
        (
            lambda: small(5).init(jax.random.key(0), IMAGES.astype(np.uint8)),
            TypeError,
            "conv: expected x of floating or complex dtype, got uint8.",
        ),
        (
            lambda: small(5).init(jax.random.key(0), np.ones((2, 3, 8, 8), "f")),
            ValueError,
            "resnet: expected images (..., height, width, channels), got (2, 3, 8, 8), "
            "as if channels came first; jnp.moveaxis(images, -3, -1) puts them last.",
        ),
    ],
)
def test_messages(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
