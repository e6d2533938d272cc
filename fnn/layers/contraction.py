"""Linear layers over several axes, and of two inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array, lax
from jax.nn.initializers import lecun_normal, zeros
from jax.typing import DTypeLike

from fnn.contract import Layer, constructor
from fnn.layers.checks import (
    check_array,
    check_count,
    check_flags,
    check_functions,
    check_param_dtype,
    check_params,
)
from fnn.layers.dtypes import along, promote
from fnn.layers.initialization import Initializer, draw_params
from fnn.shapes import word


@constructor
def einsum(
    equation: str,
    lengths: Mapping[str, int] | None = None,
    *,
    use_bias: bool = True,
    weight_init: Initializer | None = None,
    bias_init: Initializer = zeros,
    param_dtype: DTypeLike = jnp.float32,
) -> Layer:
    """Contraction of an input with a weight, as `jnp.einsum` writes it.

    ``y = jnp.einsum(equation, x, weight) + bias``: with ``"...n,nhd->...hd"`` and
    ``{"h": 8, "d": 64}`` a `dense` onto eight heads.

    Params: ``weight``, of the equation's second shape; ``bias``, zero at first, with
    those axes of the output that the weight has, too.

    Args:
      equation: ``"x,weight->y"``, each a string of different letters; ``...`` in x and
        in y stands for any number of batch axes.
      lengths: Lengths, at least 1, of the axes that the weight has and ``x`` has not.
      use_bias: Whether ``bias`` is added.
      weight_init: Draws ``weight``; by default truncated normal of variance 1 over the
        number of products that an output sums, so far as they are of the weight.
      bias_init: Draws ``bias``.
      param_dtype: Floating or complex dtype of the parameters; ``y`` has the dtype that
        ``x`` and they promote to.

    Raises:
      TypeError: If an option is of the wrong kind, or ``x`` is not floating or complex.
      ValueError: If the equation is not of that form, ``lengths`` are not those that it
        needs, or ``x`` is of another shape.

    Example:
      >>> x = jnp.ones((2, 5, 4))
      >>> init, apply = fnn.einsum("...n,nhd->...hd", {"h": 2, "d": 3})
      >>> params = init(jax.random.key(0), x)
      >>> jax.tree.map(jnp.shape, params)
      {'bias': (2, 3), 'weight': (4, 2, 3)}
      >>> apply(params, x).shape
      (2, 5, 2, 3)
    """
    terms = _terms(equation)
    given = _lengths(lengths, terms)
    check_flags("einsum", use_bias=use_bias)
    draw_weight = terms.initializer() if weight_init is None else weight_init
    check_functions("einsum", weight_init=draw_weight, bias_init=bias_init)
    check_param_dtype("einsum", param_dtype)
    initializers = {"weight": draw_weight}
    shapes: dict[str, Any] = {"weight": tuple(given.get(n, n) for n in terms.weight)}
    if use_bias:
        initializers["bias"] = bias_init
        shapes["bias"] = tuple(given.get(n, n) for n in terms.bias)

    def init(key, x):
        known = given | terms.check(x, {})
        drawn: Any = {
            name: tuple(known.get(n, n) for n in shape)
            for name, shape in shapes.items()
        }
        return draw_params("einsum", initializers, key, drawn, param_dtype)

    def apply(params, x):
        check_params("einsum", params, shapes)
        known = dict(zip(terms.weight, params["weight"].shape, strict=True))
        if use_bias and params["bias"].shape != tuple(known[n] for n in terms.bias):
            raise ValueError(
                f"einsum: expected bias of shape {tuple(known[n] for n in terms.bias)},"
                f" got {params['bias'].shape}."
            )
        terms.check(x, known)
        x, weight, *bias = promote("einsum", x, *(params[name] for name in shapes))
        y = jnp.einsum(terms.equation, x, weight)
        return lax.add(y, terms.broadcast(bias[0], y)) if use_bias else y

    return Layer(init, apply)


@constructor
def bilinear(
    features: int,
    *,
    use_bias: bool = True,
    weight_init: Initializer = lecun_normal(in_axis=(0, 1), out_axis=2),
    bias_init: Initializer = zeros,
    param_dtype: DTypeLike = jnp.float32,
) -> Layer:
    """Bilinear map of two inputs, ``((..., n), (..., m)) -> (..., features)``.

    ``y[k] = sum_ij x[i] * weight[i, j, k] * z[j] + bias[k]``

    Params: ``weight (n, m, features)``; ``bias (features,)``, zero at first.

    Args:
      features: Length of the output's last axis; at least 1.
      use_bias: Whether ``bias`` is added.
      weight_init: Draws ``weight``; by default truncated normal of variance
        ``1 / (n * m)``.
      bias_init: Draws ``bias``.
      param_dtype: Floating or complex dtype of the parameters; ``y`` has the dtype that
        ``x``, ``z`` and they promote to.

    Raises:
      TypeError: If an option is of the wrong kind, or an input is not floating or
        complex.
      ValueError: If ``features < 1``, or the inputs have other last axes than ``n`` and
        ``m``, or batch axes that differ.

    Example:
      >>> x, z = jnp.ones((2, 4)), jnp.ones((2, 5))
      >>> init, apply = fnn.bilinear(3)
      >>> apply(init(jax.random.key(0), x, z), x, z).shape
      (2, 3)
    """
    check_count("bilinear", "features", features)
    check_flags("bilinear", use_bias=use_bias)
    check_functions("bilinear", weight_init=weight_init, bias_init=bias_init)
    check_param_dtype("bilinear", param_dtype)
    initializers = {"weight": weight_init}
    shapes: dict[str, Any] = {"weight": ("n", "m", features)}
    if use_bias:
        initializers["bias"] = bias_init
        shapes["bias"] = (features,)

    def check(x, z):
        for name, value, length in (("x", x, "n"), ("z", z, "m")):
            check_array("bilinear", value, name=name)
            if value.ndim < 1 or value.shape[-1] < 1:
                raise ValueError(
                    f"bilinear: expected {name} of shape (..., {length}) with {length} "
                    f"of at least 1, got {value.shape}."
                )
        if x.shape[:-1] != z.shape[:-1]:
            raise ValueError(
                "bilinear: expected x and z with the same batch axes, "
                f"got {x.shape} and {z.shape}."
            )

    def init(key, x, z):
        check(x, z)
        drawn = shapes | {"weight": (x.shape[-1], z.shape[-1], features)}
        return draw_params("bilinear", initializers, key, drawn, param_dtype)

    def apply(params, x, z):
        check_params("bilinear", params, shapes)
        check(x, z)
        n, m, _ = params["weight"].shape
        for name, value, length in (("x", x, n), ("z", z, m)):
            if value.shape[-1] != length:
                raise ValueError(
                    f"bilinear: expected {name} of shape (..., {length}), "
                    f"got {value.shape}."
                )
        x, z, weight, *bias = promote(
            "bilinear", x, z, *(params[name] for name in shapes)
        )
        y = jnp.einsum("...j,...jk->...k", z, jnp.tensordot(x, weight, 1))
        return lax.add(y, along(bias[0], y.shape)) if use_bias else y

    return Layer(init, apply)


# ---------------------------------------------------------------------- the equation
class _Terms(NamedTuple):
    """The letters of an equation."""

    equation: str
    x: str
    weight: str
    y: str
    batch: bool  # whether x and y begin or end with, or hold, ...

    @property
    def bias(self) -> str:
        return "".join(n for n in self.y if n in self.weight)

    def initializer(self) -> Initializer:
        """By the axes that are summed, those that are new, and those that stay."""
        axes = {"in": [], "out": [], "batch": []}
        for axis, name in enumerate(self.weight):
            kind = "in" if name not in self.y else "batch" if name in self.x else "out"
            axes[kind].append(axis)
        return lecun_normal(axes["in"], axes["out"], axes["batch"])

    def check(self, x: Any, known: dict[str, int]) -> dict[str, int]:
        """Raises where x does not fit; the lengths of its axes by their letters."""
        check_array("einsum", x)
        term = self.equation.split(",")[0]
        first, _, last = term.partition("...")
        ndim = len(self.x)
        fits = x.ndim >= ndim if self.batch else x.ndim == ndim
        shape = x.shape[: len(first)] + x.shape[x.ndim - len(last) :]
        found = dict(zip(self.x, shape, strict=False)) if fits else {}
        wrong = any(known.get(n, length) != length for n, length in found.items())
        if not fits or wrong or any(found[n] < 1 for n in found if n in self.weight):
            parts = [*first, *["..."] * self.batch, *last]
            wanted = ", ".join(str(known.get(n, n)) for n in parts)
            raise ValueError(
                f"einsum: expected x of shape ({wanted}{',' * (len(parts) == 1)}), "
                f"got {x.shape}."
            )
        return found

    def broadcast(self, bias: Array, y: Array) -> Array:
        """The bias along its axes of y."""
        first, _, last = self.equation.split("->")[1].partition("...")
        at = {n: i for i, n in enumerate(first)}
        at |= {n: y.ndim - len(last) + i for i, n in enumerate(last)}
        return lax.broadcast_in_dim(bias, y.shape, tuple(at[n] for n in self.bias))


def _terms(equation: Any) -> _Terms:
    if not isinstance(equation, str):
        raise TypeError(
            f"einsum: expected equation to be a string, got {word(equation)}."
        )
    text = equation.replace(" ", "")
    left, _, y = text.partition("->")
    x, _, weight = left.partition(",")
    batch = "..." in x
    letters = [term.replace("...", "", 1) for term in (x, weight, y)]
    different = all(
        not term or (term.isascii() and term.isalpha() and len(set(term)) == len(term))
        for term in letters
    )
    form = text == f"{x},{weight}->{y}" and different and "." not in weight
    known = set(letters[0]) | set(letters[2])
    complete = set(letters[1]) <= known and set(letters[2]) <= {*left}
    if not form or not complete or batch != ("..." in y) or not weight:
        raise ValueError(
            "einsum: expected equation of the form 'x,weight->y', such as "
            f"'...n,nhd->...hd', got {word(equation)}."
        )
    return _Terms(text, letters[0], letters[1], letters[2], batch)


def _lengths(lengths: Any, terms: _Terms) -> dict[str, int]:
    lengths = {} if lengths is None else lengths
    if not isinstance(lengths, Mapping):
        raise TypeError(f"einsum: expected lengths to be a dict, got {word(lengths)}.")
    new = [n for n in terms.weight if n not in terms.x]
    if set(lengths) != set(new):
        raise ValueError(
            f"einsum: expected lengths of the axes ({', '.join(new)}), "
            f"got ({', '.join(map(str, lengths))})."
        )
    for name, length in lengths.items():
        check_count("einsum", f"length {name}", length)
    return dict(lengths)
