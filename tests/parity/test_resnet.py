"""ResNets against the same networks in PyTorch, whose weights go over by their names.

The modules bear the names that torchvision and the CIFAR networks of chenyaofo and
akamaster have.
"""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import pad

import fnn

CIFAR = {"depth": 8, "cifar": True, "features": 4}
FORMS = {
    "cifar, option A": CIFAR,
    "cifar, option B": CIFAR | {"projection": True},
    "depth 18": {"depth": 18, "features": 2},
    "depth 50": {"depth": 50, "features": 2},
}


def images(options):
    side = 12 if "cifar" in options else 64
    rng = np.random.default_rng(0)
    return rng.normal(size=(3, side, side + 3, 3)).astype(np.float32)


# ------------------------------------------------------------------------- in PyTorch
class Padded(nn.Module):
    def __init__(self, more):
        super().__init__()
        self.more = more

    def forward(self, x):
        ends = (self.more // 2, self.more // 2)
        return pad(x[:, :, ::2, ::2], (0, 0, 0, 0, *ends))


class Block(nn.Module):
    def __init__(self, channels, width, stride, *, bottleneck, projection):
        super().__init__()
        conv = functools.partial(nn.Conv2d, bias=False)
        out = 4 * width if bottleneck else width
        if bottleneck:
            self.conv1 = conv(channels, width, 1)
            self.conv2 = conv(width, width, 3, stride=stride, padding=1)
            self.conv3 = conv(width, out, 1)
            self.bn3 = nn.BatchNorm2d(out)
        else:
            self.conv1 = conv(channels, width, 3, stride=stride, padding=1)
            self.conv2 = conv(width, width, 3, padding=1)
        self.bn1, self.bn2 = nn.BatchNorm2d(width), nn.BatchNorm2d(width)
        self.bottleneck, self.downsample = bottleneck, nn.Identity()
        if stride > 1 or channels != out:
            self.downsample = Padded(out - channels)
            if projection:
                shortcut = conv(channels, out, 1, stride=stride)
                self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(out))

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        if self.bottleneck:
            y = self.bn3(self.conv3(torch.relu(y)))
        return torch.relu(self.downsample(x) + y)


class ResNet(nn.Module):
    def __init__(self, classes, *, depth, features, cifar=False, projection=None):
        super().__init__()
        counts = {18: (2, 2, 2, 2), 50: (3, 4, 6, 3)}
        counts = ((depth - 2) // 6,) * 3 if cifar else counts[depth]
        options = {"bottleneck": depth == 50, "projection": projection or not cifar}
        side, stride = (3, 1) if cifar else (7, 2)
        self.conv1 = nn.Conv2d(
            3, features, side, stride=stride, padding=side // 2, bias=False
        )
        self.bn1 = nn.BatchNorm2d(features)
        self.maxpool = nn.Identity() if cifar else nn.MaxPool2d(3, 2, 1)
        self.stages, channels = len(counts), features
        for i, count in enumerate(counts):
            width, blocks = features * 2**i, []
            for j in range(count):
                stride = 2 if i > 0 and j == 0 else 1
                blocks.append(Block(channels, width, stride, **options))
                channels = 4 * width if depth == 50 else width
            setattr(self, f"layer{i + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(channels, classes)

    def forward(self, x):
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        for i in range(self.stages):
            x = getattr(self, f"layer{i + 1}")(x)
        return self.fc(x.mean((2, 3)))


# --------------------------------------------------------------------------- the names
def named(path):
    """Their name of one of our leaves."""
    path = re.sub(r"stages/(\d)/", lambda found: f"layer{int(found[1]) + 1}/", path)
    path = re.sub(r"norm(\d)/", r"bn\1/", path)
    for ours, theirs in {
        "shortcut/conv": "downsample/0",
        "shortcut/norm": "downsample/1",
        "head": "fc",
        "scale": "weight",
        "mean": "running_mean",
        "var": "running_var",
    }.items():
        path = path.replace(ours, theirs)
    return path.replace("/", ".")


def from_theirs(like, values):
    """A tree of ours with their values, each of which it takes once."""
    names = {path: named(path) for path in fnn.paths(like)}
    assert sorted(names.values()) == sorted(values)
    values = {name: np.asarray(v.detach()) for name, v in values.items()}

    def turned(array):  # theirs are (out, in) and (out, in, height, width)
        return array.transpose(2, 3, 1, 0) if array.ndim == 4 else array.T

    flat = {path: turned(values[name]) for path, name in names.items()}
    return fnn.from_paths(flat, like=like)


def state_of(theirs):
    buffers = dict(theirs.named_buffers())
    return {n: b.clone() for n, b in buffers.items() if "num_batches" not in n}


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize("name", FORMS)
def test_values_gradients_and_state(name, train):
    options, x = FORMS[name], images(FORMS[name])
    torch.manual_seed(0)
    theirs = ResNet(5, **options).double().train(train)
    for parameter in theirs.parameters():
        if parameter.ndim == 1:
            nn.init.uniform_(parameter, 0.5, 1.5)
    for buffer in theirs.buffers():
        if buffer.ndim == 1:
            nn.init.uniform_(buffer, 0.5, 1.5)
    net = fnn.models.resnet(5, **options)
    shapes = jax.eval_shape(net.init, jax.random.key(0), x)
    params = from_theirs(shapes[0], dict(theirs.named_parameters()))
    state = from_theirs(shapes[1], state_of(theirs))

    tensor = torch.tensor(x.transpose(0, 3, 1, 2)).double().requires_grad_()
    expected = theirs(tensor)
    expected.sin().sum().backward()
    theirs_by = {n: p.grad for n, p in theirs.named_parameters()}
    theirs_by = from_theirs(shapes[0], theirs_by)

    def loss(params, x):
        logits, new = net.apply(params, state, x, train=train)
        return jnp.sum(jnp.sin(logits)), (logits, new)

    with jax.enable_x64(True):
        found = jax.jit(jax.grad(loss, (0, 1), has_aux=True))
        (by_params, by_images), (logits, new) = found(params, x.astype(np.float64))

    def close(ours, theirs):
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-9)

    close(logits, expected.detach())
    jax.tree.map(close, new, from_theirs(shapes[1], state_of(theirs)))
    jax.tree.map(close, by_params, theirs_by)
    close(by_images, tensor.grad.numpy().transpose(0, 2, 3, 1))
