"""Params and state of something else."""

import jax
import jax.numpy as jnp
from jax.nn import relu

from tests.wrong_calls.situations import (
    CHAIN,
    NAMED,
    NORMED,
    X,
    applied,
    block,
    fnn,
    init,
    stateful,
)

KINDS: dict[str, list[tuple]] = {
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
}
