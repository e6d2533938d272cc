"""Attention over one sequence and over two, drawn."""

import math

import numpy as np
import pytest
from hypothesis import given

import fnn
from tests.properties import oracles
from tests.properties.cases import Case, batched, floats
from tests.properties.checks import check
from tests.properties.draws import (
    BATCHES,
    FEW,
    FLAGS,
    TIMES,
    cases,
    lengths_of,
    several,
)

QK_EPS = 1e-2  # not so little that a step of the central difference were too long
SLOPES = {1: [-8], 2: [-4, -8], 4: [-2, -4, -6, -8]}  # exponents of 2, by heads


def heads_of(random):
    """Options of both kinds of attention."""
    kv_heads = random.choice([1, 2])
    return {
        "heads": kv_heads * random.choice([1, 2]),
        "kv_heads": kv_heads,
        "head_features": random.choice([2, 4]),
        "scale": random.choice([None, 0.3]),
        "qk_norm": random.choice([None, fnn.rms_norm(eps=QK_EPS)]),
        "use_bias": random.choice(FLAGS),
    }


def limits(random, full, prefix=""):
    """A mask and a bias, by the names that attention has for them, or not both."""

    def shape():
        """One that broadcasts to that of the logits, or to that of one head."""
        lengths = random.choice([full, full[-2:]])
        return tuple(random.choice([n, 1]) for n in lengths)

    named = {}
    if random.choice(FLAGS):
        numbers = np.random.default_rng(random.randint(0, 99))
        named[f"{prefix}mask"] = numbers.random(shape()) < 0.7
    if random.choice(FLAGS):
        named[f"{prefix}bias"] = floats(*shape())
    return named


def before(lengths, time):
    return np.arange(time) < np.asarray(lengths)[..., None]


def attention(settings, full, near, prefix="", slopes=None, turns=False):
    """Its equation with these options; `near` says which distances are bridged."""
    scale = settings["scale"] or settings["head_features"] ** -0.5

    def equation(params, x, memory=None, values=None, **named):
        memory = x if memory is None else memory
        inputs = x, memory, memory if values is None else values
        time, keys = full[-2:]
        distance = np.arange(keys) - np.arange(time)[:, None]
        allowed = near(distance) & named.get(f"{prefix}mask", np.ones(full, bool))
        bias = np.zeros(full) + named.get(f"{prefix}bias", 0.0)
        if slopes is not None:
            bias = bias - np.abs(distance) * 2.0 ** np.reshape(slopes, (-1, 1, 1))
        if f"{prefix}lengths" in named:
            valid = before(named[f"{prefix}lengths"], keys)
            allowed = allowed & valid[..., None, None, :]
        allowed = np.broadcast_to(allowed, full)
        positions = named.get("positions", np.arange(time)) if turns else None
        y = oracles.attention(
            params,
            inputs,
            settings["kv_heads"],
            allowed,
            bias,
            scale,
            positions,
            QK_EPS,
        )
        if "lengths" in named:
            y = np.where(before(named["lengths"], time)[..., None], y, 0.0)
        return y

    return equation


def over_itself(random):
    settings, batch, time = (
        heads_of(random),
        random.choice(BATCHES),
        random.choice(TIMES),
    )
    heads = settings["heads"]
    full = (*batch, heads, time, time)
    causal, turns, biased = several(random, 3, FLAGS)
    sides = several(random, 2, (0, 1, 2))
    window = random.choice([None, sides[0], sides])
    left, right = window if isinstance(window, tuple) else (window, window)

    def near(distance):
        within = (distance <= 0) | (not causal)
        if window is None:
            return within
        return within & (-left <= distance) & (distance <= right)

    named = limits(random, full) | lengths_of(random, batch, time)
    if random.choice(FLAGS):
        shape = random.choice([(time,), (*batch, time)])
        places = [random.randint(0, 9) for _ in range(math.prod(shape))]
        named["positions"] = np.array(places, "int32").reshape(shape)
    layer = fnn.attention(
        random.choice(FEW),
        **settings,
        causal=causal,
        window=window,
        rotary=fnn.rotary if turns else None,
        position_bias=fnn.alibi(heads) if biased else None,
    )
    slopes = SLOPES[heads] if biased else None
    equation = attention(settings, full, near, slopes=slopes, turns=turns)
    x = (floats(*batch, time, random.choice(FEW)),)
    return Case(layer, equation, x, named, init_inputs=batched(x))


def over_a_memory(random):
    settings, batch = heads_of(random), random.choice(BATCHES)
    time, keys = several(random, 2, TIMES)
    full = (*batch, settings["heads"], time, keys)
    lengths = [time, keys, keys][: random.choice([2, 3])]  # with values, or without
    inputs = tuple(floats(*batch, n, random.choice(FEW)) for n in lengths)
    named = limits(random, full, "memory_") | lengths_of(random, batch, time)
    named |= lengths_of(random, batch, keys, "memory_lengths")

    def near(distance):
        return np.ones_like(distance, bool)

    layer = fnn.attention(random.choice(FEW), **settings, cross=True)
    equation = attention(settings, full, near, "memory_")
    return Case(layer, equation, inputs, named, init_inputs=batched(inputs))


@pytest.mark.slow
@given(cases(over_itself, over_a_memory))
def test_attention(drawn):
    check(*drawn)
