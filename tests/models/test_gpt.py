import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import fnn
from fnn.layers.relative_positions import alibi, rotary
from fnn.models.gpt import gpt
from fnn.transforms.stepping import decoding
from tests.models import equations as eq

IDS = np.array([[3, 1, 4, 1, 5], [9, 2, 6, 5, 3]])
small = functools.partial(gpt, 11, features=8, heads=2, layers=2)
LLAMA = {
    "rotary": rotary,
    "norm": fnn.rms_norm(),
    "activation": jax.nn.silu,
    "gated": True,
    "use_bias": False,
    "tied": False,
    "kv_heads": 1,
    "hidden": 6,
}


def drawn(net):
    return eq.shaken(net.init(jax.random.key(0), IDS))


def test_values():
    net = small(length=8)
    params = drawn(net)
    exact = eq.wide(params)
    x = exact["embed"]["weight"][IDS] + exact["positions"]["weight"][:5]
    for i in range(2):
        block = eq.copy(exact["blocks"], i)
        h = eq.layer_norm(block["attention_norm"], x)
        x = x + eq.attention(block["attention"], h, h, 2, eq.causal(5))
        h = eq.layer_norm(block["feed_forward_norm"], x)
        x = x + eq.feed_forward(block["feed_forward"], h, eq.gelu_tanh)
    logits = eq.layer_norm(exact["norm"], x) @ exact["embed"]["weight"].T
    np.testing.assert_allclose(net.apply(params, IDS), logits, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "options", [{"length": 8}, LLAMA, {"position_bias": alibi(2), "window": (2, 0)}]
)
def test_generation_with_a_cache_equals_the_full_pass(options):
    net = small(**options)
    params, decoder = drawn(net), decoding(net, 8)
    _, state = decoder.init(jax.random.key(0), IDS[:, :1])

    @jax.jit
    def generate(params, state, prompt):
        logits, state = decoder.apply(params, state, prompt)

        def step(carry, _):
            token, state = carry
            logits, state = decoder.apply(params, state, token[:, None])
            return (logits[:, -1].argmax(-1), state), token

        first = logits[:, -1].argmax(-1)
        return lax.scan(step, (first, state), length=5)[1].T

    tokens, apply = np.pad(IDS[:, :3], ((0, 0), (0, 5))), eq.applied(net)
    for t in range(3, 8):  # what comes after is not seen
        tokens[:, t] = apply(params, tokens)[:, t - 1].argmax(-1)
    assert jnp.array_equal(generate(params, state, IDS[:, :3]), tokens[:, 3:])


def test_nothing_comes_from_later_tokens():
    net = small(length=8)
    params, apply = drawn(net), eq.applied(net)
    other = IDS.copy()
    other[:, 3:] = 0
    same = apply(params, IDS) == apply(params, other)
    assert jnp.array_equal(same.all((0, 2)), np.array([1, 1, 1, 0, 0], bool))


def test_lengths_and_positions_reach_the_parts():
    net = small(length=8)
    params = drawn(net)
    y = net.apply(params, IDS, lengths=np.array([5, 2]))
    np.testing.assert_allclose(
        y[1, :2], net.apply(params, IDS[1, :2]), rtol=1e-5, atol=1e-5
    )
    # Two documents in one sequence.
    mask = eq.causal(5) & (np.arange(5) >= 2)[None, :] | (np.arange(5) < 2)[:, None]
    mask &= eq.causal(5)
    places = np.array([0, 1, 0, 1, 2])
    y = net.apply(params, IDS, mask=mask, positions=places)
    np.testing.assert_allclose(
        y[:, 2:], net.apply(params, IDS[:, 2:]), rtol=1e-5, atol=1e-5
    )


def test_params():
    params = gpt(65, length=64, features=128, heads=4, layers=4, use_bias=False).init(
        jax.random.key(0), IDS
    )
    leaves = fnn.paths(params)
    # nanoGPT's, of these sizes: 0.80 million, without those of positions.
    sizes = {name: leaf.size for name, leaf in leaves.items()}
    assert sum(sizes.values()) - sizes["positions/weight"] == 795_904
    assert leaves["blocks/attention/query/weight"].shape == (4, 128, 128)
    deviations = {
        "embed/weight": 0.02,
        "blocks/attention/query/weight": 0.02,
        "blocks/feed_forward/up/weight": 0.02,
        "blocks/attention/out/weight": 0.02 / np.sqrt(8),
        "blocks/feed_forward/down/weight": 0.02 / np.sqrt(8),
    }
    for name, deviation in deviations.items():
        assert abs(float(leaves[name].std()) / deviation - 1) < 0.03


def test_dropout_and_remat_change_no_params():
    plain, other = small(length=8), small(length=8, dropout=0.1, remat=True)
    params = drawn(plain)
    shapes = jax.eval_shape(other.init, jax.random.key(0), IDS)
    assert jax.tree.structure(shapes) == jax.tree.structure(params)

    def grads(net):
        return jax.jit(jax.grad(lambda p: jnp.sum(net.apply(p, IDS) ** 2)))(params)

    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-3),
        grads(other),
        grads(plain),
    )
    apply = eq.applied(other)
    y, again = (apply(params, IDS, key=jax.random.key(i), train=True) for i in range(2))
    assert jnp.any(y != again)


def test_parts_can_be_seen_and_replaced():
    net = small(length=8)
    params = drawn(net)
    _, found = fnn.capture(net, "blocks/attention/weights").apply(params, IDS)
    assert found["blocks/attention/weights"].shape == (2, 2, 2, 5, 5)
    off = fnn.intercept(net, "blocks/feed_forward", jnp.zeros_like)
    assert jnp.any(off.apply(params, IDS) != net.apply(params, IDS))
    frozen = fnn.freeze(net, "embed/**")
    grads = jax.grad(lambda p: frozen.apply(p, IDS).sum())(params)
    assert not grads["embed"]["weight"].any()  # neither by the tied head
    assert grads["positions"]["weight"].any()


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: gpt(0), ValueError, "gpt: expected vocabulary of at least 1, got 0."),
        (
            lambda: gpt(11, layers=2.0),
            TypeError,
            "gpt: expected layers to be an int, got 2.0.",
        ),
        (
            lambda: gpt(11, tied=1),
            TypeError,
            "gpt: expected tied to be True or False, got 1.",
        ),
        (
            lambda: gpt(11, dropout=1.0),
            ValueError,
            "attention: expected dropout in [0, 1), got 1.0.",
        ),
        (
            lambda: drawn(small(length=4)),
            ValueError,
            "learned_positions: expected at most 4 steps, as many as there are "
            "positions, got 5.",
        ),
        (
            lambda: small(length=8).init(jax.random.key(0), IDS[0]),
            ValueError,
            "attention: expected x of shape (batch, time, features) at init, got no "
            "batch axis.",
        ),
    ],
)
def test_messages(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
