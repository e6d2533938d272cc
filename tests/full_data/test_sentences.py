"""MiniLM-L6: embeddings against an independent forward pass, and what is published."""

import math

import jax
import numpy as np
import pytest
import safetensors.numpy

from examples import sentences
from fnn import datasets, interop

pytestmark = pytest.mark.slow


def norm(x, w, name):
    x = x - x.mean(-1, keepdims=True)
    x = x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-12)
    return x * w[f"{name}.weight"] + w[f"{name}.bias"]


def linear(x, w, name):
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def reference(w, ids):
    """The embedding of one sentence in float64: Devlin et al., 2018, as published."""
    e = "embeddings"
    x = w[f"{e}.word_embeddings.weight"][ids]
    x = x + w[f"{e}.position_embeddings.weight"][: len(ids)]
    x = norm(x + w[f"{e}.token_type_embeddings.weight"][0], w, f"{e}.LayerNorm")
    erf = np.vectorize(math.erf)
    for i in range(6):
        layer = f"encoder.layer.{i}"
        q, k, v = (
            linear(x, w, f"{layer}.attention.self.{n}").reshape(len(ids), 12, 32)
            for n in ("query", "key", "value")
        )
        scores = np.einsum("qhd,khd->hqk", q, k) / math.sqrt(32)
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        y = np.einsum("hqk,khd->qhd", weights, v).reshape(len(ids), 384)
        y = linear(y, w, f"{layer}.attention.output.dense")
        x = norm(x + y, w, f"{layer}.attention.output.LayerNorm")
        y = linear(x, w, f"{layer}.intermediate.dense")
        y = y * (1 + erf(y / math.sqrt(2))) / 2
        x = norm(
            x + linear(y, w, f"{layer}.output.dense"), w, f"{layer}.output.LayerNorm"
        )
    mean = x.mean(0)
    return mean / np.linalg.norm(mean)


def test_embeddings_and_what_is_published():
    net, params, tokenizer = sentences.minilm()
    ids, lengths = sentences.tokens(tokenizer, sentences.SENTENCES)
    vectors = np.asarray(sentences.embed(net, params, ids, lengths))
    stored = safetensors.numpy.load(datasets.read("minilm/model.safetensors"))
    wide = {name: array.astype(np.float64) for name, array in stored.items()}
    expected = [reference(wide, row[:n]) for row, n in zip(ids, lengths, strict=True)]
    assert np.abs(vectors - expected).max() <= 1e-5
    for (i, j), value in sentences.PUBLISHED.items():
        assert round(float(vectors[i] @ vectors[j]), 4) == value


def test_what_is_written_is_what_was_read(tmp_path):
    path, names = tmp_path / "model.safetensors", interop.bert_names()
    _, params, _ = sentences.minilm()
    interop.write_safetensors(path, interop.to_names(params, names))
    stored = safetensors.numpy.load(datasets.read("minilm/model.safetensors"))
    again = safetensors.numpy.load_file(path)
    assert {*stored} - {*again} == {
        *("pooler.dense.weight", "pooler.dense.bias", "embeddings.position_ids"),
    }
    for name, array in again.items():
        np.testing.assert_array_equal(array, stored[name])


def test_what_ranks_first(capsys):
    alike = sentences.main(picture=None)
    assert "MiniLM-L6: 0.0000" in capsys.readouterr().out
    nearest = (alike - np.eye(len(alike)))[:-1, :-1].argmax(1)
    pairs = [0, 1], [4, 5], [6, 7], [8, 9], [10, 11]
    assert all(nearest[i] == j and nearest[j] == i for i, j in pairs)
    assert jax.numpy.isfinite(alike).all()
