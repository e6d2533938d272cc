"""Small networks: layers one after the other, beside each other, around a shortcut."""

import jax
import jax.numpy as jnp
import torch
from torch.func import functional_call
from torch.nn import functional

import fnn
from torch_cases.comparison import Case, floats
from torch_cases.layouts import kernel, over_space

IMAGE = floats(2, 8, 8, 3)


# ------------------------------------------------------------------ one after the other
def convolutional(train):
    """Two convolutions, normalised and pooled, and a dense layer."""
    module = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3, padding=1),
        torch.nn.BatchNorm2d(4),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(4, 6, 3, padding=1, groups=2, bias=False),
        torch.nn.BatchNorm2d(6),
        torch.nn.GELU(),
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(),
        torch.nn.Linear(6, 5),
    ).train(train)

    def theirs(tensors, x):
        own = {}
        for path, tensor in tensors.items():
            layer, name = path.split("/")
            if name in ("mean", "var"):
                own[f"{layer}.running_{name}"] = tensor.clone()
            elif name == "weight":
                own[f"{layer}.weight"] = kernel(tensor)
            else:
                own[f"{layer}.{name.replace('scale', 'weight')}"] = tensor
        y = functional_call(module, own, (x.movedim(-1, 1),))
        state = {
            name.replace(".running_", "/"): tensor
            for name, tensor in own.items()
            if "running" in name
        }
        return y, state

    return theirs


@fnn.constructor
def gelu():
    return lambda x: jax.nn.gelu(x, approximate=False)


CONVOLUTIONAL = fnn.sequential(
    fnn.conv(4, (3, 3)),
    fnn.batch_norm(),
    jax.nn.relu,
    fnn.max_pool((2, 2)),
    fnn.conv(6, (3, 3), groups=2, use_bias=False),
    fnn.batch_norm(),
    gelu(),
    fnn.global_avg_pool(),
    fnn.flatten(),
    fnn.dense(5),
)


# -------------------------------------------------------- shortcuts, and side by side
@over_space
def bottleneck(tensors, x):
    y = functional.conv2d(x, kernel(tensors["layer/0/weight"]), tensors["layer/0/bias"])
    y = functional.group_norm(y, 2, tensors["layer/1/scale"], tensors["layer/1/bias"])
    y = functional.silu(y)
    weight, bias = kernel(tensors["layer/3/weight"]), tensors["layer/3/bias"]
    y = functional.conv2d(y, weight, bias, stride=2, padding=1)
    short = functional.conv2d(x, kernel(tensors["shortcut/weight"]), stride=2)
    return y + short


@over_space
def branches(tensors, x):
    wide = functional.conv2d(x, kernel(tensors["0/weight"]), tensors["0/bias"])
    pooled = functional.avg_pool2d(x, 3, 1, 1)
    return torch.cat([wide, functional.relu(x), pooled], 1)


CASES = {
    "sequential": [
        Case("a convolutional network", CONVOLUTIONAL, convolutional(False), (IMAGE,)),
        Case(
            "a convolutional network, training",
            CONVOLUTIONAL,
            convolutional(True),
            (IMAGE,),
            train=True,
        ),
        Case(
            "a convolutional network, training, float32",
            CONVOLUTIONAL,
            convolutional(True),
            (IMAGE,),
            train=True,
            dtype="float32",
        ),
    ],
    "residual": [
        Case(
            "a convolution as shortcut",
            fnn.residual(
                fnn.sequential(
                    fnn.conv(4, (1, 1)),
                    fnn.group_norm(2),
                    jax.nn.silu,
                    fnn.conv(5, (3, 3), stride=2, padding=1),
                ),
                fnn.conv(5, (1, 1), stride=2, padding="VALID", use_bias=False),
            ),
            bottleneck,
            (IMAGE,),
        ),
    ],
    "parallel": [
        Case(
            "three branches, joined",
            fnn.parallel(
                fnn.conv(4, (1, 1)),
                jax.nn.relu,
                fnn.avg_pool((3, 3), stride=1, padding=1),
                combine=lambda ys: jnp.concatenate(ys, -1),
            ),
            branches,
            (IMAGE,),
        ),
    ],
}
