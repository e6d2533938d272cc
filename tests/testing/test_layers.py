"""check_layer passes layers that keep the contract."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.core import Tracer

import fnn
from fnn.testing import check_layer

X = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
SEQUENCE = np.random.default_rng(1).normal(size=(2, 5, 4)).astype(np.float32)


@fnn.module(hidden=fnn.dense(4), norm=fnn.batch_norm(), drop=fnn.dropout(0.5))
def network(parts, x, *, gain):
    y = parts.drop(jax.nn.relu(parts.norm(parts.hidden(x))))
    return y * gain.astype(y.dtype)


@fnn.constructor
def noise(scale):
    """Noise in training and out of it."""

    def apply(x, *, key):
        return x + jnp.asarray(scale, x.dtype) * jax.random.normal(
            key, x.shape, x.dtype
        )

    return apply


@pytest.mark.parametrize(
    "layer, inputs, named",
    [
        (jax.nn.relu, [X], {}),
        (fnn.dense(3), [X], {}),
        (fnn.embed(5, 3), [np.array([0, 4])], {}),
        (fnn.sequential(fnn.conv(3, (3,)), jnp.tanh, fnn.layer_norm()), [SEQUENCE], {}),
        (fnn.lstm_cell(3), [None, X], {}),
        (network, [X], {"gain": np.float32(2)}),
        (fnn.residual(fnn.sequential(noise(0.1), fnn.dense(4))), [X], {}),
    ],
    ids=lambda value: repr(value) if hasattr(value, "apply") else "",
)
def test_layers_that_keep_the_contract_pass(layer, inputs, named):
    check_layer(layer, *inputs, **named)


def test_what_a_layer_does_not_promise_may_be_skipped():
    with pytest.raises(
        AssertionError, match="to treat leading axes as batch axes, got"
    ):
        check_layer(fnn.flatten(), SEQUENCE)
    check_layer(fnn.flatten(), SEQUENCE, skip=("batch",))
    with pytest.raises(AssertionError, match="to have right gradients, got"):
        check_layer(fnn.freeze(fnn.dense(3)), X)
    check_layer(fnn.freeze(fnn.dense(3)), X, skip=["gradients"])


def test_params_may_have_another_dtype():
    layer = fnn.dense(3, param_dtype=jnp.bfloat16)
    with pytest.raises(AssertionError, match="got bfloat16 at bias"):
        check_layer(layer, X)
    check_layer(layer, X, param_dtype=jnp.bfloat16)


def test_the_key_draws_the_params():
    seen = []

    def init(key, x):
        return {"weight": jax.random.normal(key, x.shape[-1:])}

    def apply(params, x):
        seen.append(params["weight"])
        return x

    everything = ("strangers", "traces", "dtypes", "gradients")
    check_layer(fnn.Layer(init, apply), X, key=jax.random.key(7), skip=everything)
    wanted = jax.random.normal(jax.random.key(7), (4,))
    assert any(np.array_equal(w, wanted) for w in seen if not isinstance(w, Tracer))


def test_what_is_no_layer_is_refused():
    with pytest.raises(
        TypeError, match=r"^check_layer: expected a layer or a function"
    ):
        check_layer(3, X)


def test_an_unknown_promise_is_refused():
    with pytest.raises(ValueError, match=r"promises among shapes, .*, got 'grads'\.$"):
        check_layer(fnn.dense(3), X, skip=("grads",))
