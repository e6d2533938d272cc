"""Where a step stands in a sequence: added to it, turned into it, or as a bias."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.nn.initializers import normal
from jax.typing import DTypeLike

from fnn.contract import Layer, StatefulLayer, constructor
from fnn.layers.checks import (
    check_array,
    check_count,
    check_functions,
    check_number,
    check_param_dtype,
    check_params,
)
from fnn.layers.dtypes import at_least_float32, promote
from fnn.layers.initialization import Initializer, draw_params
from fnn.layers.masking import check_lengths, check_within, without_padding
from fnn.transforms.stepping import advanced, no_steps, steps_as


def sinusoidal(
    positions: Any, features: int, *, base: float | Array = 10_000.0
) -> Array:
    """Sines and cosines of positions, ``(...) -> (..., features)``.

    ``y[2 * i] = sin(p / base ** (2 * i / features))``, and ``y[2 * i + 1]`` is the
    cosine of the same. For times of diffusion models as well as steps of sequences.

    Args:
      positions: An array of integers or floats.
      features: How many numbers stand for a position; at least 1.
      base: The longest wavelength is ``2 * pi * base``; above 0.

    Returns:
      Floats of at least 32 bits, float32 for integers.

    Raises:
      TypeError: If ``positions`` is no array of numbers, or an option of another kind.
      ValueError: If ``features < 1``, or ``base`` is not above 0.

    Example:
      >>> fnn.sinusoidal(jnp.array(0), 4), fnn.sinusoidal(jnp.array([1, 2, 3]), 4).shape
      (Array([0., 1., 0., 1.], dtype=float32), (3, 4))

    References:
      Vaswani et al., Attention is all you need, 2017, section 3.5.
    """
    check_array("sinusoidal", positions, "floating or integer", "positions")
    check_count("sinusoidal", "features", features)
    check_number("sinusoidal", "base", base, "above 0", lambda v: v > 0)
    positions = jnp.asarray(positions)
    angles = angles_of(positions, features, base, _wide(positions))
    y = jnp.stack([jnp.sin(angles), jnp.cos(angles)], axis=-1)
    return jnp.reshape(y, (*positions.shape, -1))[..., :features]


@constructor
def sinusoidal_positions(*, base: float | Array = 10_000.0) -> Layer:
    """Adds a fixed wave for each position, ``(..., time, n) -> (..., time, n)``.

    ``y[t] = x[t] + sinusoidal(t, n)``

    Inputs by name: ``positions``, integers ``(time,)`` or ``(..., time)``, in place of
    0, 1, 2, ...; ``lengths``, integers ``(...)``, from where on steps are padding, to
    which nothing is added.

    Params: ``()``.

    Args:
      base: The longest wavelength is ``2 * pi * base``; above 0.

    Raises:
      TypeError: If an option or an input is of the wrong kind.
      ValueError: If ``base`` is not above 0, or an input has another shape.

    Example:
      >>> fnn.sinusoidal_positions().apply((), jnp.zeros((1, 4)))
      Array([[0., 1., 0., 1.]], dtype=float32)

    References:
      Vaswani et al., Attention is all you need, 2017, section 3.5.
    """
    check_number("sinusoidal_positions", "base", base, "above 0", lambda v: v > 0)

    def waves(params, x, positions):
        check_params("sinusoidal_positions", params, {})
        # Counted from the first feature, whatever dtype x has.
        return jnp.asarray(sinusoidal(positions, x.shape[-1], base=base), x.dtype)

    return _added("sinusoidal_positions", lambda key, x: (), waves)


@constructor
def learned_positions(
    count: int | None = None,
    *,
    weight_init: Initializer = normal(0.02),
    param_dtype: DTypeLike = jnp.float32,
) -> Layer:
    """Adds a learned vector for each position, ``(..., time, n) -> (..., time, n)``.

    ``y[t] = x[t] + weight[t]``

    Inputs by name: ``positions``, integers ``(time,)`` or ``(..., time)``, in place of
    0, 1, 2, ..., where one out of range gives NaN if it can't raise, under `jax.jit`;
    ``lengths``, integers ``(...)``, from where on steps are padding, to which nothing
    is added.

    Params: ``weight (count, n)``.

    Args:
      count: How many positions there are; by default as many as `init` gets steps, and
        then every sequence must have as many.
      weight_init: Draws ``weight``; by default normal of deviation 0.02.
      param_dtype: Floating dtype of ``weight``; ``y`` has the dtype that ``x`` and it
        promote to.

    Raises:
      TypeError: If an option or an input is of the wrong kind.
      ValueError: If ``count < 1``, a sequence is longer than there are positions, a
        position whose value is known is out of range, or an input has another shape.

    Example:
      >>> layer = fnn.learned_positions(10)
      >>> params = layer.init(jax.random.key(0), jnp.ones((1, 4, 3)))
      >>> params["weight"].shape
      (10, 3)

    References:
      Gehring et al., Convolutional sequence to sequence learning, 2017, section 3.1.
    """
    owner = "learned_positions"
    if count is not None:
        check_count(owner, "count", count)
    check_functions(owner, weight_init=weight_init)
    check_param_dtype(owner, param_dtype, "floating")

    def init(key, x):
        shape = (x.shape[-2] if count is None else count, x.shape[-1])
        initializers, shapes = {"weight": weight_init}, {"weight": shape}
        return draw_params(owner, initializers, key, shapes, param_dtype)

    def rows(params, x, positions):
        check_params(owner, params, {"weight": (count or "time", "n")})
        weight = jnp.asarray(params["weight"])
        known, n = weight.shape
        if x.shape[-1] != n:
            raise ValueError(
                f"{owner}: expected x of shape (..., time, {n}), got {x.shape}."
            )
        if x.shape[-2] > known or (count is None and x.shape[-2] < known):
            most = "" if count is None else "at most "
            raise ValueError(
                f"{owner}: expected {most}{known} steps, as many as there are "
                f"positions, got {x.shape[-2]}."
            )
        check_within(owner, "positions", positions, 0, known - 1)
        at = weight.at[positions]
        return at.get(mode="fill", fill_value=jnp.nan, wrap_negative_indices=False)

    def room(length):
        if count is None or length > count:
            raise ValueError(
                f"{owner}: expected a count of at least {length}, the length to "
                f"decode, got {count}."
            )

    return _added(owner, init, rows, room)


def _added(
    owner: str,
    init: Callable[..., Any],
    vectors: Callable[[Any, Any, Any], Array],
    check_length: Callable[[int], None] = lambda length: None,
) -> Layer:
    """A layer that adds vectors of positions, and its form for single steps."""

    def check(x, positions, lengths):
        check_array(owner, x, "floating")
        if x.ndim < 2:
            raise ValueError(
                f"{owner}: expected x of shape (..., time, features), got {x.shape}."
            )
        if positions is not None:
            check_positions(owner, positions, x)
        if lengths is not None:
            check_lengths(owner, lengths, x.shape[:-2], x.shape[-2])

    def added(params, x, places, positions, lengths, room=None):
        y = vectors(params, x, places if positions is None else positions)
        y, x = promote(owner, jnp.broadcast_to(y, x.shape), x)
        if room is not None:
            y = jnp.where(room, y, jnp.full_like(y, jnp.nan))
        return x + (y if lengths is None else without_padding(y, lengths))

    def first(x):
        return jnp.arange(x.shape[-2], dtype=jnp.int32)

    def init_params(key, x, *, positions=None, lengths=None):
        check(x, positions, lengths)
        return init(key, x)

    def apply(params, x, *, positions=None, lengths=None):
        check(x, positions, lengths)
        return added(params, x, first(x), positions, lengths)

    def decode(length):
        check_length(length)

        def init_both(key, x, *, positions=None, lengths=None):
            check(x, positions, lengths)
            return init(key, x), no_steps(length)

        def apply_next(params, steps, x, *, positions=None, lengths=None):
            check(x, positions, lengths)
            places = steps.count + first(x)
            steps, room = advanced(owner, steps, x.shape[-2], lengths)
            return added(params, x, places, positions, lengths, room), steps

        return StatefulLayer(init_both, apply_next)

    return steps_as(Layer(init_params, apply), decode)


def check_positions(owner: str, positions: Any, x: Any) -> None:
    """Raises where positions are not those of each step of x."""
    check_array(owner, positions, "integer", "positions")
    if positions.shape not in (x.shape[-2:-1], x.shape[:-1]):
        shapes = dict.fromkeys([x.shape[-2:-1], x.shape[:-1]])
        raise ValueError(
            f"{owner}: expected positions of shape {' or '.join(map(str, shapes))}, "
            f"got {positions.shape}."
        )


def angles_of(positions: Array, features: int, base: Any, dtype: Any) -> Array:
    """A position times each frequency, ``(...) -> (..., ceil(features / 2))``."""
    exponents = np.arange(0, features, 2) / features
    rates = jnp.power(jnp.asarray(base, dtype), jnp.asarray(-exponents, dtype))
    shape = (*positions.shape, rates.shape[0])
    return jnp.broadcast_to(
        jnp.asarray(positions, dtype)[..., None], shape
    ) * jnp.broadcast_to(rates, shape)


def _wide(positions: Array) -> Any:
    """The floating dtype in which angles of positions are computed."""
    if jnp.issubdtype(positions.dtype, jnp.floating):
        return at_least_float32(positions.dtype)
    return jnp.float32
