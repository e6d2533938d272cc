"""A layer is the call that made it: equal, hashed, shown, pickled and copied as it."""

import copy
import dataclasses
import functools
import pickle

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn

X = jnp.ones((2, 3))


# Defined at the top of a file, as pickle wants functions to be.
def square(x):
    return x * x


def scale_init(key, x):
    return {"scale": jnp.ones(x.shape[-1:], x.dtype)}


def scale_apply(params, x):
    return jnp.broadcast_to(params["scale"], x.shape) * x


@fnn.module(hidden=fnn.dense(3), out=jax.nn.relu)
def network(parts, x):
    """A network at the top of a file."""
    return parts.out(parts.hidden(x))


wire = fnn.module(encoder=fnn.dense(3), decoder=fnn.dense(2))


@wire
def autoencoder(parts, x):
    return parts.decoder(parts.encoder(x))


@fnn.transform
def doubled(layer, params, state, *inputs, **named):
    y, state = layer.apply(params, state, *inputs, **named)
    return 2 * y, state


@fnn.constructor
def block(features, *, activation=jax.nn.relu):
    @fnn.module(conv=fnn.dense(features))
    def forward(parts, x):
        return activation(parts.conv(x))

    return forward


@dataclasses.dataclass(frozen=True)
class Power:
    exponent: int

    def __call__(self, x):
        return x**self.exponent


@dataclasses.dataclass
class Unhashable:
    exponent: int

    def __call__(self, x, *, times=1):
        return x**self.exponent * times


LAYERS = {
    "dense": lambda: fnn.dense(3),
    "options": lambda: fnn.dense(3, use_bias=False, param_dtype=np.float32),
    "bfloat16": lambda: fnn.dense(3, param_dtype=jnp.bfloat16),
    "sequential": lambda: fnn.sequential(fnn.dense(3), jax.nn.relu, fnn.dropout(0.5)),
    "named": lambda: fnn.sequential(a=fnn.dense(3), b=jnp.tanh),
    "conv": lambda: fnn.sequential(fnn.conv(32, (3, 3)), fnn.flatten(), fnn.dense(10)),
    "parallel": lambda: fnn.parallel(square, fnn.dense(3), combine=sum),
    "residual": lambda: fnn.residual(fnn.dense(3), jnp.sin),
    "repeat": lambda: fnn.repeat(fnn.dense(3), 4, remat=True, unroll=2),
    "over": lambda: fnn.repeat(rated, 4, over=("rate",), collect=True),
    "ensemble": lambda: fnn.ensemble(fnn.dense(3), 2),
    "remat": lambda: fnn.remat(fnn.dense(3), jax.checkpoint_policies.dots_saveable),
    "freeze": lambda: fnn.freeze(fnn.dense(3), ["weight", "b*"]),
    "with_state": lambda: fnn.with_state(fnn.dense(3)),
    "by hand": lambda: fnn.Layer(scale_init, scale_apply),
    "module": lambda: network,
    "wired": lambda: autoencoder,
    "replaced": lambda: fnn.replace(network, {"hidden": fnn.dense(7)}),
    "evaluating": lambda: fnn.evaluating(network, "hidden"),
    "all evaluating": lambda: fnn.evaluating(network),
    "intercept": lambda: fnn.intercept(network, "out", square),
    "capture": lambda: fnn.capture(network, "out"),
    "transform": lambda: doubled(fnn.sequential(network, square)),
    "constructor": lambda: block(3, activation=jnp.tanh),
    "partial": lambda: fnn.sequential(
        functools.partial(jax.nn.relu), functools.partial(jnp.sum, axis=-1)
    ),
    "ufunc": lambda: fnn.sequential(functools.partial(jnp.add, 1.0), jnp.negative),
    "object": lambda: fnn.sequential(Power(2)),
    "array": lambda: fnn.sequential(functools.partial(jnp.multiply, jnp.arange(3.0))),
    "numpy": lambda: fnn.dropout(np.float32(0.5)),
    "key": lambda: fnn.sequential(
        functools.partial(jax.random.normal, jax.random.key(7))
    ),
}


def rated(x, *, rate):
    return x * rate


@pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)
def test_equal_calls_make_equal_layers(make):
    assert make() == make()
    assert hash(make()) == hash(make())
    assert len({make(), make()}) == 1


def test_other_calls_make_other_layers():
    layers = [make() for make in LAYERS.values()]
    assert len(set(layers)) == len(LAYERS)
    for one, other in (
        (fnn.dense(3), fnn.dense(4)),
        (fnn.sequential(square), fnn.sequential(jnp.square)),
        (fnn.sequential(a=square, b=jnp.sin), fnn.sequential(b=jnp.sin, a=square)),
        (fnn.dropout(0), fnn.dropout(0.0)),
        (fnn.sequential(fnn.dense(3)), fnn.dense(3)),
        (fnn.sequential(Power(2)), fnn.sequential(Power(3))),
        (fnn.freeze(fnn.dense(3)), fnn.remat(fnn.dense(3))),
        (
            fnn.sequential(functools.partial(jnp.add, jnp.zeros(2))),
            fnn.sequential(functools.partial(jnp.add, jnp.ones(2))),
        ),
        (
            fnn.sequential(functools.partial(jax.random.normal, jax.random.key(1))),
            fnn.sequential(functools.partial(jax.random.normal, jax.random.key(2))),
        ),
    ):
        assert one != other
    assert fnn.dense(3) != 3 and fnn.dense(3) != tuple(fnn.dense(3))


def test_defaults_places_and_lists_make_no_difference():
    assert fnn.dense(3) == fnn.dense(features=3) == fnn.dense(3, use_bias=True)
    assert fnn.conv(3, [2, 2]) == fnn.conv(3, (2, 2))
    assert fnn.freeze(fnn.dense(3)) == fnn.freeze(fnn.dense(3), "**")
    assert fnn.repeat(square, 2) == fnn.repeat(square, 2, over=(), unroll=1)


def test_what_cannot_be_hashed_is_equal_to_itself_alone():
    first, second = Unhashable(2), Unhashable(2)
    assert fnn.sequential(first) == fnn.sequential(first)
    assert fnn.sequential(first) != fnn.sequential(second)
    bound = functools.partial(first, times=2)
    assert hash(fnn.sequential(bound)) == hash(fnn.sequential(bound))


def test_traced_options_are_equal_to_themselves_alone():
    @jax.jit
    def compare(rate):
        layer, same = fnn.dropout(rate), fnn.dropout(rate)
        assert layer == same and hash(layer) == hash(same)
        assert layer != fnn.dropout(rate + 0)
        return rate

    compare(0.5)


@pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)
def test_pickle_and_copy(make):
    layer = make()
    loaded = pickle.loads(pickle.dumps(layer))
    assert loaded == layer and hash(loaded) == hash(layer)
    assert type(loaded) is type(layer) and repr(loaded) == repr(layer)
    assert copy.copy(layer) is layer and copy.deepcopy([layer])[0] is layer


def test_a_pickled_layer_computes_the_same():
    net = fnn.replace(network, {"out": functools.partial(jnp.multiply, 3.0)})
    loaded = pickle.loads(pickle.dumps(net))
    params = net.init(jax.random.key(0), X)
    chex.assert_trees_all_equal(params, loaded.init(jax.random.key(0), X))
    chex.assert_trees_all_equal(net.apply(params, X), loaded.apply(params, X))
    assert (net.apply(params, X) != network.apply(params, X)).any()


def test_a_module_at_the_top_of_a_file_is_found_by_its_name():
    assert pickle.loads(pickle.dumps(network)) is network
    assert network.__doc__ == "A network at the top of a file."


def test_a_local_function_is_no_more_to_be_pickled_than_elsewhere():
    with pytest.raises((AttributeError, pickle.PicklingError), match="local"):
        pickle.dumps(fnn.sequential(lambda x: x))


# -------------------------------------------------------------------------------- repr
SHOWN = {
    "sequential(conv(32, (3, 3)), relu, flatten(), dense(10))": fnn.sequential(
        fnn.conv(32, (3, 3)), jax.nn.relu, fnn.flatten(), fnn.dense(10)
    ),
    "sequential(hidden=dense(8), out=dense(2, use_bias=False))": fnn.sequential(
        hidden=fnn.dense(8), out=fnn.dense(2, use_bias=False)
    ),
    "residual(sequential(layer_norm(), dropout(0.5)), dense(3))": fnn.residual(
        fnn.sequential(fnn.layer_norm(), fnn.dropout(0.5)), fnn.dense(3)
    ),
    "freeze(dense(3), ['weight', 'bias'])": fnn.freeze(
        fnn.dense(3), ["weight", "bias"]
    ),
    "repeat(dense(3), 4, remat=True)": fnn.repeat(fnn.dense(3), 4, remat=True),
    "parallel(relu, dense(3), combine=sum)": fnn.parallel(
        jax.nn.relu, fnn.dense(3), combine=sum
    ),
    "capture(ensemble(dense(3), 2), '**')": fnn.capture(
        fnn.ensemble(fnn.dense(3), 2), "**"
    ),
}


@pytest.mark.parametrize("text, layer", SHOWN.items())
def test_repr_is_the_call(text, layer):
    assert repr(layer) == text
    scope = {**vars(fnn), "relu": jax.nn.relu}
    assert eval(text, scope) == layer


@pytest.mark.parametrize(
    "layer, text",
    [
        (network, "network(hidden=dense(3), out=relu)"),
        (doubled(network), "doubled(network(hidden=dense(3), out=relu))"),
        (block(3), "block(3)"),
        (fnn.Layer(scale_init, scale_apply), "layer(scale_init, scale_apply)"),
        (fnn.with_state(jnp.sin), "with_state(sin)"),
        (
            fnn.sequential(functools.partial(jnp.sum, axis=-1), Power(2)),
            "sequential(partial(sum, axis=-1), Power)",
        ),
        (
            fnn.sequential(functools.partial(jnp.add, jnp.ones((2, 3)))),
            "sequential(partial(add, float32[2, 3]))",
        ),
        (
            fnn.module(down=[fnn.dense(1), None], up={"a": jnp.sin})(square),
            "square(down=(dense(1), None), up={'a': sin})",
        ),
        (fnn.dense(3, param_dtype=np.float32), "dense(3, param_dtype=float32)"),
    ],
)
def test_repr(layer, text):
    assert repr(layer) == text


# --------------------------------------------------------------- a static jit argument
def test_an_equal_layer_does_not_retrace():
    traces = []

    @functools.partial(jax.jit, static_argnames="net")
    def loss(net, params, x):
        traces.append(net)
        return net.apply(params, x).sum()

    def build(features):
        return fnn.sequential(fnn.dense(features), jax.nn.relu, doubled(network))

    params = build(4).init(jax.random.key(0), X)
    values = [loss(build(4), params, X) for _ in range(3)]
    assert len(traces) == 1 and len(set(map(float, values))) == 1
    loss(build(5), build(5).init(jax.random.key(0), X), X)
    assert len(traces) == 2


def test_an_equal_layer_built_from_an_array_does_not_retrace():
    traces = []

    @functools.partial(jax.jit, static_argnums=0)
    def run(net, x):
        traces.append(net)
        return net.apply(((),), x)

    for _ in range(2):
        run(fnn.sequential(functools.partial(jnp.multiply, jnp.full(3, 2.0))), X[0])
    assert len(traces) == 1
    run(fnn.sequential(functools.partial(jnp.multiply, jnp.full(3, 3.0))), X[0])
    assert len(traces) == 2
