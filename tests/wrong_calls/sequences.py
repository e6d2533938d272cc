"""Texts that a language model can't take, and prompts that nothing goes on from."""

import jax.numpy as jnp

from tests.wrong_calls.situations import fnn, init, key

IDS = jnp.array([[3, 1, 4], [1, 5, 9]])
GPT = fnn.models.gpt(10, length=4, features=4, heads=2, layers=1)
LSTM = fnn.sequential(fnn.embed(10, 4), fnn.recurrent(fnn.lstm_cell(4)), fnn.dense(10))


def read(net, ids, **named):
    return net.apply(init(net, IDS), ids, **named)


def generated(net=GPT, prompt=IDS, **options):
    options = {"key": key(1), "tokens": 2} | options
    return fnn.models.generate(net, init(net, IDS), prompt, **options)


KINDS: dict[str, list[tuple]] = {
    "a text that is none of the model": [
        (
            lambda: read(GPT, jnp.ones((2, 5), int)),
            ValueError,
            "learned_positions: expected at most 4 steps, as many as there are "
            "positions, got 5.",
            "in part positions (learned_positions) of gpt",
        ),
        (
            lambda: read(GPT, IDS + 1),
            ValueError,
            "embed: expected ids in [0, 10), got 10.",
            "in part embed (embed) of gpt",
        ),
        (
            lambda: read(GPT, IDS - 2),
            ValueError,
            "embed: expected ids in [0, 10), got -1.",
            "in part embed (embed) of gpt",
        ),
        (
            lambda: read(LSTM, IDS + 1),
            ValueError,
            "embed: expected ids in [0, 10), got 10.",
            "in layer 0 (embed) of sequential",
        ),
        (
            lambda: read(GPT, IDS.astype(jnp.float32)),
            TypeError,
            "embed: expected ids of integer dtype, got float32.",
            "in part embed (embed) of gpt",
        ),
        (
            lambda: read(GPT, IDS, lengths=jnp.array([3, 3, 3])),
            ValueError,
            "learned_positions: expected lengths of shape (2,), got (3,).",
            "in part positions (learned_positions) of gpt",
        ),
        (
            lambda: read(GPT, IDS, lengths=jnp.array([3, 4])),
            ValueError,
            "learned_positions: expected lengths in [0, 3], got 4.",
            "in part positions (learned_positions) of gpt",
        ),
        (
            lambda: read(LSTM, IDS, lengths=jnp.array([3, 3, 3])),
            ValueError,
            "recurrent: expected lengths of shape (2,), got (3,).",
            "in layer 1 (recurrent) of sequential",
        ),
        (
            lambda: read(LSTM, IDS, lengths=jnp.array([3, 4])),
            ValueError,
            "recurrent: expected lengths in [0, 3], got 4.",
            "in layer 1 (recurrent) of sequential",
        ),
        (
            lambda: read(GPT, IDS, positions=jnp.array([2, 3, 4])),
            ValueError,
            "learned_positions: expected positions in [0, 3], got 4.",
            "in part positions (learned_positions) of gpt",
        ),
    ],
    "a prompt that nothing goes on from": [
        (
            lambda: generated(prompt=IDS[:, :0]),
            ValueError,
            "generate: expected a prompt of at least one step, got one of shape (2, "
            "0).",
        ),
        (
            lambda: generated(prompt=IDS[0, :0]),
            ValueError,
            "generate: expected a prompt of at least one step, got one of shape (0,).",
        ),
        (
            lambda: generated(prompt="ROMEO:"),
            TypeError,
            "generate: expected prompt to be an array, got str.",
        ),
        (
            lambda: generated(prompt=[3, 1]),
            TypeError,
            "generate: expected prompt to be an array, got list.",
        ),
        (
            lambda: generated(prompt=IDS + 1),
            ValueError,
            "generate: expected tokens from 0 to 9, got 10.",
        ),
        (
            lambda: generated(LSTM, IDS - 2),
            ValueError,
            "generate: expected tokens from 0 to 9, got -1.",
        ),
        (
            lambda: generated(tokens=3),
            ValueError,
            "learned_positions: expected a count of at least 5, the length to "
            "decode, got 4.",
        ),
        (
            lambda: generated(prompt=jnp.ones((2, 6), int)),
            ValueError,
            "learned_positions: expected a count of at least 7, the length to "
            "decode, got 4.",
        ),
    ],
}
