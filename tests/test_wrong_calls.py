"""Wrong calls of all kinds, each with the exact sentence that the user gets."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax.nn import relu

import fnn as library

fnn: Any = library  # most of these are wrong in their types, too

X, SEQ = jnp.ones((2, 4)), jnp.ones((2, 5, 4))
IMAGES, NCHW = jnp.ones((2, 8, 8, 3)), jnp.ones((2, 3, 8, 8))
CHAIN = fnn.sequential(fnn.dense(3), relu, fnn.dense(2))
NAMED = fnn.sequential(body=fnn.dense(3), head=fnn.dense(2))
CNN = fnn.sequential(
    fnn.conv(4, (3, 3)), relu, fnn.max_pool((2, 2)), fnn.flatten(), fnn.dense(2)
)
NORMED = fnn.sequential(fnn.dense(3), fnn.batch_norm(), relu)
COUNTER = fnn.StatefulLayer(
    lambda key, x: ((), jnp.zeros(())), lambda params, state, x: (x, state + 1)
)
WAYS_OUT = (
    "inside a JAX transform a part can't reach the threaded key or change its state: "
    "pass it key=, use its .apply, or fnn.repeat, recurrent, remat, ensemble."
)


@fnn.module(conv=fnn.dense(4), norm=fnn.batch_norm(), drop=fnn.dropout(0.5))
def block(parts, x):
    return parts.drop(parts.norm(parts.conv(x)))


def key(seed):
    return jax.random.key(seed)


def init(layer, *inputs, **named):
    return layer.init(key(0), *inputs, **named)


def applied(layer, at, x, change=lambda params: params, **named):
    """Applies to x the changed params of an init at other inputs."""
    return layer.apply(change(init(layer, at)), x, **named)


def stateful(
    layer, at, x=None, params=lambda params: params, state=lambda state: state, **named
):
    made = init(layer, at)
    return layer.apply(params(made[0]), state(made[1]), at if x is None else x, **named)


def wired(forward, **parts):
    return fnn.module(**parts)(forward)


def inside(part, how):
    return wired(lambda parts, x: how(parts.part, x), part=part)


def layer_of(value):
    return fnn.Layer(lambda key, x: value, lambda params, x: x)


def stateful_of(value):
    return fnn.StatefulLayer(lambda key, x: value, lambda params, state, x: (x, state))


def unwrapped(layer, params, state, x):
    return x, state


def assigned(parts, x):
    y = parts.a(x)

    def change(x):
        parts.a.state = parts.a.state + 1
        return x

    return jax.vmap(change)(y)


def kept():
    parts_kept: list[Any] = []
    net = wired(lambda parts, x: parts_kept.append(parts) or parts.a(x), a=relu)
    net.apply({"a": ()}, X)
    parts_kept[0].a(X)


# Each call, its error, and where the error should tell the path, the note about it.
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
    "forgotten key": [
        (
            lambda: applied(fnn.dropout(0.5), X, X, train=True),
            ValueError,
            "dropout: expected a key when train=True, got None; pass apply(..., "
            "key=key).",
        ),
        (
            lambda: applied(
                fnn.sequential(fnn.dense(3), fnn.dropout(0.5)), X, X, train=True
            ),
            ValueError,
            "dropout: expected a key when train=True, got None; pass apply(..., "
            "key=key).",
            "in layer 1 (dropout) of sequential",
        ),
        (
            lambda: stateful(block, X, train=True),
            ValueError,
            "dropout: expected a key when train=True, got None; pass apply(..., "
            "key=key).",
            "in part drop (dropout) of block",
        ),
        (
            lambda: applied(fnn.repeat(fnn.dropout(0.5), 2), X, X, train=True),
            ValueError,
            "dropout: expected a key when train=True, got None; pass apply(..., "
            "key=key).",
        ),
        (
            lambda: applied(fnn.ensemble(fnn.dropout(0.5), 2), X, X, train=True),
            ValueError,
            "dropout: expected a key when train=True, got None; pass apply(..., "
            "key=key).",
        ),
        (
            lambda: applied(
                fnn.remat(fnn.sequential(fnn.dropout(0.5))), X, X, train=True
            ),
            ValueError,
            "dropout: expected a key when train=True, got None; pass apply(..., "
            "key=key).",
            "in layer 0 (dropout) of sequential",
        ),
        (
            lambda: applied(fnn.sequential(lambda x, *, key: x), X, X),
            ValueError,
            "<lambda>: expected a key, got None; pass apply(..., key=key).",
            "in layer 0 (<lambda>) of sequential",
        ),
        (
            lambda: applied(
                wired(lambda parts, x, *, key: parts.a(x), a=jnp.sin), X, X
            ),
            ValueError,
            "<lambda>: expected a key, got None; pass apply(..., key=key).",
        ),
        (
            lambda: fnn.dense(3).init(None, X),
            TypeError,
            "dense: init(key, *inputs): expected one key made by jax.random.key, "
            "got None.",
        ),
        (
            lambda: fnn.dense(3).init(0, X),
            TypeError,
            "dense: init(key, *inputs): expected one key made by jax.random.key, "
            "got 0.",
        ),
        (
            lambda: CHAIN.init(jax.random.split(key(0)), X),
            TypeError,
            "sequential: init(key, *inputs): expected one key made by "
            "jax.random.key, got key<fry>[2].",
        ),
        (
            lambda: applied(fnn.sequential(fnn.dropout(0.5)), X, X, key=42, train=True),
            TypeError,
            "sequential: apply(..., key=key): expected one key made by "
            "jax.random.key, got 42.",
        ),
        (
            lambda: applied(
                wired(lambda parts, x: parts.a(x, key=1), a=fnn.dropout(0.5)),
                X,
                X,
                train=True,
            ),
            TypeError,
            "dropout: key=: expected one key made by jax.random.key, got 1.",
            "in part a (dropout) of <lambda>",
        ),
        (
            lambda: applied(
                fnn.intercept(fnn.sequential(jnp.sin), "0", lambda y, *, key: y), X, X
            ),
            ValueError,
            "<lambda>: expected a key, got None; pass apply(..., key=key).",
            "in layer 0 (intercepted) of sequential",
        ),
    ],
    "traced train": [
        (
            lambda: jax.jit(CHAIN.apply)(init(CHAIN, X), X, train=True),
            TypeError,
            "train: expected a bool, got a traced value; under jax.jit bind it "
            "(functools.partial(apply, train=True)) or name it in static_argnames.",
        ),
        (
            lambda: jax.jit(fnn.dropout(0.5).apply)((), X, key=key(0), train=False),
            TypeError,
            "train: expected a bool, got a traced value; under jax.jit bind it "
            "(functools.partial(apply, train=True)) or name it in static_argnames.",
        ),
        (
            lambda: jax.jit(fnn.repeat(fnn.dense(4), 2).apply)(
                init(fnn.repeat(fnn.dense(4), 2), X), X, train=True
            ),
            TypeError,
            "train: expected a bool, got a traced value; under jax.jit bind it "
            "(functools.partial(apply, train=True)) or name it in static_argnames.",
        ),
        (
            lambda: jax.vmap(lambda x, t: CHAIN.apply(init(CHAIN, X), x, train=t))(
                X, jnp.array([True, False])
            ),
            TypeError,
            "train: expected a bool, got a traced value; under jax.jit bind it "
            "(functools.partial(apply, train=True)) or name it in static_argnames.",
        ),
        (
            lambda: CHAIN.apply(init(CHAIN, X), X, train=jnp.array(True)),
            TypeError,
            "train: expected a bool, got bool[].",
        ),
        (
            lambda: CHAIN.apply(init(CHAIN, X), X, train=1),
            TypeError,
            "train: expected a bool, got 1.",
        ),
        (
            lambda: CHAIN.apply(init(CHAIN, X), X, train=None),
            TypeError,
            "train: expected a bool, got None.",
        ),
        (
            lambda: CHAIN.apply(init(CHAIN, X), X, train="yes"),
            TypeError,
            "train: expected a bool, got 'yes'.",
        ),
        (
            lambda: applied(
                wired(
                    lambda parts, x: parts.a(x, train=jnp.any(x > 0)), a=fnn.dense(3)
                ),
                X,
                X,
            ),
            TypeError,
            "train: expected a bool, got a traced value; under jax.jit bind it "
            "(functools.partial(apply, train=True)) or name it in static_argnames.",
            "in part a (dense) of <lambda>",
        ),
    ],
    "stateful as stateless and back": [
        (
            lambda: fnn.batch_norm().apply(init(fnn.batch_norm(), X)[0], X),
            TypeError,
            "batch_norm: expected apply(params, state, *inputs), as it keeps state,"
            " got no inputs.",
        ),
        (
            lambda: NORMED.apply(init(NORMED, X)[0], X),
            ValueError,
            "sequential: expected state in a tuple of 3, got float32[2, 4]; it "
            "keeps state in 1 (batch_norm): call apply(params, state, *inputs).",
        ),
        (
            lambda: block.apply(init(block, X)[0], X),
            ValueError,
            "block: expected state in a dict of conv, norm, drop, got float32[2, "
            "4]; it keeps state in norm (batch_norm): call apply(params, state, "
            "*inputs).",
        ),
        (
            lambda: fnn.repeat(block, 2).apply(init(fnn.repeat(block, 2), X)[0], X),
            TypeError,
            "repeat: expected apply(params, state, *inputs), as it keeps state, got"
            " no inputs.",
        ),
        (
            lambda: fnn.freeze(NORMED).apply(init(NORMED, X)[0], X),
            ValueError,
            "sequential: expected state in a tuple of 3, got float32[2, 4]; it "
            "keeps state in 1 (batch_norm): call apply(params, state, *inputs).",
        ),
        (
            lambda: fnn.remat(fnn.batch_norm()).apply(init(fnn.batch_norm(), X)[0], X),
            TypeError,
            "batch_norm: expected apply(params, state, *inputs), as it keeps state,"
            " got no inputs.",
        ),
        (
            lambda: fnn.ensemble(fnn.batch_norm(), 2).apply(
                init(fnn.ensemble(fnn.batch_norm(), 2), X)[0], X
            ),
            TypeError,
            "batch_norm: expected apply(params, state, *inputs), as it keeps state,"
            " got no inputs.",
        ),
        (
            lambda: fnn.dense(3).apply(init(fnn.dense(3), X), (), X),
            TypeError,
            "dense: expected apply(params, *inputs), as it keeps no state, got an "
            "empty state as the first input.",
        ),
        (
            lambda: CHAIN.apply(init(CHAIN, X), (), X),
            TypeError,
            "sequential: expected apply(params, *inputs), as it keeps no state, got"
            " an empty state as the first input.",
        ),
        (
            lambda: CHAIN.apply(init(CHAIN, X), ((), (), ()), X),
            TypeError,
            "sequential: expected apply(params, *inputs), as it keeps no state, got"
            " an empty state as the first input.",
        ),
        (
            lambda: fnn.with_state(CHAIN).apply(init(CHAIN, X), X),
            ValueError,
            "sequential: expected no state, (), got float32[2, 4].",
        ),
        (
            lambda: fnn.with_state(jnp.sin).apply((), X),
            ValueError,
            "sin: expected no state, (), got float32[2, 4].",
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
    "params of another model": [
        (
            lambda: applied(CHAIN, X, X, lambda p: (*p, ())),
            ValueError,
            "sequential: expected params in a tuple of 3, got in a tuple of 4.",
        ),
        (
            lambda: applied(CHAIN, X, X, lambda p: p[:2]),
            ValueError,
            "sequential: expected params in a tuple of 3, got in a tuple of 2.",
        ),
        (
            lambda: applied(CHAIN, X, X, lambda p: list(p)),
            ValueError,
            "sequential: expected params in a tuple of 3, got a list.",
        ),
        (
            lambda: applied(CHAIN, X, X, lambda p: (p[0], p[0], p[2])),
            ValueError,
            "relu: expected no params, (), got {bias: float32[3], weight: "
            "float32[4, 3]}.",
            "in layer 1 (relu) of sequential",
        ),
        (
            lambda: applied(
                CHAIN, X, X, lambda p: ({"weight": p[0]["weight"]}, *p[1:])
            ),
            ValueError,
            "dense: expected params {weight: (n, 3), bias: (3,)}, got {weight: (4, "
            "3)}.",
            "in layer 0 (dense) of sequential",
        ),
        (
            lambda: applied(CHAIN, X, X, lambda p: ({**p[0], "scale": X}, *p[1:])),
            ValueError,
            "dense: expected params {weight: (n, 3), bias: (3,)}, got {bias: (3,), "
            "weight: (4, 3), scale: (2, 4)}.",
            "in layer 0 (dense) of sequential",
        ),
        (
            lambda: applied(CHAIN, X, X, lambda p: (p[2], p[1], p[0])),
            ValueError,
            "dense: expected params {weight: (n, 3), bias: (3,)}, got {bias: (2,), "
            "weight: (3, 2)}.",
            "in layer 0 (dense) of sequential",
        ),
        (
            lambda: applied(CHAIN, X, X, lambda p: p[0]),
            ValueError,
            "sequential: expected params in a tuple of 3, got in a dict of bias, "
            "weight.",
        ),
        (
            lambda: applied(NAMED, X, X, lambda p: {"body": p["body"]}),
            ValueError,
            "sequential: expected params in a dict of body, head, got in a dict of "
            "body.",
        ),
        (
            lambda: applied(NAMED, X, X, lambda p: {**p, "tail": ()}),
            ValueError,
            "sequential: expected params in a dict of body, head, got in a dict of "
            "body, head, tail.",
        ),
        (
            lambda: applied(
                NAMED, X, X, lambda p: {"body": p["body"], "haed": p["head"]}
            ),
            ValueError,
            "sequential: expected params in a dict of body, head, got in a dict of "
            "body, haed.",
        ),
        (
            lambda: applied(NAMED, X, X, lambda p: tuple(p.values())),
            ValueError,
            "sequential: expected params in a dict of body, head, got in a tuple of 2.",
        ),
        (
            lambda: applied(NAMED, X, X, lambda p: {"params": p}),
            ValueError,
            "sequential: expected params in a dict of body, head, got in a dict of "
            "params.",
        ),
        (
            lambda: applied(NAMED, X, X, lambda p: None),
            ValueError,
            "sequential: expected params in a dict of body, head, got None.",
        ),
        (
            lambda: applied(fnn.dense(3), X, X, lambda p: p["weight"]),
            ValueError,
            "dense: expected params {weight: (n, 3), bias: (3,)}, got (4, 3).",
        ),
        (
            lambda: applied(
                fnn.dense(3, use_bias=False), X, X, lambda p: {**p, "bias": jnp.ones(3)}
            ),
            ValueError,
            "dense: expected params {weight: (n, 3)}, got {weight: (4, 3), bias: "
            "(3,)}.",
        ),
        (
            lambda: applied(
                fnn.dense(3), X, X, lambda p: {**p, "weight": p["weight"].T}
            ),
            ValueError,
            "dense: expected params {weight: (n, 3), bias: (3,)}, got {bias: (3,), "
            "weight: (3, 4)}.",
        ),
        (
            lambda: applied(
                fnn.repeat(fnn.dense(4), 3),
                X,
                X,
                lambda p: jax.tree.map(lambda a: a[:2], p),
            ),
            ValueError,
            "repeat: expected params of 3 copies, stacked on the first axis, got "
            "float32[2, 4].",
        ),
        (
            lambda: applied(
                fnn.ensemble(fnn.dense(4), 3),
                X,
                X,
                lambda p: jax.tree.map(lambda a: a[0], p),
            ),
            ValueError,
            "ensemble: expected params of 3 copies, stacked on the first axis, got "
            "float32[4].",
        ),
        (
            lambda: applied(
                fnn.repeat(fnn.dense(4), 3), X, X, lambda p: fnn.unstack_params(p)
            ),
            ValueError,
            "repeat: expected params of 3 copies, stacked on the first axis, got "
            "float32[4].",
        ),
        (
            lambda: fnn.sequential(relu).apply(({"weight": X},), X),
            ValueError,
            "relu: expected no params, (), got {weight: float32[2, 4]}.",
            "in layer 0 (relu) of sequential",
        ),
        (
            lambda: applied(fnn.freeze(CHAIN, "0/*"), X, X, lambda p: (*p, ())),
            ValueError,
            "sequential: expected params in a tuple of 3, got in a tuple of 4.",
        ),
        (
            lambda: stateful(block, X, params=lambda p: {**p, "norm": ()}),
            ValueError,
            "batch_norm: expected params {scale: (4,), bias: (4,)}, got ().",
            "in part norm (batch_norm) of block",
        ),
        (
            lambda: fnn.from_paths({"weight": X}, like=init(fnn.dense(3), X)),
            ValueError,
            "from_paths: expected the paths of like, got no bias.",
        ),
        (
            lambda: fnn.stack_params([init(fnn.dense(3), X), init(fnn.dense(2), X)]),
            ValueError,
            "stack_params: expected params alike, got {bias: float32[3], weight: "
            "float32[4, 3]} and {bias: float32[2], weight: float32[4, 2]}.",
        ),
        (
            lambda: fnn.merge(init(fnn.dense(3), X), init(CHAIN, X)),
            ValueError,
            "merge: expected two trees nested alike, got PyTreeDef({'bias': *, "
            "'weight': *}) and PyTreeDef(({'bias': *, 'weight': *}, (), {'bias': *,"
            " 'weight': *})).",
        ),
    ],
    "option out of range": [
        (
            lambda: fnn.dense(0),
            ValueError,
            "dense: expected features of at least 1, got 0.",
        ),
        (
            lambda: fnn.dropout(1.0),
            ValueError,
            "dropout: expected rate in [0, 1), got 1.0.",
        ),
        (
            lambda: fnn.dropout(-0.1),
            ValueError,
            "dropout: expected rate in [0, 1), got -0.1.",
        ),
        (
            lambda: fnn.repeat(relu, 0),
            ValueError,
            "repeat: expected n of at least 1, got 0.",
        ),
        (
            lambda: fnn.repeat(relu, 2.0),
            TypeError,
            "repeat: expected n to be an int, got 2.0.",
        ),
        (
            lambda: fnn.repeat(relu, 2, unroll=0),
            ValueError,
            "repeat: expected unroll of at least 1, got 0.",
        ),
        (
            lambda: fnn.repeat(relu, 2, over="rate"),
            TypeError,
            "repeat: expected over to be a tuple of names, got 'rate'.",
        ),
        (
            lambda: fnn.repeat(relu, 2, over=("rate",)),
            ValueError,
            "repeat: expected over to name inputs of relu, got 'rate'.",
        ),
        (
            lambda: fnn.ensemble(relu, -1),
            ValueError,
            "ensemble: expected n of at least 1, got -1.",
        ),
        (
            lambda: fnn.ensemble(relu, True),
            TypeError,
            "ensemble: expected n to be an int, got True.",
        ),
        (
            lambda: fnn.batch_norm(momentum=2),
            ValueError,
            "batch_norm: expected momentum in [0, 1], got 2.",
        ),
        (
            lambda: fnn.batch_norm(eps=0.0),
            ValueError,
            "batch_norm: expected eps above 0, got 0.0.",
        ),
        (
            lambda: fnn.conv(4, (3, 3), stride=0),
            ValueError,
            "conv: expected stride of at least 1, once or for each of 2 axes, got 0.",
        ),
        (
            lambda: fnn.conv(4, (3, 3), padding="same"),
            ValueError,
            "conv: expected padding to be one of SAME, VALID, CIRCULAR, REFLECT, or"
            " (low, high) of at least 0 for each of 2 axes, got 'same'.",
        ),
        (
            lambda: fnn.parallel(relu, combine="sum"),
            TypeError,
            "parallel: expected combine to be a function, got 'sum'.",
        ),
        (
            lambda: fnn.remat(relu, "everything"),
            TypeError,
            "remat: expected a policy that is a function, got 'everything'.",
        ),
        (
            lambda: fnn.freeze(relu, 3),
            TypeError,
            "freeze: expected a glob, a function of (path, leaf), or a list of "
            "these, got 3.",
        ),
        (
            lambda: init(
                fnn.repeat(lambda x, *, rate: x, 3, over=("rate",)), X, rate=jnp.ones(2)
            ),
            ValueError,
            "repeat: expected inputs by name of 3 copies, stacked on the first "
            "axis, got float32[2].",
        ),
        (
            lambda: init(
                fnn.repeat(lambda x, *, rate: x, 3, over=("rate",)), X, rate=0.5
            ),
            ValueError,
            "repeat: expected inputs by name of 3 copies, stacked on the first "
            "axis, got 0.5.",
        ),
    ],
    "a part never called or never declared": [
        (
            lambda: init(wired(lambda parts, x: parts.a(x), a=relu, b=fnn.dense(3)), X),
            ValueError,
            "<lambda>: expected every part to be called, got no call of b; give "
            "init every optional input.",
        ),
        (
            lambda: init(
                wired(lambda parts, x: x, a=[relu, fnn.dense(3)], b={"c": relu}), X
            ),
            ValueError,
            "<lambda>: expected every part to be called, got no call of a/0, a/1, "
            "b/c; give init every optional input.",
        ),
        (
            lambda: init(
                wired(
                    lambda parts, x, mask=None: (
                        parts.a(x) if mask is None else parts.b(x)
                    ),
                    a=relu,
                    b=relu,
                ),
                X,
            ),
            ValueError,
            "<lambda>: expected every part to be called, got no call of b; give "
            "init every optional input.",
        ),
        (
            lambda: init(wired(lambda parts, x: parts.c(x), a=relu, b=relu), X),
            AttributeError,
            "<lambda>: expected one of its parts (a, b), got c.",
        ),
        (
            lambda: init(
                wired(
                    lambda parts, x: parts.a(parts.b.params["w"]),
                    a=relu,
                    b=fnn.dense(3),
                ),
                X,
            ),
            ValueError,
            "<lambda>: expected a call of part b before its params can be read, got"
            " none yet.",
        ),
        (
            lambda: init(
                wired(lambda parts, x: parts.b.state + parts.b(x), b=COUNTER), X
            ),
            ValueError,
            "<lambda>: expected a call of part b before its state can be read, got "
            "none yet.",
        ),
        (
            lambda: init(fnn.transform(unwrapped)(fnn.dense(3)), X),
            ValueError,
            "unwrapped: expected a call of dense's apply, got none.",
        ),
        (
            lambda: fnn.module(a=relu)(
                lambda parts, x: setattr(parts.a, "params", 1)
            ).apply({"a": ()}, X),
            AttributeError,
            "<lambda>: part a: expected only its state to be assigned, got params.",
        ),
        (
            lambda: fnn.module(a=COUNTER)(
                lambda parts, x: setattr(parts.a, "state", X) or x
            ).apply({"a": ()}, {"a": jnp.zeros(())}, X),
            ValueError,
            "<lambda>: part a: expected a state like float32[], got float32[2, 4].",
        ),
    ],
    "an empty container": [
        (
            lambda: fnn.sequential(),
            TypeError,
            "sequential: expected positional or named layers, got none.",
        ),
        (
            lambda: fnn.sequential(relu, b=relu),
            TypeError,
            "sequential: expected positional or named layers, got both.",
        ),
        (
            lambda: fnn.parallel(),
            TypeError,
            "parallel: expected at least one layer, got none.",
        ),
        (
            lambda: fnn.parallel(combine=sum),
            TypeError,
            "parallel: expected at least one layer, got none.",
        ),
        (
            lambda: fnn.module(),
            TypeError,
            "module: expected parts by name, as in module(a=layer), got none.",
        ),
        (
            lambda: fnn.module(fnn.dense(3)),
            TypeError,
            "module: expected parts by name, as in module(a=layer), got dense(3).",
        ),
        (
            lambda: fnn.stack_params([]),
            ValueError,
            "stack_params: expected at least one layer's params, got none.",
        ),
        (
            lambda: fnn.unstack_params(()),
            ValueError,
            "unstack_params: expected arrays with a first axis, got ().",
        ),
        (
            lambda: fnn.unstack_params(jnp.ones(())),
            ValueError,
            "unstack_params: expected arrays with a first axis, got float32[].",
        ),
        (
            lambda: fnn.sequential(**{"a/b": relu}),
            ValueError,
            "sequential: expected names without '/', got 'a/b'.",
        ),
        (
            lambda: fnn.module(_a=relu),
            ValueError,
            "module: expected names of parts without '/' and leading '_', got '_a'.",
        ),
        (
            lambda: fnn.module(a={0: relu}),
            ValueError,
            "module: expected names of parts without '/' and leading '_', got 0.",
        ),
        (
            lambda: fnn.module(a={"b/c": relu}),
            ValueError,
            "module: expected names of parts without '/' and leading '_', got 'b/c'.",
        ),
    ],
    "no layer where one was expected": [
        (
            lambda: fnn.sequential([fnn.dense(3), relu]),
            TypeError,
            "sequential, 0: expected a layer or a function of arrays, got "
            "[dense(3), relu].",
        ),
        (
            lambda: fnn.sequential(relu, fnn.dense(3).init),
            TypeError,
            "sequential, 1: expected a layer or a function of arrays, got the init "
            "of dense; pass the layer itself.",
        ),
        (
            lambda: fnn.sequential(fnn.dense(3).apply),
            TypeError,
            "sequential, 0: expected a layer or a function of arrays, got the apply"
            " of dense; pass the layer itself.",
        ),
        (
            lambda: fnn.sequential(fnn.dense),
            TypeError,
            "sequential, 0: expected a layer or a function of arrays, got the "
            "constructor dense; call it, dense(...).",
        ),
        (
            lambda: fnn.sequential(a=3),
            TypeError,
            "sequential, a: expected a layer or a function of arrays, got 3.",
        ),
        (
            lambda: fnn.sequential(None),
            TypeError,
            "sequential, 0: expected a layer or a function of arrays, got None.",
        ),
        (
            lambda: fnn.sequential(tuple(fnn.dense(3))),
            TypeError,
            "sequential, 0: expected a layer or a function of arrays, got (init, "
            "apply).",
        ),
        (
            lambda: fnn.sequential(dict),
            TypeError,
            "sequential, 0: expected a layer or a function of arrays, got dict.",
        ),
        (
            lambda: fnn.parallel(fnn.dense(3), (relu,)),
            TypeError,
            "parallel, 1: expected a layer or a function of arrays, got (relu,).",
        ),
        (
            lambda: fnn.residual("relu"),
            TypeError,
            "residual: expected a layer or a function of arrays, got 'relu'.",
        ),
        (
            lambda: fnn.residual(relu, fnn.dense(3).apply),
            TypeError,
            "residual: expected a layer or a function of arrays, got the apply of "
            "dense; pass the layer itself.",
        ),
        (
            lambda: fnn.module(a=[relu, "tanh"]),
            TypeError,
            "module, part a/1: expected a layer or a function of arrays, got 'tanh'.",
        ),
        (
            lambda: fnn.module(a=fnn.dense(3).init),
            TypeError,
            "module, part a: expected a layer or a function of arrays, got the init"
            " of dense; pass the layer itself.",
        ),
        (
            lambda: fnn.repeat(jnp.ones(3), 2),
            TypeError,
            "repeat: expected a layer or a function of arrays, got float32[3].",
        ),
        (
            lambda: fnn.repeat([fnn.dense(3)], 2),
            TypeError,
            "repeat: expected a layer or a function of arrays, got [dense(3)].",
        ),
        (
            lambda: fnn.with_state(fnn.dense(3).apply),
            TypeError,
            "with_state: expected a layer or a function of arrays, got the apply of"
            " dense; pass the layer itself.",
        ),
        (
            lambda: fnn.freeze(fnn.dense),
            TypeError,
            "freeze: expected a layer or a function of arrays, got the constructor "
            "dense; call it, dense(...).",
        ),
        (
            lambda: fnn.remat(fnn.remat),
            TypeError,
            "remat: expected a layer or a function of arrays, got the constructor "
            "remat; call it, remat(...).",
        ),
        (
            lambda: fnn.transform(fnn.dense(3)),
            TypeError,
            "transform: expected a function, got dense(3).",
        ),
        (
            lambda: fnn.sequential(fnn.transform(unwrapped)),
            TypeError,
            "sequential, 0: expected a layer or a function of arrays, got the "
            "transform unwrapped; call it, unwrapped(layer).",
        ),
        (
            lambda: fnn.replace(CHAIN, {"1": [relu]}),
            TypeError,
            "replace, 1: expected a layer or a function of arrays, got [relu].",
        ),
        (
            lambda: fnn.map_parts(lambda path, part: None, CHAIN),
            TypeError,
            "map_parts: expected a layer or a function of arrays, got None.",
        ),
        (
            lambda: fnn.module(a=relu)(fnn.dense(3)),
            TypeError,
            "module: expected a forward function, got dense(3).",
        ),
        (
            lambda: fnn.module(a=relu)(fnn.dense(3).apply),
            TypeError,
            "module: expected a forward function, got apply.",
        ),
        (
            lambda: fnn.Layer(fnn.dense(3), relu),
            TypeError,
            "Layer: expected init to be a function, got dense(3).",
        ),
        (
            lambda: fnn.Layer(lambda key, x: (), None),
            TypeError,
            "Layer: expected apply to be a function, got None.",
        ),
        (
            lambda: fnn.StatefulLayer(None, relu),
            TypeError,
            "StatefulLayer: expected init to be a function, got None.",
        ),
        (
            lambda: fnn.intercept(CHAIN, "0", 3),
            TypeError,
            "intercept: expected a function of an output, got 3.",
        ),
        (
            lambda: fnn.intercept(CHAIN, "0", fnn.dense(3)),
            TypeError,
            "intercept: expected a function of an output, got dense(3).",
        ),
        (
            lambda: fnn.constructor(lambda: 3)(),
            TypeError,
            "<lambda>: expected a layer or a function of arrays, got 3.",
        ),
        (
            lambda: fnn.sequential(lambda x, train: x),
            TypeError,
            "<lambda>: expected train to be keyword-only (write `*, train`), got it"
            " as a positional parameter.",
        ),
        (
            lambda: fnn.sequential(lambda x, key=None: x),
            TypeError,
            "<lambda>: expected key to be keyword-only (write `*, key`), got it as "
            "a positional parameter.",
        ),
        (
            lambda: fnn.Layer(lambda key, x: (), lambda params, x, train=False: x),
            TypeError,
            "<lambda>: expected train to be keyword-only (write `*, train`), got it"
            " as a positional parameter.",
        ),
        (
            lambda: fnn.StatefulLayer(
                lambda key, x: ((), ()), lambda params, state, x, key=None: x
            ),
            TypeError,
            "<lambda>: expected key to be keyword-only (write `*, key`), got it as "
            "a positional parameter.",
        ),
    ],
    "no function, layer or number that it can take": [
        (
            lambda: fnn.evaluating(3),
            TypeError,
            "evaluating: expected a layer or a function of arrays, got 3.",
        ),
        (
            lambda: fnn.evaluating(fnn.dense),
            TypeError,
            "evaluating: expected a layer or a function of arrays, got the "
            "constructor dense; call it, dense(...).",
        ),
        (
            lambda: fnn.evaluating(fnn.dense(2).init),
            TypeError,
            "evaluating: expected a layer or a function of arrays, got the init of "
            "dense; pass the layer itself.",
        ),
        (
            lambda: fnn.whole(3),
            TypeError,
            "whole: expected a layer or a function of arrays, got 3.",
        ),
        (
            lambda: fnn.whole(fnn.dense),
            TypeError,
            "whole: expected a layer or a function of arrays, got the constructor "
            "dense; call it, dense(...).",
        ),
        (
            lambda: fnn.whole(fnn.dense(2).init),
            TypeError,
            "whole: expected a layer or a function of arrays, got the init of dense; "
            "pass the layer itself.",
        ),
        (
            lambda: fnn.with_state(3),
            TypeError,
            "with_state: expected a layer or a function of arrays, got 3.",
        ),
        (
            lambda: fnn.with_state(fnn.dense),
            TypeError,
            "with_state: expected a layer or a function of arrays, got the "
            "constructor dense; call it, dense(...).",
        ),
        (
            lambda: fnn.with_state(fnn.dense(2).init),
            TypeError,
            "with_state: expected a layer or a function of arrays, got the init of "
            "dense; pass the layer itself.",
        ),
        (
            lambda: fnn.map_parts(3, CHAIN),
            TypeError,
            "map_parts: expected a function of (path, part), got 3.",
        ),
        (
            lambda: fnn.map_parts(CHAIN, relu),
            TypeError,
            "map_parts: expected a function of (path, part), got sequential(dense(3), "
            "relu, dense(2)).",
        ),
        (
            lambda: fnn.map_parts(lambda path, part: 3, relu),
            TypeError,
            "map_parts: expected a layer or a function of arrays, got 3.",
        ),
        (
            lambda: fnn.constructor(3),
            TypeError,
            "constructor: expected a function that returns a layer, got 3.",
        ),
        (
            lambda: fnn.constructor(fnn.dense(3)),
            TypeError,
            "constructor: expected a function that returns a layer, got dense(3).",
        ),
        (
            lambda: fnn.constructor([relu]),
            TypeError,
            "constructor: expected a function that returns a layer, got [relu].",
        ),
        (
            lambda: fnn.remat(3),
            TypeError,
            "remat: expected a layer or a function of arrays, got 3.",
        ),
        (
            lambda: fnn.remat(relu, policy="all"),
            TypeError,
            "remat: expected a policy that is a function, got 'all'.",
        ),
        (
            lambda: fnn.steps_as(3, relu),
            TypeError,
            "steps_as: expected a layer or a function of arrays, got 3.",
        ),
        (
            lambda: fnn.steps_as(relu, 3),
            TypeError,
            "steps_as: expected decoding to be a function, got 3.",
        ),
        (
            lambda: fnn.steps_as(relu, fnn.dense(2)),
            TypeError,
            "steps_as: expected decoding to be a function, got dense(2).",
        ),
        (
            lambda: fnn.transform(3),
            TypeError,
            "transform: expected a function, got 3.",
        ),
        (
            lambda: fnn.transform(None),
            TypeError,
            "transform: expected a function, got None.",
        ),
        (
            lambda: fnn.transform(fnn.dense(2)),
            TypeError,
            "transform: expected a function, got dense(2).",
        ),
        (
            lambda: fnn.mixed_precision(3),
            TypeError,
            "mixed_precision: expected a layer or a function of arrays, got 3.",
        ),
        (
            lambda: fnn.mixed_precision(relu, "int32"),
            TypeError,
            "mixed_precision: expected compute to be a floating dtype, got 'int32'.",
        ),
        (
            lambda: fnn.mixed_precision(relu, output=3),
            TypeError,
            "mixed_precision: expected output to be a floating dtype, got 3.",
        ),
        (
            lambda: fnn.alibi(X),
            TypeError,
            "alibi: expected heads to be an int, got float32[2, 4].",
        ),
        (
            lambda: fnn.alibi(0),
            ValueError,
            "alibi: expected heads of at least 1, got 0.",
        ),
        (
            lambda: fnn.alibi(2.0),
            TypeError,
            "alibi: expected heads to be an int, got 2.0.",
        ),
    ],
    "a function that returns no arrays": [
        (
            lambda: init(fnn.sequential(lambda x: "text"), X),
            TypeError,
            "<lambda>: expected outputs that are arrays, got 'text'.",
            "in layer 0 (<lambda>) of sequential",
        ),
        (
            lambda: init(fnn.sequential(lambda x: None), X),
            TypeError,
            "<lambda>: expected outputs that are arrays, got None.",
            "in layer 0 (<lambda>) of sequential",
        ),
        (
            lambda: init(fnn.sequential(lambda x: 3.0), X),
            TypeError,
            "<lambda>: expected outputs that are arrays, got 3.0.",
            "in layer 0 (<lambda>) of sequential",
        ),
        (
            lambda: fnn.sequential(lambda x: (x, [1])).apply(((),), X),
            TypeError,
            "<lambda>: expected outputs that are arrays, got 1.",
            "in layer 0 (<lambda>) of sequential",
        ),
        (
            lambda: init(wired(lambda parts, x: parts.a, a=relu), X),
            TypeError,
            "<lambda>: expected outputs that are arrays, got Part.",
        ),
        (
            lambda: init(fnn.Layer(lambda key, x: (), lambda params, x: x.shape), X),
            TypeError,
            "layer: expected outputs that are arrays, got 2.",
        ),
        (
            lambda: init(
                fnn.StatefulLayer(lambda key, x: ((), ()), lambda params, state, x: x),
                X,
            ),
            TypeError,
            "layer: expected apply to return (outputs, state), got float32[2, 4].",
        ),
        (
            lambda: init(
                fnn.StatefulLayer(
                    lambda key, x: ((), ()), lambda params, state, x: [x, state]
                ),
                X,
            ),
            TypeError,
            "layer: expected apply to return (outputs, state), got [float32[2, 4], "
            "()].",
        ),
        (
            lambda: init(
                fnn.transform(
                    lambda layer, params, state, x: layer.apply(params, state, x)[0]
                )(relu),
                X,
            ),
            TypeError,
            "<lambda>: expected (outputs, state), got float32[2, 4].",
        ),
        (
            lambda: init(fnn.intercept(fnn.sequential(relu), "0", lambda y: None), X),
            TypeError,
            "intercepted: expected outputs that are arrays, got None.",
            "in layer 0 (intercepted) of sequential",
        ),
        (
            lambda: init(fnn.sequential(lambda x: lambda y: y), X),
            TypeError,
            "<lambda>: expected outputs that are arrays, got <lambda>.",
            "in layer 0 (<lambda>) of sequential",
        ),
    ],
    "an init that returns no arrays": [
        (
            lambda: init(layer_of("weights"), X),
            TypeError,
            "layer_of: expected init to return params in dicts, tuples and arrays, "
            "got 'weights'.",
        ),
        (
            lambda: init(layer_of({"weight": 3.0}), X),
            TypeError,
            "layer_of: expected init to return params in dicts, tuples and arrays, "
            "got 3.0.",
        ),
        (
            lambda: init(layer_of([X]), X),
            TypeError,
            "layer_of: expected init to return params in dicts, tuples and arrays, "
            "got [float32[2, 4]].",
        ),
        (
            lambda: init(layer_of(None), X),
            TypeError,
            "layer_of: expected init to return params in dicts, tuples and arrays, "
            "got None.",
        ),
        (
            lambda: init(layer_of({"a/b": X}), X),
            ValueError,
            "layer_of: expected names of params without '/', got 'a/b'.",
        ),
        (
            lambda: init(layer_of({3: X}), X),
            ValueError,
            "layer_of: expected names of params without '/', got 3.",
        ),
        (
            lambda: init(layer_of(({"a": (X, relu)},)), X),
            TypeError,
            "layer_of: expected init to return params in dicts, tuples and arrays, "
            "got relu.",
        ),
        (
            lambda: init(stateful_of({"weight": X}), X),
            TypeError,
            "stateful_of: expected init to return (params, state), got {weight: "
            "float32[2, 4]}.",
        ),
        (
            lambda: init(stateful_of(((), "state")), X),
            TypeError,
            "stateful_of: expected init to return a state of arrays, got 'state'.",
        ),
        (
            lambda: init(stateful_of(((), {"count": 0})), X),
            TypeError,
            "stateful_of: expected init to return a state of arrays, got 0.",
        ),
        (
            lambda: init(stateful_of(([X], ())), X),
            TypeError,
            "stateful_of: expected init to return params in dicts, tuples and "
            "arrays, got [float32[2, 4]].",
        ),
        (
            lambda: init(stateful_of([(), ()]), X),
            TypeError,
            "stateful_of: expected init to return (params, state), got [(), ()].",
        ),
        (
            lambda: init(
                fnn.sequential(fnn.dense(3, weight_init=lambda key, shape, dtype: 3)), X
            ),
            ValueError,
            "dense: expected weight_init to draw an array of shape (4, 3), got 3.",
            "in layer 0 (dense) of sequential",
        ),
    ],
    "state of another shape": [
        (
            lambda: stateful(NORMED, X, state=lambda s: s[:2]),
            ValueError,
            "sequential: expected state in a tuple of 3, got in a tuple of 2; it "
            "keeps state in 1 (batch_norm): call apply(params, state, *inputs).",
        ),
        (
            lambda: stateful(NORMED, X, state=lambda s: (s[1], s[1], ())),
            ValueError,
            "sequential: expected no state of 0, (), got {mean: float32[3], var: "
            "float32[3]}.",
        ),
        (
            lambda: stateful(
                NORMED, X, state=lambda s: ((), {"mean": s[1]["mean"]}, ())
            ),
            ValueError,
            "batch_norm: expected state {mean: (channels,), var: (channels,)}, got "
            "{mean: (3,)}.",
            "in layer 1 (batch_norm) of sequential",
        ),
        (
            lambda: stateful(
                NORMED, X, state=lambda s: ((), jax.tree.map(lambda a: a[:2], s[1]), ())
            ),
            ValueError,
            "batch_norm: expected params {scale: (2,), bias: (2,)}, got {bias: "
            "(3,), scale: (3,)}.",
            "in layer 1 (batch_norm) of sequential",
        ),
        (
            lambda: stateful(NORMED, X, state=lambda s: {}),
            ValueError,
            "sequential: expected state in a tuple of 3, got in a dict of nothing; "
            "it keeps state in 1 (batch_norm): call apply(params, state, *inputs).",
        ),
        (
            lambda: stateful(
                fnn.repeat(block, 2), X, state=lambda s: jax.tree.map(lambda a: a[0], s)
            ),
            ValueError,
            "repeat: expected state of 2 copies, stacked on the first axis, got "
            "float32[4].",
        ),
        (
            lambda: stateful(
                fnn.ensemble(block, 2),
                X,
                state=lambda s: jax.tree.map(lambda a: a[:1], s),
            ),
            ValueError,
            "ensemble: expected state of 2 copies, stacked on the first axis, got "
            "float32[1, 4].",
        ),
        (
            lambda: init(
                fnn.StatefulLayer(
                    lambda key, x: ((), jnp.zeros(3)), lambda p, s, x: (x, s[:2])
                ),
                X,
            ),
            ValueError,
            "layer: expected apply to return a state like the one it got, "
            "float32[3], got float32[2].",
        ),
        (
            lambda: init(
                fnn.StatefulLayer(
                    lambda key, x: ((), jnp.zeros(3)), lambda p, s, x: (x, {"s": s})
                ),
                X,
            ),
            ValueError,
            "layer: expected apply to return a state like the one it got, "
            "float32[3], got {s: float32[3]}.",
        ),
        (
            lambda: init(
                fnn.StatefulLayer(
                    lambda key, x: ((), jnp.zeros(3)),
                    lambda p, s, x: (x, s.astype(jnp.int32)),
                ),
                X,
            ),
            ValueError,
            "layer: expected apply to return a state like the one it got, "
            "float32[3], got int32[3].",
        ),
        (
            lambda: fnn.StatefulLayer(
                lambda key, x: ((), ()),
                lambda p, s, x, *, train: (x, X if train else s),
            ).apply((), (), X, train=True),
            ValueError,
            "layer: expected apply to return a state like the one it got, (), got "
            "float32[2, 4].",
        ),
        (
            lambda: init(
                fnn.transform(
                    lambda layer, params, state, x: (
                        layer.apply(params, state, x)[0],
                        (),
                    )
                )(COUNTER),
                X,
            ),
            ValueError,
            "<lambda>: expected the state of layer, float32[], got ().",
        ),
        (
            lambda: init(
                fnn.transform(
                    lambda layer, params, state, x: (
                        layer.apply(params, state, x)[0],
                        X,
                    )
                )(relu),
                X,
            ),
            ValueError,
            "<lambda>: expected the state of a layer that keeps none, (), got "
            "float32[2, 4].",
        ),
        (
            lambda: fnn.transform(
                lambda layer, params, state, x, *, train: (
                    x,
                    () if train else layer.apply(params, state, x)[1],
                )
            )(COUNTER).apply((), jnp.zeros(()), X, train=True),
            ValueError,
            "<lambda>: expected the state of layer, float32[], got ().",
        ),
        (
            lambda: init(
                wired(
                    lambda parts, x: setattr(parts.a, "state", parts.a(x)) or x,
                    a=COUNTER,
                ),
                X,
            ),
            ValueError,
            "<lambda>: part a: expected a state like float32[], got float32[2, 4].",
        ),
        (
            lambda: fnn.with_state(CHAIN).apply(init(CHAIN, X), {"a": X}, X),
            ValueError,
            "sequential: expected no state, (), got {a: float32[2, 4]}.",
        ),
    ],
    "a pattern that matches nothing": [
        (
            lambda: fnn.replace(CHAIN, {"3": relu}),
            ValueError,
            "replace: expected a pattern that matches some of 0, 1, 2, '', got '3'.",
        ),
        (
            lambda: fnn.replace(CHAIN, {"1": relu, "*": jnp.tanh}),
            ValueError,
            "replace: expected one new part for 1, got two.",
        ),
        (
            lambda: fnn.evaluating(NAMED, "haed"),
            ValueError,
            "evaluating: expected a pattern that matches some of body, head, '', "
            "got 'haed'.",
        ),
        (
            lambda: fnn.capture(NAMED, ["body", "*/conv"]),
            ValueError,
            "capture: expected a pattern that matches some of body, head, '', got "
            "'*/conv'.",
        ),
        (
            lambda: fnn.intercept(CHAIN, lambda path, part: False, relu),
            ValueError,
            "intercept: expected a pattern that matches some of 0, 1, 2, '', got "
            "<lambda>.",
        ),
        (
            lambda: init(fnn.freeze(CHAIN, "**/wieght"), X),
            ValueError,
            "freeze: expected a pattern that matches some of 0/bias, 0/weight, "
            "2/bias, 2/weight, got '**/wieght'.",
        ),
        (
            lambda: init(fnn.freeze(relu), X),
            ValueError,
            "freeze: expected a pattern that matches some of nothing, got '**'.",
        ),
        (
            lambda: fnn.split(init(NAMED, X), "body/kernel"),
            ValueError,
            "split: expected a pattern that matches some of body/bias, body/weight,"
            " head/bias, head/weight, got 'body/kernel'.",
        ),
        (
            lambda: fnn.split(init(NAMED, X), []),
            ValueError,
            "split: expected a pattern that matches some of body/bias, body/weight,"
            " head/bias, head/weight, got [].",
        ),
        (
            lambda: fnn.capture(NAMED, 3),
            TypeError,
            "capture: expected a glob, a function of (path, leaf), or a list of "
            "these, got 3.",
        ),
        (
            lambda: fnn.split((), "**"),
            ValueError,
            "split: expected a pattern that matches some of nothing, got '**'.",
        ),
    ],
    "state or draws inside a transform": [
        (
            lambda: init(inside(fnn.dropout(0.5), lambda f, x: jax.vmap(f)(x)), X),
            ValueError,
            "dropout: expected a key when train=True, got None; pass apply(..., "
            "key=key).",
            WAYS_OUT,
            "in part part (dropout) of <lambda>",
        ),
        (
            lambda: applied(inside(lambda x, *, key: x, lambda f, x: f(x)), X, X),
            ValueError,
            "<lambda>: expected a key, got None; pass apply(..., key=key).",
            "in part part (<lambda>) of <lambda>",
        ),
        (
            lambda: init(inside(COUNTER, lambda f, x: jax.vmap(f)(x)), X),
            ValueError,
            "<lambda>: expected part part to keep its state, got a new one; inside "
            "a JAX transform a part can't reach the threaded key or change its "
            "state: pass it key=, use its .apply, or fnn.repeat, recurrent, remat, "
            "ensemble.",
            "in part part (layer) of <lambda>",
        ),
        (
            lambda: init(inside(fnn.batch_norm(), lambda f, x: jax.lax.map(f, SEQ)), X),
            ValueError,
            "<lambda>: expected part part to keep its state, got a new one; inside "
            "a JAX transform a part can't reach the threaded key or change its "
            "state: pass it key=, use its .apply, or fnn.repeat, recurrent, remat, "
            "ensemble.",
            "in part part (batch_norm) of <lambda>",
        ),
        (
            lambda: init(
                inside(
                    fnn.sequential(relu, fnn.dropout(0.5)),
                    lambda f, x: jax.lax.scan(lambda c, x: (c, f(x)), (), x)[1],
                ),
                X,
            ),
            ValueError,
            "dropout: expected a key when train=True, got None; pass apply(..., "
            "key=key).",
            "in layer 1 (dropout) of sequential",
            WAYS_OUT,
            "in part part (sequential) of <lambda>",
        ),
        (
            lambda: init(
                inside(
                    lambda x, *, key: x, lambda f, x: jax.grad(lambda x: f(x).sum())(x)
                ),
                X,
            ),
            ValueError,
            "<lambda>: expected a key, got None; pass apply(..., key=key).",
            WAYS_OUT,
            "in part part (<lambda>) of <lambda>",
        ),
        (
            lambda: init(inside(NORMED, lambda f, x: jax.checkpoint(f)(x)), X),
            ValueError,
            "<lambda>: expected part part to keep its state, got a new one; inside "
            "a JAX transform a part can't reach the threaded key or change its "
            "state: pass it key=, use its .apply, or fnn.repeat, recurrent, remat, "
            "ensemble.",
            "in part part (sequential) of <lambda>",
        ),
        (
            lambda: init(inside(fnn.repeat(COUNTER, 2), lambda f, x: jax.jit(f)(x)), X),
            ValueError,
            "<lambda>: expected part part to keep its state, got a new one; inside "
            "a JAX transform a part can't reach the threaded key or change its "
            "state: pass it key=, use its .apply, or fnn.repeat, recurrent, remat, "
            "ensemble.",
            "in part part (repeat) of <lambda>",
        ),
        (
            lambda: fnn.capture(
                inside(relu, lambda f, x: jax.vmap(f)(x)), "part"
            ).apply({"part": ()}, X),
            ValueError,
            "<lambda>: expected part part to keep its state, got a new one; inside "
            "a JAX transform a part can't reach the threaded key or change its "
            "state: pass it key=, use its .apply, or fnn.repeat, recurrent, remat, "
            "ensemble.",
            "in part part (relu) of <lambda>",
        ),
        (
            lambda: init(wired(assigned, a=COUNTER), X),
            ValueError,
            "assigned: part a: expected no new state, got one; inside a JAX "
            "transform a part can't reach the threaded key or change its state: "
            "pass it key=, use its .apply, or fnn.repeat, recurrent, remat, "
            "ensemble.",
        ),
        (
            kept,
            ValueError,
            "<lambda>: expected calls of part a while the forward function runs, "
            "got one after it returned.",
        ),
    ],
}

CALLS = [(kind, *row) for kind, rows in KINDS.items() for row in rows]


@pytest.mark.parametrize(
    "call, error, sentence, notes",
    [(call, error, sentence, notes) for _, call, error, sentence, *notes in CALLS],
    ids=[f"{kind}-{i}" for kind, rows in KINDS.items() for i in range(len(rows))],
)
def test_wrong_call(call, error, sentence, notes):
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error
    assert caught.value.args == (sentence,)
    found = getattr(caught.value, "__notes__", [])
    assert [note for note in found if note in notes or note.startswith("in ")] == notes


def test_the_table_is_long_and_has_every_kind():
    assert len(CALLS) >= 200
    assert all(len(rows) >= 5 for rows in KINDS.values())


def test_every_message_is_one_sentence():
    for kind, _, _, sentence, *_ in CALLS:
        assert sentence.endswith(".") and ": expected " in sentence, kind
        assert "\n" not in sentence and "Tracer" not in sentence, sentence
        assert "dot_general" not in sentence and "broadcastable" not in sentence
