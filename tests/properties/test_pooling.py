"""Pooling in windows, in bins and over all of space, drawn."""

import functools

import numpy as np
import pytest
from hypothesis import given

import fnn
from tests.proof.pooling import in_bins, largest, mean, mean_of_values, pooled
from tests.properties.cases import FLOATS, Case, batched, floats
from tests.properties.checks import check
from tests.properties.draws import BATCHES, FEW, FLAGS, RANKS, cases, several
from tests.properties.oracles import over_batches

WITH_INTEGERS = (*FLOATS, "int32")


def case(random, layer, equation, space, dtypes=FLOATS):
    x = (floats(*random.choice(BATCHES), *space, random.choice(FEW)),)
    equation = over_batches(equation, len(space) + 1)
    return Case(layer, equation, x, init_inputs=batched(x), dtypes=dtypes)


def windows(random):
    """Window, its options and lengths of space; and how the windows lie."""
    rank = random.choice(RANKS)
    window = several(random, rank, (1, 2, 3, 4) if rank < 3 else (1, 2))
    stride = random.choice([None, several(random, rank, FEW)])
    pads = tuple(several(random, 2, range(n)) for n in window)
    padding = random.choice(["VALID", "SAME", pads])
    axes = []
    for i, (n, s) in enumerate(zip(window, stride or window, strict=True)):
        pair = (0, 0) if isinstance(padding, str) else padding[i]
        least = 1 if padding == "SAME" else max(n - sum(pair), 1)
        size = least + random.choice((0, 1, 2, 3))
        if padding == "SAME":
            count = -(-size // s)
            low = max((count - 1) * s + n - size, 0) // 2
        else:
            count, low = (size + sum(pair) - n) // s + 1, pair[0]
        axes.append((size, low, count))
    space, lows, outputs = zip(*axes, strict=True)
    options = {"stride": stride, "padding": padding}
    return window, options, space, (window, stride or window, lows, outputs)


def max_pool(random):
    window, options, space, how = windows(random)
    layer = fnn.max_pool(window, **options)
    return case(random, layer, pooled(largest, *how), space, WITH_INTEGERS)


def avg_pool(random):
    window, options, space, how = windows(random)
    count_padding = random.choice(FLAGS)
    layer = fnn.avg_pool(window, **options, count_padding=count_padding)
    reduce = mean if count_padding else mean_of_values
    return case(random, layer, pooled(reduce, *how), space)


def adaptive_pool(constructor, reduce, dtypes, random):
    size = several(random, random.choice(RANKS), (1, 2, 3, 4))
    space = several(random, len(size), (1, 2, 3, 4, 5))
    return case(random, constructor(size), in_bins(reduce, size), space, dtypes)


def global_pool(constructor, reduce, dtypes, random):
    space = several(random, random.choice(RANKS), FEW)
    axes = tuple(range(1, len(space) + 1))
    layer = constructor(len(space))
    return case(random, layer, lambda _, x: reduce(x, axes), space, dtypes)


KINDS = (
    max_pool,
    avg_pool,
    functools.partial(adaptive_pool, fnn.adaptive_avg_pool, np.mean, FLOATS),
    functools.partial(adaptive_pool, fnn.adaptive_max_pool, np.max, WITH_INTEGERS),
    functools.partial(global_pool, fnn.global_avg_pool, np.mean, FLOATS),
    functools.partial(global_pool, fnn.global_max_pool, np.max, WITH_INTEGERS),
)


@pytest.mark.slow
@given(cases(*KINDS))
def test_pooling(drawn):
    check(*drawn)
