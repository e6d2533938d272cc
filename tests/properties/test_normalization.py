"""Normalisations, drawn."""

import math

import numpy as np
import pytest
from hypothesis import given

import fnn
from tests.proof.normalization import standardised
from tests.properties.cases import Case, batched, floats
from tests.properties.checks import check
from tests.properties.draws import BATCHES, FEW, FLAGS, cases, several

EPS = (1e-3, 1e-5, 0.5)
MANY = (2, 3, 4)


def gains(random):
    return {"use_scale": random.choice(FLAGS), "use_bias": random.choice(FLAGS)}


def gained(params, x, axes=(-1,)):
    """Times scale and plus bias, which have the lengths of these axes of x."""
    lengths = [n if i - x.ndim in axes else 1 for i, n in enumerate(x.shape)]
    y = x * params["scale"].reshape(lengths) if "scale" in params else x
    return y + params["bias"].reshape(lengths) if "bias" in params else y


def layer_norm(random):
    axes = random.choice([(-1,), (-2,), (-1, -2), (-3, -1)])
    eps = random.choice(EPS)

    def equation(params, x):
        return gained(params, standardised(x, axes, eps), axes)

    layer = fnn.layer_norm(axis=axes, eps=eps, **gains(random))
    return Case(
        layer, equation, (floats(*random.choice(BATCHES), *several(random, 3, FEW)),)
    )


def rms_norm(random):
    axes = random.choice([(-1,), (-2,), (-1, -2)])
    eps = random.choice(EPS)

    def equation(params, x):
        y = x / np.sqrt((x**2).mean(axes, keepdims=True) + eps)
        return gained(params, y, axes)

    layer = fnn.rms_norm(axis=axes, eps=eps, use_scale=random.choice(FLAGS))
    return Case(
        layer, equation, (floats(*random.choice(BATCHES), *several(random, 2, FEW)),)
    )


def group_norm(random):
    groups, eps = random.choice(FEW), random.choice(EPS)
    space = several(random, random.choice([0, 1, 2]), FEW)
    # One value is not normalised.
    each = random.choice(MANY if math.prod(space) == 1 else FEW)
    axes = tuple(range(-len(space) - 1, 0))

    def equation(params, x):
        parts = [standardised(p, axes, eps) for p in np.split(x, groups, -1)]
        return gained(params, np.concatenate(parts, -1))

    x = (floats(*random.choice(BATCHES), *space, groups * each),)
    layer = fnn.group_norm(groups, space=len(space), eps=eps, **gains(random))
    return Case(layer, equation, x, init_inputs=batched(x))


def instance_norm(random):
    eps, batch = random.choice(EPS), random.choice(BATCHES)
    space = random.choice(MANY), *several(random, random.choice([0, 1, 2]), FEW)
    axes = tuple(range(-len(space) - 1, -1))
    # By default all but the first and last axis are space.
    named = random.choice(FLAGS) if len(batch) == 1 else True

    def equation(params, x):
        return gained(params, standardised(x, axes, eps))

    layer = fnn.instance_norm(
        space=len(space) if named else None, eps=eps, **gains(random)
    )
    return Case(layer, equation, (floats(*batch, *space, random.choice(FEW)),))


def batch_norm(random):
    eps, momentum = random.choice(EPS), random.choice([0.1, 0.0, 1.0])
    train = random.choice(FLAGS)
    # One value of a channel is not normalised.
    several_values = ((2,), (3,), (4, 1), (1, 3, 2))
    batch = random.choice(several_values if train else BATCHES)

    def equation(params, state, x):
        if not train:
            y = (x - state["mean"]) / np.sqrt(state["var"] + eps)
            return gained(params, y), state
        axes = tuple(range(x.ndim - 1))
        newest = {"mean": x.mean(axes), "var": x.var(axes, ddof=1)}
        state = {n: (1 - momentum) * state[n] + momentum * newest[n] for n in state}
        return gained(params, standardised(x, axes, eps)), state

    layer = fnn.batch_norm(eps=eps, momentum=momentum, **gains(random))
    return Case(layer, equation, (floats(*batch, random.choice(FEW)),), train=train)


@pytest.mark.slow
@given(cases(layer_norm, rms_norm, group_norm, instance_norm, batch_norm))
def test_normalization(drawn):
    check(*drawn)
