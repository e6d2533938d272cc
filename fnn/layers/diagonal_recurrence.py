"""Diagonal linear recurrences: all of such a layer but where its eigenvalues are."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import DTypeLike

from fnn.composition import fold
from fnn.contract import Layer, StatefulLayer
from fnn.layers.checks import (
    check_array,
    check_count,
    check_flags,
    check_functions,
    check_param_dtype,
    check_params,
)
from fnn.layers.dtypes import along, at_least_float32, promote, promoted
from fnn.layers.initialization import Initializer, draw
from fnn.layers.masking import before, check_lengths, without_padding
from fnn.ops.linear_scan import linear_scan
from fnn.transforms.stepping import steps_as


# ------------------------------------------------------------------------- the numerics
@functools.partial(jax.jit, static_argnames="reverse")
def scanned(
    eigenvalues: Array, u: Array, start: Array | None, lengths: Any, reverse: bool
) -> tuple[Array, Array]:
    """``h[t] = eigenvalues * h[t - 1] + u[t]`` over time, and the last h.

    ``u (batch..., time, state)`` is zero on padding, where h stays as it is.
    """
    time, batch = u.shape[-2], u.shape[:-2]
    if start is None:
        start = jnp.zeros((*batch, u.shape[-1]), u.dtype)
    if time == 0:
        return u, start
    u = jnp.moveaxis(u, -2, 0)
    ones = (1,) * len(batch)
    steps = jnp.broadcast_to(eigenvalues, (time, *ones, *eigenvalues.shape))
    if lengths is not None:
        going = jnp.moveaxis(before(lengths, time), -1, 0)[..., None]
        steps = jnp.where(going, steps, jnp.ones_like(steps))
    first, last = (-1, 0) if reverse else (0, -1)
    u = u.at[first].add(steps[first] * start)

    h = linear_scan(steps, u, reverse=reverse)
    return jnp.moveaxis(h, 0, -2), h[last]


def mixed(x: Array, weight: Array, groups: int) -> Array:
    """``x @ weight`` for each of as many equal parts of both their last axes."""
    *batch, n = x.shape
    rows, columns = weight.shape
    x = jnp.reshape(x, (*batch, groups, n // groups))
    weight = jnp.reshape(weight, (rows, groups, columns // groups))
    y = jnp.einsum("...gi,igo->...go", x, weight)
    return jnp.reshape(y, (*batch, columns))


# ---------------------------------------------------------------------------- the layer
@dataclass(frozen=True)
class Diagonal:
    """What a layer of such a recurrence is made of."""

    owner: str
    state: int
    draw_modes: Callable[[Any, Any], dict[str, Array]]  # of a key, in a dtype
    modes: Callable[[dict[str, Array]], tuple[Array, Array]]  # eigenvalues, input gains
    names: tuple[str, ...]  # of the params that these two know
    groups: int
    use_skip: bool
    reverse: bool
    keep_carry: bool
    return_carry: bool
    input_init: Initializer
    output_init: Initializer
    skip_init: Initializer
    param_dtype: DTypeLike

    def __post_init__(self) -> None:
        check_count(self.owner, "state", self.state)
        check_count(self.owner, "groups", self.groups)
        if self.state % self.groups:
            raise ValueError(
                f"{self.owner}: expected state to be a multiple of groups = "
                f"{self.groups}, got {self.state}."
            )
        flags = ("use_skip", "reverse", "keep_carry", "return_carry")
        check_flags(self.owner, **{name: getattr(self, name) for name in flags})
        functions = ("input_init", "output_init", "skip_init")
        check_functions(self.owner, **{name: getattr(self, name) for name in functions})
        check_param_dtype(self.owner, self.param_dtype, "floating")

    def layer(self) -> Any:
        """The layer; its form for single steps is the one that keeps its carry."""
        if self.keep_carry:
            return self.kept()

        def init(key, x, *, lengths=None, carry=None):
            return self.draw(key, x)

        def apply(params, x, *, lengths=None, carry=None):
            carry, y = self.run(params, x, lengths, carry)
            return (carry, y) if self.return_carry else y

        def decoding(length):
            if self.reverse:
                raise ValueError(
                    f"{self.owner}: expected reverse=False to decode, got reverse=True."
                )
            return self.kept()

        return steps_as(Layer(*self.named(init, apply)), decoding)

    def kept(self) -> Any:
        """The layer whose last carry is state, from which the next call goes on."""

        def init(key, x, *, lengths=None, carry=None):
            params = self.draw(key, x)
            dtype = promoted(self.owner, jnp.zeros((), x.dtype), params["log_decay"])
            shape = (*x.shape[:-2], self.state)
            return params, jnp.zeros(shape, at_least_float32(dtype, jnp.complex64))

        def apply(params, state, x, *, lengths=None, carry=None):
            start, name = (state, "state") if carry is None else (carry, "carry")
            carry, y = self.run(params, x, lengths, start, name)
            state = jnp.asarray(carry, at_least_float32(state.dtype, jnp.complex64))
            return (carry, y) if self.return_carry else y, state

        return StatefulLayer(*self.named(init, apply))

    def named(self, *functions: Any) -> Any:
        """The functions, as if they stood in the constructor: errors go by that."""
        for function in functions:
            function.__qualname__ = f"{self.owner}.<locals>.{function.__name__}"
        return functions

    def shapes(self, rows: Any, n: Any) -> dict[str, Any]:
        """Of the parameters, for inputs of n features, as many as `rows` in a group."""
        first, last = (rows, self.state), (self.state // self.groups, n)
        return {
            **dict.fromkeys(self.names, (self.state,)),
            "input": {"real": first, "imag": first},
            "output": {"real": last, "imag": last},
        } | ({"skip": (n,)} if self.use_skip else {})

    def draw(self, key: Any, x: Any) -> dict[str, Any]:
        """The parameters."""
        check_array(self.owner, x, "floating")
        if x.ndim < 3 or x.shape[-1] < 1 or x.shape[-1] % self.groups:
            several = f", a multiple of {self.groups}" if self.groups > 1 else ""
            raise ValueError(
                f"{self.owner}: expected x of shape (batch, time, n) with n of at "
                f"least 1{several}, got {x.shape}."
            )
        n = x.shape[-1]
        shapes = self.shapes(n // self.groups, n)

        def drawn(name, part, initializer, shape):
            args = fold(fold(key, name), part), shape, self.param_dtype
            return draw(self.owner, f"{name}_init", initializer, *args)

        params: dict[str, Any] = {
            name: jnp.asarray(value, self.param_dtype)
            for name, value in self.draw_modes(
                fold(key, "modes"), at_least_float32(self.param_dtype)
            ).items()
        }
        for name, initializer in (
            ("input", self.input_init),
            ("output", self.output_init),
        ):
            params[name] = {
                part: drawn(name, part, initializer, shape)
                for part, shape in shapes[name].items()
            }
        if self.use_skip:
            params["skip"] = drawn("skip", "", self.skip_init, shapes["skip"])
        return params

    def check(self, params: Any, x: Any, lengths: Any, carry: Any, name: str) -> None:
        """Raises where params and inputs don't go together."""
        check_params(self.owner, params, self.shapes("n / groups", "n"))
        rows = params["input"]["real"].shape[0]
        n = rows * self.groups
        check_params(self.owner, params, self.shapes(rows, n))
        check_array(self.owner, x, "floating")
        if x.ndim < 2 or x.shape[-1] != n:
            raise ValueError(
                f"{self.owner}: expected x of shape (..., time, {n}), got {x.shape}."
            )
        batch = x.shape[:-2]
        if lengths is not None:
            check_lengths(self.owner, lengths, batch, x.shape[-2])
        if carry is not None:
            check_array(self.owner, carry, name=name)
            shape = (*batch, self.state)
            if carry.shape != shape:
                raise ValueError(
                    f"{self.owner}: expected {name} of shape {shape}, "
                    f"got {carry.shape}."
                )

    def run(
        self, params: Any, x: Any, lengths: Any, carry: Any, name: str = "carry"
    ) -> tuple[Array, Array]:
        """The last carry and the output."""
        self.check(params, x, lengths, carry, name)
        leaves, treedef = jax.tree.flatten(params)
        x, *leaves = promote(self.owner, x, *leaves)
        params = jax.tree.unflatten(treedef, leaves)
        narrow, wide = x.dtype, at_least_float32(x.dtype)
        if carry is not None:
            carry = jnp.asarray(carry, at_least_float32(wide, jnp.complex64))
        if lengths is not None:
            x = without_padding(x, lengths)

        modes = {name: jnp.asarray(params[name], wide) for name in self.names}
        eigenvalues, gains = self.modes(modes)
        real, imag = (jnp.asarray(params["input"][p], wide) for p in ("real", "imag"))
        weight = lax.complex(real, imag)
        weight = weight * along(gains, weight.shape)
        u = (
            jnp.asarray(mixed(x, jnp.asarray(part, narrow), self.groups), wide)
            for part in (weight.real, weight.imag)
        )
        h, carry = scanned(eigenvalues, lax.complex(*u), carry, lengths, self.reverse)
        h_real, h_imag = (jnp.asarray(part, narrow) for part in (h.real, h.imag))
        weight = params["output"]
        y = mixed(h_real, weight["real"], self.groups) - mixed(
            h_imag, weight["imag"], self.groups
        )
        if self.use_skip:
            y = y + x * along(params["skip"], x.shape)
        return carry, y if lengths is None else without_padding(y, lengths)
