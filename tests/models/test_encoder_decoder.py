import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fnn.models.encoder_decoder import encoder_decoder
from fnn.transforms.stepping import decoding
from tests.models import equations as eq

SOURCE, TARGET = (
    np.array([[3, 1, 4, 1], [5, 9, 0, 0]]),
    np.array([[2, 6, 5], [3, 5, 8]]),
)
LENGTHS = np.array([4, 2])
small = functools.partial(encoder_decoder, 11, features=8, heads=2, layers=2)


def drawn(net):
    return eq.shaken(net.init(jax.random.key(0), SOURCE, TARGET))


def waves(time, features):
    angles = np.arange(time)[:, None] / 10_000 ** (np.arange(0, features, 2) / features)
    return np.stack([np.sin(angles), np.cos(angles)], -1).reshape(time, features)


def run(params, stack, x, norm_first, steps):
    """A stack of blocks, of parts by name."""
    for i in range(2):
        block = eq.copy(params[stack], i)
        for name, step in steps.items():
            norm = block[f"{name}_norm"]
            if norm_first:
                x = x + step(block[name], eq.layer_norm(norm, x))
            else:
                x = eq.layer_norm(norm, x + step(block[name], x))
    return eq.layer_norm(params[f"{stack}_norm"], x) if norm_first else x


def relu(x):
    return np.maximum(x, 0)


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("own", [False, True])
def test_values(norm_first, own):
    options = {"source_vocabulary": 10, "tied": False} if own else {}
    net = small(norm_first=norm_first, **options)
    params = drawn(net)
    exact = eq.wide(params)
    table = exact["source_embed" if own else "embed"]["weight"]
    x = table[SOURCE] * np.sqrt(8) + waves(4, 8)
    kept = eq.kept(LENGTHS, 4)

    def network(p, x):
        return eq.feed_forward(p, x, relu)

    def within(p, x):
        return eq.attention(p, x, x, 2, kept)

    steps = {"attention": within, "feed_forward": network}
    memory = run(exact, "encoder", x, norm_first, steps)

    def back(p, x):
        return eq.attention(p, x, x, 2, eq.causal(3))

    def across(p, x):
        return eq.attention(p, x, memory, 2, kept)

    steps = {"attention": back, "cross_attention": across, "feed_forward": network}
    x = exact["embed"]["weight"][TARGET] * np.sqrt(8) + waves(3, 8)
    x = run(exact, "decoder", x, norm_first, steps)
    logits = eq.affine(exact["head"], x) if own else x @ exact["embed"]["weight"].T
    y = net.apply(params, SOURCE, TARGET, source_lengths=LENGTHS)
    np.testing.assert_allclose(y, logits, rtol=1e-4, atol=1e-4)


def test_a_token_at_a_time():
    net = small()
    params, decoder = drawn(net), decoding(net, 5)
    y = net.apply(params, SOURCE, TARGET, source_lengths=LENGTHS)
    _, state = decoder.init(jax.random.key(0), SOURCE, TARGET[:, :1])
    apply = jax.jit(functools.partial(decoder.apply, params))
    now, state = apply(state, SOURCE, TARGET[:, :1], source_lengths=LENGTHS)
    np.testing.assert_allclose(now, y[:, :1], rtol=1e-4, atol=1e-5)
    for t in (1, 2):
        now, state = apply(state, None, TARGET[:, t : t + 1])
        np.testing.assert_allclose(now, y[:, t : t + 1], rtol=1e-4, atol=1e-5)


def test_padding_of_the_target():
    net = small()
    params, apply = drawn(net), eq.applied(net)
    y = apply(params, SOURCE, TARGET, lengths=np.array([3, 1]))
    same = apply(params, SOURCE, TARGET, lengths=np.array([3, 3]))
    np.testing.assert_allclose(y[0], same[0], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(y[1, 0], same[1, 0], rtol=1e-5, atol=1e-5)


def test_training_draws():
    net = small()
    params, apply = drawn(net), eq.applied(net)
    y, other = (
        apply(params, SOURCE, TARGET, key=jax.random.key(i), train=True)
        for i in range(2)
    )
    assert jnp.any(y != other)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (
            lambda: encoder_decoder(0),
            ValueError,
            "encoder_decoder: expected vocabulary of at least 1, got 0.",
        ),
        (
            lambda: encoder_decoder(11, layers=0),
            ValueError,
            "encoder_decoder: expected layers of at least 1, got 0.",
        ),
        (
            lambda: encoder_decoder(11, norm_first="yes"),
            TypeError,
            "encoder_decoder: expected norm_first to be True or False, got 'yes'.",
        ),
        (
            lambda: small().apply(drawn(small()), None, TARGET),
            TypeError,
            "attention: expected memory, as cross=True, got none.",
        ),
    ],
)
def test_messages(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
