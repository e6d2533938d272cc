"""Inputs that do not fit."""

import jax.numpy as jnp
from jax.nn import relu

from tests.wrong_calls.situations import (
    CHAIN,
    CNN,
    IMAGES,
    NCHW,
    SEQ,
    X,
    applied,
    fnn,
    init,
    stateful,
    wired,
)

KINDS: dict[str, list[tuple]] = {
    "wrong rank and size": [
        (
            lambda: applied(fnn.dense(3), X, X[:, :3]),
            ValueError,
            "dense: expected x of shape (..., 4), got (2, 3).",
        ),
        (
            lambda: applied(CHAIN, X, SEQ[..., :3]),
            ValueError,
            "dense: expected x of shape (..., 4), got (2, 5, 3).",
            "in layer 0 (dense) of sequential",
        ),
        (
            lambda: init(fnn.dense(3), jnp.ones(())),
            ValueError,
            "dense: expected x of shape (..., n) with n of at least 1, got ().",
        ),
        (
            lambda: stateful(fnn.batch_norm(), X, X[:, :2]),
            ValueError,
            "batch_norm: expected x of shape (..., 4), got (2, 2).",
        ),
        (
            lambda: applied(fnn.layer_norm(), X, X[:, :2]),
            ValueError,
            "layer_norm: expected x of lengths (4,) along axis (-1,), got shape (2,"
            " 2).",
        ),
        (
            lambda: init(fnn.residual(fnn.dense(3)), X),
            ValueError,
            "residual: expected both summands of one shape, got float32[2, 4] and "
            "float32[2, 3].",
        ),
        (
            lambda: init(fnn.repeat(fnn.dense(3), 2), X),
            ValueError,
            "repeat: expected dense to keep its input's shape and dtype, float32[2,"
            " 4], got float32[2, 3].",
        ),
        (
            lambda: init(fnn.residual(fnn.conv(3, (3, 3), padding="VALID")), IMAGES),
            ValueError,
            "residual: expected both summands of one shape, got float32[2, 8, 8, 3]"
            " and float32[2, 6, 6, 3].",
        ),
        (
            lambda: applied(fnn.ensemble(fnn.dense(3), 2), X, X[:, :3]),
            ValueError,
            "dense: expected x of shape (..., 4), got (2, 3).",
        ),
        (
            lambda: applied(fnn.embed(5, 3), jnp.zeros(2, int), jnp.zeros(2)),
            TypeError,
            "embed: expected ids of integer dtype, got float32.",
        ),
        (
            lambda: init(fnn.max_pool((9, 9)), IMAGES),
            ValueError,
            "max_pool: expected height of at least 9 with its padding, got 8.",
        ),
        (
            lambda: init(fnn.recurrent(fnn.rnn_cell(3)), jnp.ones((5, 4))),
            ValueError,
            "recurrent: expected x of shape (batch, time, features), got (5, 4).",
        ),
        (
            lambda: applied(fnn.recurrent(fnn.rnn_cell(3)), SEQ, SEQ[..., :2]),
            ValueError,
            "rnn_cell: expected x of shape (..., 4), got (2, 2).",
        ),
        (
            lambda: stateful(fnn.batch_norm(), X, X[:1], train=True),
            ValueError,
            "batch_norm: expected more than one value of each channel in training, "
            "got x of shape (1, 4).",
        ),
    ],
    "NCHW images": [
        (
            lambda: applied(fnn.conv(4, (3, 3)), IMAGES, NCHW),
            ValueError,
            "conv: expected x of shape (..., height, width, 3), with channels last,"
            " got (2, 3, 8, 8).",
        ),
        (
            lambda: applied(CNN, IMAGES, NCHW),
            ValueError,
            "conv: expected x of shape (..., height, width, 3), with channels last,"
            " got (2, 3, 8, 8).",
            "in layer 0 (conv) of sequential",
        ),
        (
            lambda: stateful(
                fnn.sequential(fnn.batch_norm(), fnn.conv(4, (3, 3))), IMAGES, NCHW
            ),
            ValueError,
            "batch_norm: expected x of shape (..., 3), got (2, 3, 8, 8).",
            "in layer 0 (batch_norm) of sequential",
        ),
        (
            lambda: applied(
                fnn.sequential(fnn.layer_norm(), fnn.conv(4, (1, 1))), IMAGES, NCHW
            ),
            ValueError,
            "layer_norm: expected x of lengths (3,) along axis (-1,), got shape (2,"
            " 3, 8, 8).",
            "in layer 0 (layer_norm) of sequential",
        ),
        (
            lambda: applied(fnn.residual(fnn.conv(3, (3, 3))), IMAGES, NCHW),
            ValueError,
            "conv: expected x of shape (..., height, width, 3), with channels last,"
            " got (2, 3, 8, 8).",
        ),
        (
            lambda: applied(
                wired(
                    lambda parts, x: parts.stem(x), stem=fnn.conv(4, (3, 3), stride=2)
                ),
                IMAGES,
                NCHW,
            ),
            ValueError,
            "conv: expected x of shape (..., height, width, 3), with channels last,"
            " got (2, 3, 8, 8).",
            "in part stem (conv) of <lambda>",
        ),
        (
            lambda: applied(
                fnn.sequential(fnn.global_avg_pool(), fnn.dense(2)), IMAGES, NCHW
            ),
            ValueError,
            "dense: expected x of shape (..., 3), got (2, 8).",
            "in layer 1 (dense) of sequential",
        ),
    ],
    "forgotten channel axis": [
        (
            lambda: init(fnn.conv(4, (3, 3)), IMAGES[..., 0]),
            ValueError,
            "conv: expected x of shape (batch, height, width, channels), got (2, 8,"
            " 8).",
        ),
        (
            lambda: init(CNN, IMAGES[..., 0]),
            ValueError,
            "conv: expected x of shape (batch, height, width, channels), got (2, 8,"
            " 8).",
            "in layer 0 (conv) of sequential",
        ),
        (
            lambda: applied(fnn.conv(4, (3, 3)), IMAGES, IMAGES[..., 0]),
            ValueError,
            "conv: expected x of shape (..., height, width, 3), with channels last,"
            " got (2, 8, 8).",
        ),
        (
            lambda: init(fnn.conv(4, (2, 2, 2)), IMAGES),
            ValueError,
            "conv: expected x of shape (batch, depth, height, width, channels), got"
            " (2, 8, 8, 3).",
        ),
        (
            lambda: init(fnn.max_pool((2, 2)), X),
            ValueError,
            "max_pool: expected x of shape (batch, height, width, channels), got "
            "(2, 4).",
        ),
        (
            lambda: init(fnn.avg_pool((2, 2)), X),
            ValueError,
            "avg_pool: expected x of shape (batch, height, width, channels), got "
            "(2, 4).",
        ),
        (
            lambda: init(fnn.sequential(fnn.max_pool((2, 2)), fnn.flatten()), X),
            ValueError,
            "max_pool: expected x of shape (batch, height, width, channels), got "
            "(2, 4).",
            "in layer 0 (max_pool) of sequential",
        ),
        (
            lambda: init(fnn.global_avg_pool(), X),
            ValueError,
            "global_avg_pool: expected x of at least 3 axes, got shape (2, 4).",
        ),
    ],
    "misspelled keyword": [
        (
            lambda: fnn.dense(3, use_bais=False),
            TypeError,
            "dense: expected arguments (features, use_bias, weight_init, bias_init,"
            " param_dtype), got an unexpected keyword argument 'use_bais'.",
        ),
        (
            lambda: fnn.dropout(p=0.5),
            TypeError,
            "dropout: expected arguments (rate, broadcast), missing a required "
            "argument: 'rate'.",
        ),
        (
            lambda: fnn.batch_norm(momentun=0.1),
            TypeError,
            "batch_norm: expected arguments (momentum, eps, axis_name, use_scale, "
            "use_bias, scale_init, bias_init, param_dtype), got an unexpected "
            "keyword argument 'momentun'.",
        ),
        (
            lambda: fnn.repeat(relu, n=2, unrol=2),
            TypeError,
            "repeat: expected arguments (layer, n, remat, unroll, over, collect), "
            "got an unexpected keyword argument 'unrol'.",
        ),
        (
            lambda: fnn.dense(),
            TypeError,
            "dense: expected arguments (features, use_bias, weight_init, bias_init,"
            " param_dtype), missing a required argument: 'features'.",
        ),
        (
            lambda: fnn.ensemble(relu, 2, 3),
            TypeError,
            "ensemble: expected arguments (layer, n), too many positional arguments.",
        ),
        (
            lambda: applied(CHAIN, X, X, masc=X),
            TypeError,
            "sequential: expected inputs by name among (none), got masc.",
        ),
        (
            lambda: CHAIN.apply(init(CHAIN, X), X, training=True),
            TypeError,
            "sequential: expected inputs by name among (none), got training.",
        ),
        (
            lambda: init(CHAIN, X, mask=X),
            TypeError,
            "sequential: expected inputs by name among (none), got mask.",
        ),
        (
            lambda: init(fnn.sequential(lambda x, *, mask: x), X, masks=X),
            TypeError,
            "sequential: expected inputs by name among (mask), got masks.",
        ),
        (
            lambda: init(fnn.sequential(lambda x, *, mask: x), X),
            TypeError,
            "<lambda>: expected an input by name, mask, got none.",
            "in layer 0 (<lambda>) of sequential",
        ),
        (
            lambda: init(
                wired(lambda parts, x, *, mask: parts.a(x), a=relu), X, masc=X
            ),
            TypeError,
            "<lambda>: expected inputs by name among (mask), got masc.",
        ),
        (
            lambda: init(
                wired(lambda parts, x: parts.a(x, scale=2), a=fnn.dense(3)), X
            ),
            TypeError,
            "dense: expected inputs by name among (none), got scale.",
            "in part a (dense) of <lambda>",
        ),
        (
            lambda: init(fnn.dense(3), X, X),
            TypeError,
            "dense: expected 1 input, got 2.",
        ),
        (
            lambda: init(fnn.dense(3)),
            TypeError,
            "dense: expected 1 input, got 0.",
        ),
        (
            lambda: init(fnn.sequential(lambda x, mask=None: x), X, X, mask=X),
            TypeError,
            "<lambda>: expected mask once, got it twice.",
            "in layer 0 (<lambda>) of sequential",
        ),
        (
            lambda: fnn.capture(CHAIN, patern="0"),
            TypeError,
            "capture: expected arguments (layer, pattern), missing a required "
            "argument: 'pattern'.",
        ),
    ],
}
