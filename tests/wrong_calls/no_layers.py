"""Things that are no layer."""

import jax.numpy as jnp
from jax.nn import relu

from tests.wrong_calls.situations import CHAIN, X, fnn, unwrapped

KINDS: dict[str, list[tuple]] = {
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
}
