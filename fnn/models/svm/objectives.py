"""What machines are to make small, in the primal, and large, in the dual."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from fnn.models.svm.checks import check_C, check_penalty
from fnn.models.svm.losses import Loss, check_loss, conjugate, hinge
from fnn.models.svm.machines import KernelSVM, LinearSVM, Machine, margins_of


def objective(
    machine: Machine,
    x: Any,
    y: Any,
    *,
    C: float | Array = 1.0,
    loss: Loss = hinge,
    bias_penalty: float | Array = 0.0,
) -> Array:
    """The primal objective, which a fitted machine minimises.

    ``|w| ** 2 / 2 + bias_penalty * bias ** 2 / 2 + C * sum(loss(margins))``, where
    ``|w| ** 2`` of a kernel machine is ``dual_coef @ kernel(vectors, vectors) @
    dual_coef``. It can be differentiated by all that the machine is made of.

    Args:
      machine: A `LinearSVM` or `KernelSVM`.
      x: Examples ``(examples, n)``.
      y: Their signs, as `margins` takes them; 0 leaves an example out.
      C: The price of the loss; above 0.
      loss: `hinge` or `squared_hinge`.
      bias_penalty: How much of the bias is regularised: 0 as in LIBSVM; 1 as in
        LIBLINEAR, whose ``intercept_scaling`` is ``bias_penalty ** -0.5``.

    Returns:
      A scalar, or ``(machines,)`` of several.

    Raises:
      TypeError: If an argument is of the wrong kind.
      ValueError: If shapes do not agree, or an option is out of range.

    Example:
      >>> machine = fnn.models.svm.LinearSVM(jnp.array([1.0, -1.0]), jnp.array(0.5))
      >>> x, y = jnp.array([[1.0, 2.0], [3.0, 0.0]]), jnp.array([1, 1])
      >>> fnn.models.svm.objective(machine, x, y, C=10.0)
      Array(16., dtype=float32)
    """
    check_C("objective", C)
    check_loss("objective", loss)
    check_penalty("objective", bias_penalty)
    m = margins_of("objective", machine, x, y)
    C, penalty = jnp.asarray(C, m.dtype), jnp.asarray(bias_penalty, m.dtype)
    losses = jnp.where(jnp.asarray(y) == 0, 0, loss(m))
    if isinstance(machine, LinearSVM):
        squares = jnp.sum(jnp.square(machine.weight), -1)
    else:
        squares = _squares(machine)
    half = (squares + penalty * jnp.square(machine.bias)) / 2
    return half + C * jnp.sum(losses, -1)


def dual_objective(
    machine: KernelSVM, *, C: float | Array = 1.0, loss: Loss = hinge
) -> Array:
    """The dual objective of a kernel machine, which no primal one is below.

    ``sum(a) - dual_coef @ kernel(vectors, vectors) @ dual_coef / 2``, where ``a`` is
    ``abs(dual_coef)``, less ``sum(a ** 2) / (4 * C)`` under `squared_hinge`. Where it
    is equal to `objective`, the machine is the best one; the difference says how far it
    is from that at most. LIBSVM prints it with the other sign.

    Args:
      machine: A `KernelSVM`.
      C: The price of the loss; above 0.
      loss: `hinge` or `squared_hinge`.

    Returns:
      A scalar, or ``(machines,)`` of several.

    Raises:
      TypeError: If ``machine`` is no `KernelSVM`, or ``C`` no number.
      ValueError: If an option is out of range.

    Example:
      >>> svm = fnn.models.svm
      >>> x, y = jnp.array([[-3.0], [-1.0], [1.0], [2.0]]), jnp.array([-1, -1, 1, 1])
      >>> svm.dual_objective(svm.fit_kernel(svm.linear(), x, y))
      Array(0.5, dtype=float32)
    """
    if not isinstance(machine, KernelSVM):
        raise TypeError(
            f"dual_objective: expected a KernelSVM, got {type(machine).__name__}."
        )
    check_C("dual_objective", C)
    check_loss("dual_objective", loss)
    coef = machine.dual_coef
    curvature = conjugate(loss, jnp.asarray(C, coef.dtype)).curvature
    squares = _squares(machine) + curvature * jnp.sum(jnp.square(coef), -1)
    return jnp.sum(jnp.abs(coef), -1) - squares / 2


def _squares(machine: KernelSVM) -> Array:
    """``|w| ** 2`` in the space of the kernel."""
    gram = machine.kernel(machine.vectors, machine.vectors)
    return jnp.sum(machine.dual_coef * (machine.dual_coef @ gram), -1)
