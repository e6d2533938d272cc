"""Linear machines in the primal, by truncated Newton steps of JAX's gradients."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.scipy.sparse.linalg import cg

from fnn.layers.checks import check_count
from fnn.models.svm.checks import (
    check_C,
    check_penalty,
    check_tolerance,
    examples_and_signs,
    warn_unless_reached,
)
from fnn.models.svm.losses import Loss, check_loss, conjugate, hinge
from fnn.models.svm.machines import LinearSVM

# How long a step may be, relative to Newton's; short ones cross the first kinks where
# no example curves the objective yet.
LENGTHS = 0.25 ** np.arange(16)


def fit_linear(
    x: Any,
    y: Any,
    *,
    C: float | Array = 1.0,
    loss: Loss = hinge,
    bias_penalty: float | Array = 0.0,
    tolerance: float | Array = 1e-4,
    steps: int = 200,
) -> LinearSVM:
    """The linear machine with the smallest `objective`.

    Newton's steps are solved by conjugate gradients on products with the curvature, all
    derivatives are JAX's. What `hinge` lacks in curvature a square around the dual
    variables lends it, which moves with them and fades, so that the optimum stays what
    it is. Under `jax.jit` and `jax.vmap`, over ``C`` as well, it works as elsewhere,
    but values are not checked there.

    Args:
      x: Examples ``(examples, n)``, floating, computed with in at least float32. A
        constant feature does no harm: it is a second, regularised bias.
      y: Their signs: integers ``(examples,)`` of -1 and 1, or rows ``(machines,
        examples)`` to fit several machines at once, as `one_against_rest` makes. 0
        leaves an example out.
      C: The price of the loss, above 0: the smaller, the softer the margin.
      loss: `hinge` or `squared_hinge`, which is faster.
      bias_penalty: How much of the bias is regularised: 0 as in LIBSVM; 1 as in
        LIBLINEAR, whose ``intercept_scaling`` is ``bias_penalty ** -0.5``.
      tolerance: It stops where the objective is above the smallest one by no more than
        this part of it, above 0. The gap to the dual objective says so, up to the
        slope along a bias that is not regularised.
      steps: It stops, and warns, after so many; at least 1.

    Returns:
      A `LinearSVM`.

    Raises:
      TypeError: If an argument is of the wrong kind.
      ValueError: If shapes do not agree, there are no examples, ``x`` is not finite or
        constant, ``y`` lacks one sign or has values that are none, or an option is out
        of range.

    Example:
      >>> svm = fnn.models.svm
      >>> x, y = jnp.array([[-3.0], [-1.0], [1.0], [2.0]]), jnp.array([-1, -1, 1, 1])
      >>> machine = svm.fit_linear(x, y, C=0.1)
      >>> svm.predict(machine, x)
      Array([-1, -1,  1,  1], dtype=int32)

    References:
      Keerthi and DeCoste, A modified finite Newton method for fast solution of large
      scale linear SVMs, 2005, section 3; Rockafellar, Augmented Lagrangians and
      applications of the proximal point algorithm in convex programming, 1976, section
      4, for the hinge.
    """
    check_C("fit_linear", C)
    check_loss("fit_linear", loss)
    check_penalty("fit_linear", bias_penalty)
    check_tolerance("fit_linear", tolerance)
    check_count("fit_linear", "steps", steps)
    x, y = examples_and_signs("fit_linear", x, y)
    C, penalty, tolerance = (
        jnp.asarray(value, x.dtype) for value in (C, bias_penalty, tolerance)
    )
    machine, gap = _fitted(x, y, C, penalty, tolerance, loss=loss, steps=steps)
    warn_unless_reached("fit_linear", gap <= tolerance, gap, "a relative gap")
    return machine


class _Problem(NamedTuple):
    """One machine's examples, and what its objective is made of."""

    x: Array
    y: Array
    penalty: Array  # of the bias
    most: Array  # of the loss as a largest value, see `Conjugate`
    curvature: Any

    def margins(self, machine: LinearSVM) -> Array:
        # In this order several machines give (machines, examples): on a CPU a product
        # and its transpose are much faster than those of (examples, machines).
        scores = jnp.tensordot(machine.weight, self.x, (0, 1))
        return self.y * (scores + machine.bias)

    def inner(self, one: LinearSVM, other: LinearSVM) -> Array:
        biases = self.penalty * one.bias * other.bias
        return jnp.vdot(one.weight, other.weight) + biases


class _Near(NamedTuple):
    """Dual variables around which a square keeps the next ones, and its weight."""

    duals: Array
    weight: Array


class _Point(NamedTuple):
    """Where the solver stands."""

    machine: LinearSVM
    near: _Near
    gap: Array  # how far from the optimum at most, relative to the objective
    step: Array


def _fitted(x, y, C, penalty, tolerance, *, loss, steps):
    def of(y):
        return _solved(x, y, C, penalty, tolerance, loss, steps)

    return jax.vmap(of)(y) if y.ndim == 2 else of(y)


_fitted = jax.jit(_fitted, static_argnames=("loss", "steps"))


def _solved(x, y, C, penalty, tolerance, loss, steps):
    """A machine, and its gap."""
    most, curvature = conjugate(loss, C)
    most = jnp.where(y == 0, 0, most).astype(x.dtype)
    problem = _Problem(x, y, penalty, most, curvature)

    def go_on(point):
        machine, m = _newton(problem, point.near, point.machine, damping=1e-3 * C)
        duals = _duals(problem, point.near, m)
        losses = jnp.where(y == 0, 0, C * loss(m))
        objective = problem.inner(machine, machine) / 2 + jnp.sum(losses)
        # The dual objective of these duals is less than the primal one by two terms,
        # each of at least 0: of slopes, and of losses.
        slope = jax.grad(_objective)(machine, problem, point.near)
        unpenalised = jnp.where(penalty > 0, penalty, 1)
        slopes = jnp.vdot(slope.weight, slope.weight) + slope.bias**2 / unpenalised
        lacks = losses - duals * (1 - m) + curvature * jnp.square(duals) / 2
        gap = (slopes / 2 + jnp.sum(lacks)) / objective
        # The square moves on where the machine is as near its own optimum as the duals
        # went, or near enough.
        moved = point.near.weight * jnp.sum(jnp.square(duals - point.near.duals))
        there = slopes <= jnp.maximum(moved, tolerance * objective)
        near = _Near(
            jnp.where(there, duals, point.near.duals),
            jnp.where(there, point.near.weight / 2, point.near.weight),
        )
        return _Point(machine, near, gap, point.step + 1)

    # The squared hinge has a curvature of its own.
    weight = 10 / C if loss is hinge else jnp.zeros_like(C)
    start = _Point(
        LinearSVM(jnp.zeros_like(x[0]), jnp.zeros_like(C)),
        _Near(jnp.zeros_like(y), weight),
        jnp.full_like(C, jnp.inf),
        jnp.zeros((), jnp.int32),
    )
    end = lax.while_loop(
        lambda point: (point.gap > tolerance) & (point.step < steps), go_on, start
    )
    return end.machine, end.gap


def _newton(problem, near, machine, damping):
    """The machine after a step, and its margins."""

    def gradient(machine):
        return jax.grad(_objective)(machine, problem, near)

    slope, curve = jax.linearize(gradient, machine)

    def damped(step):
        # So that a bias that nothing curves yet goes somewhere.
        curved = curve(step)
        return curved._replace(bias=curved.bias + damping * step.bias)

    m = problem.margins(machine)
    a = _duals(problem, near, m)
    bent = 1 / (problem.curvature + near.weight)
    bends = jnp.where((a > 0) & (a < problem.most), bent, 0)
    # By its roots a fit took less time than by the diagonal, or without.
    roots = LinearSVM(
        jnp.sqrt(1 + jnp.tensordot(bends, jnp.square(problem.x), (0, 0))),
        jnp.sqrt(problem.penalty + damping + jnp.sum(bends)),
    )
    step, _ = cg(
        damped,
        jax.tree.map(jnp.negative, slope),
        tol=0.1,
        maxiter=100,
        M=lambda step: jax.tree.map(jnp.divide, step, roots),
    )
    dm = problem.margins(step)
    losses = _losses(problem, near, m)

    def gain(length):
        """What the objective loses, without the rounding of its size."""
        others = _losses(problem, near, m + length * dm)
        first = problem.inner(machine, step)
        second = problem.inner(step, step)
        return -jnp.sum(others - losses) - length * (first + length * second / 2)

    lengths = jnp.asarray(LENGTHS, m.dtype)
    length = lengths[jnp.argmax(lax.map(gain, lengths))]
    return jax.tree.map(lambda a, b: a + length * b, machine, step), m + length * dm


def _objective(machine, problem, near):
    """The objective with the square in it."""
    losses = _losses(problem, near, problem.margins(machine))
    return problem.inner(machine, machine) / 2 + jnp.sum(losses)


def _losses(problem, near, m):
    a = _duals(problem, near, m)
    squares = problem.curvature * jnp.square(a)
    return a * (1 - m) - (squares + near.weight * jnp.square(a - near.duals)) / 2


def _duals(problem, near, m):
    """The dual variables at which the loss with the square in it is largest."""
    best = (1 - m + near.weight * near.duals) / (problem.curvature + near.weight)
    return jnp.clip(best, 0, problem.most)
