"""Convolutions, their transposes and separable ones, drawn."""

import pytest
from hypothesis import given

import fnn
from tests.proof.convolution import convolution
from tests.proof.linear import affine
from tests.properties.cases import Case, batched, floats
from tests.properties.checks import check
from tests.properties.draws import BATCHES, FEW, FLAGS, RANKS, cases, several
from tests.properties.oracles import over_batches, transposed_convolution

NAMES = ("VALID", "SAME", "CIRCULAR", "REFLECT")
LEAST = {  # lengths of space, by how many values the window spans
    "VALID": lambda reach: reach,
    "SAME": lambda reach: 0,
    "CIRCULAR": lambda reach: reach // 2,
    "REFLECT": lambda reach: reach // 2 + 1,
    "CAUSAL": lambda reach: 0,
}


def options(random, causal):
    """Window, stride, dilation and padding of a layer, and what the window spans."""
    rank = random.choice(RANKS)
    window, dilation = several(random, rank, FEW), several(random, rank, (1, 2))
    names = NAMES + ("CAUSAL",) * (causal and rank == 1)
    pads = tuple(several(random, 2, (0, 1, 2)) for _ in range(rank))
    settings = {
        "window": window,
        "stride": several(random, rank, FEW),
        "dilation": dilation,
        "padding": random.choice((*names, pads)),
    }
    return settings, [d * (n - 1) + 1 for d, n in zip(dilation, window, strict=True)]


def least(padding, reach):
    """The least length of each axis of space that a convolution takes."""
    if isinstance(padding, str):
        return [LEAST[padding](r) for r in reach]
    return [max(r - sum(pads), 0) for r, pads in zip(reach, padding, strict=True)]


def images(random, least, channels):
    """Batch axes, space of at least these lengths, and channels."""
    more = (1, 2, 3, 0, 1, 2, 3) if len(least) < 3 else (1, 1, 0, 1)
    space = [n + random.choice(more) for n in least]
    return (floats(*random.choice(BATCHES), *space, channels),)


def cut(random):
    """Groups, and two multiples of their number."""
    groups = random.choice(FEW)
    return groups, *(groups * each for each in several(random, 2, (1, 2)))


def case(layer, equation, inputs, rank):
    equation = over_batches(equation, rank + 1)
    return Case(layer, equation, inputs, init_inputs=batched(inputs))


def conv(random):
    settings, reach = options(random, causal=True)
    stride, dilation, padding = (settings[n] for n in ("stride", "dilation", "padding"))
    groups, channels, features = cut(random)
    use_bias = random.choice(FLAGS)

    def equation(params, x):
        weight, bias = params["weight"], params.get("bias", 0.0)
        return convolution(x, weight, bias, padding, stride, dilation, groups)

    layer = fnn.conv(features, **settings, groups=groups, use_bias=use_bias)
    inputs = images(random, least(padding, reach), channels)
    return case(layer, equation, inputs, len(reach))


def conv_transpose(random):
    settings, reach = options(random, causal=False)
    stride, dilation, padding = (settings[n] for n in ("stride", "dilation", "padding"))
    groups, channels, features = cut(random)
    extra = random.choice([None, tuple(random.randrange(s) for s in stride)])
    layer = fnn.conv_transpose(
        features,
        **settings,
        groups=groups,
        output_padding=extra,
        use_bias=random.choice(FLAGS),
    )
    if extra is None:
        fills = padding in ("SAME", "CIRCULAR", "REFLECT")
        extra = [s - 1 if fills else 0 for s in stride]
    first = [n + e for n, e in zip(of_one(padding, reach), extra, strict=True)]
    # As many values as it takes for an output that the convolution would take.
    needed = [max(n, 1) for n in least(padding, reach)]
    sizes = [
        max(1, 1 + -((f - n) // s))
        for f, n, s in zip(first, needed, stride, strict=True)
    ]

    def equation(params, x):
        lengths = zip(x.shape[1:-1], stride, first, strict=True)
        outputs = [(n - 1) * s + f for n, s, f in lengths]
        weight, bias = params["weight"], params.get("bias", 0.0)
        return transposed_convolution(
            x, weight, bias, outputs, padding, stride, dilation, groups
        )

    return case(layer, equation, images(random, sizes, channels), len(reach))


def of_one(padding, reach):
    """What a transposed convolution makes of a length of 1."""
    if isinstance(padding, str):
        return reach if padding == "VALID" else [1] * len(reach)
    return [r - sum(pads) for r, pads in zip(reach, padding, strict=True)]


def separable_conv(random):
    settings, reach = options(random, causal=True)
    stride, dilation, padding = (settings[n] for n in ("stride", "dilation", "padding"))
    channels, rank = random.choice(FEW), len(reach)

    def equation(params, x):
        weight = params["depthwise"]["weight"]
        x = convolution(x, weight, 0.0, padding, stride, dilation, channels)
        pointwise = params["pointwise"]
        return affine(pointwise | {"weight": pointwise["weight"][(0,) * rank]}, x)

    layer = fnn.separable_conv(
        random.choice(FEW),
        **settings,
        multiplier=random.choice(FEW),
        use_bias=random.choice(FLAGS),
    )
    inputs = images(random, least(padding, reach), channels)
    return case(layer, equation, inputs, rank)


@pytest.mark.slow
@given(cases(conv, conv_transpose, separable_conv))
def test_convolution(drawn):
    check(*drawn)
