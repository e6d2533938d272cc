"""Long sequences at once: layers whose state follows a linear, diagonal recurrence."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.core import Tracer
from jax.nn.initializers import normal, variance_scaling
from jax.typing import DTypeLike

from fnn.contract import Layer, constructor
from fnn.layers.checks import check_count, check_number
from fnn.layers.diagonal_recurrence import Diagonal
from fnn.layers.initialization import Initializer, draw
from fnn.shapes import word


@constructor
def linear_recurrence(
    state: int,
    *,
    r_min: float | Array = 0.0,
    r_max: float | Array = 1.0,
    max_phase: float | Array = 2 * math.pi,
    groups: int = 1,
    use_skip: bool = True,
    reverse: bool = False,
    keep_carry: bool = False,
    return_carry: bool = False,
    input_init: Initializer = variance_scaling(0.5, "fan_in", "normal"),
    output_init: Initializer = variance_scaling(1.0, "fan_in", "normal"),
    skip_init: Initializer = normal(1.0),
    param_dtype: DTypeLike = jnp.float32,
) -> Layer:
    """Linear recurrent unit (LRU), ``(batch..., time, n) -> (batch..., time, n)``.

    ``h[t] = lambda * h[t - 1] + gamma * (x[t] @ B)``, ``y[t] = real(h[t] @ C) + D *
    x[t]``, with complex h, B and C, and ``lambda = exp(-exp(log_decay) + i *
    exp(log_phase))``, always inside the unit circle. All steps are computed at once, by
    `jax.lax.associative_scan`, or on a CPU in turn. It is linear: put it between
    non-linear layers. By `decoding` it takes a step at a time, with a state that does
    not grow.

    Inputs by name, as of `recurrent`: ``lengths``, integers ``(batch...)``, from where
    on steps are padding, which leaves h as it is and whose outputs are zero; ``carry``,
    complex ``(batch..., state)``, h before the first step, by default zeros. `apply`
    takes inputs without a batch axis, too; `init` wants one.

    Params: ``log_decay``, ``log_phase`` and ``log_gain (state,)``, the last
    ``log(gamma)``; ``input/real`` and ``input/imag (n / groups, state)``, B;
    ``output/real`` and ``output/imag (state / groups, n)``, C; ``skip (n,)``, D. All
    are real. At first ``lambda`` is uniform on a ring and ``gamma = sqrt(1 -
    abs(lambda) ** 2)``, by which white noise gives h the same variance whatever
    ``lambda``. State, with ``keep_carry``: h.

    Args:
      state: How many complex numbers h has; at least 1, and a multiple of ``groups``.
      r_min: The least ``abs(lambda)`` at first, in [0, 1).
      r_max: The greatest, above ``r_min``, at most 1. Long memory needs a ring near 1.
      max_phase: The greatest angle of ``lambda`` at first, in radians, in (0, 2 pi].
      groups: How many equal parts features and state are cut into, each a recurrence by
        itself.
      use_skip: Whether ``D * x[t]`` is added.
      reverse: Whether to run from the last step to the first; with ``lengths``, from
        the last that is no padding.
      keep_carry: Whether the last h is state, from which the next call goes on.
        ``carry=`` overrides it.
      return_carry: Whether to return ``(carry, y)``, with the last h.
      input_init: Draws real and imaginary part of B; by default normal, of variance
        ``groups / (2 * n)``.
      output_init: Likewise of C; of variance ``groups / state``.
      skip_init: Draws D; by default normal, of variance 1.
      param_dtype: Floating dtype of the parameters; ``y`` has the dtype that ``x`` and
        they promote to, h at least complex64.

    Raises:
      TypeError: If an option or an input is of the wrong kind.
      ValueError: If an option is out of range, an input has another shape, or lengths
        whose values are known are out of range.

    Example:
      >>> layer = fnn.linear_recurrence(16, r_min=0.9, r_max=0.999)
      >>> x = jnp.ones((2, 1000, 4))
      >>> params = layer.init(jax.random.key(0), x)
      >>> layer.apply(params, x, lengths=jnp.array([1000, 2])).shape
      (2, 1000, 4)

    References:
      Orvieto, Smith, Gu, Fernando, Gulcehre, Pascanu and De, Resurrecting recurrent
      neural networks for long sequences, 2023, lemma 3.2 for the ring and equations 6
      and 7 for gamma.
    """
    owner = "linear_recurrence"
    check_number(owner, "r_min", r_min, "in [0, 1)", lambda r: 0 <= r < 1)
    check_number(owner, "r_max", r_max, "in (0, 1]", lambda r: 0 < r <= 1)
    _check_order(owner, "r_min", r_min, "r_max", r_max)
    full = 2 * math.pi
    check_number(owner, "max_phase", max_phase, "in (0, 2 pi]", lambda p: 0 < p <= full)

    def draw_modes(key, dtype):
        keys = jax.random.split(key)
        u, v = (_between_0_and_1(k, (state,), dtype) for k in keys)
        low, high = (jnp.asarray(r, dtype) for r in (r_min, r_max))
        # abs(lambda) ** 2 is uniform, so that lambda is. Logarithms of what is near 1
        # are taken of its distance from 1.
        decay = -0.5 * jnp.log1p(-u * (1 - (low / high) ** 2)) - jnp.log(high)
        return {
            "log_decay": jnp.log(decay),
            "log_phase": jnp.log(jnp.asarray(max_phase, dtype) * v),
            "log_gain": 0.5 * jnp.log(-jnp.expm1(-2 * decay)),
        }

    def modes(params):
        radius = jnp.exp(-jnp.exp(params["log_decay"]))
        phase, gains = jnp.exp(params["log_phase"]), jnp.exp(params["log_gain"])
        eigenvalues = lax.complex(radius * jnp.cos(phase), radius * jnp.sin(phase))
        return eigenvalues, lax.complex(gains, jnp.zeros_like(gains))

    return Diagonal(
        owner=owner,
        state=state,
        draw_modes=draw_modes,
        modes=modes,
        names=("log_decay", "log_phase", "log_gain"),
        groups=groups,
        use_skip=use_skip,
        reverse=reverse,
        keep_carry=keep_carry,
        return_carry=return_carry,
        input_init=input_init,
        output_init=output_init,
        skip_init=skip_init,
        param_dtype=param_dtype,
    ).layer()


@constructor
def state_space(
    state: int,
    *,
    frequency_init: str | Initializer = "LEGS",
    blocks: int = 1,
    step_min: float | Array = 0.001,
    step_max: float | Array = 0.1,
    groups: int = 1,
    use_skip: bool = True,
    reverse: bool = False,
    keep_carry: bool = False,
    return_carry: bool = False,
    input_init: Initializer = variance_scaling(0.5, "fan_in", "normal"),
    output_init: Initializer = variance_scaling(1.0, "fan_in", "normal"),
    skip_init: Initializer = normal(1.0),
    param_dtype: DTypeLike = jnp.float32,
) -> Layer:
    """Diagonal state space (S5, S4D), ``(batch..., time, n) -> (batch..., time, n)``.

    ``dh/ds = lambda * h + x @ B``, ``y = real(h @ C) + D * x``, with complex h, B and
    C, and ``lambda = -exp(log_decay) + i * frequency``, which always decays. Steps are
    ``exp(log_step)`` apart and x is constant between them (a zero-order hold), so that
    exactly ``h[t] = exp(lambda * step) * h[t - 1] + (exp(lambda * step) - 1) / lambda *
    (x[t] @ B)``. All are computed at once, by `jax.lax.associative_scan`, or on a CPU
    in turn. Add ``log(2)`` to ``log_step`` for sequences sampled half as often. Each
    complex number stands for itself and its conjugate, whose share of y is in C.

    With ``groups=1`` it is an S5. With as many groups as features, each of which has a
    recurrence of its own, it is an S4D (whose states have one step a feature, here one
    each); a `dense` then mixes the features.

    Inputs by name are those of `linear_recurrence`, ``lengths`` and ``carry``; and so
    is what it does in `decoding`.

    Params: ``log_decay (state,)``, log(0.5) at first; ``frequency (state,)``;
    ``log_step (state,)``; ``input/real`` and ``input/imag (n / groups, state)``, B;
    ``output/real`` and ``output/imag (state / groups, n)``, C; ``skip (n,)``, D. All
    are real. State, with ``keep_carry``: h.

    Args:
      state: How many complex numbers h has; at least 1, and a multiple of ``groups``
        times ``blocks``.
      frequency_init: Of N complex numbers, the imaginary parts of ``lambda`` at first:
        ``"LEGS"``, the positive eigenvalues of the normal part of HiPPO-LegS, as in S5;
        ``"LIN"``, ``pi * k`` for k = 0, 1, ...; ``"INV"``, ``2 * N / pi * (2 * N /
        (2 * k + 1) - 1)``; or a function that draws all of them.
      blocks: How many times these N = ``state / (groups * blocks)`` frequencies are
        repeated in a group.
      step_min: The least step at first, above 0.
      step_max: The greatest, above ``step_min``. Steps are log-uniform between them; a
        memory is about ``2 / step`` long.
      groups: How many equal parts features and state are cut into, each a recurrence by
        itself.
      use_skip: Whether ``D * x`` is added.
      reverse: Whether to run from the last step to the first; with ``lengths``, from
        the last that is no padding.
      keep_carry: Whether the last h is state, from which the next call goes on.
        ``carry=`` overrides it.
      return_carry: Whether to return ``(carry, y)``, with the last h.
      input_init: Draws real and imaginary part of B; by default normal, of variance
        ``groups / (2 * n)``.
      output_init: Likewise of C; of variance ``groups / state``.
      skip_init: Draws D; by default normal, of variance 1.
      param_dtype: Floating dtype of the parameters; ``y`` has the dtype that ``x`` and
        they promote to, h at least complex64.

    Raises:
      TypeError: If an option or an input is of the wrong kind.
      ValueError: If an option is out of range, an input has another shape, or lengths
        whose values are known are out of range.

    Example:
      >>> layer = fnn.state_space(16)
      >>> x = jnp.ones((2, 1000, 4))
      >>> params = layer.init(jax.random.key(0), x)
      >>> layer.apply(params, x).shape
      (2, 1000, 4)
      >>> back = fnn.state_space(16, reverse=True)
      >>> both_ways = fnn.parallel(layer, back, combine=sum)

    References:
      Smith, Warrington and Linderman, Simplified state space layers for sequence
      modeling, 2022, equations 5 and 6; Gu, Gupta, Goel and Re, On the parameterization
      and initialization of diagonal state space models, 2022, section 4, for
      frequencies.
    """
    owner = "state_space"
    named = isinstance(frequency_init, str) and frequency_init in SPECTRA
    if not named and not callable(frequency_init):
        raise ValueError(
            f"{owner}: expected frequency_init to be one of {', '.join(SPECTRA)}, or a "
            f"function, got {word(frequency_init)}."
        )
    check_count(owner, "blocks", blocks)
    for name, step in (("step_min", step_min), ("step_max", step_max)):
        check_number(owner, name, step, "above 0", lambda s: s > 0)
    _check_order(owner, "step_min", step_min, "step_max", step_max)

    def draw_modes(key, dtype):
        low, high = (jnp.log(jnp.asarray(s, dtype)) for s in (step_min, step_max))
        frequency_key, step_key = jax.random.split(key)
        if callable(frequency_init):
            args = frequency_key, (state,), dtype
            frequency = draw(owner, "frequency_init", frequency_init, *args)
        else:
            times = groups * blocks
            one = SPECTRA[frequency_init](state // times)
            frequency = jnp.asarray(np.tile(one, times), dtype)
        return {
            "log_decay": jnp.full((state,), math.log(0.5), dtype),
            "frequency": frequency,
            "log_step": jax.random.uniform(step_key, (state,), dtype, low, high),
        }

    def modes(params):
        decay, step = jnp.exp(params["log_decay"]), jnp.exp(params["log_step"])
        poles = lax.complex(-decay, params["frequency"])
        held = jnp.expm1(lax.complex(-decay * step, params["frequency"] * step))
        return held + 1, held / poles

    diagonal = Diagonal(
        owner=owner,
        state=state,
        draw_modes=draw_modes,
        modes=modes,
        names=("log_decay", "frequency", "log_step"),
        groups=groups,
        use_skip=use_skip,
        reverse=reverse,
        keep_carry=keep_carry,
        return_carry=return_carry,
        input_init=input_init,
        output_init=output_init,
        skip_init=skip_init,
        param_dtype=param_dtype,
    )
    if state % (groups * blocks):
        raise ValueError(
            f"{owner}: expected state to be a multiple of groups * blocks = "
            f"{groups * blocks}, got {state}."
        )
    return diagonal.layer()


# -------------------------------------------------------------- where eigenvalues start
def _legs(count: int) -> Any:
    """The positive ones, of the normal part of HiPPO-LegS."""
    root = np.sqrt(np.arange(2 * count) + 0.5)
    skew = np.triu(np.outer(root, root), 1)
    return np.linalg.eigvalsh(1j * (skew - skew.T))[count:]


def _lin(count: int) -> Any:
    return np.pi * np.arange(count)


def _inv(count: int) -> Any:
    size = 2 * count
    return size / np.pi * (size / (2 * np.arange(count) + 1) - 1)


SPECTRA: dict[Any, Callable[[int], Any]] = {"LEGS": _legs, "LIN": _lin, "INV": _inv}


def _between_0_and_1(key: Any, shape: tuple[int, ...], dtype: Any) -> Array:
    """Uniform, and never 0 or so little that it becomes it: logarithms are taken."""
    return jax.random.uniform(key, shape, dtype, minval=jnp.finfo(dtype).eps)


def _check_order(owner: str, low: str, least: Any, high: str, most: Any) -> None:
    """Raises where the least is not the lesser one, as far as they are known."""
    if isinstance(least, Tracer) or isinstance(most, Tracer) or least < most:
        return
    raise ValueError(
        f"{owner}: expected {high} above {low} = {float(least)}, got {float(most)}."
    )
