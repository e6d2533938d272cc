"""Space made larger and smaller, drawn."""

import math

import numpy as np
import pytest
from hypothesis import given

import fnn
from tests.proof.resizing import interpolated
from tests.properties.cases import FLOATS, Case, batched, floats
from tests.properties.checks import check
from tests.properties.draws import BATCHES, FEW, RANKS, cases, several
from tests.properties.oracles import over_batches

SIZES = (0, 1, 2, 3, 4, 1, 2, 3)
WITH_INTEGERS = (*FLOATS, "int32")


def case(random, layer, equation, space, channels, dtypes=WITH_INTEGERS):
    x = (floats(*random.choice(BATCHES), *space, channels),)
    equation = over_batches(equation, len(space) + 1)
    return Case(layer, equation, x, init_inputs=batched(x), dtypes=dtypes)


def factor_of(random):
    return several(random, random.choice(RANKS), FEW)


def repeated(factor):
    """The nearest value."""

    def equation(params, x):
        space = [n * f for n, f in zip(x.shape[1:-1], factor, strict=True)]
        y = np.zeros((len(x), *space, x.shape[-1]), x.dtype)
        for at in np.ndindex(*space):
            nearest = tuple(p // f for p, f in zip(at, factor, strict=True))
            y[(slice(None), *at)] = x[(slice(None), *nearest)]
        return y

    return equation


def between(factor, method):
    """Values interpolated along each axis, if there are any."""

    def equation(params, x):
        if not x.size:
            return repeated(factor)(params, x)
        for axis, f in enumerate(factor, 1):
            x = interpolated(x, axis, f, method)
        return x

    return equation


def nearest(random):
    factor = factor_of(random)
    space, channels = several(random, len(factor), SIZES), random.choice(FEW)
    return case(random, fnn.upsample(factor), repeated(factor), space, channels)


def smooth(random):
    factor, method = factor_of(random), random.choice(["linear", "cubic"])
    space, channels = several(random, len(factor), SIZES), random.choice(FEW)
    layer = fnn.upsample(factor, method=method)
    return case(random, layer, between(factor, method), space, channels, FLOATS)


def places(factor, large):
    """Of each value of a larger image ``(*space, channels)``: its place in the smaller.

    ``y[r * i + a, s * j + b, c] = x[i, j, (c * r + a) * s + b]``.
    """
    for *at, c in np.ndindex(*large):
        channel = c
        for p, f in zip(at, factor, strict=True):
            channel = channel * f + p % f
        whole = (p // f for p, f in zip(at, factor, strict=True))
        yield (slice(None), *at, c), (slice(None), *whole, channel)


def pixel_shuffle(random):
    factor = factor_of(random)

    def equation(params, x):
        space = [n * f for n, f in zip(x.shape[1:-1], factor, strict=True)]
        large = *space, x.shape[-1] // math.prod(factor)
        y = np.zeros((len(x), *large), x.dtype)
        for there, here in places(factor, large):
            y[there] = x[here]
        return y

    space = several(random, len(factor), SIZES)
    channels = random.choice(FEW) * math.prod(factor)
    return case(random, fnn.pixel_shuffle(factor), equation, space, channels)


def pixel_unshuffle(random):
    factor = factor_of(random)

    def equation(params, y):
        space = [n // f for n, f in zip(y.shape[1:-1], factor, strict=True)]
        x = np.zeros((len(y), *space, y.shape[-1] * math.prod(factor)), y.dtype)
        for there, here in places(factor, y.shape[1:]):
            x[here] = y[there]
        return x

    space = [f * random.choice((0, 1, 2, 1, 2)) for f in factor]
    layer = fnn.pixel_unshuffle(factor)
    return case(random, layer, equation, space, random.choice(FEW))


@pytest.mark.slow
@given(cases(nearest, smooth, pixel_shuffle, pixel_unshuffle))
def test_resizing(drawn):
    check(*drawn)
