"""Normalisations."""

import jax
import jax.numpy as jnp

from tests.layers.wrong_calls.inputs import NORM, ROW, SEQUENCE, fnn, init

CALLS = [
    # batch_norm
    (
        lambda: fnn.batch_norm(momentum=1.5),
        ValueError,
        "batch_norm: expected momentum in [0, 1], got 1.5.",
    ),
    (
        lambda: fnn.batch_norm(momentum=None),
        TypeError,
        "batch_norm: expected momentum to be a number, got None.",
    ),
    (
        lambda: fnn.batch_norm(eps=0.0),
        ValueError,
        "batch_norm: expected eps above 0, got 0.0.",
    ),
    (
        lambda: fnn.batch_norm(eps=jnp.ones(2)),
        TypeError,
        "batch_norm: expected eps to be a number, got float32[2].",
    ),
    (
        lambda: fnn.batch_norm(axis_name=1),
        TypeError,
        "batch_norm: expected axis_name to be a name or a tuple of them, got 1.",
    ),
    (
        lambda: fnn.batch_norm(use_scale=None),
        TypeError,
        "batch_norm: expected use_scale to be True or False, got None.",
    ),
    (
        lambda: fnn.batch_norm(param_dtype=jnp.complex64),
        TypeError,
        "batch_norm: expected param_dtype to be a floating dtype, got complex64.",
    ),
    (
        lambda: init(fnn.batch_norm(), jnp.ones((2, 4), jnp.int32)),
        TypeError,
        "batch_norm: expected x of floating dtype, got int32.",
    ),
    (
        lambda: init(fnn.batch_norm(), jnp.ones((2, 4), jnp.complex64)),
        TypeError,
        "batch_norm: expected x of floating dtype, got complex64.",
    ),
    (
        lambda: init(fnn.batch_norm(), jnp.ones(())),
        ValueError,
        "batch_norm: expected x of shape (..., channels), got ().",
    ),
    (
        lambda: fnn.batch_norm().apply(*NORM, jnp.ones((1, 4)), train=True),
        ValueError,
        "batch_norm: expected more than one value of each channel in training, "
        "got x of shape (1, 4).",
    ),
    (
        lambda: fnn.batch_norm().apply(*NORM, jnp.ones((0, 4)), train=True),
        ValueError,
        "batch_norm: expected more than one value of each channel in training, "
        "got x of shape (0, 4).",
    ),
    (
        lambda: fnn.batch_norm().apply(*NORM, jnp.ones((2, 5))),
        ValueError,
        "batch_norm: expected x of shape (..., 4), got (2, 5).",
    ),
    (
        lambda: fnn.batch_norm(axis_name="batch").apply(*NORM, ROW, train=True),
        ValueError,
        "batch_norm: expected jax.vmap or jax.shard_map around apply to name its "
        "axis 'batch', got no such axis.",
    ),
    (
        lambda: fnn.batch_norm().apply(NORM[0], ROW),
        TypeError,
        "batch_norm: expected apply(params, state, *inputs), as it keeps state, "
        "got no inputs.",
    ),
    (
        lambda: fnn.batch_norm().apply(NORM[0], (), ROW),
        ValueError,
        "batch_norm: expected state {mean: (channels,), var: (channels,)}, got ().",
    ),
    (
        lambda: fnn.batch_norm().apply(NORM[0], {"mean": jnp.ones(4)}, ROW),
        ValueError,
        "batch_norm: expected state {mean: (channels,), var: (channels,)}, got "
        "{mean: (4,)}.",
    ),
    (
        lambda: fnn.batch_norm().apply(
            NORM[0], {"mean": jnp.ones(4), "var": jnp.ones(3)}, ROW
        ),
        ValueError,
        "batch_norm: expected state {mean: (4,), var: (4,)}, got {mean: (4,), "
        "var: (3,)}.",
    ),
    (
        lambda: fnn.batch_norm().apply({"scale": jnp.ones(4)}, NORM[1], ROW),
        ValueError,
        "batch_norm: expected params {scale: (4,), bias: (4,)}, got {scale: (4,)}.",
    ),
    (
        lambda: fnn.batch_norm().apply(
            {"scale": jnp.ones(5), "bias": jnp.ones(5)}, NORM[1], ROW
        ),
        ValueError,
        "batch_norm: expected params {scale: (4,), bias: (4,)}, got {scale: "
        "(5,), bias: (5,)}.",
    ),
    (
        lambda: fnn.batch_norm(use_scale=False, use_bias=False).apply(*NORM, ROW),
        ValueError,
        "batch_norm: expected params (), got {scale: (4,), bias: (4,)}.",
    ),
    (
        lambda: fnn.batch_norm().apply(*NORM, ROW, train=1),
        TypeError,
        "train: expected a bool, got 1.",
    ),
    (
        lambda: jax.jit(lambda train: fnn.batch_norm().apply(*NORM, ROW, train=train))(
            True
        ),
        TypeError,
        "train: expected a bool, got a traced value; under jax.jit bind it "
        "(functools.partial(apply, train=True)) or name it in static_argnames.",
    ),
    # layer_norm, rms_norm
    (
        lambda: fnn.layer_norm(axis=1),
        ValueError,
        "layer_norm: expected axis counted from the end, such as -1, got 1.",
    ),
    (
        lambda: fnn.layer_norm(axis=(-1, 0)),
        ValueError,
        "layer_norm: expected axis counted from the end, such as -1, got (-1, 0).",
    ),
    (
        lambda: fnn.layer_norm(axis=()),
        ValueError,
        "layer_norm: expected axis counted from the end, such as -1, got ().",
    ),
    (
        lambda: fnn.layer_norm(axis=(-1, -1)),
        ValueError,
        "layer_norm: expected each axis once, got (-1, -1).",
    ),
    (
        lambda: fnn.layer_norm(axis="last"),
        TypeError,
        "layer_norm: expected axis to be an int or a tuple of ints, got 'last'.",
    ),
    (
        lambda: fnn.layer_norm(eps=-1e-5),
        ValueError,
        "layer_norm: expected eps above 0, got -1e-05.",
    ),
    (
        lambda: init(fnn.layer_norm(), jnp.ones(4, jnp.int32)),
        TypeError,
        "layer_norm: expected x of floating dtype, got int32.",
    ),
    (
        lambda: init(fnn.layer_norm(axis=(-2, -1)), jnp.ones(4)),
        ValueError,
        "layer_norm: expected x with at least one value along axis (-2, -1), got "
        "shape (4,).",
    ),
    (
        lambda: init(fnn.layer_norm(), jnp.ones((2, 0))),
        ValueError,
        "layer_norm: expected x with at least one value along axis (-1,), got "
        "shape (2, 0).",
    ),
    (
        lambda: fnn.layer_norm().apply(NORM[0], jnp.ones((2, 5))),
        ValueError,
        "layer_norm: expected x of lengths (4,) along axis (-1,), got shape (2, 5).",
    ),
    (
        lambda: fnn.layer_norm().apply({"scale": jnp.ones(4)}, ROW),
        ValueError,
        "layer_norm: expected params {scale: (n,), bias: (n,)}, got {scale: (4,)}.",
    ),
    (
        lambda: fnn.layer_norm(axis=(-2, -1)).apply(NORM[0], ROW),
        ValueError,
        "layer_norm: expected params {scale: (n0, n1), bias: (n0, n1)}, got "
        "{scale: (4,), bias: (4,)}.",
    ),
    (
        lambda: fnn.layer_norm(use_scale=False, use_bias=False).apply(NORM[0], ROW),
        ValueError,
        "layer_norm: expected params (), got {scale: (4,), bias: (4,)}.",
    ),
    (
        lambda: fnn.rms_norm(axis=0),
        ValueError,
        "rms_norm: expected axis counted from the end, such as -1, got 0.",
    ),
    (lambda: fnn.rms_norm(eps=0), ValueError, "rms_norm: expected eps above 0, got 0."),
    (
        lambda: fnn.rms_norm(use_bias=True),
        TypeError,
        "rms_norm: expected arguments (axis, eps, use_scale, scale_init, "
        "param_dtype), got an unexpected keyword argument 'use_bias'.",
    ),
    (
        lambda: fnn.rms_norm(scale_init="ones"),
        TypeError,
        "rms_norm: expected scale_init to be a function, got 'ones'.",
    ),
    (
        lambda: init(fnn.rms_norm(), jnp.ones(4, jnp.complex64)),
        TypeError,
        "rms_norm: expected x of floating dtype, got complex64.",
    ),
    (
        lambda: fnn.rms_norm().apply({"scale": jnp.ones(4)}, jnp.ones((2, 5))),
        ValueError,
        "rms_norm: expected x of lengths (4,) along axis (-1,), got shape (2, 5).",
    ),
    (
        lambda: fnn.rms_norm().apply(NORM[0], ROW),
        ValueError,
        "rms_norm: expected params {scale: (n,)}, got {scale: (4,), bias: (4,)}.",
    ),
    (
        lambda: fnn.rms_norm(axis=-2).apply({"scale": jnp.ones(2)}, jnp.ones(4)),
        ValueError,
        "rms_norm: expected x with at least one value along axis (-2,), got "
        "shape (4,).",
    ),
    # group_norm, instance_norm
    (
        lambda: fnn.group_norm(0),
        ValueError,
        "group_norm: expected groups of at least 1, got 0.",
    ),
    (
        lambda: fnn.group_norm(2, space=-1),
        ValueError,
        "group_norm: expected space of at least 0, got -1.",
    ),
    (
        lambda: fnn.group_norm(2, eps=0.0),
        ValueError,
        "group_norm: expected eps above 0, got 0.0.",
    ),
    (
        lambda: init(fnn.group_norm(), SEQUENCE),
        ValueError,
        "group_norm: expected channels to be at least 1 and a multiple of groups = "
        "32, got 4.",
    ),
    (
        lambda: init(fnn.group_norm(1), jnp.ones(4)),
        ValueError,
        "group_norm: expected x of at least 2 axes, got shape (4,).",
    ),
    (
        lambda: init(fnn.group_norm(1, space=2), ROW),
        ValueError,
        "group_norm: expected x of at least 3 axes, got shape (2, 4).",
    ),
    (
        lambda: init(fnn.group_norm(4), ROW),
        ValueError,
        "group_norm: expected at least 2 values to normalise together, got shape "
        "(2, 4).",
    ),
    (
        lambda: fnn.group_norm(2).apply(NORM[0], jnp.ones((2, 5, 6))),
        ValueError,
        "group_norm: expected x of shape (..., 4), got (2, 5, 6).",
    ),
    (
        lambda: fnn.group_norm(2, use_bias=False).apply(NORM[0], SEQUENCE),
        ValueError,
        "group_norm: expected params {scale: (n,)}, got {scale: (4,), bias: (4,)}.",
    ),
    (
        lambda: fnn.group_norm(2).apply(NORM[0], jnp.ones((2, 5, 4), jnp.int32)),
        TypeError,
        "group_norm: expected x of floating dtype, got int32.",
    ),
    (
        lambda: fnn.instance_norm(space=0),
        ValueError,
        "instance_norm: expected space of at least 1, got 0.",
    ),
    (
        lambda: fnn.instance_norm(use_scale="yes"),
        TypeError,
        "instance_norm: expected use_scale to be True or False, got 'yes'.",
    ),
    (
        lambda: fnn.instance_norm(param_dtype=jnp.complex64),
        TypeError,
        "instance_norm: expected param_dtype to be a floating dtype, got complex64.",
    ),
    (
        lambda: init(fnn.instance_norm(), ROW),
        ValueError,
        "instance_norm: expected x of at least 3 axes, got shape (2, 4).",
    ),
    (
        lambda: fnn.instance_norm().apply(NORM[0], SEQUENCE[:, :1]),
        ValueError,
        "instance_norm: expected at least 2 values to normalise together, got shape "
        "(2, 1, 4).",
    ),
    (
        lambda: fnn.instance_norm().apply(NORM[0], jnp.ones((2, 5, 3))),
        ValueError,
        "instance_norm: expected x of shape (..., 4), got (2, 5, 3).",
    ),
]
