"""Generative adversarial networks that find the modes of a mixture, or few of them.

A generator of some modes alone fools a discriminator which sees one sample at a time.
PacGAN's sees several, and that they lack variety. Lin et al., 2018, report of ten seeds
6.3 of 8 modes on a ring, and 7.9 by PacGAN2; of a grid of 25, 17.3 and 24.8 by PacGAN4.
``python examples/gan.py`` trains ten of each at once by `jax.vmap`, prints what they
find of the ring, or of ``--data grid``, beside that, and draws gan.png: samples of all.

A mode is found by one of 2,500 samples within three deviations or, printed too, by 25.
Published are 400,000 steps of larger networks (400 units, batch normalisation, maxout)
at a rate of 1e-4; here, 9,000 of 64, at 1e-3. What a GAN misses depends on its first
weights: with He's, it finds all, as games of ``--kind`` do that bound a slope.
"""

import argparse
import functools
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.nn.initializers import he_normal, normal

import fnn
from fnn.models import adversarial as games

PUBLISHED = {"ring": {1: "6.3 ± 0.5", 2: "7.9 ± 0.1"}}  # by samples seen together
PUBLISHED["grid"] = {1: "17.3 ± 0.8", 4: "24.8 ± 0.2"}
KINDS = {"original": games.minimax, "non-saturating": games.non_saturating}
KINDS |= {"spectral": games.non_saturating, "wasserstein": games.wasserstein}
STEPS = {"spectral": 1, "wasserstein": 5}  # of discriminators of bounded slope


def mixture(data):
    """The modes, and the deviation around each."""
    if data == "ring":
        angles = jnp.linspace(0, 2 * jnp.pi, 8, endpoint=False)
        return jnp.stack([jnp.cos(angles), jnp.sin(angles)], 1), 0.01
    return jnp.mgrid[-4.0:5:2, -4.0:5:2].reshape(2, -1)[::-1].T, 0.05


def draw_real(key, modes, deviation, shape):
    """Examples of the mixture."""
    mode_key, noise_key = jax.random.split(key)
    chosen = jax.random.choice(mode_key, modes, shape)
    return chosen + deviation * jax.random.normal(noise_key, chosen.shape)


def network(outputs, kind):
    """Generator or discriminator."""
    weights = he_normal() if kind in STEPS else normal(0.05)
    dense = functools.partial(fnn.dense, weight_init=weights)
    return fnn.sequential(*(dense(64), jax.nn.relu) * 3, dense(outputs))


def trainer(kind, pack, steps):
    """Of one game, as of many; where slopes are bounded, rates fall."""
    judge = fnn.sequential(functools.partial(games.packed, m=pack), network(1, kind))
    penalty = functools.partial(games.gradient_penalty, pack=pack)
    often, adams = STEPS.get(kind, 1), (optax.adam(1e-3, b1=0.8),) * 2
    if kind in STEPS:
        rates = (optax.cosine_decay_schedule(1e-3, n * steps) for n in (1, often))
        adams = [optax.adam(rate, b1=0.5, b2=0.9) for rate in rates]
    return fnn.training.adversarial(
        network(2, kind),
        fnn.spectral_norm(judge) if kind == "spectral" else judge,
        latents=lambda key, count: jax.random.normal(key, (count, 2)),
        optimizers=adams,
        discriminator_steps=often,
        loss=KINDS[kind],
        penalty=penalty if kind == "wasserstein" else None,
    )


def train(modes, deviation, *, kind, pack, steps, seeds, seed):
    """Samples of each seed's generator, ``(seeds, 2500, 2)``."""
    one = trainer(kind, pack, steps)
    keys = jax.random.split(jax.random.key(seed), 3)
    size = 100 * STEPS.get(kind, 1)

    def step(states, key):
        real = draw_real(key, modes, deviation, (seeds, size))
        return jax.vmap(one.step)(states, real)

    first = jax.ShapeDtypeStruct((size, 2), "float32")
    states = jax.vmap(one.init, (0, None))(jax.random.split(keys[0], seeds), first)
    run = jax.jit(lambda *args: jax.lax.scan(step, *args)[0])
    states = run(states, jax.random.split(keys[1], steps))
    latents = jax.random.normal(keys[2], (seeds, 2500, 2))
    return jax.vmap(network(2, kind).apply)(states.params["generator"], latents)


def said(counts):
    """How many modes each seed finds, by a mean and its error."""
    return f"{counts.mean():.1f} ± {counts.std(ddof=1) / len(counts) ** 0.5:.1f}"


def draw(path, modes, rows):
    """Samples of each seed, and the modes; a row for each network."""
    import matplotlib.pyplot as plt

    size = {"figsize": (15, 1.7 * len(rows)), "layout": "constrained"}
    figure, axes = plt.subplots(len(rows), len(rows["GAN"][1]), **size)
    span = 1.3 * np.abs(modes).max() * np.array([-1, 1])
    look = {"xlim": span, "ylim": span, "xticks": [], "yticks": [], "aspect": "equal"}
    for line, (name, (samples, found)) in zip(axes, rows.items(), strict=True):
        line[0].set_ylabel(name)
        for axis, points, count in zip(line, samples, found, strict=True):
            axis.scatter(*modes.T, s=60, facecolors="none", edgecolors="tab:orange")
            axis.scatter(*points.T, s=1, color="tab:blue", alpha=0.3, linewidths=0)
            axis.set(title=int(count), **look)
    figure.suptitle("samples of each seed, and how many modes it finds")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(data, kind, steps=None, seed=0, quick=False, picture=None):
    """Trains; prints the modes that each network finds, and returns them by name."""
    rows, (modes, deviation) = {}, mixture(data)
    steps, seeds = (steps or 1500, 3) if quick else (steps or 9000, 10)
    for pack, published in PUBLISHED[data].items():
        began, name = time.perf_counter(), f"PacGAN{pack}" if pack > 1 else "GAN"
        options = {"kind": kind, "pack": pack, "steps": steps}
        samples = train(modes, deviation, seeds=seeds, seed=seed, **options)
        count = functools.partial(games.mode_counts, modes=modes, radius=3 * deviation)
        counts = np.stack(list(map(count, samples)))
        found, many = ((counts >= least).sum(1) for least in (1, 25))
        seconds, near = time.perf_counter() - began, counts.sum() / samples[..., 0].size
        print(
            f"{name}, {kind}: {said(found)} of {len(modes)} modes, published "
            f"{published}; by 25 samples {said(many)}; {near:.0%} near; {seconds:.0f} s"
        )
        rows[name] = np.asarray(samples), found
    if picture:
        draw(picture, modes, rows)
        print(f"drawn: {picture}")
    return {name: found for name, (_, found) in rows.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Learns to draw from a mixture.")
    parser.add_argument("--data", choices=["ring", "grid"], default="ring")
    parser.add_argument("--kind", choices=KINDS, default="non-saturating")
    parser.add_argument("--steps", type=int, help="of the generator (9,000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--picture", default="gan.png", help="where to draw it")
    parser.add_argument("--quick", action="store_true", help="3 seeds, 1,500 steps")
    main(**vars(parser.parse_args()))
