import numpy as np
import pytest

from examples import sentences


def shared(first, second):
    """The share of words that two sentences have in common."""
    a, b = ({*text.lower().strip(".!?").split()} for text in (first, second))
    return len(a & b) / len(a | b)


@pytest.mark.parametrize("seed", range(3))
def test_random_weights_know_shared_words(seed, tmp_path, capsys):
    picture = tmp_path / "sentences.png"
    alike = sentences.main(seed=seed, quick=True, picture=picture)
    np.testing.assert_allclose(np.diag(alike), 1, rtol=1e-5)
    texts = (*sentences.SENTENCES, sentences.QUESTION)
    words = np.array([[shared(a, b) for b in texts] for a in texts])
    apart = ~np.eye(len(texts), dtype=bool)
    assert np.corrcoef(alike[apart], words[apart])[0, 1] > 0.3
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "random weights: " in capsys.readouterr().out


def test_padding_changes_nothing():
    net, params, tokenizer = sentences.untrained(0)
    ids, lengths = sentences.tokens(tokenizer, sentences.SENTENCES[:3])
    assert lengths.max() > lengths.min()
    alone = sentences.embed(net, params, ids[:1, : lengths[0]], lengths[:1])
    together = sentences.embed(net, params, ids, lengths)
    np.testing.assert_allclose(together[:1], alone, atol=1e-6)
