"""Polyphonic music by recurrent networks: which keys sound next?

Bai, Kolter and Koltun, 2018, report nats a frame, the loss of all frames of test pieces
by their number: of Bach's chorales 8.45 for an LSTM, 8.43 for a GRU, 8.91 for tanh, of
tunes from Nottingham 3.29, 3.46, 4.05. DropConnect on recurrent weights (Merity et al.,
2018) and dropout keep 200 units from learning 229 chorales by heart.
"""

import argparse
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.nn.initializers import constant, glorot_uniform

import fnn

CELLS = {"lstm": fnn.lstm_cell, "gru": fnn.gru_cell, "rnn": fnn.rnn_cell}
PUBLISHED = {"jsb": (8.45, 8.43, 8.91), "nottingham": (3.29, 3.46, 4.05)}
# Epochs, largest rate, DropConnect, dropout, frames of a window: gated cells, others.
GATED = {"jsb": (40, 6e-3, 0.5, 0.5, 160), "nottingham": (20, 5e-3, 0.1, 0.1, 128)}
PLAIN = {"jsb": (60, 2e-3, 0.2, 0.5, 160), "nottingham": (10, 2e-3, 0.1, 0.1, 128)}
QUICK = 3, 5e-3, 0.1, 0.1, 27


def load_data(data, quick):
    """Pieces to learn from, and pieces to be judged by, each ``(time, keys)``."""
    if quick:  # rows of digits, black or white, in the place of frames
        parts = fnn.datasets.small_mnist()[:2]
        return [(part.images[::4, ..., 0] > 127).astype("u1") for part in parts]
    music = fnn.datasets.jsb_chorales() if data == "jsb" else fnn.datasets.nottingham()
    return music.train, music.test


def windows(pieces, length):
    """Pieces cut to a length, frames and those that follow; -1 where none is left."""
    cut = [p[i : i + length + 1] for p in pieces for i in range(0, len(p) - 1, length)]
    padded = (np.pad(p, ((0, length + 1 - len(p)), (0, 0))) for p in cut)
    there = np.stack([np.arange(length + 1) < len(p) for p in cut])
    rolls = np.where(there[..., None], np.stack([*padded]), np.float32(-1))
    return rolls[:, :-1], rolls[:, 1:]


def nats(logits, following):
    """Of each frame, so that the mean is that of those that are there."""
    judged = following[..., 0] >= 0
    losses = optax.sigmoid_binary_cross_entropy(logits, following).sum(-1)
    return jnp.where(judged, losses / judged.mean(), 0)


def baselines(training, test):
    """Nats a frame by how often each key sounds, and by that given its last state."""
    (x, y), (before, now) = (
        [np.concatenate([piece[i] for piece in part]) for i in np.s_[:-1, 1:]]
        for part in (training, test)
    )

    def chance(rows):
        return ((y * rows).sum(0) + 1) / (rows.sum(0) + 2)

    often = chance(np.ones_like(x)), np.where(before, chance(x), chance(1 - x))
    return [-np.log(np.where(now, p, 1 - p)).sum(1).mean() for p in often]


def stacked(cell, layers, connect, rate, often):
    """Layers of 200 units; at first each key is expected as often as it sounds."""
    over_time = fnn.drop_connect(fnn.recurrent(cell(200)), connect, "recurrent/weight")
    odds = constant(np.log(often) - np.log1p(-often))
    head = fnn.dense(len(often), weight_init=glorot_uniform(), bias_init=odds)
    return fnn.sequential(*[over_time, fnn.dropout(rate)] * layers, head)


def train(net, pieces, recipe, epochs=None, seed=0, progress=True):
    """The trainer, and its state after the last epoch."""
    most, rate, *_, length = recipe
    init_key, order_key = jax.random.split(jax.random.key(seed))
    cut, epochs = windows(pieces, length), epochs or most
    batches = fnn.training.batches(cut, 16, key=order_key, drop_last=True)
    rates = optax.cosine_decay_schedule(rate, epochs * len(batches), alpha=0.01)
    optimizer = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(rates))
    trainer = fnn.training.trainer(fnn.training.supervised(net, nats), optimizer)
    state, _ = fnn.training.fit(
        trainer, trainer.init(init_key, cut), batches, epochs=epochs, progress=progress
    )
    return trainer, state


def judge(trainer, state, pieces):
    """Nats of a frame, all frames of all pieces counted alike."""
    parts = [*fnn.training.batches(windows(pieces, max(map(len, pieces))), 16)]
    found = [float(trainer.evaluate(state, part)["loss"]) for part in parts]
    return np.average(found, weights=[(y[..., 0] >= 0).sum() for _, y in parts])


def draw(path, net, params, piece, seed=0):
    """A piece, what was expected of it, and how the network goes on by itself."""
    import matplotlib.pyplot as plt

    apply, random = jax.jit(net.apply), np.random.default_rng(seed)

    def chances(roll):
        logits = apply(params, roll[None])[0, :-1]
        return np.pad(jax.nn.sigmoid(logits), ((1, 0), (0, 0)))

    half, own = len(piece) // 2, piece.copy()  # the network looks at no later frames
    for i in range(half, len(piece)):
        own[i] = random.random(len(piece.T)) < chances(own)[i]
    rolls = {"a test piece": piece, "how likely each key was": chances(piece)}
    rolls["its first half, and how the network goes on by itself"] = own
    low, high = np.flatnonzero(piece.any(0))[[0, -1]]
    figure, axes = plt.subplots(3, figsize=(12, 9), sharex=True, layout="constrained")
    for axis, (title, roll) in zip(axes, rolls.items(), strict=True):
        axis.imshow(roll.T, "magma", origin="lower", aspect="auto", vmin=0, vmax=1)
        axis.set(title=title, ylabel="key", ylim=(low - 5, high + 5))
    axes[-1].axvline(half - 0.5, color="white", linestyle=":")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(data="jsb", network="lstm", layers=1, quick=False, picture=None, **options):
    """Trains; prints the nats of a test frame, and returns them and the baselines'."""
    began, (training, test) = time.perf_counter(), load_data(data, quick)
    recipe = QUICK if quick else (PLAIN if network == "rnn" else GATED)[data]
    often = np.concatenate([*training]).mean(0, dtype="float32").clip(1e-4, 0.9999)
    net = stacked(CELLS[network], layers, *recipe[2:4], often)
    trainer, state = train(net, training, recipe, **options)
    found, simple = judge(trainer, state, test), baselines(training, test)
    published = "none" if quick else PUBLISHED[data][[*CELLS].index(network)]
    print("each key by itself: {:.2f} nats, by its last state {:.2f}".format(*simple))
    said = f"{found:.2f} nats, published {published}"
    print(f"{network}: {said}; {time.perf_counter() - began:.0f} s")
    if picture:
        draw(picture, net, state.params, np.float32(test[0]))
        print(f"drawn: {picture}")
    return found, *simple


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Learns which keys sound next.")
    parser.add_argument("--data", default="jsb", choices=PUBLISHED)
    parser.add_argument("--network", default="lstm", choices=CELLS)
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--epochs", type=int, help="through the pieces (40)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--picture", default="chorales.png", help="where to draw it")
    parser.add_argument("--quick", action="store_true", help="rows of 800 digits")
    main(**vars(parser.parse_args()))
