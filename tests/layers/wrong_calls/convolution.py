"""Convolutions."""

import jax.numpy as jnp

from tests.layers.wrong_calls.inputs import CONV, DENSE, ROW, SEQUENCE, fnn, init

CALLS = [
    # conv
    (
        lambda: fnn.conv(8, 3),
        TypeError,
        "conv: expected window to be a tuple of 1 to 3 ints, got 3.",
    ),
    (
        lambda: fnn.conv(8, ()),
        ValueError,
        "conv: expected window of 1 to 3 ints of at least 1, got ().",
    ),
    (
        lambda: fnn.conv(8, (3, 0)),
        ValueError,
        "conv: expected window of 1 to 3 ints of at least 1, got (3, 0).",
    ),
    (
        lambda: fnn.conv(8, (1, 1, 1, 1)),
        ValueError,
        "conv: expected window of 1 to 3 ints of at least 1, got (1, 1, 1, 1).",
    ),
    (
        lambda: fnn.conv(0, (3, 3)),
        ValueError,
        "conv: expected features of at least 1, got 0.",
    ),
    (
        lambda: fnn.conv(8, (3, 3), stride=0),
        ValueError,
        "conv: expected stride of at least 1, once or for each of 2 axes, got 0.",
    ),
    (
        lambda: fnn.conv(8, (3, 3), stride=(2, 2, 2)),
        ValueError,
        "conv: expected stride of at least 1, once or for each of 2 axes, got "
        "(2, 2, 2).",
    ),
    (
        lambda: fnn.conv(8, (3, 3), stride="2"),
        TypeError,
        "conv: expected stride to be an int or a tuple of 2, got '2'.",
    ),
    (
        lambda: fnn.conv(8, (3, 3), dilation=(1, 0)),
        ValueError,
        "conv: expected dilation of at least 1, once or for each of 2 axes, got "
        "(1, 0).",
    ),
    (
        lambda: fnn.conv(8, (3, 3), padding="same"),
        ValueError,
        "conv: expected padding to be one of SAME, VALID, CIRCULAR, REFLECT, or "
        "(low, high) of at least 0 for each of 2 axes, got 'same'.",
    ),
    (
        lambda: fnn.conv(8, (3, 3), padding="CAUSAL"),
        ValueError,
        "conv: expected padding to be one of SAME, VALID, CIRCULAR, REFLECT, or "
        "(low, high) of at least 0 for each of 2 axes, got 'CAUSAL'.",
    ),
    (
        lambda: fnn.conv(8, (3, 3), padding=-1),
        ValueError,
        "conv: expected padding to be one of SAME, VALID, CIRCULAR, REFLECT, or "
        "(low, high) of at least 0 for each of 2 axes, got -1.",
    ),
    (
        lambda: fnn.conv(8, (3,), padding=(1, 2)),
        ValueError,
        "conv: expected padding to be one of SAME, VALID, CAUSAL, CIRCULAR, "
        "REFLECT, or (low, high) of at least 0 for each of 1 axes, got (1, 2).",
    ),
    (
        lambda: fnn.conv(8, (3, 3), padding=((1, 1), (0,))),
        ValueError,
        "conv: expected padding to be one of SAME, VALID, CIRCULAR, REFLECT, or "
        "(low, high) of at least 0 for each of 2 axes, got ((1, 1), (0,)).",
    ),
    (
        lambda: fnn.conv(8, (3, 3), groups=3),
        ValueError,
        "conv: expected features to be a multiple of groups = 3, got 8.",
    ),
    (
        lambda: fnn.conv(8, (3, 3), groups=0),
        ValueError,
        "conv: expected groups of at least 1, got 0.",
    ),
    (
        lambda: init(fnn.conv(8, (3, 3)), jnp.ones((28, 28, 1))),
        ValueError,
        "conv: expected x of shape (batch, height, width, channels), got (28, 28, 1).",
    ),
    (
        lambda: init(fnn.conv(8, (3,)), jnp.ones((5, 4))),
        ValueError,
        "conv: expected x of shape (batch, length, channels), got (5, 4).",
    ),
    (
        lambda: init(fnn.conv(8, (3, 3)), jnp.ones((2, 28, 28, 0))),
        ValueError,
        "conv: expected channels to be at least 1 and a multiple of groups = 1, got 0.",
    ),
    (
        lambda: init(fnn.conv(8, (3, 3), groups=2), jnp.ones((1, 8, 8, 3))),
        ValueError,
        "conv: expected channels to be at least 1 and a multiple of groups = 2, got 3.",
    ),
    (
        lambda: init(fnn.conv(8, (3, 3)), jnp.ones((1, 8, 8, 3), jnp.uint8)),
        TypeError,
        "conv: expected x of floating or complex dtype, got uint8.",
    ),
    (
        lambda: init(fnn.conv(8, (3, 3), padding="VALID"), jnp.ones((1, 8, 2, 3))),
        ValueError,
        "conv: expected width of at least 3 with its padding, got 2.",
    ),
    (
        lambda: init(
            fnn.conv(8, (3, 3), dilation=4, padding=1), jnp.ones((1, 6, 8, 3))
        ),
        ValueError,
        "conv: expected height of at least 9 with its padding, got 8.",
    ),
    (
        lambda: init(fnn.conv(8, (5,), padding="CIRCULAR"), jnp.ones((1, 1, 3))),
        ValueError,
        "conv: expected length of at least 2 for padding CIRCULAR, got 1.",
    ),
    (
        lambda: init(fnn.conv(8, (5,), padding="REFLECT"), jnp.ones((1, 2, 3))),
        ValueError,
        "conv: expected length of at least 3 for padding REFLECT, got 2.",
    ),
    (
        lambda: fnn.conv(8, (3, 3)).apply(CONV, jnp.ones((2, 3, 8, 8))),
        ValueError,
        "conv: expected x of shape (..., height, width, 3), with channels last, "
        "got (2, 3, 8, 8).",
    ),
    (
        lambda: fnn.conv(8, (3, 3)).apply(CONV, jnp.ones((8, 8))),
        ValueError,
        "conv: expected x of shape (..., height, width, 3), with channels last, "
        "got (8, 8).",
    ),
    (
        lambda: fnn.conv(8, (3, 3)).apply(CONV, jnp.ones((2, 8, 8, 1))),
        ValueError,
        "conv: expected x of shape (..., height, width, 3), with channels last, "
        "got (2, 8, 8, 1).",
    ),
    (
        lambda: fnn.conv(8, (3, 3), groups=2).apply(CONV, jnp.ones((2, 8, 8, 3))),
        ValueError,
        "conv: expected x of shape (..., height, width, 6), with channels last, "
        "got (2, 8, 8, 3).",
    ),
    (
        lambda: fnn.conv(8, (3, 2)).apply(CONV, jnp.ones((2, 8, 8, 3))),
        ValueError,
        "conv: expected params {weight: (3, 2, channels, 8), bias: (8,)}, got "
        "{weight: (3, 3, 3, 8), bias: (8,)}.",
    ),
    (
        lambda: fnn.conv(4, (3, 3)).apply(CONV, jnp.ones((2, 8, 8, 3))),
        ValueError,
        "conv: expected params {weight: (3, 3, channels, 4), bias: (4,)}, got "
        "{weight: (3, 3, 3, 8), bias: (8,)}.",
    ),
    (
        lambda: fnn.conv(8, (3, 3)).apply(
            {"weight": CONV["weight"]}, jnp.ones((2, 8, 8, 3))
        ),
        ValueError,
        "conv: expected params {weight: (3, 3, channels, 8), bias: (8,)}, got "
        "{weight: (3, 3, 3, 8)}.",
    ),
    (
        lambda: fnn.conv(8, (3, 3)).apply(DENSE, jnp.ones((2, 8, 8, 3))),
        ValueError,
        "conv: expected params {weight: (3, 3, channels, 8), bias: (8,)}, got "
        "{weight: (4, 3), bias: (3,)}.",
    ),
    # conv_transpose
    (
        lambda: fnn.conv_transpose(0, (3,)),
        ValueError,
        "conv_transpose: expected features of at least 1, got 0.",
    ),
    (
        lambda: fnn.conv_transpose(2, 3),
        TypeError,
        "conv_transpose: expected window to be a tuple of 1 to 3 ints, got 3.",
    ),
    (
        lambda: fnn.conv_transpose(2, (3,), padding="CAUSAL"),
        ValueError,
        "conv_transpose: expected padding to be one of SAME, VALID, CIRCULAR, REFLECT, "
        "or (low, high) of at least 0 for each of 1 axes, got 'CAUSAL'.",
    ),
    (
        lambda: fnn.conv_transpose(2, (3,), stride=2, output_padding=2),
        ValueError,
        "conv_transpose: expected output_padding less than stride (2,), got (2,).",
    ),
    (
        lambda: fnn.conv_transpose(2, (3,), output_padding=-1),
        ValueError,
        "conv_transpose: expected output_padding of at least 0, once or for each of 1 "
        "axes, got -1.",
    ),
    (
        lambda: fnn.conv_transpose(3, (3,), groups=2),
        ValueError,
        "conv_transpose: expected features to be a multiple of groups = 2, got 3.",
    ),
    (
        lambda: init(fnn.conv_transpose(3, (3,), groups=3), SEQUENCE),
        ValueError,
        "conv_transpose: expected channels to be at least 1 and a multiple of groups "
        "= 3, got 4.",
    ),
    (
        lambda: init(fnn.conv_transpose(3, (3,)), ROW),
        ValueError,
        "conv_transpose: expected x of shape (batch, length, channels), got (2, 4).",
    ),
    (
        lambda: fnn.conv_transpose(8, (3, 3)).apply(CONV, jnp.ones((1, 4, 4, 4))),
        ValueError,
        "conv_transpose: expected x of shape (..., height, width, 3), with channels "
        "last, got (1, 4, 4, 4).",
    ),
    (
        lambda: fnn.conv_transpose(8, (3, 3), padding=2).apply(
            CONV, jnp.ones((1, 3, 2, 3))
        ),
        ValueError,
        "conv_transpose: expected width of at least 3, got 2.",
    ),
    (
        lambda: fnn.conv_transpose(8, (3, 3)).apply(CONV, jnp.ones((1, 0, 4, 3))),
        ValueError,
        "conv_transpose: expected height of at least 1, got 0.",
    ),
    (
        lambda: fnn.conv_transpose(8, (3, 3), padding="REFLECT").apply(
            CONV, jnp.ones((1, 1, 4, 3))
        ),
        ValueError,
        "conv_transpose: expected height of at least 2 for padding REFLECT, got 1.",
    ),
    # separable_conv
    (
        lambda: fnn.separable_conv(0, (3,)),
        ValueError,
        "separable_conv: expected features of at least 1, got 0.",
    ),
    (
        lambda: fnn.separable_conv(4, 3),
        TypeError,
        "separable_conv: expected window to be a tuple of 1 to 3 ints, got 3.",
    ),
    (
        lambda: fnn.separable_conv(4, (3,), multiplier=0),
        ValueError,
        "separable_conv: expected multiplier of at least 1, got 0.",
    ),
    (
        lambda: fnn.separable_conv(4, (3,), weight_init=1.0),
        TypeError,
        "separable_conv: expected weight_init to be a function, got 1.0.",
    ),
    (
        lambda: init(fnn.separable_conv(4, (3, 3)), SEQUENCE),
        ValueError,
        "separable_conv: expected x of shape (batch, height, width, channels), got "
        "(2, 5, 4).",
    ),
    (
        lambda: init(fnn.separable_conv(4, (3,)), jnp.ones((2, 5, 0))),
        ValueError,
        "separable_conv: expected at least 1 channel, got shape (2, 5, 0).",
    ),
    (
        lambda: init(fnn.separable_conv(4, (7,), padding="VALID"), SEQUENCE),
        ValueError,
        "separable_conv: expected length of at least 7 with its padding, got 5.",
    ),
]
