"""Characters of Shakespeare, one after another, by a small transformer.

nanoGPT reports 1.88 nats a character of validation text for its setting for CPUs: four
layers of 128 features, 2,000 batches of 12 windows of 64 characters. This is that
setting at twice its rate, 2e-3. ``python examples/shakespeare.py`` prints the loss of
all validation text, goes on with a part of it, and draws shakespeare.png: how much each
character of Shakespeare's and of its own surprises it. ``--network lstm`` is a network
of 256 recurrent units, of which nothing is published.
"""

import argparse
import math
import time

import jax
import numpy as np
import optax
from jax import lax
from numpy.lib.stride_tricks import sliding_window_view

import fnn
from fnn.datasets.text import Text

PUBLISHED, LENGTH, NETWORKS = 1.88, 64, ("gpt", "lstm", "gru", "rnn")
LOSS = optax.softmax_cross_entropy_with_integer_labels


def load_data(quick):
    """Shakespeare; or what Python's help says of its topics."""
    if not quick:
        return fnn.datasets.shakespeare()
    from pydoc_data.topics import topics

    text = list("".join(topics.values())[:100_000])
    symbols, ids = np.unique(text, return_inverse=True)
    return Text(ids[:90_000], ids[90_000:], "".join(symbols))


def language_model(name, text):
    """Logits of the next character, given those up to each."""
    count = len(text.symbols)
    if name == "gpt":
        return fnn.models.gpt(
            count, length=LENGTH, features=128, heads=4, layers=4, use_bias=False
        )
    recurrent = fnn.recurrent(getattr(fnn, f"{name}_cell")(256))
    return fnn.sequential(fnn.embed(count, 128), recurrent, fnn.dense(count))


def train(net, text, steps, seed, progress):
    """The last state, and the history with the loss of validation text."""
    init_key, order_key = jax.random.split(jax.random.key(seed))
    texts = sliding_window_view(text.train, LENGTH + 1)
    batches = fnn.training.batches((texts[:, :-1], texts[:, 1:]), 12, key=order_key)
    rates = optax.warmup_cosine_decay_schedule(0, 2e-3, steps // 20, steps, 2e-4)
    adamw = optax.adamw(rates, 0.9, 0.99, weight_decay=0.1, mask=matrices)
    optimizer = optax.chain(optax.clip_by_global_norm(1.0), adamw)
    trainer = fnn.training.trainer(fnn.training.supervised(net, LOSS), optimizer)
    state = trainer.init(init_key, next(iter(batches)))
    options = {"steps": steps, "eval_every": max(1, steps // 5), "progress": progress}
    options["evaluate"] = lambda s: {"loss": mean_loss(net, s.params, text.valid)}
    return fnn.training.fit(trainer, state, batches, **options)


def matrices(params):
    return jax.tree.map_with_path(lambda path, _: path[-1].key == "weight", params)


@jax.jit(static_argnums=0)
def losses(net, params, windows):
    """Nats of each character but the first, given those before it in its window."""
    texts = windows[:, :-1], windows[:, 1:]
    return lax.map(lambda w: LOSS(net.apply(params, w[0]), w[1]), texts, batch_size=16)


def mean_loss(net, params, text):
    """Nats a character, in windows side by side."""
    padded = np.pad(text, (0, (1 - len(text)) % LENGTH))
    windows = sliding_window_view(padded, LENGTH + 1)[::LENGTH]
    return float(losses(net, params, windows).ravel()[: len(text) - 1].mean())


def write(net, params, text, key, half=LENGTH // 2, **draws):
    """Goes on with a text, by half a window at a time, given the half before it."""
    for now in jax.random.split(key, 18):
        seen = text[None, -half:]
        more = fnn.models.generate(net, params, seen, now, tokens=half, **draws)
        text = np.concatenate([text, more[0]])
    return text


def draw(path, history, net, params, symbols, texts):
    """The loss; and texts, each character on a colour that says its bits."""
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(16, 8), layout="constrained")
    grid = figure.add_gridspec(len(texts), 2, width_ratios=(2, 3))
    axis = figure.add_subplot(grid[:, 0], xlabel="step", ylabel="nats a character")
    axis.plot(history.train["loss"], color="0.8", label="a batch")
    axis.plot(*map(history.evaluation.get, ("step", "loss")), "o-", label="validation")
    axis.axhline(PUBLISHED, color="black", linestyle=":", label="nanoGPT")
    axis.legend()
    for row, (title, text) in enumerate(texts.items()):
        axis = figure.add_subplot(grid[row, 1], title=title)
        found = losses(net, params, sliding_window_view(text, LENGTH + 1))
        nats = np.concatenate([found[0], found[1:, -1]])  # given up to 64 before it
        table, x, y = np.full((16, 72), np.nan), 0, 0
        for i, surprise in zip(text[1:], nats, strict=True):
            if x < 72 and y < 16:
                table[y, x] = surprise / math.log(2)
                axis.text(x, y, symbols[i], ha="center", va="center")
            x, y = (0, y + 1) if symbols[i] == "\n" else (x + 1, y)
        shown = axis.imshow(table, cmap="YlOrRd", vmin=0, vmax=8, aspect="auto")
        axis.axis("off")
    figure.colorbar(shown, ax=figure.axes[1:], label="bits of surprise")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(
    network="gpt", steps=None, seed=0, quick=False, picture=None, progress=True, **draws
):
    """Trains; prints the loss of validation text, goes on with it, returns the loss."""
    text, began = load_data(quick), time.perf_counter()
    net, steps = language_model(network, text), steps or (100 if quick else 2000)
    (_, params, *_), history = train(net, text, steps, seed, progress)
    nats, seconds = float(history.evaluation["loss"][-1]), time.perf_counter() - began
    said = f"{nats:.3f} nats a character, {nats / math.log(2):.3f} bits"
    print(f"{network}: {said}, published {PUBLISHED} nats; {seconds:.0f} s")
    seen = text.valid[: 10 * LENGTH]
    own = write(net, params, seen[:LENGTH], jax.random.key(seed), **draws)
    print("".join(text.symbols[i] for i in own))
    if picture:
        texts = {"text that it has not learned": seen, "how it goes on itself": own}
        draw(picture, history, net, params, text.symbols, texts)
        print(f"drawn: {picture}")
    return nats


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Learns to write like Shakespeare.")
    parser.add_argument("--network", default="gpt", choices=NETWORKS)
    parser.add_argument("--steps", type=int, help="batches to learn from (2,000)")
    for name, kind in {"temperature": float, "top-k": int, "top-p": float}.items():
        parser.add_argument(f"--{name}", type=kind, default=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--picture", default="shakespeare.png", help="where to draw it")
    parser.add_argument("--quick", action="store_true", help="other text, in seconds")
    main(**vars(parser.parse_args()))
