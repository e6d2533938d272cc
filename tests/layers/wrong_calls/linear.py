"""Linear layers."""

import jax
import jax.numpy as jnp

from tests.layers.wrong_calls.inputs import DENSE, ROW, fnn, init

CALLS = [
    # dense
    (
        lambda: fnn.dense(0),
        ValueError,
        "dense: expected features of at least 1, got 0.",
    ),
    (
        lambda: fnn.dense(2.5),
        TypeError,
        "dense: expected features to be an int, got 2.5.",
    ),
    (
        lambda: fnn.dense(True),
        TypeError,
        "dense: expected features to be an int, got True.",
    ),
    (
        lambda: fnn.dense(3, use_bais=False),
        TypeError,
        "dense: expected arguments (features, use_bias, weight_init, bias_init, "
        "param_dtype), got an unexpected keyword argument 'use_bais'.",
    ),
    (
        lambda: fnn.dense(3, use_bias="no"),
        TypeError,
        "dense: expected use_bias to be True or False, got 'no'.",
    ),
    (
        lambda: fnn.dense(3, weight_init=0.1),
        TypeError,
        "dense: expected weight_init to be a function, got 0.1.",
    ),
    (
        lambda: fnn.dense(3, param_dtype=jnp.int32),
        TypeError,
        "dense: expected param_dtype to be a floating or complex dtype, got int32.",
    ),
    (
        lambda: fnn.dense(3, param_dtype="float31"),
        TypeError,
        "dense: expected param_dtype to be a floating or complex dtype, got 'float31'.",
    ),
    (
        lambda: fnn.dense(3, param_dtype=None),
        TypeError,
        "dense: expected param_dtype to be a floating or complex dtype, got None.",
    ),
    (
        lambda: init(fnn.dense(3), 1.0),
        TypeError,
        "dense: expected x to be an array, got float.",
    ),
    (
        lambda: init(fnn.dense(3), jnp.ones((2, 4), jnp.int32)),
        TypeError,
        "dense: expected x of floating or complex dtype, got int32.",
    ),
    (
        lambda: init(fnn.dense(3), jnp.ones(())),
        ValueError,
        "dense: expected x of shape (..., n) with n of at least 1, got ().",
    ),
    (
        lambda: init(fnn.dense(3), jnp.ones((2, 0))),
        ValueError,
        "dense: expected x of shape (..., n) with n of at least 1, got (2, 0).",
    ),
    (
        lambda: init(fnn.dense(3), [1.0, 2.0]),
        TypeError,
        "dense: expected x to be an array, got list.",
    ),
    (
        lambda: init(
            fnn.dense(3, weight_init=lambda key, shape, dtype: jnp.ones(3)), ROW
        ),
        ValueError,
        "dense: expected weight_init to draw an array of shape (4, 3), got float32[3].",
    ),
    (
        lambda: init(fnn.dense(3, bias_init=lambda key, shape, dtype: 0.0), ROW),
        ValueError,
        "dense: expected bias_init to draw an array of shape (3,), got 0.0.",
    ),
    (
        lambda: fnn.dense(3).apply(DENSE, jnp.ones((2, 5))),
        ValueError,
        "dense: expected x of shape (..., 4), got (2, 5).",
    ),
    (
        lambda: fnn.dense(3).apply(DENSE, jnp.ones((2, 3))),
        ValueError,
        "dense: expected x of shape (..., 4), got (2, 3).",
    ),
    (
        lambda: fnn.dense(3).apply(DENSE, jnp.ones((2, 4), jnp.int32)),
        TypeError,
        "dense: expected x of floating or complex dtype, got int32.",
    ),
    (
        lambda: fnn.dense(3).apply(DENSE, jnp.ones((2, 4), bool)),
        TypeError,
        "dense: expected x of floating or complex dtype, got bool.",
    ),
    (
        lambda: fnn.dense(3).apply(DENSE, 2.0),
        TypeError,
        "dense: expected x to be an array, got float.",
    ),
    (
        lambda: fnn.dense(3).apply(DENSE, "x"),
        TypeError,
        "dense: expected x to be an array, got str.",
    ),
    (
        lambda: fnn.dense(3).apply(DENSE, jax.random.key(0)),
        TypeError,
        "dense: expected x of floating or complex dtype, got key<fry>.",
    ),
    (lambda: fnn.dense(3).apply(DENSE), TypeError, "dense: expected 1 input, got 0."),
    (
        lambda: fnn.dense(3).apply(DENSE, ROW, ROW),
        TypeError,
        "dense: expected 1 input, got 2.",
    ),
    (
        lambda: fnn.dense(3).apply({"weight": DENSE["weight"]}, ROW),
        ValueError,
        "dense: expected params {weight: (n, 3), bias: (3,)}, got {weight: (4, 3)}.",
    ),
    (
        lambda: fnn.dense(3, use_bias=False).apply(DENSE, ROW),
        ValueError,
        "dense: expected params {weight: (n, 3)}, got {weight: (4, 3), bias: (3,)}.",
    ),
    (
        lambda: fnn.dense(2).apply(DENSE, ROW),
        ValueError,
        "dense: expected params {weight: (n, 2), bias: (2,)}, got {weight: (4, "
        "3), bias: (3,)}.",
    ),
    (
        lambda: fnn.dense(3).apply(
            {"weight": DENSE["weight"], "b": DENSE["bias"]}, ROW
        ),
        ValueError,
        "dense: expected params {weight: (n, 3), bias: (3,)}, got {weight: (4, "
        "3), b: (3,)}.",
    ),
    (
        lambda: fnn.dense(3).apply((), ROW),
        ValueError,
        "dense: expected params {weight: (n, 3), bias: (3,)}, got ().",
    ),
    (
        lambda: fnn.dense(3).apply((DENSE,), ROW),
        ValueError,
        "dense: expected params {weight: (n, 3), bias: (3,)}, got ({weight: (4, "
        "3), bias: (3,)},).",
    ),
    (
        lambda: fnn.dense(3).apply([1, 2], ROW),
        TypeError,
        "dense: expected params {weight: (n, 3), bias: (3,)}, got [1, 2].",
    ),
    (
        lambda: fnn.dense(3).apply(None, ROW),
        TypeError,
        "dense: expected params {weight: (n, 3), bias: (3,)}, got None.",
    ),
    (
        lambda: fnn.dense(3).apply(
            {"weight": jnp.ones((4, 3), jnp.int32), "bias": jnp.ones(3)}, ROW
        ),
        TypeError,
        "dense: expected weight of floating or complex dtype, got int32.",
    ),
    (
        lambda: fnn.dense(3).apply({"weight": 1.0, "bias": 2.0}, ROW),
        ValueError,
        "dense: expected params {weight: (n, 3), bias: (3,)}, got {weight: 1.0, "
        "bias: 2.0}.",
    ),
    (
        lambda: fnn.dense(3).apply(
            {
                "weight": jnp.ones((4, 3), jnp.float8_e5m2),
                "bias": jnp.ones(3, jnp.float8_e4m3fn),
            },
            ROW,
        ),
        TypeError,
        "dense: expected dtypes that promote to one, got float32, float8_e5m2, "
        "float8_e4m3fn.",
    ),
    # parameter
    (
        lambda: fnn.parameter("3"),
        TypeError,
        "parameter: expected shape to be a tuple of ints, got '3'.",
    ),
    (
        lambda: fnn.parameter((2, 1.5)),
        TypeError,
        "parameter: expected shape to be a tuple of ints, got (2, 1.5).",
    ),
    (
        lambda: fnn.parameter((2, -1)),
        ValueError,
        "parameter: expected lengths of at least 0 in shape, got (2, -1).",
    ),
    (
        lambda: fnn.parameter(3, init=1.0),
        TypeError,
        "parameter: expected init to be a function, got 1.0.",
    ),
    (
        lambda: fnn.parameter(3, param_dtype=jnp.uint8),
        TypeError,
        "parameter: expected param_dtype to be a floating or complex dtype, got uint8.",
    ),
    (
        lambda: init(fnn.parameter(3), ROW),
        TypeError,
        "parameter: expected 0 inputs, got 1.",
    ),
    (
        lambda: init(fnn.parameter(3, init=lambda key, shape, dtype: jnp.ones(4))),
        ValueError,
        "parameter: expected init to draw an array of shape (3,), got float32[4].",
    ),
    (
        lambda: fnn.parameter(3).apply(jnp.ones(4)),
        ValueError,
        "parameter: expected params of shape (3,), got (4,).",
    ),
    (
        lambda: fnn.parameter(3).apply({"value": jnp.ones(3)}),
        ValueError,
        "parameter: expected params of shape (3,), got {value: (3,)}.",
    ),
    (
        lambda: fnn.parameter(3).apply(jnp.ones(3, jnp.int32)),
        TypeError,
        "parameter: expected params of floating or complex dtype, got int32.",
    ),
    (
        lambda: fnn.parameter(3).apply(2.0),
        TypeError,
        "parameter: expected params of shape (3,), got 2.0.",
    ),
    # random_fourier_features
    (
        lambda: fnn.random_fourier_features(0),
        ValueError,
        "random_fourier_features: expected features of at least 2, got 0.",
    ),
    (
        lambda: fnn.random_fourier_features(5),
        ValueError,
        "random_fourier_features: expected an even number of features, got 5.",
    ),
    (
        lambda: fnn.random_fourier_features(4, gamma=0.0),
        ValueError,
        "random_fourier_features: expected gamma above 0, got 0.0.",
    ),
    (
        lambda: fnn.random_fourier_features(4, weight_init=1.0),
        TypeError,
        "random_fourier_features: expected weight_init to be a function, got 1.0.",
    ),
    (
        lambda: fnn.random_fourier_features(4, param_dtype=jnp.complex64),
        TypeError,
        "random_fourier_features: expected param_dtype to be a floating dtype, got "
        "complex64.",
    ),
    (
        lambda: init(fnn.random_fourier_features(4), jnp.ones(())),
        ValueError,
        "random_fourier_features: expected x of shape (..., n) with n of at least 1, "
        "got ().",
    ),
    (
        lambda: init(fnn.random_fourier_features(4), jnp.ones((2, 4), jnp.int32)),
        TypeError,
        "random_fourier_features: expected x of floating dtype, got int32.",
    ),
    (
        lambda: fnn.random_fourier_features(4).apply({"weight": jnp.ones((3, 2))}, ROW),
        ValueError,
        "random_fourier_features: expected x of shape (..., 3), got (2, 4).",
    ),
    # flatten, reshape
    (lambda: fnn.flatten(0), ValueError, "flatten: expected n of at least 1, got 0."),
    (
        lambda: fnn.flatten("all"),
        TypeError,
        "flatten: expected n to be an int, got 'all'.",
    ),
    (
        lambda: init(fnn.flatten(), jnp.ones(5)),
        ValueError,
        "flatten: expected x of at least 2 axes, got shape (5,).",
    ),
    (
        lambda: fnn.flatten(3).apply((), jnp.ones((2, 3))),
        ValueError,
        "flatten: expected x of at least 3 axes, got shape (2, 3).",
    ),
    (
        lambda: fnn.flatten().apply((), 1.0),
        TypeError,
        "flatten: expected x to be an array, got float.",
    ),
    (
        lambda: fnn.flatten().apply(DENSE, ROW),
        ValueError,
        "flatten: expected no params, (), got {weight: float32[4, 3], bias: "
        "float32[3]}.",
    ),
    (
        lambda: fnn.reshape(3),
        TypeError,
        "reshape: expected shape to be a tuple of ints, got 3.",
    ),
    (
        lambda: fnn.reshape((2, "3")),
        TypeError,
        "reshape: expected shape to be a tuple of ints, got (2, '3').",
    ),
    (
        lambda: fnn.reshape((-1, -1)),
        ValueError,
        "reshape: expected lengths of at least 0, or one -1, in shape, got (-1, -1).",
    ),
    (
        lambda: fnn.reshape((2, -3)),
        ValueError,
        "reshape: expected lengths of at least 0, or one -1, in shape, got (2, -3).",
    ),
    (
        lambda: fnn.reshape((2, 3), 0),
        ValueError,
        "reshape: expected n of at least 1, got 0.",
    ),
    (
        lambda: fnn.reshape((2, 3)).apply((), jnp.ones((1, 5))),
        ValueError,
        "reshape: expected axes that fit into (2, 3), got (5,).",
    ),
    (
        lambda: fnn.reshape((4, -1)).apply((), jnp.ones((1, 6))),
        ValueError,
        "reshape: expected axes that fit into (4, -1), got (6,).",
    ),
    (
        lambda: fnn.reshape((0, -1)).apply((), jnp.ones((1, 6))),
        ValueError,
        "reshape: expected axes that fit into (0, -1), got (6,).",
    ),
    (
        lambda: fnn.reshape((2, 3)).apply((), jnp.ones(6)),
        ValueError,
        "reshape: expected x of at least 2 axes, got shape (6,).",
    ),
    (
        lambda: fnn.reshape((2, 3), 2).apply((), jnp.ones(6)),
        ValueError,
        "reshape: expected x of at least 2 axes, got shape (6,).",
    ),
]
