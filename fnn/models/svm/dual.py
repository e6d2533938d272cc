"""Kernel machines in the dual, by sequential minimal optimisation."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from fnn.layers.checks import check_count, check_functions
from fnn.models.svm.checks import (
    check_C,
    check_tolerance,
    examples_and_signs,
    warn_unless_reached,
)
from fnn.models.svm.kernels import Kernel
from fnn.models.svm.losses import Loss, check_loss, conjugate, hinge
from fnn.models.svm.machines import KernelSVM


def fit_kernel(
    kernel: Kernel,
    x: Any,
    y: Any,
    *,
    C: float | Array = 1.0,
    loss: Loss = hinge,
    tolerance: float | Array = 1e-3,
    steps: int = 10_000_000,
) -> KernelSVM:
    """The machine of a kernel with the largest `dual_objective`.

    Its bias is not regularised, as in LIBSVM, whose machine under `hinge` this is.
    Each step moves the pair of dual variables that promises most; `kernel(x, x)` is
    kept, ``examples ** 2`` numbers. Under `jax.jit` and `jax.vmap`, over ``C`` or an
    option of the kernel, it works as elsewhere, but values are not checked there.

    Args:
      kernel: `linear`, `rbf`, `polynomial`, or a function of two arrays that gives
        their Gram matrix, ``(..., n), (m, n) -> (..., m)``.
      x: Examples ``(examples, n)``, floating, computed with in at least float32. A
        constant feature does no harm.
      y: Their signs: integers ``(examples,)`` of -1 and 1, or rows ``(machines,
        examples)`` to fit several machines at once, as `one_against_rest` makes. 0
        leaves an example out.
      C: The price of the loss, above 0: the smaller, the softer the margin.
      loss: `hinge` or `squared_hinge`.
      tolerance: It stops where no pair violates its optimality by more, above 0.
      steps: It stops, and warns, after so many; at least 1.

    Returns:
      A `KernelSVM` whose ``vectors`` are ``x``, in which `pruned` leaves the support
      vectors.

    Raises:
      TypeError: If an argument is of the wrong kind.
      ValueError: If shapes do not agree, there are no examples, ``x`` is not finite or
        constant, ``y`` lacks one sign or has values that are none, or an option is out
        of range.

    Example:
      >>> svm = fnn.models.svm
      >>> x = jnp.array([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
      >>> machine = svm.fit_kernel(svm.rbf(1.0), x, jnp.array([1, 1, -1, -1]), C=10.0)
      >>> svm.predict(machine, x)
      Array([ 1,  1, -1, -1], dtype=int32)

    References:
      Fan, Chen and Lin, Working set selection using second order information for
      training support vector machines, 2005, algorithm 2 (WSS 2) and section 4.
    """
    check_functions("fit_kernel", kernel=kernel)
    check_C("fit_kernel", C)
    check_loss("fit_kernel", loss)
    check_tolerance("fit_kernel", tolerance)
    check_count("fit_kernel", "steps", steps)
    x, y = examples_and_signs("fit_kernel", x, y)
    gram = kernel(x, x)
    if gram.shape != (len(x), len(x)):
        raise ValueError(
            f"fit_kernel: expected a kernel that gives {(len(x), len(x))} for x and x, "
            f"got {gram.shape}."
        )
    dtype = x.dtype
    C, tolerance = jnp.asarray(C, dtype), jnp.asarray(tolerance, dtype)
    coef, bias, violation = _fitted(gram, y, C, tolerance, loss=loss, steps=steps)
    warn_unless_reached(
        "fit_kernel", violation <= tolerance, violation, "violations of optimality"
    )
    return KernelSVM(kernel, x, coef, bias)


class _Pairs(NamedTuple):
    """Where the solver stands."""

    coef: Array  # signed dual variables
    errors: Array  # y - gram @ coef: biases at which each example is on its margin
    step: Array


def _fitted(gram, y, C, tolerance, *, loss, steps):
    def of(y):
        return _solved(gram, y, C, tolerance, loss, steps)

    return jax.vmap(of)(y) if y.ndim == 2 else of(y)


_fitted = jax.jit(_fitted, static_argnames=("loss", "steps"))


def _solved(gram, y, C, tolerance, loss, steps):
    """Dual variables with their signs, bias and what violates optimality most."""
    most, curvature = conjugate(loss, C)
    upper = jnp.where(y > 0, most, 0).astype(gram.dtype)
    lower = jnp.where(y < 0, -most, 0).astype(gram.dtype)
    diagonal = jnp.diagonal(gram) + curvature

    def extremes(state):
        """Of those that can grow the largest error, of those that can shrink, all."""
        up = jnp.where(state.coef < upper, state.errors, -jnp.inf)
        down = jnp.where(state.coef > lower, state.errors, jnp.inf)
        return up, down

    def unfinished(state):
        up, down = extremes(state)
        return (up.max() - down.min() > tolerance) & (state.step < steps)

    def move(state):
        coef, errors, step = state
        up, down = extremes(state)
        i = jnp.argmax(up)
        gains = errors[i] - down
        curves = jnp.maximum(diagonal[i] + diagonal - 2 * gram[i], TINY)
        j = jnp.argmax(jnp.where(gains > 0, jnp.square(gains) / curves, -jnp.inf))
        room_up, room_down = upper[i] - coef[i], coef[j] - lower[j]
        t = jnp.minimum(gains[j] / curves[j], jnp.minimum(room_up, room_down))
        # Those that reach a bound are put on it, whatever rounding would leave.
        at_i = jnp.where(t == room_up, upper[i], coef[i] + t)
        at_j = jnp.where(t == room_down, lower[j], coef[j] - t)
        errors = errors - t * (gram[i] - gram[j])
        errors = errors.at[i].add(-t * curvature).at[j].add(t * curvature)
        return _Pairs(coef.at[i].set(at_i).at[j].set(at_j), errors, step + 1)

    start = _Pairs(jnp.zeros_like(y), y, jnp.zeros((), jnp.int32))
    end = lax.while_loop(unfinished, move, start)
    up, down = extremes(end)
    free = (end.coef > lower) & (end.coef < upper)
    count = jnp.sum(free, dtype=y.dtype)
    mean = jnp.sum(jnp.where(free, end.errors, 0)) / jnp.maximum(count, 1)
    bias = jnp.where(count > 0, mean, (up.max() + down.min()) / 2)
    return end.coef, bias, up.max() - down.min()


TINY = 1e-12  # in place of curvatures that are not positive, as in LIBSVM
