"""Fits against scikit-learn (LIBSVM, LIBLINEAR) and published objectives."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.svm import SVC, LinearSVC

from fnn.models import svm
from tests.models.svm.examples import cancer, digits, points

# Of breast cancer, standardised, with C = 1, by LIBLINEAR.
PUBLISHED = {svm.hinge: 26.526352, svm.squared_hinge: 31.055638}


@pytest.fixture(autouse=True)
def _float64():
    with jax.enable_x64(True):
        yield


def assert_near(found, wanted, part=1e-6):
    """Decisions are equal up to a part of the largest one."""
    np.testing.assert_allclose(found, wanted, rtol=0, atol=part * np.abs(wanted).max())


# ----------------------------------------------------------------------- LIBLINEAR
@pytest.mark.parametrize("loss", PUBLISHED)
def test_published_objective(loss):
    x, y = cancer()
    options = {"loss": loss, "bias_penalty": 1.0}
    machine = svm.fit_linear(x, y, tolerance=1e-9, **options)
    found = svm.objective(machine, x, y, **options)
    np.testing.assert_allclose(found, PUBLISHED[loss], atol=5e-7)


@pytest.mark.parametrize("loss, dual", [(svm.hinge, True), (svm.squared_hinge, False)])
@pytest.mark.parametrize("scaling", [1.0, 4.0])
def test_linear_machine_is_that_of_liblinear(loss, dual, scaling):
    x, y = cancer()
    options = {"C": 0.05, "loss": loss, "bias_penalty": scaling**-2}
    machine = svm.fit_linear(x, y, tolerance=1e-11, **options)
    theirs = LinearSVC(
        C=0.05,
        loss=loss.__name__,
        dual=dual,
        intercept_scaling=scaling,
        tol=1e-9,
        max_iter=100_000,
        random_state=0,
    ).fit(x, y)
    found = svm.decision_function(machine, x)
    assert_near(found, theirs.decision_function(x))
    np.testing.assert_array_equal(svm.predict(machine, x), theirs.predict(x))


def test_one_against_rest_is_that_of_liblinear():
    x, labels = digits()
    x, labels = x[:600] / 16, labels[:600]
    y = svm.one_against_rest(labels, 10)
    options = {"C": 0.1, "loss": svm.squared_hinge, "bias_penalty": 1.0}
    machines = svm.fit_linear(x, y, tolerance=1e-13, **options)
    theirs = LinearSVC(C=0.1, dual=False, tol=1e-10).fit(x, labels)
    assert machines.weight.shape == (10, 64) and machines.bias.shape == (10,)
    found = svm.decision_function(machines, x)
    assert_near(found, theirs.decision_function(x))
    np.testing.assert_array_equal(svm.predict(machines, x), theirs.predict(x))


# -------------------------------------------------------------------------- LIBSVM
KERNELS = {
    "linear": (svm.linear(), {"kernel": "linear"}),
    "rbf": (svm.rbf(0.03), {"kernel": "rbf", "gamma": 0.03}),
    "polynomial": (
        svm.polynomial(3, gamma=0.02, coef0=1.0),
        {"kernel": "poly", "degree": 3, "gamma": 0.02, "coef0": 1.0},
    ),
}


def dual_objective(kernel, x, coef):
    """What a dual solver maximises, by hand: alphas are the sizes of signed ones."""
    return np.abs(coef).sum() - coef @ np.asarray(kernel(x, x)) @ coef / 2


@pytest.mark.parametrize("kernel, theirs", KERNELS.values(), ids=KERNELS)
def test_kernel_machine_is_that_of_libsvm(kernel, theirs):
    x, y = cancer()
    machine = svm.fit_kernel(kernel, x, y, C=2.0, tolerance=1e-8)
    theirs = SVC(C=2.0, tol=1e-8, **theirs).fit(x, y)
    found, wanted = svm.decision_function(machine, x), theirs.decision_function(x)
    # LIBSVM keeps the products of examples in float32.
    assert_near(found, wanted, 2e-6)
    coef = np.zeros(len(x))
    coef[theirs.support_] = theirs.dual_coef_[0]
    np.testing.assert_allclose(machine.dual_coef, coef, atol=1e-4)
    value = dual_objective(kernel, x, np.asarray(machine.dual_coef))
    np.testing.assert_allclose(value, dual_objective(kernel, x, coef), rtol=1e-6)
    np.testing.assert_array_equal(machine.dual_coef != 0, coef != 0)
    bounded = np.abs(machine.dual_coef) == 2
    np.testing.assert_array_equal(bounded, np.abs(coef) == 2)
    assert bounded.sum() > 10


def pair_coefficients(machine):
    """LIBSVM's signed alphas of each pair of classes, over all examples.

    A row of ``dual_coef_`` has those of a support vector's class against another.
    """
    starts = np.cumsum([0, *machine.n_support_])
    parts = [slice(a, b) for a, b in itertools.pairwise(starts)]
    for i, j in itertools.combinations(range(len(parts)), 2):
        coef = np.zeros(machine.shape_fit_[0])
        coef[machine.support_[parts[i]]] = machine.dual_coef_[j - 1, parts[i]]
        coef[machine.support_[parts[j]]] = machine.dual_coef_[i, parts[j]]
        yield coef


def test_pairs_of_digits_are_those_of_libsvm():
    """scikit-learn's own example: the second half of the digits, 96.89 % right."""
    x, labels = digits()
    half = len(x) // 2
    kernel, y = svm.rbf(0.001), svm.one_against_one(labels[:half], 10)
    machines = svm.fit_kernel(kernel, x[:half], y, tolerance=1e-5)
    assert machines.dual_coef.shape == (45, half)
    theirs = SVC(gamma=0.001, tol=1e-5, decision_function_shape="ovo")
    theirs.fit(x[:half], labels[:half])
    found = svm.decision_function(machines, x[half:])
    # Each stops where it violates optimality by 1e-5 at most.
    np.testing.assert_allclose(found, theirs.decision_function(x[half:]), atol=2e-5)
    classes = np.asarray(jnp.argmax(svm.votes(found), -1))
    np.testing.assert_array_equal(classes, theirs.predict(x[half:]))
    assert f"{np.mean(classes == labels[half:]):.2%}" == "96.89%"
    kept, support = svm.pruned(machines), np.any(machines.dual_coef != 0, 0)
    np.testing.assert_array_equal(np.flatnonzero(support), np.sort(theirs.support_))
    assert len(kept.vectors) == len(theirs.support_) < half
    for coef, of_pair in zip(
        machines.dual_coef, pair_coefficients(theirs), strict=True
    ):
        values = (
            dual_objective(kernel, x[:half], np.asarray(c)) for c in (coef, of_pair)
        )
        np.testing.assert_allclose(*values, rtol=1e-6)
    np.testing.assert_allclose(svm.decision_function(kept, x[half:]), found, atol=1e-12)


# -------------------------------------------------------------------- the two solvers
@pytest.mark.parametrize("loss", PUBLISHED)
@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
def test_primal_and_dual_meet(loss, C):
    x, y = points(30)
    options = {"C": C, "loss": loss}
    primal = svm.fit_linear(x, y, tolerance=1e-11, **options)
    dual = svm.fit_kernel(svm.linear(), x, y, tolerance=1e-10, **options)
    best = svm.objective(primal, x, y, **options)
    np.testing.assert_allclose(svm.objective(dual, x, y, **options), best, rtol=1e-8)
    np.testing.assert_allclose(svm.dual_objective(dual, **options), best, rtol=1e-8)
    weight = dual.dual_coef @ dual.vectors
    # The distance of weights goes with the root of that of objectives.
    np.testing.assert_allclose(weight, primal.weight, atol=1e-5 * C**0.5)
    # Every example on the margin or inside it supports the machine, and no other.
    m = svm.margins(dual, x, y)
    assert np.all((np.abs(dual.dual_coef) > 0) == (m < 1 + 1e-7))


@pytest.mark.parametrize("loss", PUBLISHED)
@pytest.mark.parametrize("C", [1e-4, 1e4])
def test_the_gap_closes_far_from_the_usual_prices(loss, C):
    x, y = cancer()
    options = {"C": C, "loss": loss, "bias_penalty": 1.0}
    machine = svm.fit_linear(x, y, tolerance=1e-6, **options)
    best = svm.objective(
        svm.fit_linear(x, y, tolerance=1e-8, **options), x, y, **options
    )
    found = svm.objective(machine, x, y, **options)
    assert best <= found * (1 + 1e-8) and found <= best * (1 + 1e-6)


def test_examples_left_out_leave_no_trace():
    x, y = points(30)
    some = np.arange(30) % 3 > 0
    for loss in PUBLISHED:
        left = svm.fit_linear(x, np.where(some, y, 0), loss=loss, tolerance=1e-11)
        alone = svm.fit_linear(x[some], y[some], loss=loss, tolerance=1e-11)
        np.testing.assert_allclose(left.weight, alone.weight, atol=1e-5)
        np.testing.assert_allclose(
            svm.objective(left, x, np.where(some, y, 0), loss=loss),
            svm.objective(alone, x[some], y[some], loss=loss),
            rtol=1e-9,
        )
    coef = svm.fit_kernel(svm.rbf(1.0), x, np.where(some, y, 0)).dual_coef
    assert not np.any(coef[~some]) and np.any(coef[some])


def test_a_constant_feature_is_a_regularised_bias():
    x, y = points(30)
    ones = np.ones((30, 1))
    biased = svm.fit_linear(x, y, bias_penalty=1.0, tolerance=1e-11)
    feature = svm.fit_linear(
        np.hstack([x, ones]), y, bias_penalty=1e12, tolerance=1e-11
    )
    np.testing.assert_allclose(feature.weight[:2], biased.weight, atol=1e-5)
    np.testing.assert_allclose(feature.weight[2], biased.bias, atol=1e-5)
    svm.fit_kernel(svm.linear(), np.hstack([x, ones]), y)


# ------------------------------------------------------------------------- transforms
@pytest.mark.parametrize("loss", PUBLISHED)
def test_a_grid_of_prices_is_fitted_at_once(loss):
    x, y = points(30)
    prices = jnp.array([0.01, 1.0, 10.0])

    @jax.jit
    @jax.vmap
    def fits(C):
        return svm.fit_linear(x, y, C=C, loss=loss, tolerance=1e-10)

    machines = fits(prices)
    for i, C in enumerate(prices):
        alone = svm.fit_linear(x, y, C=C, loss=loss, tolerance=1e-10)
        np.testing.assert_allclose(machines.weight[i], alone.weight, atol=1e-6)
        np.testing.assert_allclose(machines.bias[i], alone.bias, atol=1e-6)


def test_a_grid_of_kernels_is_fitted_at_once():
    x, y = points(30)
    gammas = jnp.array([0.1, 1.0, 10.0])

    @jax.jit
    @jax.vmap
    def fits(gamma):
        return svm.fit_kernel(svm.rbf(gamma), x, y, tolerance=1e-9)

    machines = fits(gammas)
    assert machines.kernel.gamma.shape == (3,)
    for i, gamma in enumerate(gammas):
        alone = svm.fit_kernel(svm.rbf(gamma), x, y, tolerance=1e-9)
        np.testing.assert_allclose(machines.dual_coef[i], alone.dual_coef, atol=1e-7)
        np.testing.assert_allclose(machines.bias[i], alone.bias, atol=1e-7)


def test_several_machines_are_those_fitted_alone():
    x, labels = points(30)[0], np.arange(30) % 3
    y = svm.one_against_rest(labels, 3)
    linear = svm.fit_linear(x, y, tolerance=1e-10)
    kernel = svm.fit_kernel(svm.rbf(1.0), x, y, tolerance=1e-9)
    for i in range(3):
        alone = svm.fit_linear(x, y[i], tolerance=1e-10)
        np.testing.assert_allclose(linear.weight[i], alone.weight, atol=1e-6)
        alone = svm.fit_kernel(svm.rbf(1.0), x, y[i], tolerance=1e-9)
        np.testing.assert_allclose(kernel.dual_coef[i], alone.dual_coef, atol=1e-7)
    objectives = svm.objective(kernel, x, y)
    np.testing.assert_allclose(objectives, svm.dual_objective(kernel), rtol=1e-7)


# ----------------------------------------------------------------------------- float32
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_in_lower_precision(dtype):
    x, y = cancer()
    x = x.astype(dtype)
    with jax.enable_x64(False):
        for loss, published in PUBLISHED.items():
            options = {"loss": loss, "bias_penalty": 1.0}
            machine = svm.fit_linear(x, y, tolerance=1e-5, **options)
            assert machine.weight.dtype == machine.bias.dtype == jnp.float32
            found = svm.objective(machine, x.astype(np.float32), y, **options)
            near = 1e-5 if dtype == np.float32 else 1e-3  # examples are rounded
            np.testing.assert_allclose(found, published, rtol=near)
        machine = svm.fit_kernel(svm.rbf(0.03), x, y)
        assert machine.dual_coef.dtype == machine.bias.dtype == jnp.float32
        gap = svm.objective(machine, x.astype(np.float32), y)
        np.testing.assert_allclose(svm.dual_objective(machine), gap, rtol=1e-3)


# ---------------------------------------------------------------------- steps run out
def test_a_fit_that_stops_too_early_warns():
    x, y = points()
    with pytest.warns(
        RuntimeWarning, match=r"fit_linear: expected a relative gap below"
    ):
        svm.fit_linear(x, y, steps=1)
    with pytest.warns(
        RuntimeWarning, match=r"fit_kernel: expected violations of optim"
    ):
        svm.fit_kernel(svm.linear(), x, y, steps=1)
