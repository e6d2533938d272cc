"""Pooling over windows, into bins, and over all of space."""

import numpy as np
from torch.nn import functional

import fnn
from torch_cases.comparison import Case, floats
from torch_cases.layouts import over_space

LINE = floats(2, 9, 3)
IMAGE = floats(2, 7, 6, 3)
VOLUME = floats(2, 4, 5, 3, 2)
# Half of these values are equal to a neighbour: which of them gets the gradient?
TIES = np.random.default_rng(0).integers(0, 3, (2, 7, 6, 3)).astype(float)

MAX = {3: functional.max_pool1d, 4: functional.max_pool2d, 5: functional.max_pool3d}
AVG = {3: functional.avg_pool1d, 4: functional.avg_pool2d, 5: functional.avg_pool3d}
ADAPTIVE_MAX = {
    3: functional.adaptive_max_pool1d,
    4: functional.adaptive_max_pool2d,
    5: functional.adaptive_max_pool3d,
}
ADAPTIVE_AVG = {
    3: functional.adaptive_avg_pool1d,
    4: functional.adaptive_avg_pool2d,
    5: functional.adaptive_avg_pool3d,
}


def pooled(functions, *args, around=None, **options):
    """The function for so many axes, of what `functional.pad` gives."""
    pads, filler = around or ((), 0.0)

    @over_space
    def theirs(tensors, x):
        x = functional.pad(x, pads, value=filler) if around else x
        return functions[x.dim()](x, *args, **options)

    return theirs


def globally(functions):
    return lambda tensors, x: pooled(functions, 1)(tensors, x).flatten(1)


CASES = {
    "max_pool": [
        Case("1-D", fnn.max_pool((3,)), pooled(MAX, 3), (LINE,)),
        Case("2-D", fnn.max_pool((2, 3)), pooled(MAX, (2, 3)), (IMAGE,)),
        Case("3-D", fnn.max_pool((2, 2, 2)), pooled(MAX, 2), (VOLUME,)),
        Case(
            "stride", fnn.max_pool((3, 2), stride=1), pooled(MAX, (3, 2), 1), (IMAGE,)
        ),
        Case(
            "stride and padding",
            fnn.max_pool((3, 3), stride=2, padding=1),
            pooled(MAX, 3, 2, 1),
            (IMAGE,),
        ),
        Case(
            "1-D, padding",
            fnn.max_pool((4,), stride=3, padding=2),
            pooled(MAX, 4, 3, 2),
            (LINE,),
        ),
        Case(
            "same, the odd value at the end",
            fnn.max_pool((2, 2), padding="SAME"),
            pooled(MAX, 2, around=((0, 0, 0, 1), -np.inf)),
            (IMAGE,),
        ),
        Case(
            "equal values",
            fnn.max_pool((3, 3), stride=2, padding=1),
            pooled(MAX, 3, 2, 1),
            (TIES,),
        ),
        Case("long window", fnn.max_pool((40,)), pooled(MAX, 40), (floats(2, 80, 2),)),
    ],
    "avg_pool": [
        Case("1-D", fnn.avg_pool((2,)), pooled(AVG, 2), (LINE,)),
        Case("2-D", fnn.avg_pool((2, 3)), pooled(AVG, (2, 3)), (IMAGE,)),
        Case("3-D", fnn.avg_pool((2, 3, 1)), pooled(AVG, (2, 3, 1)), (VOLUME,)),
        Case(
            "padding counts",
            fnn.avg_pool((3, 3), stride=2, padding=1),
            pooled(AVG, 3, 2, 1),
            (IMAGE,),
        ),
        Case(
            "padding doesn't count",
            fnn.avg_pool((3, 3), stride=(2, 1), padding=1, count_padding=False),
            pooled(AVG, 3, (2, 1), 1, count_include_pad=False),
            (IMAGE,),
        ),
        Case(
            "3-D, padding doesn't count",
            fnn.avg_pool((2, 3, 2), stride=2, padding=1, count_padding=False),
            pooled(AVG, (2, 3, 2), 2, 1, count_include_pad=False),
            (VOLUME,),
        ),
        Case(
            "same, the odd zero at the end",
            fnn.avg_pool((2, 2), padding="SAME"),
            pooled(AVG, 2, around=((0, 0, 0, 1), 0.0)),
            (IMAGE,),
        ),
        Case("long window", fnn.avg_pool((40,)), pooled(AVG, 40), (floats(2, 80, 2),)),
    ],
    "adaptive_max_pool": [
        Case("1-D", fnn.adaptive_max_pool((4,)), pooled(ADAPTIVE_MAX, 4), (LINE,)),
        Case(
            "2-D",
            fnn.adaptive_max_pool((3, 5)),
            pooled(ADAPTIVE_MAX, (3, 5)),
            (IMAGE,),
        ),
        Case(
            "more bins than values",
            fnn.adaptive_max_pool((9, 2)),
            pooled(ADAPTIVE_MAX, (9, 2)),
            (IMAGE,),
        ),
        Case(
            "3-D",
            fnn.adaptive_max_pool((2, 3, 1)),
            pooled(ADAPTIVE_MAX, (2, 3, 1)),
            (VOLUME,),
        ),
        Case(
            "equal values",
            fnn.adaptive_max_pool((3, 2)),
            pooled(ADAPTIVE_MAX, (3, 2)),
            (TIES,),
        ),
    ],
    "adaptive_avg_pool": [
        Case("1-D", fnn.adaptive_avg_pool((4,)), pooled(ADAPTIVE_AVG, 4), (LINE,)),
        Case(
            "2-D",
            fnn.adaptive_avg_pool((3, 5)),
            pooled(ADAPTIVE_AVG, (3, 5)),
            (IMAGE,),
        ),
        Case(
            "more bins than values",
            fnn.adaptive_avg_pool((9, 2)),
            pooled(ADAPTIVE_AVG, (9, 2)),
            (IMAGE,),
        ),
        Case(
            "3-D",
            fnn.adaptive_avg_pool((2, 3, 1)),
            pooled(ADAPTIVE_AVG, (2, 3, 1)),
            (VOLUME,),
        ),
    ],
    "global_avg_pool": [
        Case("1-D", fnn.global_avg_pool(), globally(ADAPTIVE_AVG), (LINE,)),
        Case("2-D", fnn.global_avg_pool(), globally(ADAPTIVE_AVG), (IMAGE,)),
        Case("3-D", fnn.global_avg_pool(3), globally(ADAPTIVE_AVG), (VOLUME,)),
    ],
    "global_max_pool": [
        Case("1-D", fnn.global_max_pool(), globally(ADAPTIVE_MAX), (LINE,)),
        Case("2-D", fnn.global_max_pool(2), globally(ADAPTIVE_MAX), (IMAGE,)),
        Case("equal values", fnn.global_max_pool(), globally(ADAPTIVE_MAX), (TIES,)),
    ],
}
