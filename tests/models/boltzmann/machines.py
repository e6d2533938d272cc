"""Machines small enough to be gone through, in float64 NumPy."""

import itertools
from typing import Any

import numpy as np


def states(units: int) -> np.ndarray:
    return np.array(list(itertools.product((0.0, 1.0), repeat=units))).reshape(
        -1, units
    )


def machine(visible: int, hidden: int, seed: int = 0, gaussian: bool = False) -> Any:
    """Params far from where learning begins, in float32."""
    normal = np.random.default_rng(seed).normal
    params = {
        "weight": normal(size=(visible, hidden)),
        "visible_bias": normal(size=visible),
        "hidden_bias": normal(size=hidden),
    }
    if gaussian:
        params["log_scale"] = 0.3 * normal(size=visible)
    return {name: a.astype(np.float32) for name, a in params.items()}


def wide(params: Any) -> Any:
    return {name: np.asarray(a, np.float64) for name, a in params.items()}


def log_sum(x: np.ndarray, axis: int | None = None) -> Any:
    """``log(sum(exp(x)))``."""
    return np.logaddexp.reduce(x, axis=axis)


def log_weights(params: Any) -> np.ndarray:
    """``-E(v, h)`` of a binary machine, for all v in rows and all h in columns."""
    w, b, c = (wide(params)[n] for n in ("weight", "visible_bias", "hidden_bias"))
    v, h = states(len(b)), states(len(c))
    return (v @ b)[:, None] + h @ c + v @ w @ h.T


def probabilities(params: Any) -> np.ndarray:
    """Of each state of the visible units of a binary machine."""
    joint = log_weights(params)
    return np.exp(log_sum(joint, axis=1) - log_sum(joint))


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def transitions(params: Any) -> np.ndarray:
    """Probability of each visible state after each, by a step of block Gibbs."""
    joint = np.exp(log_weights(params))
    upwards = joint / joint.sum(1, keepdims=True)
    downwards = joint / joint.sum(0, keepdims=True)
    return upwards @ downwards.T
