"""Options that every layer with params has: who draws them, their dtype, which are."""

import inspect
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax.nn.initializers import constant

import fnn

ROW, SEQUENCE = jnp.ones((2, 4)), jnp.ones((2, 3, 4))
IMAGE, IDS = jnp.ones((2, 3, 3, 4)), jnp.ones((2, 3), jnp.int32)

# How to make each layer whose params options decide on, and what it is initialised on.
LAYERS: dict[str, tuple[Any, tuple]] = {
    "attention": (lambda **o: fnn.attention(4, 2, **o), (SEQUENCE,)),
    "batch_norm": (lambda **o: fnn.batch_norm(**o), (ROW,)),
    "bilinear": (lambda **o: fnn.bilinear(3, **o), (ROW, ROW)),
    "conv": (lambda **o: fnn.conv(3, (2, 2), **o), (IMAGE,)),
    "conv_lstm_cell": (
        lambda **o: fnn.conv_lstm_cell(3, (1, 1), peepholes=True, forget_bias=0.0, **o),
        (None, IMAGE),
    ),
    "conv_transpose": (lambda **o: fnn.conv_transpose(3, (2, 2), **o), (IMAGE,)),
    "dense": (lambda **o: fnn.dense(3, **o), (ROW,)),
    "einsum": (lambda **o: fnn.einsum("...n,nm->...m", {"m": 3}, **o), (ROW,)),
    "embed": (lambda **o: fnn.embed(5, 3, **o), (IDS,)),
    "feed_forward": (lambda **o: fnn.feed_forward(4, gated=True, **o), (ROW,)),
    "group_norm": (lambda **o: fnn.group_norm(2, **o), (IMAGE,)),
    "gru_cell": (lambda **o: fnn.gru_cell(3, **o), (None, ROW)),
    "instance_norm": (lambda **o: fnn.instance_norm(**o), (IMAGE,)),
    "layer_norm": (lambda **o: fnn.layer_norm(**o), (ROW,)),
    "learned_positions": (lambda **o: fnn.learned_positions(5, **o), (SEQUENCE,)),
    "linear_recurrence": (lambda **o: fnn.linear_recurrence(4, **o), (SEQUENCE,)),
    "lstm_cell": (lambda **o: fnn.lstm_cell(3, forget_bias=0.0, **o), (None, ROW)),
    "mixture_of_experts": (
        lambda **o: fnn.mixture_of_experts(fnn.feed_forward(4), 3, **o),
        (ROW,),
    ),
    "parameter": (lambda **o: fnn.parameter((2, 3), **o), ()),
    "random_fourier_features": (
        lambda **o: fnn.random_fourier_features(6, **o),
        (ROW,),
    ),
    "rms_norm": (lambda **o: fnn.rms_norm(**o), (ROW,)),
    "rnn_cell": (lambda **o: fnn.rnn_cell(3, **o), (None, ROW)),
    "separable_conv": (lambda **o: fnn.separable_conv(3, (2, 2), **o), (IMAGE,)),
    "state_space": (lambda **o: fnn.state_space(4, **o), (SEQUENCE,)),
}

# The params that an option is about, where they are not called like it.
ABOUT = {
    ("attention", "weight_init"): {"query/weight", "key/weight", "value/weight"},
    ("attention", "out_init"): {"out/weight"},
    ("conv_lstm_cell", "peephole_init"): {"peephole/weight"},
    ("conv_lstm_cell", "weight_init"): {"input/weight"},
    ("feed_forward", "weight_init"): {"up/weight", "gate/weight"},
    ("feed_forward", "out_init"): {"down/weight"},
    ("gru_cell", "weight_init"): {"input/weight"},
    ("linear_recurrence", "input_init"): {"input/real", "input/imag"},
    ("linear_recurrence", "output_init"): {"output/real", "output/imag"},
    ("lstm_cell", "weight_init"): {"input/weight"},
    ("mixture_of_experts", "weight_init"): {"router/weight"},
    ("parameter", "init"): {""},
    ("rnn_cell", "weight_init"): {"input/weight"},
    ("state_space", "input_init"): {"input/real", "input/imag"},
    ("state_space", "output_init"): {"output/real", "output/imag"},
}


def about(name, option, paths):
    if (name, option) in ABOUT:
        return ABOUT[name, option]
    if option == "recurrent_init":
        return {"recurrent/weight"}
    stem = option.removesuffix("_init").removeprefix("use_")
    return {path for path in paths if path.split("/")[-1] == stem}


def options(name):
    return inspect.signature(getattr(fnn, name)).parameters


def decide_on_params(name):
    of_params = {"param_dtype", "use_bias", "use_scale"}
    return any(n in of_params or n.endswith("init") for n in options(name))


def init(name, **given):
    """Params by path."""
    make, inputs = LAYERS[name]
    made = fnn.with_state(make(**given)).init(jax.random.key(0), *inputs)
    return fnn.paths(made[0])


def test_each_layer_is_here_whose_options_decide_on_params():
    functions = filter(lambda name: inspect.isfunction(getattr(fnn, name)), fnn.__all__)
    assert {*filter(decide_on_params, functions)} == {*LAYERS}


@pytest.mark.parametrize("name", LAYERS)
def test_each_initialiser_draws_its_own_params_in_their_dtype(name):
    drawing = [option for option in options(name) if option.endswith("init")]
    values = {option: 0.5 ** (1 + i) for i, option in enumerate(drawing)}
    given: dict[str, Any] = {option: constant(v) for option, v in values.items()}
    if "param_dtype" in options(name):
        given["param_dtype"] = jnp.bfloat16
    params = init(name, **given)
    if "param_dtype" in given:
        assert {leaf.dtype for leaf in params.values()} == {jnp.dtype("bfloat16")}
    for option, value in values.items():
        its_own = about(name, option, params)
        assert its_own == {path for path in params if (params[path] == value).all()}


@pytest.mark.parametrize(
    "name, option",
    [(name, o) for name in LAYERS for o in options(name) if o.startswith("use_")],
)
def test_params_are_left_out_where_they_are_not_used(name, option):
    every = jax.eval_shape(lambda: init(name))
    rest = jax.eval_shape(lambda: init(name, **{option: False}))
    assert about(name, option, every)
    assert rest.keys() == every.keys() - about(name, option, every)
