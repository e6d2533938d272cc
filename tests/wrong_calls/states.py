"""State that is not like the first."""

import jax
import jax.numpy as jnp
from jax.nn import relu

from tests.wrong_calls.situations import (
    CHAIN,
    COUNTER,
    NORMED,
    X,
    block,
    fnn,
    init,
    stateful,
    wired,
)

KINDS: dict[str, list[tuple]] = {
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
}
