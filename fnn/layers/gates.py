"""What recurrent cells share: the sums of their gates, their params and checks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import replace as with_fields
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import DTypeLike

from fnn.contract import Layer
from fnn.forms import Form
from fnn.layers.checks import check_array, check_params, is_pure
from fnn.layers.dtypes import along, promote
from fnn.layers.initialization import Initializer, draw
from fnn.ops.product import product


class Step(NamedTuple):
    """A step of a cell in two, for `fnn.ops.recurrence`."""

    sums: Callable[[Any, Any, Any], Any]  # (params, carry, x), of one step or of all
    update: Callable[[Any, Any], tuple[Any, Any]]  # (carry, sums) -> (carry, y)


@dataclass(frozen=True)
class Gates:
    """Affine maps of the input and the last output, several beside each other."""

    owner: str
    count: int
    features: int
    use_bias: bool
    carried: tuple[str, ...] = ()  # the names in the carry; without any it is an array
    recurrent_bias: bool = False  # whether the last gate has one of its own

    def shapes(self) -> dict[str, Any]:
        """Of the parameters."""
        width = self.count * self.features
        bias = {"bias": (width,)} if self.use_bias else {}
        inner = {"bias": (self.features,)} if self.recurrent_bias else {}
        return {
            "input": {"weight": ("n", width)} | bias,
            "recurrent": {"weight": (self.features, width)} | inner,
        }

    def check(self, carry: Any, x: Any) -> None:
        """The inputs, as far as they are known without parameters."""
        check_array(self.owner, x)
        if x.ndim < 1 or x.shape[-1] < 1:
            raise ValueError(
                f"{self.owner}: expected x of shape (..., n) with n of at least 1, "
                f"got {x.shape}."
            )
        if carry is not None:
            check_params(self.owner, carry, self.carry_shapes(x), "carry")

    def carry_shapes(self, x: Any) -> Any:
        """Of the carry that goes with an input."""
        shape = (*x.shape[:-1], self.features)
        return dict.fromkeys(self.carried, shape) or shape

    def draw(
        self,
        key: Any,
        x: Any,
        weight_init: Initializer,
        recurrent_init: Initializer,
        bias_init: Initializer,
        dtype: DTypeLike,
    ) -> dict[str, Any]:
        """The parameters; each gate's weights are drawn by themselves."""

        def weight(name, initializer, key, length):
            shape = (length, self.features)
            keys = jax.random.split(key, self.count)
            each = [draw(self.owner, name, initializer, k, shape, dtype) for k in keys]
            return jnp.concatenate(each, axis=-1)

        def bias(key, length):
            return draw(self.owner, "bias_init", bias_init, key, (length,), dtype)

        keys = jax.random.split(key, 3 + self.recurrent_bias)
        input_key, recurrent_key, bias_key, *inner_key = keys
        n, h = x.shape[-1], self.features
        drawn = {
            "input": {"weight": weight("weight_init", weight_init, input_key, n)},
            "recurrent": {
                "weight": weight("recurrent_init", recurrent_init, recurrent_key, h)
            },
        }
        if self.use_bias:
            drawn["input"]["bias"] = bias(bias_key, self.count * h)
        if self.recurrent_bias:
            drawn["recurrent"]["bias"] = bias(inner_key[0], h)
        return drawn

    def ready(self, params: Any, carry: Any, x: Any) -> Any:
        """Parameters, carry and input, checked and in one dtype; no carry is zeros."""
        check_params(self.owner, params, self.shapes())
        check_array(self.owner, x)
        n = params["input"]["weight"].shape[0]
        if x.shape[-1:] != (n,):
            raise ValueError(
                f"{self.owner}: expected x of shape (..., {n}), got {x.shape}."
            )
        self.check(carry, x)
        leaves, treedef = jax.tree.flatten((params, carry, x))
        leaves = promote(self.owner, *leaves)
        params, carry, x = jax.tree.unflatten(treedef, leaves)
        if carry is None:
            none = jnp.zeros((*x.shape[:-1], self.features), x.dtype)
            carry = dict.fromkeys(self.carried, none) or none
        return params, carry, x

    def cell(self, init: Any, sums: Any, update: Any, *functions: Any) -> Form:
        """A cell of ``carry, y = update(carry, sums(params, carry, x))``.

        A loop is told of the two parts if `functions`, which they call, close over no
        array: it could not be differentiated by that.
        """

        def ready_sums(params, carry, x):
            return sums(*self.ready(params, carry, x))

        def apply(params, carry, x):
            params, carry, x = self.ready(params, carry, x)
            return update(carry, sums(params, carry, x))

        form = Layer(init, apply).form
        in_two = Step(ready_sums, update) if all(map(is_pure, functions)) else None
        return with_fields(form, step=in_two)

    def sums(self, params: Any, carry: Any, x: Array) -> Array:
        """What all gates add up."""
        from_x, from_hidden = self.products(params, carry, x)
        return from_x + from_hidden

    def products(self, params: Any, carry: Any, x: Array) -> tuple[Array, Array]:
        """The summands of all gates from the input, with the bias, and the output."""
        hidden = carry["hidden"] if self.carried else carry
        from_x = product(x, params["input"]["weight"])
        if self.use_bias:
            from_x = from_x + along(params["input"]["bias"], from_x.shape)
        return from_x, product(hidden, params["recurrent"]["weight"])
