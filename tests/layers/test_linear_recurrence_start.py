import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn
from tests.layers.linear_recurrence_oracles import LAYERS, X, drawn, normal, ring_modes


@pytest.mark.parametrize(
    "r_min, r_max, max_phase", [(0.0, 1.0, 2 * math.pi), (0.9, 0.999, 0.3), (0.5, 1, 1)]
)
def test_eigenvalues_start_uniform_on_the_ring(r_min, r_max, max_phase):
    layer = fnn.linear_recurrence(20_000, r_min=r_min, r_max=r_max, max_phase=max_phase)
    params = drawn(layer, jnp.ones((1, 1, 1)))
    eigenvalues, gains = ring_modes(params)
    radius, angle = np.abs(eigenvalues), np.angle(eigenvalues) % (2 * math.pi)
    assert r_min <= radius.min() and radius.max() <= r_max + 1e-7 and radius.max() < 1
    assert angle.max() <= max_phase * (1 + 1e-6)
    # Of the squares, whose quantiles are even: so much of the area lies within.
    inside = (radius**2 - r_min**2) / (r_max**2 - r_min**2)
    for values in (inside, angle / max_phase):
        quantiles = np.quantile(values, np.arange(1, 10) / 10)
        np.testing.assert_allclose(quantiles, np.arange(1, 10) / 10, atol=0.02)
    np.testing.assert_allclose(gains, np.sqrt(1 - radius**2), rtol=1e-3)
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(params))


@pytest.mark.parametrize("extreme", ["minval", "maxval"])
def test_the_most_extreme_draws_are_finite(monkeypatch, extreme):
    def uniform(key, shape, dtype, minval=0.0, maxval=1.0):
        most = np.nextafter(np.float32(maxval), np.float32(0))
        return jnp.full(shape, {"minval": minval, "maxval": most}[extreme], dtype)

    monkeypatch.setattr(jax.random, "uniform", uniform)
    for r_min in (0.0, 0.999):
        params = drawn(fnn.linear_recurrence(2, r_min=r_min), X)
        assert all(jnp.isfinite(params[name]).all() for name in params if "log" in name)
        assert (np.abs(ring_modes(params)[0]) < 1).all()


def test_white_noise_gives_every_state_the_variance_of_its_input():
    layer = fnn.linear_recurrence(50, r_max=0.95, return_carry=True)
    x = normal(0, 2000, 60, 3)
    params = drawn(layer, x)
    carry, _ = jax.jit(layer.apply)(params, x)
    b = params["input"]["real"] ** 2 + params["input"]["imag"] ** 2
    ratio = np.mean(np.abs(carry) ** 2, 0) / b.sum(0)
    np.testing.assert_allclose(ratio, 1, atol=0.15)


def hippo(size):
    """The normal part of HiPPO-LegS: A plus a matrix of rank one."""
    n = np.arange(size)
    root = np.sqrt(2 * n + 1)
    a = -np.tril(np.outer(root, root), -1) - np.diag(n + 1)
    low = np.sqrt(n + 0.5)
    return a + np.outer(low, low)


def test_legs_frequencies_are_those_of_hippo():
    params = drawn(fnn.state_space(12, blocks=2), X)
    eigenvalues = np.linalg.eigvals(hippo(12))
    np.testing.assert_allclose(eigenvalues.real, -0.5, atol=1e-8)
    positive = np.sort(eigenvalues.imag[eigenvalues.imag > 0])
    np.testing.assert_allclose(params["frequency"], np.tile(positive, 2), rtol=1e-5)
    np.testing.assert_allclose(np.exp(params["log_decay"]), 0.5, rtol=1e-6)


def test_other_frequencies_are_named_or_drawn():
    lin = drawn(fnn.state_space(8, frequency_init="LIN", groups=2), X)["frequency"]
    np.testing.assert_allclose(lin, np.tile(np.pi * np.arange(4), 2), rtol=1e-6)
    inv = drawn(fnn.state_space(2, frequency_init="INV"), X)["frequency"]
    np.testing.assert_allclose(inv, [4 / np.pi * 3, 4 / np.pi / 3], rtol=1e-6)
    own = fnn.state_space(3, frequency_init=lambda key, shape, dtype: jnp.arange(3.0))
    assert drawn(own, X)["frequency"].tolist() == [0, 1, 2]


def test_steps_start_log_uniform():
    layer = fnn.state_space(5000, frequency_init="LIN", step_min=0.01, step_max=10.0)
    steps = drawn(layer, jnp.ones((1, 1, 1)))["log_step"] / math.log(10)
    assert steps.min() >= -2 and steps.max() <= 1
    quantiles = np.quantile(steps, [0.25, 0.5, 0.75])
    np.testing.assert_allclose(quantiles, [-1.25, -0.5, 0.25], atol=0.1)


@pytest.mark.parametrize("build", LAYERS)
def test_weights_start_with_the_variance_of_what_they_sum(build):
    params = drawn(build(200, groups=2), jnp.ones((1, 1, 300)))
    for part in ("real", "imag"):
        assert abs(float(params["input"][part].var()) * 2 * 150 - 1) < 0.03
        assert abs(float(params["output"][part].var()) * 100 - 1) < 0.03
    assert not jnp.allclose(params["input"]["real"], params["input"]["imag"])
    assert abs(float(params["skip"].std()) - 1) < 0.15
