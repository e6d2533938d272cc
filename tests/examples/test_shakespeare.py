import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn
from examples import shakespeare


def succession(ids):
    """Laplace's rule: a symbol's chance is one more than how often it has come."""
    return jnp.log(1 + jnp.cumsum(jax.nn.one_hot(ids, 2), -2))


def judged(text):
    return shakespeare.mean_loss(fnn.sequential(succession), ((),), text)


def test_the_loss_of_a_short_text_is_that_by_hand():
    # The chances of b after a, of a after ab, and of b after aba.
    expected = -(math.log(1 / 3) + math.log(2 / 4) + math.log(2 / 5)) / 3
    assert judged(np.array([0, 1, 0, 1])) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("length", [65, 66, 150])
def test_each_character_is_judged_by_those_of_its_window(length):
    text = np.random.default_rng(0).integers(0, 2, length)
    chances = []
    for at in range(1, length):
        before = text[(at - 1) // 64 * 64 : at]
        chances.append((1 + np.sum(before == text[at])) / (2 + len(before)))
    assert judged(text) == pytest.approx(-np.log(chances).mean(), rel=1e-5)


def test_the_loss_is_that_of_the_probabilities_of_a_transformer():
    net = fnn.models.gpt(5, length=64, features=8, heads=2, layers=1)
    text = np.array([3, 1, 4, 1, 0, 2, 2])
    params = jax.tree.map(lambda a: 9 * a, net.init(jax.random.key(0), text[None]))
    scores = np.exp(np.asarray(net.apply(params, text[:-1]), np.float64))
    chances = (scores / scores.sum(-1, keepdims=True))[np.arange(6), text[1:]]
    assert chances.min() < 0.1 < 0.3 < chances.max()
    found = shakespeare.mean_loss(net, params, text)
    assert found == pytest.approx(-np.log(chances).mean(), rel=1e-5)


def by_frequency(quick=True):
    """Nats a character of validation text, by how often each is in the other."""
    text = shakespeare.load_data(quick)
    counts = 1 + np.bincount(text.train, minlength=len(text.symbols))
    return -np.log(counts / counts.sum())[text.valid].mean()


def test_it_learns_and_shows_what(tmp_path, capsys):
    picture = tmp_path / "shakespeare.png"
    options = {"quick": True, "progress": False, "picture": picture}
    nats = shakespeare.main("rnn", temperature=0.5, top_k=5, top_p=0.9, **options)
    assert nats < by_frequency() - 0.2
    assert picture.read_bytes().startswith(b"\x89PNG")
    told, *written = capsys.readouterr().out.splitlines()
    assert f"rnn: {nats:.3f} nats a character, {nats / math.log(2):.3f} bits" in told
    text = shakespeare.load_data(quick=True)
    start = "".join(text.symbols[i] for i in text.valid[:64])
    found = "\n".join(written)
    assert found.startswith(start) and len(found) > 64 + 18 * 32


@pytest.mark.slow
@pytest.mark.parametrize("network, less", [("gpt", 0.4), ("lstm", 0.1)])
def test_the_worst_of_three_seeds_has_learned(network, less):
    found = [
        shakespeare.main(network, seed=seed, quick=True, progress=False)
        for seed in range(3)
    ]
    assert max(found) < by_frequency() - less


def test_weights_alone_decay():
    text = shakespeare.load_data(quick=True)
    net = shakespeare.language_model("gpt", text)
    like = jax.eval_shape(net.init, jax.random.key(0), text.valid[None, :64])
    decayed = fnn.paths(shakespeare.matrices(like))
    assert not decayed["blocks/attention_norm/scale"] and not decayed["norm/scale"]
    assert decayed["embed/weight"] and decayed["blocks/attention/query/weight"]
