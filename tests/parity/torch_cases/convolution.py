"""Convolution, transposed and separable convolution."""

import torch
from torch.nn import functional

import fnn
from torch_cases.comparison import Case, floats
from torch_cases.layouts import kernel, over_space

LINE = floats(2, 9, 4)
IMAGE = floats(2, 7, 6, 4)
VOLUME = floats(2, 4, 5, 3, 2)

CONV = {3: functional.conv1d, 4: functional.conv2d, 5: functional.conv3d}
CONV_TRANSPOSE = {
    3: functional.conv_transpose1d,
    4: functional.conv_transpose2d,
    5: functional.conv_transpose3d,
}


def convolution(around=None, mode="constant", **options):
    """The convolution of what `functional.pad` gives; the last axis pads first."""

    @over_space
    def theirs(tensors, x):
        x = x if around is None else functional.pad(x, around, mode)
        weight, bias = kernel(tensors["weight"]), tensors.get("bias")
        return CONV[x.dim()](x, weight, bias, **options)

    return theirs


def transposed(groups=1, cut=None, **options):
    """Transposed convolution; `cut` slices the outputs that stay."""

    @over_space
    def theirs(tensors, x):
        # (*window, in / groups, out) to (in, out / groups, *window), group by group.
        parts = tensors["weight"].movedim((-2, -1), (0, 1)).chunk(groups, dim=1)
        weight, bias = torch.cat(parts), tensors.get("bias")
        y = CONV_TRANSPOSE[x.dim()](x, weight, bias, groups=groups, **options)
        return y if cut is None else y[(..., *cut)]

    return theirs


def separable(around=None, mode="constant", **options):
    @over_space
    def theirs(tensors, x):
        x = x if around is None else functional.pad(x, around, mode)
        run = CONV[x.dim()]
        each = kernel(tensors["depthwise/weight"])
        x = run(x, each, groups=x.shape[1], **options)
        bias = tensors.get("pointwise/bias")
        return run(x, kernel(tensors["pointwise/weight"]), bias)

    return theirs


CASES = {
    "conv": [
        Case("1-D", fnn.conv(3, (3,)), convolution(padding="same"), (LINE,)),
        Case("2-D", fnn.conv(3, (3, 5)), convolution(padding="same"), (IMAGE,)),
        Case("3-D", fnn.conv(3, (3, 1, 3)), convolution(padding="same"), (VOLUME,)),
        Case("even window", fnn.conv(3, (2, 4)), convolution((1, 2, 0, 1)), (IMAGE,)),
        Case(
            "dilation",
            fnn.conv(3, (3, 5), dilation=(2, 1)),
            convolution(padding="same", dilation=(2, 1)),
            (IMAGE,),
        ),
        Case(
            "no bias",
            fnn.conv(3, (3, 3), use_bias=False),
            convolution(padding="same"),
            (IMAGE,),
        ),
        Case(
            "1-D, valid",
            fnn.conv(3, (4,), padding="VALID"),
            convolution(padding="valid"),
            (LINE,),
        ),
        Case(
            "2-D, valid, stride",
            fnn.conv(3, (3, 2), padding="VALID", stride=(2, 3)),
            convolution(stride=(2, 3)),
            (IMAGE,),
        ),
        Case(
            "3-D, valid, stride and dilation",
            fnn.conv(3, (2, 2, 2), padding="VALID", stride=(1, 2, 1), dilation=2),
            convolution(stride=(1, 2, 1), dilation=2),
            (VOLUME,),
        ),
        Case(
            "stride, same, the odd zero at the end",
            fnn.conv(3, (3, 3), stride=2),
            convolution((0, 1, 1, 1), stride=2),
            (IMAGE,),
        ),
        Case(
            "1-D, padding by a number",
            fnn.conv(3, (3,), padding=2, stride=2, dilation=2),
            convolution(padding=2, stride=2, dilation=2),
            (LINE,),
        ),
        Case(
            "2-D, padding by numbers",
            fnn.conv(3, (3, 3), padding=(2, 1), stride=2),
            convolution(padding=(2, 1), stride=2),
            (IMAGE,),
        ),
        Case(
            "3-D, padding by a number",
            fnn.conv(4, (3, 3, 3), padding=1, stride=2, groups=2),
            convolution(padding=1, stride=2, groups=2),
            (VOLUME,),
        ),
        Case(
            "padding by pairs",
            fnn.conv(3, (3, 3), padding=((0, 2), (3, 1))),
            convolution((3, 1, 0, 2)),
            (IMAGE,),
        ),
        Case(
            "1x1 with stride",
            fnn.conv(3, (1, 1), stride=2, padding="VALID"),
            convolution(stride=2),
            (IMAGE,),
        ),
        Case(
            "groups",
            fnn.conv(6, (3, 3), groups=2),
            convolution(padding="same", groups=2),
            (IMAGE,),
        ),
        Case(
            "1-D, groups, stride and dilation",
            fnn.conv(2, (3,), groups=2, padding="VALID", stride=2, dilation=2),
            convolution(groups=2, stride=2, dilation=2),
            (LINE,),
        ),
        Case(
            "depthwise",
            fnn.conv(4, (3, 3), groups=4),
            convolution(padding="same", groups=4),
            (IMAGE,),
        ),
        Case(
            "depthwise, twice the channels",
            fnn.conv(8, (3, 3), groups=4, padding=1, stride=2),
            convolution(padding=1, stride=2, groups=4),
            (IMAGE,),
        ),
        Case(
            "causal",
            fnn.conv(3, (3,), padding="CAUSAL", dilation=2),
            convolution((4, 0), dilation=2),
            (LINE,),
        ),
        Case(
            "1-D, circular",
            fnn.conv(3, (3,), padding="CIRCULAR"),
            convolution((1, 1), "circular"),
            (LINE,),
        ),
        Case(
            "2-D, circular, dilation",
            fnn.conv(3, (3, 5), padding="CIRCULAR", dilation=(2, 1)),
            convolution((2, 2, 2, 2), "circular", dilation=(2, 1)),
            (IMAGE,),
        ),
        Case(
            "2-D, circular, even window and stride",
            fnn.conv(3, (4, 2), padding="CIRCULAR", stride=2),
            convolution((0, 1, 1, 2), "circular", stride=2),
            (IMAGE,),
        ),
        Case(
            "3-D, circular",
            fnn.conv(3, (3, 3, 3), padding="CIRCULAR"),
            convolution((1, 1, 1, 1, 1, 1), "circular"),
            (VOLUME,),
        ),
        Case(
            "1-D, reflect",
            fnn.conv(3, (5,), padding="REFLECT"),
            convolution((2, 2), "reflect"),
            (LINE,),
        ),
        Case(
            "2-D, reflect, stride",
            fnn.conv(3, (3, 4), padding="REFLECT", stride=(2, 1)),
            convolution((1, 2, 1, 1), "reflect", stride=(2, 1)),
            (IMAGE,),
        ),
        Case(
            "3-D, reflect",
            fnn.conv(3, (3, 3, 3), padding="REFLECT"),
            convolution((1, 1, 1, 1, 1, 1), "reflect"),
            (VOLUME,),
        ),
        Case(
            "float32",
            fnn.conv(8, (3, 3)),
            convolution(padding="same"),
            (floats(2, 8, 8, 16),),
            dtype="float32",
        ),
    ],
    "conv_transpose": [
        Case(
            "1-D, valid",
            fnn.conv_transpose(3, (3,), padding="VALID"),
            transposed(),
            (LINE,),
        ),
        Case(
            "1-D, stride and output padding",
            fnn.conv_transpose(3, (3,), stride=3, padding=1, output_padding=2),
            transposed(stride=3, padding=1, output_padding=2),
            (LINE,),
        ),
        Case(
            "2-D, valid, stride",
            fnn.conv_transpose(3, (3, 2), stride=2, padding="VALID"),
            transposed(stride=2),
            (IMAGE,),
        ),
        Case(
            "2-D, valid, output padding",
            fnn.conv_transpose(
                3, (2, 3), stride=(2, 3), padding="VALID", output_padding=(1, 2)
            ),
            transposed(stride=(2, 3), output_padding=(1, 2)),
            (IMAGE,),
        ),
        Case(
            "2-D, twice as large",
            fnn.conv_transpose(3, (4, 4), stride=2),
            transposed(stride=2, padding=1),
            (IMAGE,),
        ),
        Case(
            "same, stride 1",
            fnn.conv_transpose(3, (3, 5)),
            transposed(padding=(1, 2)),
            (IMAGE,),
        ),
        Case(
            "same, odd window, the odd value off the end",
            fnn.conv_transpose(3, (3,), stride=2),
            transposed(stride=2, cut=(slice(0, -1),)),
            (LINE,),
        ),
        Case(
            "2-D, twice as large, odd window",
            fnn.conv_transpose(3, (3, 3), stride=2, padding=1, output_padding=1),
            transposed(stride=2, padding=1, output_padding=1),
            (IMAGE,),
        ),
        Case(
            "dilation",
            fnn.conv_transpose(3, (3, 2), padding=(2, 1), stride=2, dilation=(2, 3)),
            transposed(padding=(2, 1), stride=2, dilation=(2, 3)),
            (IMAGE,),
        ),
        Case(
            "groups",
            fnn.conv_transpose(6, (3, 3), groups=2, padding=1, stride=2),
            transposed(groups=2, padding=1, stride=2),
            (IMAGE,),
        ),
        Case(
            "depthwise, no bias",
            fnn.conv_transpose(
                4, (4, 4), groups=4, padding=1, stride=2, use_bias=False
            ),
            transposed(groups=4, padding=1, stride=2),
            (IMAGE,),
        ),
        Case(
            "causal",
            fnn.conv_transpose(3, (4,), stride=2, padding=((0, 3),)),
            transposed(stride=2, cut=(slice(0, -3),)),
            (LINE,),
        ),
        Case(
            "3-D, stride, output padding, groups",
            fnn.conv_transpose(
                4,
                (3, 2, 3),
                stride=2,
                padding=(1, 0, 1),
                output_padding=(1, 0, 1),
                groups=2,
            ),
            transposed(groups=2, stride=2, padding=(1, 0, 1), output_padding=(1, 0, 1)),
            (VOLUME,),
        ),
    ],
    "separable_conv": [
        Case("1-D", fnn.separable_conv(3, (3,)), separable(padding="same"), (LINE,)),
        Case(
            "2-D, stride and dilation",
            fnn.separable_conv(3, (3, 2), padding="VALID", stride=2, dilation=(2, 1)),
            separable(stride=2, dilation=(2, 1)),
            (IMAGE,),
        ),
        Case(
            "multiplier, no bias",
            fnn.separable_conv(3, (3, 3), multiplier=2, use_bias=False),
            separable(padding="same"),
            (IMAGE,),
        ),
        Case(
            "circular",
            fnn.separable_conv(3, (3, 3), padding="CIRCULAR"),
            separable((1, 1, 1, 1), "circular"),
            (IMAGE,),
        ),
        Case(
            "3-D, padding by a number",
            fnn.separable_conv(3, (3, 3, 3), padding=1, stride=2),
            separable(padding=1, stride=2),
            (VOLUME,),
        ),
    ],
}
