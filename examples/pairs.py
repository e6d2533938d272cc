"""A general Boltzmann machine, exactly: how much of an image its pairs of pixels tell.

Digits of MNIST as 16 pixels of black or white have 65,536 states, few enough to go
through them all, and so likelihoods and their gradients are exact. ``python
examples/pairs.py`` learns three machines by L-BFGS: of pixels by themselves, of all
pairs of pixels, and with four hidden units, joined to all and to each other. It prints
how likely each makes test images, and what share of all that pixels tell of each other
pairs account for: 90 % among ten cells of a retina, by Schneidman et al., 2006. Draws
pairs.png: how often each state is, by how probable each machine makes it.
"""

import argparse
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax

import fnn

SIDE, PUBLISHED = 4, 0.9
PIXELS = SIDE * SIDE
STATES = (np.arange(2**PIXELS)[:, None] >> np.arange(PIXELS) & 1).astype("float32")


def load_data(quick):
    """The share of each state in training and in test images."""
    data = fnn.datasets.small_mnist() if quick else fnn.datasets.mnist()
    for images in (data.train.images, data.test.images):
        blocks = images.reshape(-1, SIDE, 28 // SIDE, SIDE, 28 // SIDE)
        bits = blocks.mean((2, 4)).reshape(-1, PIXELS) > 32
        states = np.sum(bits << np.arange(PIXELS), 1)
        yield np.bincount(states, minlength=2**PIXELS) / len(images)


def machines():
    """By name: each gives the free energy of all states."""
    alone = fnn.Layer(
        lambda key, x: {"bias": jnp.zeros(x.shape[-1])},
        lambda params, x: -x @ params["bias"],
    )
    pairs, hidden = fnn.models.boltzmann_machine(0), fnn.models.boltzmann_machine(4)
    return {"pixels alone": alone, "pairs": pairs, "four hidden units": hidden}


def fit(machine, shares, *, steps, seed):
    """Log-probabilities of all states where shares are the likeliest, by L-BFGS."""

    def log_probabilities(params):
        return jax.nn.log_softmax(-machine.apply(params, STATES))

    def loss(params):
        return -jnp.sum(shares * log_probabilities(params))

    descent, value_and_grad = optax.lbfgs(), optax.value_and_grad_from_state(loss)

    def step(carry, _):
        params, state = carry
        value, slope = value_and_grad(params, state=state)
        known = {"value": value, "grad": slope, "value_fn": loss}
        updates, state = descent.update(slope, state, params, **known)
        return (optax.apply_updates(params, updates), state), value

    @jax.jit
    def learn(params):
        carry = params, descent.init(params)
        (params, _), _ = jax.lax.scan(step, carry, length=steps)
        return log_probabilities(params)

    return np.asarray(learn(machine.init(jax.random.key(seed), STATES)), float)


def nats(shares, log_probabilities):
    """The mean log-likelihood of images."""
    return float(np.sum(shares * log_probabilities))


def draw(path, found, shares):
    """Each state: its share of training images by its probability."""
    import matplotlib.pyplot as plt

    size = {"figsize": (4.2 * len(found), 4.2), "layout": "constrained"}
    figure, axes = plt.subplots(1, len(found), sharex=True, sharey=True, **size)
    seen = shares > 0
    least = shares[seen].min()
    for axis, (name, probabilities) in zip(axes, found.items(), strict=True):
        axis.loglog(np.exp(probabilities[seen]), shares[seen], ".", ms=3, alpha=0.4)
        axis.plot([least, 0.1], [least, 0.1], color="black", linewidth=1)
        axis.set(title=name, xlabel="probability", xlim=(least / 1e4, 0.2))
    axes[0].set_ylabel("share of images")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(steps=None, seed=0, quick=False, picture=None):
    """Fits; prints log-likelihoods of test images, and returns them with the share."""
    (training, test), began = load_data(quick), time.perf_counter()
    options = {"steps": steps or (60 if quick else 200), "seed": seed}
    found = {name: fit(net, training, **options) for name, net in machines().items()}
    likelihoods = {name: nats(test, found[name]) for name in found}
    said = ", ".join(f"{name} {value:.2f}" for name, value in likelihoods.items())
    print(f"nats a test image: {said}; {time.perf_counter() - began:.0f} s")
    alone, pairs = (nats(training, found[name]) for name in list(found)[:2])
    all_that_is_told = nats(training, np.log(np.maximum(training, 1e-300))) - alone
    share = (pairs - alone) / all_that_is_told
    print(
        f"of what pixels tell, pairs: {share:.1%}, published of cells {PUBLISHED:.0%}"
    )
    if picture:
        draw(picture, found, training)
        print(f"drawn: {picture}")
    return likelihoods, share


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Learns what pixels tell by pairs.")
    parser.add_argument("--steps", type=int, help="of L-BFGS (200)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--picture", default="pairs.png", help="where to draw it")
    parser.add_argument("--quick", action="store_true", help="4,000 images, 60 steps")
    main(**vars(parser.parse_args()))
