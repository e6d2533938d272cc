"""Generation, against whole forward passes and against distributions by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import fnn
from fnn.models import generate, generation, sample_logits

PROMPT = jnp.array([[3, 1, 4], [1, 5, 9]])
LOGITS = jnp.log(jnp.array([0.05, 0.4, 0.15, 0.25, 0.1, 0.05]))
GPT = fnn.models.gpt(11, length=12, features=8, heads=2, layers=2)
LSTM = fnn.sequential(fnn.embed(11, 8), fnn.recurrent(fnn.lstm_cell(8)), fnn.dense(11))


def louder(net):
    """Params whose logits lie far enough apart."""
    params = net.init(jax.random.key(0), PROMPT)
    return jax.tree.map(lambda a: 4 * a, params)


@pytest.mark.parametrize("net", [GPT, LSTM], ids=["gpt", "lstm"])
def test_the_most_likely_tokens_are_those_of_whole_passes(net):
    params, ids = louder(net), PROMPT
    for _ in range(9):
        best = net.apply(params, ids)[:, -1].argmax(-1)
        ids = jnp.concatenate([ids, best[:, None]], 1)
    assert len(np.unique(ids[:, 3:])) > 2
    added = generate(net, params, PROMPT, tokens=9, temperature=0)
    np.testing.assert_array_equal(added, ids[:, 3:])
    assert added.dtype == PROMPT.dtype


@pytest.mark.parametrize(
    "options", [{"top_k": 1}, {"top_p": 1e-6}, {"temperature": 1e-6}], ids=str
)
def test_every_option_narrows_the_draws_of_each_token(options):
    """To the most likely, where it is as narrow as can be."""
    params, key = louder(GPT), jax.random.key(5)
    found = generate(GPT, params, PROMPT, jax.random.clone(key), tokens=9, **options)
    best = generate(GPT, params, PROMPT, tokens=9, temperature=0)
    np.testing.assert_array_equal(found, best)
    assert np.any(generate(GPT, params, PROMPT, key, tokens=9) != best)


def test_each_token_is_drawn_given_those_before_it():
    net = fnn.sequential(fnn.embed(5, 4), fnn.recurrent(fnn.rnn_cell(4)), fnn.dense(5))
    params = jax.tree.map(
        lambda a: 1.5 * a, net.init(jax.random.key(1), jnp.zeros((1, 1), int))
    )
    prompt = jnp.zeros((20000, 1), int)
    added = generate(net, params, prompt, jax.random.key(2), tokens=2)
    first = jax.nn.softmax(net.apply(params, prompt[:1])[0, -1])
    pairs = jnp.stack([jnp.zeros(5, int), jnp.arange(5)], 1)
    second = jax.nn.softmax(net.apply(params, pairs)[:, -1], -1)
    expected = np.asarray(first[:, None] * second, np.float64).ravel()
    counts = np.bincount(np.asarray(5 * added[:, 0] + added[:, 1]), minlength=25)
    assert expected.max() < 0.5 and chi_squared(counts, expected) > 1e-4


def chi_squared(counts, p):
    """How likely counts are that are as far off, or further."""
    expected = p / p.sum() * counts.sum()
    assert expected.min() > 5
    return scipy.stats.chisquare(counts, expected).pvalue


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [0.05, 0.4, 0.15, 0.25, 0.1, 0.05]),
        ({"temperature": 0.5}, np.square([0.05, 0.4, 0.15, 0.25, 0.1, 0.05])),
        ({"temperature": jnp.array(2.0)}, np.sqrt([0.05, 0.4, 0.15, 0.25, 0.1, 0.05])),
        ({"top_k": 2}, [0, 0.4, 0, 0.25, 0, 0]),
        ({"top_k": 9}, [0.05, 0.4, 0.15, 0.25, 0.1, 0.05]),
        ({"top_k": 1}, [0, 1, 0, 0, 0, 0]),
        ({"top_p": 0.6}, [0, 0.4, 0, 0.25, 0, 0]),
        ({"top_p": jnp.array(0.7)}, [0, 0.4, 0.15, 0.25, 0, 0]),
        ({"top_p": 1e-6}, [0, 1, 0, 0, 0, 0]),
        # Of four, two thirds are left in the first two.
        ({"top_k": 4, "top_p": 0.7}, [0, 0.4, 0, 0.25, 0, 0]),
        # A temperature comes before what is left: of squares, the first has 0.63.
        ({"temperature": 0.5, "top_p": 0.6}, [0, 1, 0, 0, 0, 0]),
    ],
)
def test_draws_have_the_distribution_that_options_say(options, expected):
    many = jnp.broadcast_to(LOGITS, (20000, 6))
    drawn = sample_logits(many, jax.random.key(3), **options)
    assert drawn.shape == (20000,) and drawn.dtype == jnp.int32
    counts, p = np.bincount(drawn, minlength=6), np.asarray(expected, float)
    assert not counts[p == 0].any()
    if (p > 0).sum() > 1:
        assert chi_squared(counts[p > 0], p[p > 0]) > 1e-4


def test_of_equals_the_first_are_left():
    drawn = sample_logits(jnp.zeros((500, 4)), jax.random.key(0), top_k=2)
    assert np.unique(drawn).tolist() == [0, 1]
    assert sample_logits(jnp.zeros((2, 4)), temperature=0).tolist() == [0, 0]


@pytest.mark.parametrize("zero", [0, 0.0, np.float32(0), jnp.zeros(())])
def test_any_zero_takes_the_most_likely(zero):
    assert sample_logits(LOGITS, temperature=zero) == 1


def test_one_keeps_them_all():
    many = np.random.default_rng(4).normal(0, 3, 5000)
    logits = -jnp.sort(jnp.asarray(-many, jnp.float32))
    p = jax.nn.softmax(logits)
    assert (jnp.cumsum(p) - p >= 1).any()  # the likely ones have it all, by rounding
    assert jnp.isfinite(generation.nucleus(logits, 1.0)).all()


def test_temperatures_do_not_compile_again():
    params = louder(GPT)

    def run(temperature):
        options = {"tokens": 2, "temperature": jnp.array(temperature)}
        return generate(GPT, params, PROMPT, jax.random.key(0), **options)

    run(1.0)
    before = generation._generated._cache_size()
    run(0.5)
    assert before and generation._generated._cache_size() == before


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"tokens": 0}, ValueError, "expected tokens of at least 1, got 0."),
        (
            {"prompt": PROMPT[:, :0]},
            ValueError,
            "expected a prompt of at least one step, got one of shape (2, 0).",
        ),
        ({"prompt": PROMPT + 4}, ValueError, "expected tokens from 0 to 10, got 13."),
        (
            {"prompt": PROMPT.astype(jnp.float32)},
            TypeError,
            "expected prompt of integer dtype, got float32.",
        ),
        (
            {"temperature": -1.0},
            ValueError,
            "expected temperature of at least 0 and finite, got -1.0.",
        ),
        ({"top_p": 0.0}, ValueError, "expected top_p in (0, 1], got 0.0."),
        ({"top_k": 0}, ValueError, "expected top_k of at least 1, got 0."),
    ],
)
def test_wrong_calls(change, error, message):
    options = {"prompt": PROMPT, "key": jax.random.key(0), "tokens": 2} | change
    with pytest.raises(error) as caught:
        generate(GPT, louder(GPT), **options)
    assert str(caught.value) == f"generate: {message}"


def test_a_key_is_asked_for_where_something_is_drawn():
    with pytest.raises(TypeError, match="expected one key made by"):
        generate(GPT, louder(GPT), PROMPT, tokens=2)
    with pytest.raises(TypeError, match="expected one key made by"):
        sample_logits(LOGITS)


def test_more_steps_than_positions_are_refused():
    with pytest.raises(ValueError, match="learned_positions") as caught:
        generate(GPT, louder(GPT), PROMPT, tokens=11, temperature=0)
    assert str(caught.value) == (
        "learned_positions: expected a count of at least 13, the length to decode, "
        "got 12."
    )


def test_a_network_that_keeps_state_is_refused():
    net = fnn.sequential(LSTM, fnn.batch_norm())
    params, _ = net.init(jax.random.key(0), PROMPT)
    with pytest.raises(TypeError, match="keeps no state, got") as caught:
        generate(net, params, PROMPT, tokens=2, temperature=0)
    assert str(caught.value).startswith("generate: expected a network")
