"""Normalisation, in training and out of it, and dropout."""

from torch.nn import functional

import fnn
from torch_cases.comparison import Case, floats
from torch_cases.layouts import over_space

ROWS = floats(7, 4)
SEQUENCE = floats(3, 5, 4)
IMAGE = floats(2, 4, 3, 4)
VOLUME = floats(2, 2, 3, 2, 4)


def batch(train, momentum=0.1, **options):
    """PyTorch's running statistics are written to, in place."""

    def theirs(tensors, x):
        state = {name: tensors[name].clone() for name in ("mean", "var")}

        @over_space
        def normalized(tensors, x):
            gain = tensors.get("scale"), tensors.get("bias")
            options_now = {"training": train, "momentum": momentum} | options
            return functional.batch_norm(x, *state.values(), *gain, **options_now)

        return normalized(tensors, x), state

    return theirs


def layer(axes, **options):
    def theirs(tensors, x):
        gain = tensors.get("scale"), tensors.get("bias")
        return functional.layer_norm(x, x.shape[-axes:], *gain, **options)

    return theirs


def root_mean_square(axes, eps=1e-6):
    def theirs(tensors, x):
        return functional.rms_norm(x, x.shape[-axes:], tensors.get("scale"), eps)

    return theirs


def group(groups, **options):
    @over_space
    def theirs(tensors, x):
        gain = tensors.get("scale"), tensors.get("bias")
        return functional.group_norm(x, groups, *gain, **options)

    return theirs


def instance(**options):
    @over_space
    def theirs(tensors, x):
        gain = {"weight": tensors.get("scale"), "bias": tensors.get("bias")}
        return functional.instance_norm(x, **gain, **options)

    return theirs


def dropped(rate, train):
    return lambda tensors, x: functional.dropout(x, rate, training=train)


CASES = {
    "batch_norm": [
        Case("rows", fnn.batch_norm(), batch(False), (ROWS,)),
        Case("sequences", fnn.batch_norm(), batch(False), (SEQUENCE,)),
        Case("images", fnn.batch_norm(), batch(False), (IMAGE,)),
        Case("training, rows", fnn.batch_norm(), batch(True), (ROWS,), train=True),
        Case(
            "training, sequences",
            fnn.batch_norm(),
            batch(True),
            (SEQUENCE,),
            train=True,
        ),
        Case("training, images", fnn.batch_norm(), batch(True), (IMAGE,), train=True),
        Case("training, volumes", fnn.batch_norm(), batch(True), (VOLUME,), train=True),
        Case(
            "training, momentum",
            fnn.batch_norm(momentum=0.3),
            batch(True, 0.3),
            (IMAGE,),
            train=True,
        ),
        Case(
            "training, momentum 1",
            fnn.batch_norm(momentum=1.0),
            batch(True, 1.0),
            (ROWS,),
            train=True,
        ),
        Case(
            "training, no scale, no bias, eps",
            fnn.batch_norm(use_scale=False, use_bias=False, eps=1e-2),
            batch(True, eps=1e-2),
            (IMAGE,),
            train=True,
        ),
        Case(
            "no scale, eps",
            fnn.batch_norm(use_scale=False, eps=1e-2),
            batch(False, eps=1e-2),
            (IMAGE,),
        ),
        Case(
            "training, float32",
            fnn.batch_norm(),
            batch(True),
            (floats(8, 6, 6, 4),),
            train=True,
            dtype="float32",
        ),
    ],
    "layer_norm": [
        Case("last axis", fnn.layer_norm(), layer(1), (SEQUENCE,)),
        Case("two axes", fnn.layer_norm(axis=(-2, -1)), layer(2), (SEQUENCE,)),
        Case("eps", fnn.layer_norm(eps=1e-2), layer(1, eps=1e-2), (IMAGE,)),
        Case("no bias", fnn.layer_norm(use_bias=False), layer(1), (SEQUENCE,)),
        Case(
            "no scale, no bias",
            fnn.layer_norm(use_scale=False, use_bias=False),
            layer(1),
            (SEQUENCE,),
        ),
        Case(
            "float32", fnn.layer_norm(), layer(1), (floats(4, 9, 64),), dtype="float32"
        ),
    ],
    "rms_norm": [
        Case("last axis", fnn.rms_norm(), root_mean_square(1), (SEQUENCE,)),
        Case("two axes", fnn.rms_norm(axis=(-2, -1)), root_mean_square(2), (SEQUENCE,)),
        Case("eps", fnn.rms_norm(eps=1e-2), root_mean_square(1, 1e-2), (SEQUENCE,)),
        Case("no scale", fnn.rms_norm(use_scale=False), root_mean_square(1), (IMAGE,)),
    ],
    "group_norm": [
        Case("one group", fnn.group_norm(1), group(1), (IMAGE,)),
        Case("two groups", fnn.group_norm(2), group(2), (IMAGE,)),
        Case("as many as channels", fnn.group_norm(4), group(4), (VOLUME,)),
        Case(
            "sequences, eps", fnn.group_norm(2, eps=0.1), group(2, eps=0.1), (SEQUENCE,)
        ),
        Case("rows", fnn.group_norm(2), group(2), (ROWS,)),
        Case(
            "no scale, no bias",
            fnn.group_norm(2, use_scale=False, use_bias=False),
            group(2),
            (IMAGE,),
        ),
    ],
    "instance_norm": [
        Case("1-D", fnn.instance_norm(), instance(), (SEQUENCE,)),
        Case("2-D", fnn.instance_norm(), instance(), (IMAGE,)),
        Case("3-D, eps", fnn.instance_norm(eps=0.1), instance(eps=0.1), (VOLUME,)),
        Case(
            "no scale, no bias",
            fnn.instance_norm(use_scale=False, use_bias=False),
            instance(),
            (IMAGE,),
        ),
        # Without running statistics training changes nothing.
        Case("training", fnn.instance_norm(), instance(), (IMAGE,), train=True),
    ],
    # What is drawn can't be the same.
    "dropout": [
        Case("evaluation", fnn.dropout(0.5), dropped(0.5, False), (SEQUENCE,)),
        Case(
            "evaluation, draws shared",
            fnn.dropout(0.5, broadcast=-2),
            dropped(0.5, False),
            (SEQUENCE,),
        ),
        Case(
            "training, rate 0",
            fnn.dropout(0.0),
            dropped(0.0, True),
            (SEQUENCE,),
            train=True,
        ),
    ],
}
