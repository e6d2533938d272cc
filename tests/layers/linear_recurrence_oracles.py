"""Linear recurrences a step after the other, by their equations."""

import functools

import jax
import numpy as np
import pytest

import fnn


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def drawn(layer, x):
    return layer.init(jax.random.key(0), x)


def assert_close(a, b, atol=1e-5):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=atol), a, b)


def ring_modes(params):
    """Eigenvalues and gains by the equations of the LRU, in float64."""
    nu, theta, gain = (
        np.exp(np.asarray(params[name], np.float64))
        for name in ("log_decay", "log_phase", "log_gain")
    )
    return np.exp(-nu + 1j * theta), gain


def held_modes(params):
    """The same of a state space: its equation solved for an input that is constant."""
    decay, frequency, step = (
        np.asarray(params[name], np.float64)
        for name in ("log_decay", "frequency", "log_step")
    )
    poles, step = -np.exp(decay) + 1j * frequency, np.exp(step)
    solved = np.zeros((len(poles), 2), complex)
    for i in range(len(poles)):
        # The exponential of [[pole, 1], [0, 0]] * step, which carries (h, x), by its
        # series.
        matrix = np.array([[poles[i], 1], [0, 0]]) * step[i]
        term = np.eye(2, dtype=complex)
        for k in range(1, 60):
            solved[i] += term[0]
            term = term @ matrix / k
    return solved[:, 0], solved[:, 1]


def loop(modes, params, x, *, groups=1, start=0.0, reverse=False):
    """One sequence ``(time, n)``, a step after the other; the last h and y."""
    eigenvalues, gains = modes(params)
    b, c = (
        np.asarray(params[name]["real"], np.float64)
        + 1j * np.asarray(params[name]["imag"], np.float64)
        for name in ("input", "output")
    )
    d = np.asarray(params.get("skip", np.zeros(x.shape[-1])), np.float64)
    h, y = np.zeros(len(eigenvalues), complex) + start, np.zeros(x.shape)
    per_group, features = len(h) // groups, x.shape[-1] // groups
    for t in reversed(range(len(x))) if reverse else range(len(x)):
        for j in range(len(h)):
            g = j // per_group
            u = x[t, g * features : (g + 1) * features] @ b[:, j]
            h[j] = eigenvalues[j] * h[j] + gains[j] * u
        for k in range(x.shape[-1]):
            g = k // features
            part = h[g * per_group : (g + 1) * per_group] @ c[:, k]
            y[t, k] = part.real + d[k] * x[t, k]
    return h, y


BOTH = [
    pytest.param(fnn.linear_recurrence, ring_modes, id="ring"),
    pytest.param(
        functools.partial(fnn.state_space, step_min=0.01, step_max=1.0),
        held_modes,
        id="held",
    ),
]
LAYERS = [fnn.linear_recurrence, fnn.state_space]
X = normal(0, 2, 7, 4)
