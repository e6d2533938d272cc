"""Keys and `train`."""

import jax
import jax.numpy as jnp
from jax.nn import relu

from tests.wrong_calls.situations import (
    CHAIN,
    COUNTER,
    NORMED,
    SEQ,
    WAYS_OUT,
    X,
    applied,
    assigned,
    block,
    fnn,
    init,
    inside,
    kept,
    key,
    stateful,
    wired,
)

KINDS: dict[str, list[tuple]] = {
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
