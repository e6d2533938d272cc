"""check_layer names the promise that a layer breaks."""

import itertools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.core import Tracer
from jax.custom_batching import custom_vmap

import fnn
from fnn.testing import check_layer
from tests.testing.checked_functions import inflated

X = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)


def raises(sentence):
    return pytest.raises(AssertionError, match=f"^{re.escape(sentence)}$")


def scaling(*, dtype=jnp.float32, state=None):
    """A layer that keeps the contract, in the two halves that are broken below."""

    def init(key, x):
        params = {"scale": jnp.ones(x.shape[-1:], dtype)}
        return params if state is None else (params, state)

    def scaled(params, x):
        if type(params) is not dict or list(params) != ["scale"]:
            raise TypeError("scaling: expected params {scale: ...}, got others.")
        if getattr(params["scale"], "shape", None) != x.shape[-1:]:
            raise ValueError("scaling: expected a scale of another shape.")
        with jax.numpy_dtype_promotion("standard"):
            return jnp.broadcast_to(params["scale"], x.shape) * x

    return init, scaled


def stateless(init, apply):
    @fnn.constructor
    def broken():
        return fnn.Layer(init, apply)

    return broken()


def stateful(init, apply):
    @fnn.constructor
    def broken():
        return fnn.StatefulLayer(init, apply)

    return broken()


def test_the_layer_to_be_broken_is_whole():
    check_layer(stateless(*scaling()), X)


def test_init_that_fails():
    def init(key, x):
        return {"a/b": jnp.ones(3)}

    with raises(
        "check_layer: expected broken() to be initialised on its inputs, got "
        "ValueError: test_init_that_fails: expected names of params without '/', got "
        "'a/b'."
    ):
        check_layer(stateless(init, lambda params, x: x), X)


@pytest.mark.parametrize(
    "calls, promise",
    [
        (
            1,
            "draw from shapes what it draws from arrays, got other values at "
            "params/scale",
        ),
        (
            2,
            "be initialised under jax.jit, jax.vmap and jax.eval_shape as without, got "
            "values that differ by 0.5 of the largest at params/scale",
        ),
    ],
)
def test_params_that_depend_on_more_than_key_and_shapes(calls, promise):
    count = itertools.count(1)
    _, scaled = scaling()

    def init(key, x):
        late = next(count) > calls
        return {"scale": jnp.full(x.shape[-1:], 2.0 if late else 1.0)}

    with raises(f"check_layer: expected broken() to {promise}."):
        check_layer(stateless(init, scaled), X)


def test_params_of_another_dtype():
    with raises(
        "check_layer: expected broken() to keep params of the dtype asked for, got "
        "float16 at scale."
    ):
        check_layer(stateless(*scaling(dtype=jnp.float16)), X)


class Gain:
    """Equal to itself alone, and always shown as 1."""

    def __init__(self, factor):
        self.factor = factor


class Liar(Gain):
    def __repr__(self):
        return "Liar(1.0)"

    def __eq__(self, other):
        return isinstance(other, Liar) and self.factor == other.factor

    def __hash__(self):
        return hash(self.factor)


@fnn.constructor
def gained(gain):
    return lambda x: x * gain.factor


@pytest.mark.parametrize(
    "gain, got", [(Gain(2.0), "pickle"), (Liar(2.0), "the call that it is shown as")]
)
def test_a_layer_that_is_no_value(gain, got):
    with pytest.raises(
        AssertionError, match=f"built it says, got another layer from {got}"
    ):
        check_layer(gained(gain), X)
    check_layer(gained(Liar(1.0)), X)


@pytest.mark.parametrize(
    "apply, got",
    [
        (lambda params, x: x, "no error for params inside a tuple"),
        (
            lambda params, x: params["scale"][None] * x,
            "no error for one key more in params",
        ),
        (
            lambda params, x: scaling()[1]({"scale": params["scale"]}, x),
            "no error for one key more in params",
        ),
        (
            lambda params, x: (
                scaling()[1](params if len(params) < 2 else 0, x)
                if isinstance(params, dict) and params["scale"] is not None
                else scaling()[1](0, x)
            ),
            "KeyError and no sentence for params without scale",
        ),
        (
            lambda params, x: (
                scaling()[1](params, x)
                if type(params) is not dict or list(params) != ["scale"]
                else x * params["scale"][:4][None]
            ),
            "no error for twice the size along axis 0 of params/scale",
        ),
    ],
)
def test_params_of_another_model(apply, got):
    with raises(
        "check_layer: expected broken() to refuse the params of another model, got "
        f"{got}."
    ):
        check_layer(stateless(scaling()[0], apply), X)


def test_state_of_another_dtype():
    init, scaled = scaling(state={"count": jnp.zeros((), jnp.int32)})

    def apply(params, state, x, *, train):
        dtype = jnp.int16 if train else jnp.int32
        return scaled(params, x), {"count": state["count"].astype(dtype)}

    with pytest.raises(
        AssertionError, match="to return state like the one it got, got"
    ):
        check_layer(stateful(init, apply), X)


def test_outputs_that_change_from_call_to_call():
    init, scaled = scaling()
    count = itertools.count()

    def apply(params, x):
        return scaled(params, x) + next(count)

    with raises(
        "check_layer: expected broken() to give the same bits when applied twice, got "
        "other values at outputs, with train=False."
    ):
        check_layer(stateless(init, apply), X)


def test_outputs_that_change_under_jit():
    init, scaled = scaling()

    def apply(params, x, *, train):
        return scaled(params, x) * (2 if train and isinstance(x, Tracer) else 1)

    with raises(
        "check_layer: expected broken() to give the same under jax.jit, got values "
        "that differ by 0.5 of the largest at outputs, with train=True."
    ):
        check_layer(stateless(init, apply), X)


def test_outputs_that_change_under_vmap():
    init, scaled = scaling()

    @custom_vmap
    def twice(x):
        return 2 * x

    @twice.def_vmap
    def _twice(size, batched, x):
        return 3 * x, True

    with pytest.raises(AssertionError, match="what it gives in a loop, got"):
        check_layer(stateless(init, lambda params, x: twice(scaled(params, x))), X)


def test_state_that_is_traced_again():
    init, scaled = scaling(state={"sum": jnp.asarray(0.0)})  # weakly typed

    def apply(params, state, x):
        return scaled(params, x), {"sum": state["sum"] + x.sum()}

    with raises(
        "check_layer: expected broken() to be traced once for each shape, got 2 "
        "traces, with train=False."
    ):
        check_layer(stateful(init, apply), X)


def test_entries_of_a_batch_that_see_each_other():
    init, scaled = scaling()

    def apply(params, x):
        return scaled(params, x) - x.mean(-2, keepdims=True)

    with pytest.raises(AssertionError, match=r"batch axes, got .* for the first entry"):
        check_layer(stateless(init, apply), X)


def test_a_batch_that_cannot_be_told():
    with pytest.raises(AssertionError, match="inputs without a common first axis"):
        check_layer(lambda x, y: x + jnp.broadcast_to(y, x.shape), X, X[0])


def deterministic(x, *, key):
    return x


def test_a_key_that_is_asked_for_and_not_used():
    with pytest.raises(AssertionError, match="got the same draw from every key"):
        check_layer(deterministic, X)
    check_layer(fnn.dropout(0.0), X)


def masked(always=False, fixed=False, spare=False):
    """Dropout that breaks one promise about keys."""

    def apply(x, *, key=None, train):
        if not train and not (always and key is not None):
            return x
        if key is None and not spare:
            raise ValueError("masked: expected a key, got None.")
        key = jax.random.key(0) if fixed or key is None else key
        return jnp.where(jax.random.bernoulli(key, 0.5, x.shape), x, 0)

    return apply


@pytest.mark.parametrize(
    "options, got",
    [
        ({"always": True}, "outputs that change with a key when train=False"),
        ({"fixed": True}, "the same draw from every key"),
        ({"spare": True}, "no error without a key when train=True"),
    ],
)
def test_draws_that_are_not_from_the_key_alone(options, got):
    with pytest.raises(AssertionError, match=f"to draw from its key alone, got {got}"):
        check_layer(masked(**options), X)
    check_layer(masked(), X)


def test_outputs_of_another_dtype():
    def apply(x):
        return x.astype(jnp.float32)

    with pytest.raises(
        AssertionError,
        match="params promote to, got float32 from bfloat16, with train=False",
    ):
        check_layer(apply, X)


def test_wrong_gradients_in_training():
    init, scaled = scaling()

    def apply(params, x, *, train):
        return scaled(params, inflated(x) if train else x)

    with pytest.raises(
        AssertionError,
        match=r"to have right gradients, got check_gradients: .* of inputs/0, with "
        r"train=True\.$",
    ):
        check_layer(stateless(init, apply), X)
