"""Functions that return something else."""

from jax.nn import relu

from tests.wrong_calls.situations import X, fnn, init, layer_of, stateful_of, wired

KINDS: dict[str, list[tuple]] = {
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
}
