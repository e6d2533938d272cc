import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.neighbors import KernelDensity

import fnn
from fnn.models import adversarial
from fnn.testing import check_gradients

RANDOM = np.random.default_rng(0)
REAL, FAKE = RANDOM.normal(size=(2, 6)).astype(np.float32) * 3


def log_sigmoid(x):
    return -np.log1p(np.exp(-x.astype(float)))


# ------------------------------------------------------------------------------- losses
def test_losses_are_those_of_the_papers():
    """By the probabilities that the papers write, in float64."""
    real, fake = REAL.astype(float), FAKE[:4].astype(float)
    both = -log_sigmoid(real).mean() - log_sigmoid(-fake).mean()
    expected = {
        adversarial.minimax: (log_sigmoid(-fake).mean(), both),
        adversarial.non_saturating: (-log_sigmoid(fake).mean(), both),
        adversarial.wasserstein: (-fake.mean(), fake.mean() - real.mean()),
    }
    for loss, values in expected.items():
        found = loss(REAL, FAKE[:4])
        assert type(found) is adversarial.Losses
        np.testing.assert_allclose(found, values, rtol=1e-5, err_msg=loss.__name__)
        assert found == loss(REAL[:, None], FAKE[:4, None])  # of any shape


def test_losses_of_low_precision_are_wide():
    logits = jnp.full(1000, 1.001, jnp.bfloat16)
    assert adversarial.wasserstein(logits, logits).generator.dtype == jnp.float32


def test_only_one_of_two_generators_loses_its_slope_where_it_is_beaten():
    def slope(loss):
        return float(jax.grad(lambda x: loss(x, x).generator)(jnp.full(1, -20.0))[0])

    assert abs(slope(adversarial.minimax)) < 1e-8
    assert slope(adversarial.non_saturating) < -0.99


@pytest.mark.parametrize(
    "loss", [adversarial.minimax, adversarial.non_saturating, adversarial.wasserstein]
)
def test_gradients_of_losses(loss):
    def both(real, fake):
        return jnp.stack(loss(real, fake)).sum()

    check_gradients(both, REAL, FAKE)


# ------------------------------------------------------------------------------ penalty
KEY = jax.random.key(7)
POINTS = RANDOM.normal(size=(2, 5, 3)).astype(np.float32)


def test_the_penalty_is_that_of_slopes_between_examples():
    """Of a quadratic form, whose slope is a product of matrices."""
    a = RANDOM.normal(size=(3, 3))
    share = np.asarray(jax.random.uniform(jax.random.clone(KEY), (5, 1)), float)
    real, fake = POINTS.astype(float)
    slopes = (share * real + (1 - share) * fake) @ (a + a.T)
    expected = 3 * np.mean((np.linalg.norm(slopes, axis=1) - 1) ** 2)
    form = jnp.asarray(a, jnp.float32)

    def critic(x):
        return jnp.einsum("bi,ij,bj->b", x, form, x)

    found = adversarial.gradient_penalty(
        critic, *POINTS, jax.random.clone(KEY), weight=3
    )
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_pack_has_one_norm_and_one_share():
    a = RANDOM.normal(size=(6, 6))
    share = np.asarray(jax.random.uniform(jax.random.clone(KEY), (4, 1)), float)
    real, fake = RANDOM.normal(size=(2, 4, 6))
    slopes = (share * real + (1 - share) * fake) @ (a + a.T)
    expected = 10 * np.mean((np.linalg.norm(slopes, axis=1) - 1) ** 2)
    form = jnp.asarray(a, jnp.float32)

    def critic(x):
        x = adversarial.packed(x, 2)
        return jnp.einsum("bi,ij,bj->b", x, form, x)

    pairs = (jnp.asarray(x, jnp.float32).reshape(8, 3) for x in (real, fake))
    found = adversarial.gradient_penalty(critic, *pairs, jax.random.clone(KEY), pack=2)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_norms_are_over_all_axes_but_the_first():
    images = np.ones((2, 4, 3, 3, 2), np.float32)

    def critic(x):
        return jnp.sum(x, (1, 2, 3))[:, None]

    found = adversarial.gradient_penalty(critic, *images, jax.random.clone(KEY))
    np.testing.assert_allclose(found, 10 * (18**0.5 - 1) ** 2, rtol=1e-5)


@pytest.mark.same_key
def test_the_gradient_of_the_penalty_goes_through_the_discriminator():
    """Second order in its weights: reverse, forward, finite differences, float64."""
    net = fnn.sequential(fnn.dense(4), jnp.tanh, fnn.dense(4), jnp.tanh, fnn.dense(1))
    params = net.init(jax.random.key(0), POINTS[0])

    def loss(params, real, fake):
        critic = functools.partial(net.apply, params)
        penalty = adversarial.gradient_penalty(critic, real, fake, KEY)
        losses = adversarial.wasserstein(critic(real), critic(fake))
        return losses.discriminator + penalty

    check_gradients(loss, params, *POINTS, max_coordinates=2)


def test_where_nothing_slopes_the_penalty_has_a_gradient():
    """All rectifiers rest: the norm is 0, whose root has an infinite slope."""

    def penalty(weight):
        def critic(x):
            return jax.nn.relu(x @ weight - 100)

        return adversarial.gradient_penalty(critic, *POINTS, jax.random.clone(KEY))

    value, gradient = jax.value_and_grad(penalty)(jnp.ones((3, 1)))
    assert value == 10
    np.testing.assert_array_equal(gradient, 0)


# ------------------------------------------------------------------------------ packing
def test_packs_have_features_side_by_side():
    x = np.arange(48).reshape(6, 2, 2, 2)
    found = adversarial.packed(x, 3)
    assert found.shape == (2, 2, 2, 6)
    for pack, examples in zip(found, (x[:3], x[3:]), strict=True):
        np.testing.assert_array_equal(pack, np.concatenate(examples, -1))
    np.testing.assert_array_equal(adversarial.packed(x, 1), x)


def test_a_packed_discriminator_judges_several_together():
    net = fnn.sequential(functools.partial(adversarial.packed, m=2), fnn.dense(1))
    params = net.init(jax.random.key(0), POINTS[0][:4])
    assert params[1]["weight"].shape == (6, 1)
    logits = net.apply(params, POINTS[0][:4])
    flat = POINTS[0][:4].reshape(2, 6)
    np.testing.assert_allclose(logits, flat @ params[1]["weight"], rtol=1e-5, atol=1e-6)


# ----------------------------------------------------------------------- Parzen windows
def test_windows_give_the_density_of_scipy_and_scikit_learn():
    """Of more examples than are gone through at once, far from 0."""
    samples = RANDOM.normal(size=(30, 3)) * 0.5 + 20
    x = RANDOM.normal(size=(130, 3)) + 20
    found = adversarial.parzen_log_likelihood(
        samples.astype("float32"), x.astype("float32"), 0.4
    )
    density = KernelDensity(bandwidth=0.4).fit(samples).score_samples(x)
    np.testing.assert_allclose(found, density, rtol=1e-4)  # float32, far from 0
    by_scipy = np.mean(
        [multivariate_normal(s, 0.4**2).pdf(x[0]) for s in samples], dtype=float
    )
    np.testing.assert_allclose(density[0], np.log(by_scipy), rtol=1e-10)


def test_the_bandwidth_makes_examples_most_likely():
    samples, x = RANDOM.normal(size=(2, 60, 2)).astype(np.float32)
    bandwidths = np.array([0.05, 0.2, 0.4, 0.8, 3.0], np.float32)
    means = [
        adversarial.parzen_log_likelihood(samples, x, b).mean() for b in bandwidths
    ]
    assert 0 < np.argmax(means) < 4
    found = adversarial.parzen_bandwidth(samples, x, bandwidths)
    assert found == bandwidths[np.argmax(means)]


def test_the_windows_integrate_to_one():
    line = np.linspace(-6, 6, 401, dtype=np.float32)
    found = adversarial.parzen_log_likelihood(REAL[:3, None] / 3, line[:, None], 0.5)
    np.testing.assert_allclose(np.sum(np.exp(found)) * 12 / 400, 1, rtol=1e-5)


# -------------------------------------------------------------------------------- modes
def test_a_sample_counts_for_the_nearest_mode_if_it_is_near():
    modes = np.array([[0, 0], [1, 0], [0, 1], [5, 5]], np.float32)
    samples = np.array(
        [[0.1, 0], [0, -0.2], [0.9, 0.1], [0.31, 0], [0, 1.29], [9, 9]], np.float32
    )
    found = adversarial.mode_counts(samples, modes, radius=0.3)
    assert found.dtype == jnp.int32
    assert found.tolist() == [2, 1, 1, 0]
    wider = jax.jit(lambda r: adversarial.mode_counts(samples, modes, radius=r))(0.32)
    assert wider.tolist() == [3, 1, 1, 0]


# -------------------------------------------------------------------------- wrong calls
X = np.ones((4, 2), np.float32)
LOSSES = (adversarial.minimax, adversarial.non_saturating, adversarial.wasserstein)
A = "gradient_penalty: expected "
PARZEN, WIDTH = "parzen_log_likelihood: expected ", "parzen_bandwidth: expected "


def flat(x):
    return x[:, 0]


def penalty(critic=flat, real=X, fake=X, key=KEY, **options):
    adversarial.gradient_penalty(critic, real, fake, key, **options)


def windows(samples=X, x=X, bandwidth=1.0):
    adversarial.parzen_log_likelihood(samples, x, bandwidth)


def bandwidths(samples=X, x=X, bandwidths=X[0]):
    adversarial.parzen_bandwidth(samples, x, bandwidths)


def counts(samples=X, modes=X, radius=1.0):
    adversarial.mode_counts(samples, modes, radius=radius)


WRONG = [
    *(
        (functools.partial(loss, *args), error, f"{loss.__name__}: expected {said}")
        for loss in LOSSES
        for args, error, said in [
            ((1.0, X), TypeError, "real to be an array, got float."),
            ((X, np.ones(3, int)), TypeError, "fake of floating dtype, got int64."),
            ((X, X[:0]), ValueError, "fake of at least one logit, got (0, 2)."),
        ]
    ),
    (lambda: penalty("net"), TypeError, A + "critic to be a function, got 'net'."),
    (
        lambda: penalty(real=X[:3]),
        ValueError,
        A + "real and fake of one shape (examples, ..., n), got (3, 2) and (4, 2).",
    ),
    (
        lambda: penalty(real=X[0], fake=X[0]),
        ValueError,
        A + "real and fake of one shape (examples, ..., n), got (2,) and (2,).",
    ),
    (
        lambda: penalty(fake=X.astype(int)),
        TypeError,
        A + "fake of floating dtype, got int64.",
    ),
    (
        lambda: penalty(key=3),
        TypeError,
        "gradient_penalty(critic, real, fake, key): expected one key made by "
        "jax.random.key, got 3.",
    ),
    (lambda: penalty(weight=-1), ValueError, A + "weight of at least 0, got -1."),
    (lambda: penalty(pack=0), ValueError, A + "pack of at least 1, got 0."),
    (
        lambda: penalty(pack=3),
        ValueError,
        f"{A}packs of 3 examples each, got {len(X)} examples.",
    ),
    (
        lambda: penalty(lambda x: (x, ())),
        TypeError,
        A + "critic to give floating values, got (float32[4, 2], ()).",
    ),
    (
        lambda: adversarial.packed(X, 0),
        ValueError,
        "packed: expected m of at least 1, got 0.",
    ),
    (
        lambda: adversarial.packed(X, 2.0),
        TypeError,
        "packed: expected m to be an int, got 2.0.",
    ),
    (
        lambda: adversarial.packed(X, 3),
        ValueError,
        "packed: expected x of shape (b, ..., n), b a multiple of 3, got (4, 2).",
    ),
    (
        lambda: adversarial.packed(X[0], 2),
        ValueError,
        "packed: expected x of shape (b, ..., n), b a multiple of 2, got (2,).",
    ),
    (
        lambda: windows(x=X[:, :1]),
        ValueError,
        PARZEN + "samples (n, d) and x (m, d), at least one of each, got (4, 2) and "
        "(4, 1).",
    ),
    (
        lambda: windows(samples=X[0]),
        ValueError,
        PARZEN + "samples (n, d) and x (m, d), at least one of each, got (2,) and "
        "(4, 2).",
    ),
    (lambda: windows(bandwidth=0), ValueError, PARZEN + "bandwidth above 0, got 0."),
    (
        lambda: windows(X.astype(int)),
        TypeError,
        PARZEN + "samples of floating dtype, got int64.",
    ),
    (
        lambda: bandwidths(bandwidths=X),
        ValueError,
        WIDTH + "bandwidths of shape (k,), got (4, 2).",
    ),
    (
        lambda: bandwidths(bandwidths=np.array([0.5, -1.0])),
        ValueError,
        WIDTH + "bandwidths above 0, got -1.0 among them.",
    ),
    (
        lambda: bandwidths(bandwidths=[0.1]),
        TypeError,
        WIDTH + "bandwidths to be an array, got list.",
    ),
    (
        lambda: bandwidths(x=X[:0]),
        ValueError,
        WIDTH + "samples (n, d) and x (m, d), at least one of each, got (4, 2) and "
        "(0, 2).",
    ),
    (
        lambda: counts(modes=X[:, :1]),
        ValueError,
        "mode_counts: expected samples (n, d) and modes (m, d), at least one of each, "
        "got (4, 2) and (4, 1).",
    ),
    (
        lambda: counts(radius=0.0),
        ValueError,
        "mode_counts: expected radius above 0, got 0.0.",
    ),
    (
        lambda: counts(radius="3"),
        TypeError,
        "mode_counts: expected radius to be a number, got '3'.",
    ),
]


@pytest.mark.same_key
@pytest.mark.parametrize(("call", "error", "sentence"), WRONG)
def test_wrong_call(call, error, sentence):
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error
    assert caught.value.args == (sentence,)
