import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn
from fnn.models.bert import bert
from tests.models import equations as eq

IDS = np.array([[3, 1, 4, 1, 5], [9, 2, 6, 0, 0]])
TYPES = np.array([[0, 0, 1, 1, 1], [0, 1, 1, 0, 0]])
LENGTHS = np.array([5, 3])
small = functools.partial(bert, 11, length=8, features=8, heads=2, layers=2)


def drawn(net, *inputs):
    return eq.shaken(net.init(jax.random.key(0), IDS, *inputs))


def test_values():
    net = small(pooled=True)
    params = drawn(net)
    exact = eq.wide(params)
    norm = functools.partial(eq.layer_norm, eps=1e-12)
    x = exact["embed"]["weight"][IDS] + exact["types"]["weight"][TYPES]
    x = norm(exact["norm"], x + exact["positions"]["weight"][:5])
    kept = eq.kept(LENGTHS, 5)
    for i in range(2):
        block = eq.copy(exact["blocks"], i)
        y = eq.attention(block["attention"], x, x, 2, kept)
        x = norm(block["attention_norm"], x + y)
        y = eq.feed_forward(block["feed_forward"], x, eq.gelu)
        x = norm(block["feed_forward_norm"], x + y)
    y, pooled = net.apply(params, IDS, TYPES, lengths=LENGTHS)
    close = functools.partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-4)
    close(y[0], x[0])
    close(y[1, :3], x[1, :3])
    close(pooled, np.tanh(eq.affine(exact["pooler"], x[:, 0])))
    masked = net.apply(params, IDS, TYPES, mask=kept)[0]
    close(masked[1, :3], x[1, :3])


def test_types_are_zero_by_default():
    net = small()
    params = drawn(net)
    assert params["pooler"] == ()
    zeros = net.apply(params, IDS, np.zeros_like(IDS))
    assert jnp.array_equal(net.apply(params, IDS), zeros)


def test_dropout_takes_a_key_in_training():
    net = small()
    params, apply = drawn(net), eq.applied(net)
    y, other = (apply(params, IDS, key=jax.random.key(i), train=True) for i in range(2))
    assert jnp.any(y != other)
    none = jax.eval_shape(small(dropout=0.0).init, jax.random.key(0), IDS)
    assert jax.tree.structure(none) == jax.tree.structure(params)


def test_params():
    params = small().init(jax.random.key(0), IDS)
    leaves = fnn.paths(params)
    assert leaves["blocks/feed_forward/up/weight"].shape == (2, 8, 32)
    assert abs(float(leaves["blocks/feed_forward/up/weight"].std()) / 0.02 - 1) < 0.1


@pytest.mark.parametrize(
    "call, error, message",
    [
        (
            lambda: bert(0),
            ValueError,
            "bert: expected vocabulary of at least 1, got 0.",
        ),
        (
            lambda: bert(11, types=0),
            ValueError,
            "bert: expected types of at least 1, got 0.",
        ),
        (
            lambda: bert(11, pooled="cls"),
            TypeError,
            "bert: expected pooled to be True or False, got 'cls'.",
        ),
        (
            lambda: bert(11, implementation="xla"),
            ValueError,
            "attention: expected no dropout with implementation='xla', got 0.1.",
        ),
        (
            lambda: drawn(small(), TYPES[:, :4]),
            ValueError,
            "bert: expected types of the shape of ids, (2, 5), got (2, 4).",
        ),
        (
            lambda: small().init(jax.random.key(0), np.ones((2, 5), np.float32)),
            TypeError,
            "bert: expected ids of integer dtype, got float32.",
        ),
    ],
)
def test_messages(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
