"""Finite differences that know how far they can be trusted, and what a kink is.

Each derivative is estimated three times from seven equally spaced values: by the
central difference of sixth order, and by the one-sided differences of third order on
the right and on the left. Where the function is smooth all three agree; where a kink
lies within reach, they don't, but one of them is right as long as its side is clean.
"""

from typing import NamedTuple

import numpy as np

OFFSETS = np.arange(-3.0, 4.0)
STENCILS = np.array(
    [
        [-1 / 60, 3 / 20, -3 / 4, 0, 3 / 4, -3 / 20, 1 / 60],
        [0, 0, 0, -11 / 6, 3, -3 / 2, 1 / 3],
        [-1 / 3, 3 / 2, -3, 11 / 6, 0, 0, 0],
    ]
)
# In units of the typical size of the coordinate. The first is right for nearly all;
# large steps resolve tiny derivatives, small ones fit between kinks that are close.
# No round numbers, which may be the period of a function.
STEPS = 0.83 * np.array([1e-3, 3e-1, 1e-1, 1e-2, 1e-4, 1e-5, 1e-6, 1e-7])
# Steps of no effect, at which only rounding shows.
NOISE_STEPS = np.array([1e-10, 3e-10, 1e-9, 3e-9])
# A derivative is resolved where rounding hides at most a tenth of one percent of it.
RESOLVED = 1e-3
# Six standard deviations of rounding, as each stencil amplifies it.
ROUNDING = 6 * np.linalg.norm(STENCILS, axis=1)


class Verdict(NamedTuple):
    """What differences say about n derivatives of k outputs."""

    proven: np.ndarray  # (n,): the derivative is right, for all outputs
    accepted: np.ndarray  # (n,): it is right as far as rounding lets these steps tell
    wrong: np.ndarray  # (n, k): it is not, and the function is smooth there
    estimates: np.ndarray  # (n, k): what it should have been
    slack: np.ndarray  # (n, k): how far off it may be


def judge(
    derivatives: np.ndarray,
    changes: np.ndarray,
    steps: np.ndarray,
    noise: np.ndarray,
    tolerance: float,
) -> Verdict:
    """Compares `derivatives (n, k)` with the `changes (s, n, 7, k)` at `steps (s,)`.

    `noise (n, k)` is the standard deviation of each change.

    A derivative is proven by any estimate that agrees with it and in which rounding
    could not hide an error of one percent: an estimate that a kink has spoilt agrees
    with a wrong derivative only by a chance of about `tolerance`. Where the three
    estimates agree with each other, the function is smooth, and a derivative that
    agrees with none is wrong; of several such steps, the one decides at which they are
    closest. That also accepts what rounding hides, such as a derivative of zero. Where
    neither holds, kinks are too close on both sides.
    """
    estimates = np.einsum("eo,snok->esnk", STENCILS, changes)
    estimates = estimates / steps[None, :, None, None]
    rounding = (
        ROUNDING[:, None, None, None] * noise[None, None] / steps[None, :, None, None]
    )
    size = np.fmax(np.abs(derivatives)[None], np.abs(estimates[0]))
    slack = tolerance * size[None] + rounding

    agrees = np.abs(estimates - derivatives[None, None]) <= slack
    resolved = rounding <= RESOLVED * np.abs(derivatives)[None, None]
    proven = (agrees & resolved).any(axis=(0, 1))
    proven |= (changes == 0).all(axis=(0, 2)) & (derivatives == 0)

    spread = np.abs(estimates[1:] - estimates[:1]).max(axis=0)
    smooth = spread <= tolerance * np.abs(estimates[0]) + rounding[1]
    doubt = np.where(smooth, spread + rounding[0], np.inf)
    best = doubt.argmin(axis=0)[None]
    estimate, slack, smooth = (
        np.take_along_axis(values, best, axis=0)[0]
        for values in (estimates[0], slack[0] + spread, smooth)
    )
    right = proven | (smooth & (np.abs(estimate - derivatives) <= slack))
    wrong = smooth & ~right
    return Verdict(proven.all(axis=1), right.all(axis=1), wrong, estimate, slack)


def noise_samples(changes: np.ndarray) -> np.ndarray:
    """Samples of the size of rounding errors, `(s, n, 7, k) -> (2, s, n, k)`.

    Third differences on either side of the point, over the root of 1 + 9 + 9 + 1: at
    `NOISE_STEPS` they cancel all that is smooth, and a kink at the point.

    References:
      Jorge J. Moré and Stefan M. Wild, "Estimating computational noise", 2011.
    """
    sides = np.stack([changes[:, :, :4], changes[:, :, 3:]])
    return np.abs(np.diff(sides, n=3, axis=3)[:, :, :, 0]) / np.sqrt(20)
