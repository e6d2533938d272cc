"""Sentences by meaning: a small BERT that others trained to put like beside like.

MiniLM-L6 (all-MiniLM-L6-v2 of sentence-transformers) has six layers of 384 features.
The mean of a sentence's vectors, scaled to length 1, is its embedding; the product of
two says how alike they are. Of three sentences its authors publish these products,
which must come out here to their last digit.

``python examples/sentences.py`` reads the weights, which ``python -m fnn.datasets fill
minilm_weights`` gets, ranks sentences by a question, and draws sentences.png: how alike
each two of them are. ``--quick`` has random weights, which know words alone.
"""

import argparse
import functools

import jax
import jax.numpy as jnp
import numpy as np

import fnn

# https://sbert.net/docs/quickstart.html: the first three by each other.
PUBLISHED = {(0, 1): 0.6660, (0, 2): 0.1046, (1, 2): 0.1411}
SENTENCES = (
    "The weather is lovely today.",
    "It's so sunny outside!",
    "He drove to the stadium.",
    "Rain is expected all afternoon.",
    "The match ended without a goal.",
    "Our striker scored twice on Sunday.",
    "A cat sleeps on the warm windowsill.",
    "Two kittens chase a ball of wool.",
    "The bank raised its interest rates.",
    "Shares fell after the central bank's decision.",
    "Stir the onions until they are golden.",
    "Bake the bread for forty minutes.",
)
QUESTION = "How do I make soup?"


def minilm():
    """The network, its parameters and its tokenizer, from the files of MiniLM-L6."""
    from tokenizers import Tokenizer

    text = fnn.datasets.read("minilm/tokenizer.json").decode()
    weights = fnn.datasets.read("minilm/model.safetensors")
    net = fnn.models.bert(30_522, features=384, layers=6, hidden=1536)
    like = jax.eval_shape(net.init, jax.random.key(0), np.zeros((1, 1), np.int32))
    names = fnn.interop.bert_names(unused=["pooler.*"])
    tensors = fnn.interop.read_safetensors(weights)
    params = fnn.interop.from_names(tensors, names, like=like)
    tokenizer = Tokenizer.from_str(text)
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)  # as its authors have it
    return net, params, tokenizer


def untrained(seed):
    """A small network, its random parameters, and a tokenizer of the words here."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"": 0}, unk_token=""))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    split = tokenizer.pre_tokenizer.pre_tokenize_str
    words = sorted({w for s in (*SENTENCES, QUESTION) for w, _ in split(s.lower())})
    known = {word: i for i, word in enumerate(["", *words])}
    tokenizer.model = models.WordLevel(known, unk_token="")
    net = fnn.models.bert(len(known), features=48, layers=2)
    return net, net.init(jax.random.key(seed), np.zeros((1, 1), np.int32)), tokenizer


def tokens(tokenizer, sentences):
    """Ids, padded by zeros, and how many there are of each sentence."""
    found = [encoding.ids for encoding in tokenizer.encode_batch(list(sentences))]
    lengths = np.array([len(ids) for ids in found], np.int32)
    table = np.zeros((len(found), lengths.max()), np.int32)
    for row, ids in zip(table, found, strict=True):
        row[: len(ids)] = ids
    return table, lengths


@functools.partial(jax.jit, static_argnums=0)
def embed(net, params, ids, lengths):
    """A vector of length 1 for each sentence: the mean of its tokens'."""
    vectors = net.apply(params, ids, lengths=lengths)
    there = jnp.arange(ids.shape[1])[None] < lengths[:, None]
    total = jnp.sum(jnp.where(there[..., None], vectors, 0), axis=1)
    return total / jnp.linalg.norm(total, axis=1, keepdims=True)


def draw(path, alike, ranked):
    """How alike each two sentences are, and how alike each is to the question."""
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(
        1, 2, figsize=(14, 6), width_ratios=(3, 2), layout="constrained"
    )
    style = {"cmap": "magma", "vmin": 0, "vmax": 1}
    image = left.imshow(alike, **style)
    left.set_yticks(range(len(SENTENCES)), SENTENCES)
    left.set_xticks([])
    for (i, j), value in np.ndenumerate(alike):
        ink = "black" if value > 0.6 else "white"
        left.text(j, i, f"{value:.2f}", ha="center", va="center", color=ink, size=7)
    figure.colorbar(image, ax=left, shrink=0.8)
    order = np.argsort(ranked)
    right.barh(range(len(order)), ranked[order], color=plt.get_cmap("magma")(0.6))
    right.set_yticks(range(len(order)), [SENTENCES[i] for i in order])
    right.set_title(QUESTION)
    right.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(seed=0, quick=False, picture="sentences.png"):
    """Prints what ranks first; returns how alike sentences and the question are."""
    net, params, tokenizer = untrained(seed) if quick else minilm()
    ids, lengths = tokens(tokenizer, (*SENTENCES, QUESTION))
    vectors = np.asarray(embed(net, params, ids, lengths))
    alike = vectors @ vectors.T
    first = SENTENCES[alike[-1, :-1].argmax()]
    off = max(abs(alike[pair] - value) for pair, value in PUBLISHED.items())
    name = "random weights" if quick else "MiniLM-L6"
    print(f"{name}: {off:.5f} at most off the published; {QUESTION} {first}")
    if picture:
        draw(picture, alike[:-1, :-1], alike[-1, :-1])
        print(f"drawn: {picture}")
    return alike


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Ranks sentences by meaning.")
    parser.add_argument("--seed", type=int, default=0, help="of random weights")
    parser.add_argument("--picture", default="sentences.png", help="where to draw it")
    parser.add_argument("--quick", action="store_true", help="random weights")
    main(**vars(parser.parse_args()))
