"""Pooling and resizing."""

import jax.numpy as jnp

from tests.layers.wrong_calls.inputs import DENSE, ROW, SEQUENCE, fnn, init

CALLS = [
    # max_pool
    (
        lambda: fnn.max_pool(2),
        TypeError,
        "max_pool: expected window to be a tuple of 1 to 3 ints, got 2.",
    ),
    (
        lambda: fnn.max_pool((2, 0)),
        ValueError,
        "max_pool: expected window of 1 to 3 ints of at least 1, got (2, 0).",
    ),
    (
        lambda: fnn.max_pool((2, 2), stride=(1,)),
        ValueError,
        "max_pool: expected stride of at least 1, once or for each of 2 axes, "
        "got (1,).",
    ),
    (
        lambda: fnn.max_pool((2, 2), padding="CIRCULAR"),
        ValueError,
        "max_pool: expected padding to be one of SAME, VALID, or (low, high) of "
        "at least 0 for each of 2 axes, got 'CIRCULAR'.",
    ),
    (
        lambda: fnn.max_pool((2, 2), padding=2),
        ValueError,
        "max_pool: expected padding less than the window (2, 2), got ((2, 2), (2, 2)).",
    ),
    (
        lambda: fnn.max_pool((2, 2), strides=2),
        TypeError,
        "max_pool: expected arguments (window, stride, padding), got an "
        "unexpected keyword argument 'strides'.",
    ),
    (
        lambda: init(fnn.max_pool((2, 2)), jnp.ones((8, 8, 3))),
        ValueError,
        "max_pool: expected x of shape (batch, height, width, channels), got (8, "
        "8, 3).",
    ),
    (
        lambda: init(fnn.max_pool((2, 2)), jnp.ones((1, 8, 8, 3), jnp.complex64)),
        TypeError,
        "max_pool: expected x of floating or integer dtype, got complex64.",
    ),
    (
        lambda: init(fnn.max_pool((2, 2)), jnp.ones((1, 8, 8, 3), bool)),
        TypeError,
        "max_pool: expected x of floating or integer dtype, got bool.",
    ),
    (
        lambda: init(fnn.max_pool((3, 3)), jnp.ones((1, 8, 2, 3))),
        ValueError,
        "max_pool: expected width of at least 3 with its padding, got 2.",
    ),
    (
        lambda: fnn.max_pool((2, 2)).apply((), jnp.ones((8, 8))),
        ValueError,
        "max_pool: expected x of shape (..., height, width, channels), got (8, 8).",
    ),
    (
        lambda: fnn.max_pool((2, 2)).apply((), jnp.ones((1, 0, 8, 3))),
        ValueError,
        "max_pool: expected height of at least 2 with its padding, got 0.",
    ),
    (
        lambda: fnn.max_pool((3,), padding=2).apply((), jnp.ones((1, 0, 3))),
        ValueError,
        "max_pool: expected length of at least 1, got 0.",
    ),
    (
        lambda: fnn.max_pool((2, 2)).apply((), "image"),
        TypeError,
        "max_pool: expected x to be an array, got str.",
    ),
    (
        lambda: fnn.max_pool((2, 2)).apply(DENSE, jnp.ones((1, 8, 8, 3))),
        ValueError,
        "max_pool: expected params (), got {weight: (4, 3), bias: (3,)}.",
    ),
    # avg_pool
    (
        lambda: fnn.avg_pool("2"),
        TypeError,
        "avg_pool: expected window to be a tuple of 1 to 3 ints, got '2'.",
    ),
    (
        lambda: fnn.avg_pool((2, 2.0)),
        TypeError,
        "avg_pool: expected window to be a tuple of 1 to 3 ints, got (2, 2.0).",
    ),
    (
        lambda: fnn.avg_pool((2, 2), stride=-1),
        ValueError,
        "avg_pool: expected stride of at least 1, once or for each of 2 axes, got -1.",
    ),
    (
        lambda: fnn.avg_pool((2,), padding=((2, 0),)),
        ValueError,
        "avg_pool: expected padding less than the window (2,), got ((2, 0),).",
    ),
    (
        lambda: fnn.avg_pool((2,), padding="CAUSAL"),
        ValueError,
        "avg_pool: expected padding to be one of SAME, VALID, or (low, high) of "
        "at least 0 for each of 1 axes, got 'CAUSAL'.",
    ),
    (
        lambda: fnn.avg_pool((2, 2), count_padding=1),
        TypeError,
        "avg_pool: expected count_padding to be True or False, got 1.",
    ),
    (
        lambda: init(fnn.avg_pool((2,)), jnp.ones((8, 3))),
        ValueError,
        "avg_pool: expected x of shape (batch, length, channels), got (8, 3).",
    ),
    (
        lambda: init(fnn.avg_pool((2,)), jnp.ones((1, 8, 3), jnp.int32)),
        TypeError,
        "avg_pool: expected x of floating or complex dtype, got int32.",
    ),
    (
        lambda: fnn.avg_pool((4,)).apply((), jnp.ones((1, 3, 3))),
        ValueError,
        "avg_pool: expected length of at least 4 with its padding, got 3.",
    ),
    (
        lambda: fnn.avg_pool((2, 2)).apply((), jnp.ones((8, 8))),
        ValueError,
        "avg_pool: expected x of shape (..., height, width, channels), got (8, 8).",
    ),
    # global pools
    (
        lambda: fnn.global_avg_pool(0),
        ValueError,
        "global_avg_pool: expected n of at least 1, got 0.",
    ),
    (
        lambda: fnn.global_avg_pool((1, 2)),
        TypeError,
        "global_avg_pool: expected n to be an int, got (1, 2).",
    ),
    (
        lambda: init(fnn.global_avg_pool(), jnp.ones((8, 3))),
        ValueError,
        "global_avg_pool: expected x of at least 3 axes, got shape (8, 3).",
    ),
    (
        lambda: init(fnn.global_avg_pool(), jnp.ones((1, 8, 3), jnp.int32)),
        TypeError,
        "global_avg_pool: expected x of floating or complex dtype, got int32.",
    ),
    (
        lambda: fnn.global_avg_pool(2).apply((), jnp.ones((8, 3))),
        ValueError,
        "global_avg_pool: expected x of at least 3 axes, got shape (8, 3).",
    ),
    (
        lambda: fnn.global_avg_pool().apply((), jnp.ones((2, 0, 3))),
        ValueError,
        "global_avg_pool: expected values to pool, got shape (2, 0, 3).",
    ),
    (
        lambda: fnn.global_max_pool(-1),
        ValueError,
        "global_max_pool: expected n of at least 1, got -1.",
    ),
    (
        lambda: fnn.global_max_pool(2.0),
        TypeError,
        "global_max_pool: expected n to be an int, got 2.0.",
    ),
    (
        lambda: init(fnn.global_max_pool(), jnp.ones((8, 3))),
        ValueError,
        "global_max_pool: expected x of at least 3 axes, got shape (8, 3).",
    ),
    (
        lambda: init(fnn.global_max_pool(), jnp.ones((1, 8, 3), jnp.complex64)),
        TypeError,
        "global_max_pool: expected x of floating or integer dtype, got complex64.",
    ),
    (
        lambda: fnn.global_max_pool(3).apply((), jnp.ones((4, 8, 3))),
        ValueError,
        "global_max_pool: expected x of at least 4 axes, got shape (4, 8, 3).",
    ),
    (
        lambda: fnn.global_max_pool().apply((), jnp.ones((2, 4, 0, 3))),
        ValueError,
        "global_max_pool: expected values to pool, got shape (2, 4, 0, 3).",
    ),
    # adaptive pools
    (
        lambda: fnn.adaptive_avg_pool(7),
        TypeError,
        "adaptive_avg_pool: expected size to be a tuple of 1 to 3 ints, got 7.",
    ),
    (
        lambda: fnn.adaptive_avg_pool((0,)),
        ValueError,
        "adaptive_avg_pool: expected size of 1 to 3 ints of at least 1, got (0,).",
    ),
    (
        lambda: fnn.adaptive_avg_pool((2,)).apply((), jnp.ones((2, 0, 4))),
        ValueError,
        "adaptive_avg_pool: expected length of at least 1, got 0.",
    ),
    (
        lambda: init(fnn.adaptive_avg_pool((2,)), jnp.ones((2, 4, 4), jnp.int32)),
        TypeError,
        "adaptive_avg_pool: expected x of floating or complex dtype, got int32.",
    ),
    (
        lambda: fnn.adaptive_max_pool("7"),
        TypeError,
        "adaptive_max_pool: expected size to be a tuple of 1 to 3 ints, got '7'.",
    ),
    (
        lambda: fnn.adaptive_max_pool((1, 1, 1, 1)),
        ValueError,
        "adaptive_max_pool: expected size of 1 to 3 ints of at least 1, got (1, 1, 1, "
        "1).",
    ),
    (
        lambda: init(fnn.adaptive_max_pool((2, 2)), SEQUENCE),
        ValueError,
        "adaptive_max_pool: expected x of shape (batch, height, width, channels), "
        "got (2, 5, 4).",
    ),
    (
        lambda: fnn.adaptive_max_pool((2,)).apply(DENSE, SEQUENCE),
        ValueError,
        "adaptive_max_pool: expected params (), got {weight: (4, 3), bias: (3,)}.",
    ),
    # upsample, pixel_shuffle, pixel_unshuffle
    (
        lambda: fnn.upsample(2),
        TypeError,
        "upsample: expected factor to be a tuple of 1 to 3 ints, got 2.",
    ),
    (
        lambda: fnn.upsample((2, 0)),
        ValueError,
        "upsample: expected factor of 1 to 3 ints of at least 1, got (2, 0).",
    ),
    (
        lambda: fnn.upsample((2, 2), method="bicubic"),
        ValueError,
        "upsample: expected method to be one of nearest, linear, cubic, got 'bicubic'.",
    ),
    (
        lambda: fnn.upsample((2,), method="linear").apply((), jnp.ones((1, 3, 1), int)),
        TypeError,
        "upsample: expected x of floating dtype, got int32.",
    ),
    (
        lambda: init(fnn.upsample((2, 2)), SEQUENCE),
        ValueError,
        "upsample: expected x of shape (batch, height, width, channels), "
        "got (2, 5, 4).",
    ),
    (
        lambda: fnn.pixel_shuffle((1.5,)),
        TypeError,
        "pixel_shuffle: expected factor to be a tuple of 1 to 3 ints, got (1.5,).",
    ),
    (
        lambda: fnn.pixel_shuffle(()),
        ValueError,
        "pixel_shuffle: expected factor of 1 to 3 ints of at least 1, got ().",
    ),
    (
        lambda: init(fnn.pixel_shuffle((3,)), SEQUENCE),
        ValueError,
        "pixel_shuffle: expected channels to be a multiple of 3, got 4.",
    ),
    (
        lambda: fnn.pixel_shuffle((2, 2)).apply((), ROW),
        ValueError,
        "pixel_shuffle: expected x of shape (..., height, width, channels), "
        "got (2, 4).",
    ),
    (
        lambda: fnn.pixel_unshuffle(2),
        TypeError,
        "pixel_unshuffle: expected factor to be a tuple of 1 to 3 ints, got 2.",
    ),
    (
        lambda: fnn.pixel_unshuffle((-1,)),
        ValueError,
        "pixel_unshuffle: expected factor of 1 to 3 ints of at least 1, got (-1,).",
    ),
    (
        lambda: fnn.pixel_unshuffle((2,)).apply((), SEQUENCE),
        ValueError,
        "pixel_unshuffle: expected length to be a multiple of 2, got 5.",
    ),
    (
        lambda: fnn.pixel_unshuffle((2,)).apply((), [1.0]),
        TypeError,
        "pixel_unshuffle: expected x to be an array, got list.",
    ),
]
