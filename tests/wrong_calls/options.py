"""Options out of range, patterns and parts."""

import jax.numpy as jnp
from jax.nn import relu

from tests.wrong_calls.situations import (
    CHAIN,
    COUNTER,
    NAMED,
    X,
    fnn,
    init,
    unwrapped,
    wired,
)

KINDS: dict[str, list[tuple]] = {
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
            lambda: fnn.decoding_params(3, ()),
            TypeError,
            "decoding_params: expected a layer or a function of arrays, got 3.",
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
}
