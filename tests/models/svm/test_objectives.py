"""Kernels, losses, objectives and decisions, by hand and by finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.metrics import pairwise

import fnn
from fnn.models import svm
from tests.models.svm.examples import points

KERNELS = [svm.linear(), svm.rbf(0.7), svm.polynomial(3, gamma=0.5, coef0=1.0)]


def machines(kernel=None):
    """Two machines on points of the plane, neither at its optimum."""
    random = np.random.default_rng(5)
    x = points()[0].astype(np.float32)
    if kernel is None:
        values = random.normal(size=(2, 2)), random.normal(size=2)
        return svm.LinearSVM(*(jnp.asarray(v, jnp.float32) for v in values))
    values = random.normal(size=(2, 12)), random.normal(size=2)
    return svm.KernelSVM(kernel, x, *(jnp.asarray(v, jnp.float32) for v in values))


MACHINES = [machines(), *map(machines, KERNELS)]
NAMES = ["linear machine", "linear", "rbf", "polynomial"]


# ---------------------------------------------------------------------------- kernels
@pytest.mark.parametrize(
    "kernel, wanted",
    [
        (KERNELS[0], pairwise.linear_kernel),
        (KERNELS[1], lambda x, z: pairwise.rbf_kernel(x, z, gamma=0.7)),
        (
            KERNELS[2],
            lambda x, z: pairwise.polynomial_kernel(x, z, 3, gamma=0.5, coef0=1.0),
        ),
    ],
    ids=NAMES[1:],
)
def test_kernel_is_that_of_scikit_learn(kernel, wanted):
    random = np.random.default_rng(0)
    x, z = random.normal(size=(2, 4, 3)), random.normal(size=(5, 3))
    with jax.enable_x64(True):
        found = kernel(jnp.asarray(x), jnp.asarray(z))
    assert found.shape == (2, 4, 5)
    for row, of in zip(found, x, strict=True):
        np.testing.assert_allclose(row, wanted(of, z), rtol=1e-13)
    function = jax.jit(lambda x, z: kernel(x, z))
    fnn.testing.check_gradients(function, x[0], z, max_coordinates=4)


def test_kernels_are_values():
    assert svm.rbf(0.7) == KERNELS[1] != svm.rbf(0.8)
    assert jax.tree.leaves(svm.polynomial(2, coef0=1.0)) == [2, 1.0, 1.0]
    assert repr(svm.rbf(0.7)) == "RBF(gamma=0.7)"


def test_nothing_is_nearer_than_equal():
    x = 100 * points()[0].astype(np.float32)
    gram = svm.rbf(1.0)(x, x)
    assert gram.max() <= 1 and np.all(np.diagonal(gram) > 0.9)


# ------------------------------------------------------------------------- objectives
def by_hand(machine, x, y, C, loss, penalty):
    """The objective of each machine, an example at a time."""
    for row, bias in enumerate(np.asarray(machine.bias, np.float64)):
        if isinstance(machine, svm.LinearSVM):
            weight = np.asarray(machine.weight[row], np.float64)
            values, norm = x @ weight + bias, weight @ weight
        else:
            with jax.enable_x64(True):
                gram = np.asarray(machine.kernel(jnp.asarray(x), jnp.asarray(x)))
            coef = np.asarray(machine.dual_coef[row], np.float64)
            values, norm = gram @ coef + bias, coef @ gram @ coef
        total = norm / 2 + penalty * bias**2 / 2
        for sign, value in zip(y[row], values, strict=True):
            lack = max(0, 1 - sign * value)
            total += C * abs(sign) * (lack if loss is svm.hinge else lack**2)
        yield total


@pytest.mark.parametrize("machine", MACHINES, ids=NAMES)
@pytest.mark.parametrize("loss", [svm.hinge, svm.squared_hinge])
def test_objective_by_hand_and_its_gradients(machine, loss):
    x, signs = points()
    x = x.astype(np.float32)
    y = np.stack([signs, np.where(np.arange(12) % 3, -signs, 0)])
    wanted = [*by_hand(machine, x.astype(np.float64), y, 0.3, loss, 0.5)]

    def objective(machine, x, C, penalty):
        return svm.objective(machine, x, y, C=C, loss=loss, bias_penalty=penalty)

    np.testing.assert_allclose(objective(machine, x, 0.3, 0.5), wanted, rtol=2e-6)
    function = jax.jit(objective)
    fnn.testing.check_gradients(function, machine, x, 0.3, 0.5, max_coordinates=4)


@pytest.mark.parametrize("machine", MACHINES[1:], ids=NAMES[1:])
@pytest.mark.parametrize("loss", [svm.hinge, svm.squared_hinge])
def test_dual_objective_by_hand_and_its_gradients(machine, loss):
    def dual(machine, C):
        return svm.dual_objective(machine, C=C, loss=loss)

    gram = np.asarray(machine.kernel(machine.vectors, machine.vectors), np.float64)
    found = dual(machine, 0.3)
    for value, coef in zip(found, np.asarray(machine.dual_coef, float), strict=True):
        wanted = np.abs(coef).sum() - coef @ gram @ coef / 2
        wanted -= (coef @ coef) / 1.2 if loss is svm.squared_hinge else 0
        np.testing.assert_allclose(value, wanted, rtol=2e-6)
    fnn.testing.check_gradients(jax.jit(dual), machine, 0.3, max_coordinates=4)


# -------------------------------------------------------------------------- decisions
def test_two_points_are_parted_in_the_middle():
    x, y = jnp.array([[-1.0, 0.0], [3.0, 0.0]]), jnp.array([-1, 1])
    wanted = svm.LinearSVM(jnp.array([0.5, 0.0]), jnp.array(-0.5))
    linear = svm.fit_linear(x, y, C=10.0)
    kernel = svm.fit_kernel(svm.linear(), x, y, C=10.0)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, atol=1e-3), linear, wanted
    )
    np.testing.assert_allclose(kernel.dual_coef, [-0.125, 0.125], rtol=1e-6)
    for machine in (linear, kernel):
        np.testing.assert_allclose(svm.margins(machine, x, y), [1, 1], atol=1e-3)
        new = jnp.array([[[0.9, 5.0]], [[1.1, -5.0]]])
        np.testing.assert_array_equal(svm.predict(machine, new), [[-1], [1]])


@pytest.mark.parametrize("machine", MACHINES, ids=NAMES)
def test_a_machine_is_a_pytree_and_batches(machine):
    x = np.random.default_rng(2).normal(size=(4, 3, 2)).astype(np.float32)
    found = svm.decision_function(machine, x)
    assert found.shape == (4, 3, 2)
    np.testing.assert_array_equal(svm.predict(machine, x), np.argmax(found, -1))
    each = jax.vmap(svm.decision_function, (None, 0))(machine, x)
    np.testing.assert_allclose(each, found, rtol=1e-5, atol=1e-5)
    jitted = jax.jit(svm.decision_function)(machine, x)
    np.testing.assert_allclose(jitted, found, rtol=1e-5, atol=1e-5)
    y = np.where(x[..., 0] > 0, 1, -1)[None].repeat(2, 0)
    wanted = y * np.moveaxis(np.asarray(found), -1, 0)
    np.testing.assert_allclose(svm.margins(machine, x, y), wanted, rtol=1e-6)


def test_linear_machines_are_a_dense_layer():
    machine, x = machines(), points()[0].astype(np.float32)
    params = {"weight": machine.weight.T, "bias": machine.bias}
    found = fnn.dense(2).apply(params, x)
    np.testing.assert_allclose(found, svm.decision_function(machine, x), rtol=1e-6)


def test_pruned_keeps_what_supports_any_machine():
    machine = MACHINES[2]
    coef = machine.dual_coef.at[:, 1:7].set(0).at[1, 3].set(2.0)
    kept = svm.pruned(machine._replace(dual_coef=coef))
    assert kept.vectors.shape == (7, 2) and kept.dual_coef.shape == (2, 7)
    np.testing.assert_array_equal(kept.dual_coef[:, 1], [0, 2])
    np.testing.assert_array_equal(kept.vectors[1], machine.vectors[3])


# ----------------------------------------------------------------------------- labels
def test_pairs_and_votes_agree_on_classes():
    labels = np.array([3, 0, 2, 1, 1])
    signs = svm.one_against_one(labels, 4)
    pairs = [(i, j) for i in range(4) for j in range(i + 1, 4)]
    for row, (first, second) in zip(signs, pairs, strict=True):
        wanted = [{first: 1, second: -1}.get(int(label), 0) for label in labels]
        np.testing.assert_array_equal(row, wanted)
    counts = svm.votes(jnp.asarray(signs.T, jnp.float32))
    # Of a tie, 0 votes for the second; a class wins its own three pairs.
    assert counts.shape == (5, 4) and np.all(counts.sum(-1) == 6)
    np.testing.assert_array_equal(np.argmax(counts, -1), labels)
    np.testing.assert_array_equal(counts[np.arange(5), labels], 3)
