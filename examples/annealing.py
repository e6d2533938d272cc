"""A restricted Boltzmann machine of 500 hidden units, by annealed importance sampling.

``python examples/annealing.py`` learns binary MNIST by persistent contrastive
divergence, which takes some minutes on two cores. Nobody can go through its states, but
annealed importance sampling tells log Z, and with it how likely test images are:
Salakhutdinov and Murray report -105.50 nats by three steps of contrastive divergence.
annealing.png has what chains of the machine come to, and the weights of their runs.

``--published`` has a look at the best machine that they left, whose log Z they
estimated at 451.28, and the likelihood of test images at -86.34: half a minute.
"""

import argparse
import io
import time

import jax
import numpy as np
import optax

import fnn
from fnn.models import boltzmann

PUBLISHED = -105.50  # by CD-3, of as many units
PUBLISHED_LOG_Z, PUBLISHED_LIKELIHOOD = 451.28, -86.34  # of the machine they left


def load_data(quick=False):
    """Training and test images of zeros and ones, flat."""
    if quick:
        data = fnn.datasets.small_mnist()
        images = (data.train.images > 127, data.test.images > 127)
    else:
        data = fnn.datasets.binarized_mnist()
        images = (data.train, data.test)
    return tuple(part.reshape(-1, 784).astype("f") for part in images)


def train(data, *, hidden, epochs, rate, seed, progress):
    """The params of a machine that learned by persistent contrastive divergence."""
    bias = jax.nn.initializers.constant(boltzmann.log_odds(data))
    objective = fnn.training.contrastive_divergence(
        fnn.models.rbm(hidden, visible_bias_init=bias), chains=100, centered=True
    )
    # Chains keep up with a machine that changes less and less.
    schedule = optax.linear_schedule(rate, 0, epochs * (len(data) // 100))
    init_key, order_key = jax.random.split(jax.random.key(seed))
    batches = fnn.training.batches(data, 100, key=order_key, drop_last=True)
    trainer = fnn.training.trainer(objective, optax.sgd(schedule), steps_per_call=100)
    state, _ = fnn.training.fit(
        trainer, trainer.init(init_key, data), batches, epochs=epochs, progress=progress
    )
    return state.params


def published():
    """The params that Salakhutdinov and Murray left, who look at images by columns."""
    file = np.load(io.BytesIO(fnn.datasets.read("rbm_CD25_500.npz")))
    upright = np.arange(784).reshape(28, 28).T.ravel()
    return {
        "weight": file["W"][upright].astype("f"),
        "visible_bias": file["b_vis"][upright].astype("f"),
        "hidden_bias": file["b_hid"].astype("f"),
    }


def anneal(params, data, *, seed, temperatures):
    """What annealing finds, and how likely it makes test images on the mean."""
    training, test = data
    found = boltzmann.annealed_importance_sampling(
        params,
        jax.random.key(seed),
        temperatures=temperatures,
        base=boltzmann.log_odds(training),
    )
    machine = fnn.models.rbm(len(params["hidden_bias"]))
    energies = machine.apply(params, test)
    return found, -float(np.mean(energies) + found.log_partition)


def draw(path, params, found, seed=0):
    """Means of samples of long chains, and the weights of those that were annealed."""
    import matplotlib.pyplot as plt

    starts = jax.random.bernoulli(jax.random.key(seed), 0.5, (40, 784)).astype("f")
    visible = boltzmann.gibbs(params, starts, jax.random.key(seed + 1), 2000)
    dreams = boltzmann.mean_visible(params, boltzmann.mean_hidden(params, visible))
    figure = plt.figure(figsize=(12, 4.4), layout="constrained")
    grid = figure.add_gridspec(1, 2, width_ratios=(8, 4))
    left, axis = figure.add_subfigure(grid[0]), figure.add_subplot(grid[1])
    left.suptitle("means given samples of chains")
    for place, image in zip(left.subplots(5, 8).ravel(), dreams, strict=True):
        place.axis("off")
        place.imshow(np.reshape(image, (28, 28)), cmap="gray_r", vmin=0, vmax=1)
    ratios = np.asarray(found.log_weights - np.max(found.log_weights))
    axis.hist(ratios, 30)
    axis.axvline(np.log(np.mean(np.exp(ratios))), color="black", linestyle="--")
    axis.set(xlabel="log-weight less the largest", ylabel="annealed chains")
    axis.set_title(f"{found.effective_samples:.0f} of {len(ratios)} chains' worth")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(
    hidden=500,
    *,
    epochs=50,
    temperatures=3501,
    seed=0,
    load=False,
    quick=False,
    picture=None,
    progress=True,
):
    """Learns or loads a machine; prints and returns log Z and test likelihood."""
    data, began = load_data(quick), time.perf_counter()
    if load:
        params = published()
    else:
        options = {"seed": seed, "progress": progress}
        params = train(data[0], hidden=hidden, epochs=epochs, rate=0.05, **options)
    found, likelihood = anneal(params, data, seed=seed, temperatures=temperatures)
    log_z, low, high = (float(z) for z in found[:3])
    beside = f", published {PUBLISHED_LOG_Z}" if load else ""
    print(
        f"log Z: {log_z:.2f} ({low:.2f} to {high:.2f}){beside}; "
        f"test: {likelihood:.2f} nats, published "
        f"{PUBLISHED_LIKELIHOOD if load else PUBLISHED}; "
        f"{time.perf_counter() - began:.0f} s"
    )
    if picture:
        draw(picture, params, found)
        print(f"drawn: {picture}")
    return log_z, likelihood


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Estimates likelihoods by annealing.")
    parser.add_argument("--published", dest="load", action="store_true")
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--temperatures", type=int, default=3501)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--picture", default="annealing.png", help="where to draw it")
    parser.add_argument("--quick", action="store_true", help="50 units, 4,000 images")
    options = vars(parser.parse_args())
    if options["quick"]:
        options |= {"hidden": 50, "epochs": 5, "temperatures": 500}
    main(**options)
