"""Layers that make space larger or smaller without parameters."""

from torch.nn import functional

import fnn
from torch_cases.comparison import Case, floats
from torch_cases.layouts import over_space

LINE = floats(2, 5, 3)
IMAGE = floats(2, 4, 5, 3)
VOLUME = floats(2, 3, 4, 2, 2)


def interpolated(factor, mode, **options):
    @over_space
    def theirs(tensors, x):
        return functional.interpolate(x, scale_factor=factor, mode=mode, **options)

    return theirs


# PyTorch has Keys' kernel of a = -1/2, and such borders, only where it also smooths,
# which it does to what becomes smaller.
KEYS = {"align_corners": False, "antialias": True}


CASES = {
    "upsample": [
        Case("1-D, nearest", fnn.upsample((3,)), interpolated(3, "nearest"), (LINE,)),
        Case(
            "2-D, nearest",
            fnn.upsample((2, 3)),
            interpolated((2, 3), "nearest"),
            (IMAGE,),
        ),
        Case(
            "3-D, nearest",
            fnn.upsample((2, 1, 3)),
            interpolated((2, 1, 3), "nearest"),
            (VOLUME,),
        ),
        Case(
            "1-D, linear",
            fnn.upsample((3,), method="linear"),
            interpolated(3, "linear", align_corners=False),
            (LINE,),
        ),
        Case(
            "2-D, linear",
            fnn.upsample((2, 2), method="linear"),
            interpolated(2, "bilinear", align_corners=False),
            (IMAGE,),
        ),
        Case(
            "2-D, linear, another factor for each axis",
            fnn.upsample((4, 3), method="linear"),
            interpolated((4, 3), "bilinear", align_corners=False),
            (IMAGE,),
        ),
        Case(
            "3-D, linear",
            fnn.upsample((2, 1, 3), method="linear"),
            interpolated((2, 1, 3), "trilinear", align_corners=False),
            (VOLUME,),
        ),
        Case(
            "2-D, cubic",
            fnn.upsample((2, 2), method="cubic"),
            interpolated(2, "bicubic", **KEYS),
            (IMAGE,),
        ),
        Case(
            "2-D, cubic, another factor for each axis",
            fnn.upsample((3, 4), method="cubic"),
            interpolated((3, 4), "bicubic", **KEYS),
            (IMAGE,),
        ),
    ],
    "pixel_shuffle": [
        Case(
            "twice as large",
            fnn.pixel_shuffle((2, 2)),
            over_space(lambda tensors, x: functional.pixel_shuffle(x, 2)),
            (floats(2, 3, 2, 12),),
        ),
        Case(
            "three times as large",
            fnn.pixel_shuffle((3, 3)),
            over_space(lambda tensors, x: functional.pixel_shuffle(x, 3)),
            (floats(2, 2, 3, 18),),
        ),
    ],
    "pixel_unshuffle": [
        Case(
            "half as large",
            fnn.pixel_unshuffle((2, 2)),
            over_space(lambda tensors, x: functional.pixel_unshuffle(x, 2)),
            (floats(2, 4, 6, 3),),
        ),
        Case(
            "a third as large",
            fnn.pixel_unshuffle((3, 3)),
            over_space(lambda tensors, x: functional.pixel_unshuffle(x, 3)),
            (floats(2, 3, 6, 2),),
        ),
    ],
}
