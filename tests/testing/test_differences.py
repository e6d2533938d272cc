"""Finite differences: exact for polynomials, on both sides, and honest on rounding."""

import numpy as np
import pytest

from fnn.testing.differences import OFFSETS, STENCILS, STEPS, judge, noise_samples


def changes(function, steps=STEPS):
    """What `judge` takes, of a function of one number that is zero at zero."""
    return np.array([function(step * OFFSETS) for step in steps])[:, None, :, None]


def verdict(derivative, function, noise=1e-16):
    derivatives, noises = np.full((1, 1), derivative), np.full((1, 1), noise)
    return judge(derivatives, changes(function), STEPS, noises, 1e-6)


@pytest.mark.parametrize("stencil, degree", [(0, 6), (1, 3), (2, 3)])
def test_stencils_differentiate_polynomials_exactly(stencil, degree):
    for power in range(degree + 1):
        found = STENCILS[stencil] @ OFFSETS**power
        np.testing.assert_allclose(found, power == 1, atol=1e-13)


def test_each_side_looks_at_its_own_values():
    assert not STENCILS[1][OFFSETS < 0].any()
    assert not STENCILS[2][OFFSETS > 0].any()


def test_a_smooth_function_has_one_derivative():
    assert verdict(1, np.sin).proven.all()
    found = verdict(1.01, np.sin)
    assert found.wrong.all() and not found.accepted.any()
    np.testing.assert_allclose(found.estimates, 1, rtol=1e-9)


@pytest.mark.parametrize("side", [1, -1])
def test_a_kink_on_one_side_leaves_the_other(side):
    def function(t):
        return np.sin(t) + 3 * np.maximum(side * t - 1e-9, 0)

    assert verdict(1, function).proven.all()
    assert not verdict(1.01, function).accepted.any()


def test_a_kink_at_the_point_proves_nothing_between_its_sides():
    found = verdict(0.3, lambda t: np.maximum(t, 0))
    assert not found.accepted.any() and not found.wrong.any()


def test_a_derivative_of_zero_is_accepted_within_rounding():
    random = np.random.default_rng(0)

    def function(t):
        return 1e-12 * random.standard_normal(t.shape)

    assert verdict(1e-15, function, noise=1e-12).accepted.all()
    assert not verdict(1e-15, function, noise=1e-12).proven.any()
    assert verdict(1e-3, function, noise=1e-12).wrong.all()
    assert verdict(0.0, np.zeros_like).proven.all()


def test_noise_is_measured_at_its_size_and_without_what_is_smooth_or_bent():
    random = np.random.default_rng(0)
    shape = (50, 1, 7, 1)
    white = noise_samples(random.standard_normal(shape))
    np.testing.assert_allclose(np.sqrt(np.mean(white**2)), 1, rtol=0.2)
    bent = np.maximum(OFFSETS, 0) + 2 * OFFSETS + OFFSETS**2
    samples = noise_samples(np.broadcast_to(bent[None, None, :, None], shape))
    assert samples.shape == (2, 50, 1, 1)
    np.testing.assert_allclose(samples, 0, atol=1e-14)
