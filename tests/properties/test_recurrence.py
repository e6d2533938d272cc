"""Cells, loops over time and linear recurrences, drawn."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
import pytest
from hypothesis import given

import fnn
from tests.proof.convolution import convolution
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
from tests.properties.oracles import alone, over_batches, over_time, with_cell


class Cell(NamedTuple):
    """A cell, and the equation of a step."""

    layer: Any
    equation: Callable
    start: Callable  # the carry whose output is an array
    step: tuple[int, ...]  # lengths of an input
    hidden: tuple[int, ...]  # lengths of an output


# ------------------------------------------------------------------------------- cells
OF_VECTORS = (
    (fnn.rnn_cell, oracles.rnn_cell, alone),
    (fnn.gru_cell, oracles.gru_cell, alone),
    (fnn.lstm_cell, oracles.lstm_cell, with_cell),
)


def cell_of(random):
    kind = random.choice((*OF_VECTORS, None))
    if kind is None:
        return cell_of_images(random)
    constructor, equation, start = kind
    features = random.choice(FEW)
    layer = constructor(features, use_bias=random.choice(FLAGS))
    return Cell(layer, equation, start, (random.choice(FEW),), (features,))


def cell_of_images(random):
    rank, stride = random.choice([1, 2]), random.choice([1, 2])
    window, padding = several(random, rank, FEW), random.choice(["SAME", "VALID"])
    features, n, peepholes = (
        random.choice(FEW),
        random.choice(FEW),
        random.choice(FLAGS),
    )
    space = [w + random.choice((0, 1)) for w in window]
    kept = space
    if padding == "VALID":
        kept = [size - w + 1 for size, w in zip(space, window, strict=True)]
    kept = [-(-size // stride) for size in kept]
    ones = (1,) * rank

    def convolved(params, x, padding, strides):
        def equation(params, x):
            weight, bias = params["weight"], params.get("bias", 0.0)
            return convolution(x, weight, bias, padding, strides, ones, 1)

        return over_batches(equation, rank + 1)(params, x)

    def equation(params, carry, x):
        from_x = convolved(params["input"], x, padding, (stride,) * rank)
        sums = from_x + convolved(params["recurrent"], carry["hidden"], "SAME", ones)
        if peepholes:
            at_i, at_f, at_o = np.split(params["peephole"]["weight"], 3, -1)
            i, f, g, o = np.split(sums, 4, -1)
            i, f = i + at_i * carry["cell"], f + at_f * carry["cell"]
            new, _ = oracles.gated(np.concatenate([i, f, g, o], -1), carry["cell"])
            sums = np.concatenate([i, f, g, o + at_o * new["cell"]], -1)
        return oracles.gated(sums, carry["cell"])

    layer = fnn.conv_lstm_cell(
        features,
        window,
        stride=stride,
        padding=padding,
        peepholes=peepholes,
        use_bias=random.choice(FLAGS),
    )
    return Cell(layer, equation, with_cell, (*space, n), (*kept, features))


def one_step(random):
    cell, batch = cell_of(random), random.choice(BATCHES)
    carry = random.choice([None, cell.start(floats(*batch, *cell.hidden))])

    def equation(params, carry, x):
        if carry is None:
            carry = cell.start(np.zeros((*batch, *cell.hidden)))
        return cell.equation(params, carry, x)

    inputs = (carry, floats(*batch, *cell.step))
    return Case(cell.layer, equation, inputs, init_inputs=batched(inputs))


# --------------------------------------------------------------------------- over time
def started(random, carry):
    """The first carry, by its name, or nothing."""
    return random.choice([{}, {"carry": carry}])


def recurrent(random):
    cell, batch, time = cell_of(random), random.choice(BATCHES), random.choice(TIMES)
    reverse, returns, keeps = several(random, 3, FLAGS)
    batch = batch if batch or not keeps else (2,)  # state has the batch axes of `init`
    named = lengths_of(random, batch, time)
    named |= started(random, cell.start(floats(*batch, *cell.hidden)))
    loop = over_time(cell.equation, cell.start, cell.hidden, reverse)

    def equation(params, x, **named):
        carry, y = loop(params, x, **named)
        return (carry, y) if returns else y

    def keeping(params, state, x, **named):
        carry, y = loop(params, x, **{"carry": state["carry"]} | named)
        return (carry, y) if returns else y, {"carry": carry, "inner": ()}

    layer = fnn.recurrent(
        cell.layer,
        reverse=reverse,
        keep_carry=keeps,
        return_carry=returns,
        unroll=random.choice([1, 2]),
    )
    x = (floats(*batch, time, *cell.step),)
    return Case(
        layer,
        keeping if keeps else equation,
        x,
        named,
        init_inputs=x if keeps else batched(x),
        carries=keeps and "carry" not in named,
    )


def bidirectional(random):
    cell, batch, time = cell_of(random), random.choice(BATCHES), random.choice(TIMES)
    returns = random.choice(FLAGS)
    ways = {"forward": False, "backward": True}
    carry = cell.start(floats(*batch, *cell.hidden))
    named = lengths_of(random, batch, time) | started(
        random, dict.fromkeys(ways, carry)
    )

    def equation(params, x, lengths=None, carry=None):
        last, outputs = {}, []
        for way, reverse in ways.items():
            loop = over_time(cell.equation, cell.start, cell.hidden, reverse)
            start = None if carry is None else carry[way]
            last[way], y = loop(params[way], x, lengths, start)
            outputs.append(y)
        y = np.concatenate(outputs, -1)
        return (last, y) if returns else y

    layer = fnn.bidirectional(cell.layer, return_carry=returns)
    x = (floats(*batch, time, *cell.step),)
    return Case(layer, equation, x, named, init_inputs=batched(x))


def diagonal(constructor, modes, random):
    batch, time, groups = (random.choice(values) for values in (BATCHES, TIMES, FEW))
    state, n = (groups * each for each in several(random, 2, (1, 2)))
    reverse, returns, use_skip = several(random, 3, FLAGS)
    carry = jax.ShapeDtypeStruct((*batch, state), np.dtype("complex128"))
    named = lengths_of(random, batch, time) | started(random, carry)

    def start(y):
        return np.zeros((*y.shape[:-1], state), complex)

    loop = over_time(oracles.diagonal_cell(modes, groups), start, (n,), reverse)

    def equation(params, x, **named):
        carry, y = loop(params, x, **named)
        return (carry, y) if returns else y

    layer = constructor(
        state, groups=groups, use_skip=use_skip, reverse=reverse, return_carry=returns
    )
    x = (floats(*batch, time, n),)
    return Case(layer, equation, x, named, init_inputs=batched(x))


linear_recurrence = functools.partial(diagonal, fnn.linear_recurrence, oracles.ring)
state_space = functools.partial(diagonal, fnn.state_space, oracles.held)


@pytest.mark.slow
@given(cases(one_step, recurrent, bidirectional, linear_recurrence, state_space))
def test_recurrence(drawn):
    check(*drawn)
