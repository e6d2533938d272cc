"""Pooling to a given size, whatever the size of the input."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax.numpy as jnp
from jax import Array, lax

from fnn.contract import Layer, constructor
from fnn.layers.checks import check_array, check_params
from fnn.layers.dtypes import at_least_float32
from fnn.layers.windows import AXES, check_space, window_of


@constructor
def adaptive_avg_pool(size: Sequence[int]) -> Layer:
    """Mean of each bin, ``(batch..., *space, channels)`` to ``size`` in space.

    Along an axis of ``n`` values, bin ``i`` of ``size`` holds those from ``floor(i * n
    / size)`` up to ``ceil((i + 1) * n / size)``, as in PyTorch: all are of one length
    where ``size`` divides ``n``, else some overlap by a value. Values are summed in at
    least float32.

    Params: ``()``.

    Args:
      size: Lengths of the output's spatial axes, such as ``(7, 7)``.

    Raises:
      TypeError: If ``size`` is no tuple of ints, or ``x`` is not floating or complex.
      ValueError: If a length is below 1, or a spatial axis is missing or empty.

    Example:
      >>> x = jnp.arange(5.0).reshape(1, 5, 1)
      >>> fnn.adaptive_avg_pool((2,)).apply((), x).ravel()
      Array([1., 3.], dtype=float32)
    """

    def mean(x, axis):
        wide = jnp.asarray(x, at_least_float32(x.dtype))
        return jnp.mean(wide, axis, keepdims=True)

    return _adaptive("adaptive_avg_pool", size, "floating or complex", mean)


@constructor
def adaptive_max_pool(size: Sequence[int]) -> Layer:
    """Largest of each bin, ``(batch..., *space, channels)`` to ``size`` in space.

    Along an axis of ``n`` values, bin ``i`` of ``size`` holds those from ``floor(i * n
    / size)`` up to ``ceil((i + 1) * n / size)``, as in PyTorch. Of equal values the
    first, in row-major order, gets the gradient. Integers work as well.

    Params: ``()``.

    Args:
      size: Lengths of the output's spatial axes, such as ``(7, 7)``.

    Raises:
      TypeError: If ``size`` is no tuple of ints, or ``x`` is not floating or integer.
      ValueError: If a length is below 1, or a spatial axis is missing or empty.

    Example:
      >>> x = jnp.arange(5.0).reshape(1, 5, 1)
      >>> fnn.adaptive_max_pool((2,)).apply((), x).ravel()
      Array([2., 4.], dtype=float32)
    """

    def largest(x, axis):
        first = jnp.argmax(x, axis, keepdims=True)
        return jnp.take_along_axis(x, first, axis)

    return _adaptive("adaptive_max_pool", size, "floating or integer", largest)


def _adaptive(
    owner: str, size: Sequence[int], kinds: str, reduce: Callable[[Array, int], Array]
) -> Layer:
    size = window_of(owner, size, "size")
    rank = len(size)

    def check(x, batch):
        check_array(owner, x, kinds)
        check_space(owner, x, rank, batch=batch)
        for name, n in zip(AXES[rank], x.shape[-rank - 1 : -1], strict=True):
            if n < 1:
                raise ValueError(f"{owner}: expected {name} of at least 1, got {n}.")

    def init(key, x):
        check(x, True)
        return ()

    def apply(params, x):
        check_params(owner, params, {})
        check(x, False)
        x = jnp.asarray(x)
        y = x
        # One axis after another, the last first: of equal values the first in row-major
        # order wins, as it would in the whole bin.
        for i in reversed(range(rank)):
            y = _bins(y, x.ndim - 1 - rank + i, size[i], reduce)
        return jnp.asarray(y, x.dtype)

    return Layer(init, apply)


def _bins(
    x: Array, axis: int, size: int, reduce: Callable[[Array, int], Array]
) -> Array:
    """Each bin along one axis reduced to one value."""
    n = x.shape[axis]
    ends = [(i * n // size, -(-(i + 1) * n // size)) for i in range(size)]
    bins = [reduce(lax.slice_in_dim(x, *end, axis=axis), axis) for end in ends]
    return jnp.concatenate(bins, axis)
