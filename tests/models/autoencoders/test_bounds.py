"""Bounds of the log-likelihood by their equations, and by integration over latents."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np

import fnn
from fnn.models import autoencoders, vae
from fnn.testing import check_gradients
from tests.models.autoencoders.bent import (
    STATES,
    decoded,
    drawn,
    encoded,
    log_bernoulli,
    log_mean,
    log_normal,
    net,
)


# ------------------------------------------------------------------------------ values
def test_divergence():
    random = np.random.default_rng(0)
    mean, log_scale = random.normal(size=(2, 5, 3))
    expected = 0.5 * (mean**2 + np.exp(log_scale) ** 2 - 1 - 2 * log_scale).sum(-1)
    with jax.enable_x64(True):
        found = autoencoders.kl_divergence(mean, log_scale)
    np.testing.assert_allclose(found, expected, rtol=1e-13)
    # And by integration: E log(q / p) along a line, latent by latent.
    z = np.linspace(-30, 30, 20001)[:, None]
    log_q = log_normal(z[..., None, None], mean[..., None], log_scale[..., None])
    log_p = log_normal(z[..., None, None])
    integral = (np.exp(log_q) * (log_q - log_p)).sum(0) * (z[1] - z[0])
    np.testing.assert_allclose(found, integral.sum(-1), rtol=1e-9)


def test_bernoulli():
    logits = np.array([-1000.0, -3.0, 0.0, 2.0, 1000.0], np.float32)
    one, zero = (
        autoencoders.bernoulli_log_likelihood(logits, np.full(5, x, np.float32))
        for x in (1, 0)
    )
    wide = logits.astype(float)
    np.testing.assert_allclose(one, -np.logaddexp(0, -wide), rtol=1e-6)
    np.testing.assert_allclose(zero, -np.logaddexp(0, wide), rtol=1e-6)
    half = autoencoders.bernoulli_log_likelihood(logits, np.full(5, 0.5, np.float32))
    np.testing.assert_allclose(half, (one + zero) / 2, rtol=1e-6)


def test_bounds_by_their_equations():
    params = drawn()
    inferred = net(samples=7).apply(params, STATES, key=jax.random.key(1))
    mean, log_scale, z, logits = (np.asarray(a, float) for a in inferred)
    conditional = log_bernoulli(logits, STATES[:, None].astype(float))
    log_q = log_normal(z, mean[:, None], log_scale[:, None])
    weights = conditional + log_normal(z) - log_q
    divergence = 0.5 * (mean**2 + np.exp(2 * log_scale) - 1 - 2 * log_scale).sum(-1)
    for found, expected in (
        (autoencoders.log_weights(inferred, STATES), weights),
        (autoencoders.iwae(inferred, STATES), log_mean(weights, 1)),
        (autoencoders.elbo(inferred, STATES), conditional.mean(1) - divergence),
    ):
        assert found.dtype == jnp.float32
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_low_precision_is_summed_in_float32():
    params = drawn()
    inferred = net(samples=7).apply(params, STATES, key=jax.random.key(1))
    low = jax.tree.map(lambda a: a.astype(jnp.bfloat16), inferred)
    for bound in (autoencoders.elbo, autoencoders.iwae):
        found = bound(low, jnp.asarray(STATES, jnp.bfloat16))
        assert found.dtype == jnp.float32
        # What is left is the rounding of latents, to three digits.
        np.testing.assert_allclose(found, bound(inferred, STATES), rtol=0.02)


def test_gradients():
    inferred = net(samples=2).apply(drawn(), STATES[:2], key=jax.random.key(1))
    for bound in (autoencoders.elbo, autoencoders.iwae):
        check_gradients(
            lambda i, b=bound: b(i, STATES[:2]), inferred, max_coordinates=6
        )
    check_gradients(autoencoders.kl_divergence, *inferred[:2])
    logits = inferred.decoded[:, 0]
    check_gradients(
        lambda y: autoencoders.bernoulli_log_likelihood(y, STATES[:2]), logits
    )


@functools.cache
def integrated():
    """Log-likelihoods of all states and the mean of `elbo`, on a grid of latents."""
    params = drawn()
    line = np.linspace(-9, 9, 361)
    z = np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)
    log_area = 2 * np.log(line[1] - line[0])
    conditional = log_bernoulli(decoded(params, z), STATES[:, None].astype(float))
    joint = conditional + log_normal(z)
    mean, log_scale = (half[:, None] for half in encoded(params))
    log_q = log_normal(z, mean, log_scale)
    bound = (np.exp(log_q + log_area) * (joint - log_q)).sum(1)
    return np.logaddexp.reduce(joint, 1) + log_area, bound


# ------------------------------------------------------------------------- integration
def test_all_states_have_a_probability_of_1_together():
    likelihood, _ = integrated()
    np.testing.assert_allclose(np.exp(likelihood).sum(), 1, rtol=1e-9)


def test_the_elbo_is_in_expectation_what_integration_gives():
    _, expected = integrated()
    params = drawn()
    inferred = net(samples=20000).apply(params, STATES, key=jax.random.key(1))
    found = autoencoders.elbo(inferred, STATES)
    conditional = log_bernoulli(np.asarray(inferred.decoded), STATES[:, None])
    error = conditional.std(1) / 20000**0.5
    assert np.all(np.abs(found - expected) < 4 * error)
    # Without the closed form it is the mean of the weights' logarithms.
    weights = np.asarray(autoencoders.log_weights(inferred, STATES))
    error = weights.std(1) / 20000**0.5
    assert np.all(np.abs(weights.mean(1) - expected) < 4 * error)


def test_more_draws_come_nearer_the_likelihood_from_below():
    likelihood, bound = integrated()
    means = [bound.mean()]

    @functools.partial(jax.jit, static_argnames="k")
    def mean(k, x, key):
        inferred = net(samples=k).apply(drawn(), x, key=key)
        return autoencoders.iwae(inferred, x).mean()

    for k in (2, 10, 100):
        x = np.repeat(STATES, 4000 // k, axis=0)
        means.append(mean(k, x, jax.random.key(k)))
    assert np.all(np.diff([*means, likelihood.mean()]) > 0)
    assert likelihood.mean() - means[0] > 0.02 > likelihood.mean() - means[-1]


def test_many_draws_give_the_likelihood():
    likelihood, bound = integrated()
    key = jax.random.key(3)
    found = autoencoders.log_marginal(net(500), drawn(), STATES, key, rounds=100)
    assert found.shape == (16,)
    assert np.abs(found - likelihood).max() < 0.02 < (likelihood - bound).min()


def test_rounds_add_draws():
    params, key = drawn(), jax.random.key(3)
    found = autoencoders.log_marginal(net(5), params, STATES, key, rounds=3)
    weights = [
        autoencoders.log_weights(
            net(5).apply(params, STATES, key=jax.random.fold_in(key, i)), STATES
        )
        for i in range(3)
    ]
    np.testing.assert_allclose(
        found, log_mean(np.concatenate(weights, 1), 1), rtol=1e-5
    )


def test_with_the_true_posterior_each_draw_gives_the_likelihood():
    """Of ``z @ w + b + noise`` it is normal, independent as the rows of w are."""
    w = np.array([[1.0, 2.0, 0.0], [2.0, -1.0, 1.0]])
    w, b = w / 1.5, np.array([0.5, -1.0, 2.0])
    x = np.random.default_rng(0).normal(size=(6, 3))
    variance = 1 / (1 + (w**2).sum(1))
    log_scale = 0.5 * np.log(variance)

    def normal(mean, x):
        return -0.5 * ((x - mean) ** 2 + math.log(2 * math.pi))

    params = {
        "encoder": {
            "weight": np.concatenate([w.T * variance, np.zeros((3, 2))], 1),
            "bias": np.concatenate([-b @ w.T * variance, log_scale]),
        },
        "decoder": {"weight": w, "bias": b},
    }
    covariance = w.T @ w + np.eye(3)
    distance = np.einsum("ni,ij,nj->n", x - b, np.linalg.inv(covariance), x - b)
    exact = -0.5 * (distance + np.linalg.slogdet(2 * np.pi * covariance)[1])
    linear = vae(fnn.dense(4), fnn.dense(3), samples=50)
    with jax.enable_x64(True):
        inferred = linear.apply(params, x, key=jax.random.key(0))
        weights = autoencoders.log_weights(inferred, x, log_likelihood=normal)
        found = autoencoders.log_marginal(
            linear, params, x, jax.random.key(1), rounds=2, log_likelihood=normal
        )
        bound = autoencoders.elbo(inferred, x, log_likelihood=normal)
    np.testing.assert_allclose(weights, np.repeat(exact[:, None], 50, 1), rtol=1e-12)
    np.testing.assert_allclose(found, exact, rtol=1e-12)
    assert (
        np.abs(np.asarray(bound) - exact).max() > 1e-3
    )  # its divergence is not of the draws
