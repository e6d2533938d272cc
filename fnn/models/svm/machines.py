"""Fitted machines, and what they decide."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

from fnn.layers.checks import check_array
from fnn.layers.dtypes import promoted
from fnn.models.svm.kernels import Kernel


class LinearSVM(NamedTuple):
    """A linear machine, ``f(x) = weight @ x + bias``, or several of them.

    ``{"weight": weight.T, "bias": bias}`` of several are the params of a `fnn.dense`.
    """

    weight: Array  # (n,) or (machines, n)
    bias: Array  # () or (machines,)


class KernelSVM(NamedTuple):
    """A kernel machine, ``f(x) = kernel(x, vectors) @ dual_coef + bias``, or several.

    ``dual_coef`` is the dual variable of an example times its sign: 0 of those that are
    no support vectors, ``C`` in size of those within the margin, under the hinge loss.
    """

    kernel: Kernel
    vectors: Array  # (examples, n)
    dual_coef: Array  # (examples,) or (machines, examples)
    bias: Array  # () or (machines,)


Machine = LinearSVM | KernelSVM


def decision_function(machine: Machine, x: Any) -> Array:
    """What a machine decides by: above 0 for the sign 1, below for -1.

    Args:
      machine: A `LinearSVM` or `KernelSVM`.
      x: Examples ``(..., n)``.

    Returns:
      ``(...)`` of a single machine, ``(..., machines)`` of several.

    Raises:
      TypeError: If ``machine`` is none, or ``x`` is not floating.
      ValueError: If examples are not as long as those that it was fitted to.

    Example:
      >>> machine = fnn.models.svm.LinearSVM(jnp.array([1.0, -1.0]), jnp.array(0.5))
      >>> fnn.models.svm.decision_function(machine, jnp.array([[1.0, 2.0], [3.0, 0.0]]))
      Array([-0.5,  3.5], dtype=float32)
    """
    return decisions("decision_function", machine, x)


def margins(machine: Machine, x: Any, y: Any) -> Array:
    """How far examples lie on the right side: their signs times their decisions.

    Of at least 1 outside the margin, which is ``1 / |weight|`` wide on each side, below
    1 inside it, and below 0 where the machine is wrong.

    Args:
      machine: A `LinearSVM` or `KernelSVM`.
      x: Examples ``(examples, n)``.
      y: Their signs, integers ``(examples,)``, or ``(machines, examples)`` of several
        machines.

    Returns:
      An array of the shape of ``y``.

    Raises:
      TypeError: If ``machine`` is none, or an array is of the wrong dtype.
      ValueError: If shapes do not agree.

    Example:
      >>> machine = fnn.models.svm.LinearSVM(jnp.array([1.0, -1.0]), jnp.array(0.5))
      >>> x, y = jnp.array([[1.0, 2.0], [3.0, 0.0]]), jnp.array([1, 1])
      >>> fnn.models.svm.margins(machine, x, y)
      Array([-0.5,  3.5], dtype=float32)
    """
    return margins_of("margins", machine, x, y)


def predict(machine: Machine, x: Any) -> Array:
    """The sign of each example, or, of several machines, the class that leads.

    Args:
      machine: A `LinearSVM` or `KernelSVM`; several of `one_against_rest`.
      x: Examples ``(..., n)``.

    Returns:
      Integers ``(...)``: -1 or 1, or from 0 to ``machines - 1``.

    Raises:
      TypeError: If ``machine`` is none, or ``x`` is not floating.
      ValueError: If examples are not as long as those that it was fitted to.

    Example:
      >>> machine = fnn.models.svm.LinearSVM(jnp.array([1.0, -1.0]), jnp.array(0.5))
      >>> fnn.models.svm.predict(machine, jnp.array([[1.0, 2.0], [3.0, 0.0]]))
      Array([-1,  1], dtype=int32)
    """
    values = decisions("predict", machine, x)
    if machine.bias.ndim:
        return jnp.argmax(values, -1)
    return jnp.where(values > 0, 1, -1).astype(jnp.int32)


def pruned(machine: KernelSVM) -> KernelSVM:
    """The same machine with its support vectors alone.

    A fit keeps all examples, so that shapes do not depend on their values; once fitted,
    only those with a ``dual_coef`` other than 0 decide. Not under `jax.jit`.

    Raises:
      TypeError: If ``machine`` is no `KernelSVM`, or traced.

    Example:
      >>> svm = fnn.models.svm
      >>> x, y = jnp.array([[-3.0], [-1.0], [1.0], [2.0]]), jnp.array([-1, -1, 1, 1])
      >>> machine = svm.fit_kernel(svm.linear(), x, y)
      >>> svm.pruned(machine).vectors
      Array([[-1.],
             [ 1.]], dtype=float32)
    """
    if not isinstance(machine, KernelSVM):
        raise TypeError(f"pruned: expected a KernelSVM, got {type(machine).__name__}.")
    if isinstance(machine.dual_coef, Tracer):
        raise TypeError(
            "pruned: expected a machine with values, outside jit, got a traced one."
        )
    size = len(machine.vectors)
    kept = np.any(np.reshape(machine.dual_coef != 0, (-1, size)), 0)
    return machine._replace(
        vectors=machine.vectors[kept], dual_coef=machine.dual_coef[..., kept]
    )


def decisions(owner: str, machine: Machine, x: Any) -> Array:
    """`decision_function`, in whose errors stands the name of what called it."""
    if not isinstance(machine, Machine):
        got = type(machine).__name__
        raise TypeError(f"{owner}: expected a LinearSVM or a KernelSVM, got {got}.")
    check_array(owner, x, "floating")
    against = machine[0] if isinstance(machine, LinearSVM) else machine.vectors
    n = against.shape[-1]
    if x.shape[-1:] != (n,):
        raise ValueError(f"{owner}: expected x of shape (..., {n}), got {x.shape}.")
    dtype = promoted(owner, x, against)
    x, against = jnp.asarray(x, dtype), jnp.asarray(against, dtype)
    if isinstance(machine, KernelSVM):
        x, against = machine.kernel(x, against), machine.dual_coef
    values = x @ against.T
    return values + jnp.broadcast_to(machine.bias, values.shape)


def margins_of(owner: str, machine: Machine, x: Any, y: Any) -> Array:
    """`margins`, in whose errors stands the name of what called it."""
    values = decisions(owner, machine, x)
    check_array(owner, y, "integer", "y")
    values = jnp.moveaxis(values, -1, 0) if machine.bias.ndim else values
    if y.shape != values.shape:
        raise ValueError(f"{owner}: expected y of shape {values.shape}, got {y.shape}.")
    return jnp.asarray(y, values.dtype) * values
