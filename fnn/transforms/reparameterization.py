"""Weights that are functions of other parameters: weight norm and LoRA."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace as with_fields
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.tree_util import keystr, tree_map_with_path

from fnn.composition import flatten, fold, label
from fnn.contract import as_layer, constructor, is_layer, make
from fnn.forms import Outline, form_around
from fnn.layers.checks import check_count, check_number
from fnn.layers.dtypes import at_least_float32
from fnn.shapes import is_array, shown, word
from fnn.tree import Pattern, matching, paths

WEIGHTS = "**/weight"


@constructor
def weight_norm(layer: Any, pattern: Pattern = WEIGHTS) -> Any:
    """The layer, whose weights are directions times lengths.

    ``weight = scale * direction / |direction|``, the norm for each output.

    Params: the layer's, with ``{"direction": (..., n, m), "scale": (m,)}`` in place of
    each weight ``(..., n, m)``; at first they make the weight that the layer draws.

    Args:
      layer: A layer.
      pattern: Which parameters, by path; they have two axes or more, outputs last.

    Raises:
      ValueError: If the pattern matches no parameter, or one of fewer axes.

    Example:
      >>> net = fnn.weight_norm(fnn.dense(2))
      >>> params = net.init(jax.random.key(0), jnp.ones((1, 3)))
      >>> fnn.paths(params)["weight/scale"].shape
      (2,)

    References:
      Salimans and Kingma, "Weight Normalization", 2016, equation 2.
    """
    layer = as_layer(layer, "weight_norm")
    stacks = stacked_axes(layer)

    def split(params):
        hit = chosen("weight_norm", pattern, params, stacks)

        def one(path, leaf):
            if name_of(path) not in hit:
                return leaf
            norm = length(leaf, stacks(name_of(path)))
            return {"direction": leaf, "scale": jnp.squeeze(norm, axes_of(leaf, path))}

        def axes_of(leaf, path):
            return contracted(leaf, stacks(name_of(path)))

        return tree_map_with_path(one, params)

    def joined(params):
        # A direction stands in for its weight, where the pattern looks for it.
        weights = jax.tree.map(
            lambda leaf: leaf["direction"] if is_pair(leaf) else leaf,
            params,
            is_leaf=is_pair,
        )
        hit = matching(pattern, paths(weights), "weight_norm")

        def one(path, leaf):
            if name_of(path) in hit:
                return product(name_of(path), leaf)
            return leaf

        return tree_map_with_path(one, params, is_leaf=is_pair)

    def is_pair(leaf):  # the innermost, where params are those of another weight_norm
        named = type(leaf) is dict and set(leaf) == {"direction", "scale"}
        return named and type(leaf["direction"]) is not dict

    def product(name, leaf):
        depth = stacks(name)
        check_pair(name, leaf, depth)
        direction, scale = leaf["direction"], leaf["scale"]
        scale = jnp.expand_dims(scale, contracted(direction, depth))
        gain = scale / jnp.asarray(length(direction, depth), scale.dtype)
        return direction * jnp.broadcast_to(gain, direction.shape)

    def check_pair(name, leaf, depth):
        arrays = list(leaf.values()) if is_pair(leaf) else []
        if arrays and all(map(is_array, arrays)):
            direction, scale = leaf["direction"], leaf["scale"]
            stack, outputs = direction.shape[:depth], direction.shape[-1:]
            if direction.ndim > depth + 1 and scale.shape == stack + outputs:
                return
        raise ValueError(
            f"weight_norm: expected direction (..., n, m) and scale (m,) of {name}, "
            f"got {shown(leaf)}."
        )

    def draw(line, key):
        params, state = line.draw(key)
        return split(params), state

    def rebuild(part):
        return weight_norm(part, pattern)

    form = reparameterized("weight_norm", layer, draw, joined, rebuild)
    return make(form, weight_norm)


@constructor
def lora(
    layer: Any, rank: int, pattern: Pattern = WEIGHTS, *, alpha: float | None = None
) -> Any:
    """The layer, frozen, with a trainable product of small matrices beside weights.

    ``weight = stop_gradient(base) + (alpha / rank) * down @ up``

    Params: ``{"base": the layer's, "lora": ...}``: pretrained params go to ``"base"``
    as they are. In ``"lora"``, nested alike, each weight ``(..., n, m)`` that matches
    has ``{"down": (..., n, rank), "up": (rank, m)}``, ``up`` zero at first, and every
    other parameter ``()``. ``fnn.split(params, "lora/**")`` gives what trains, and
    `merge_lora` the weights of the layer itself.

    Args:
      layer: A layer.
      rank: Columns of ``down``; at least 1.
      pattern: Which parameters, by path; they have two axes or more, outputs last.
      alpha: Gain of the product, over ``rank``; None means ``rank``, a gain of one.

    Raises:
      TypeError: If ``rank`` is no int, or ``alpha`` no number.
      ValueError: If ``rank < 1``, ``alpha`` is not finite, or the pattern matches no
        parameter, or one of fewer axes.

    Example:
      >>> net = fnn.lora(fnn.dense(3), rank=2)
      >>> params = net.init(jax.random.key(0), jnp.ones((1, 4)))
      >>> params["lora"]["weight"]["down"].shape
      (4, 2)

    References:
      Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2022, equation 3.
    """
    layer = as_layer(layer, "lora")
    check_count("lora", "rank", rank)
    if alpha is not None:
        check_number("lora", "alpha", alpha, "to be finite", math.isfinite)
    gain = 1.0 if alpha is None else alpha / rank
    stacks = stacked_axes(layer)
    uniform = jax.nn.initializers.variance_scaling(1 / 3, "fan_in", "uniform")

    def shapes(base):
        """The shapes of the small matrices beside each parameter of the layer."""
        hit = chosen("lora", pattern, base, stacks)

        def one(path, leaf):
            if name_of(path) not in hit:
                return ()
            up = (*leaf.shape[: stacks(name_of(path))], rank, leaf.shape[-1])
            sizes = {"down": (*leaf.shape[:-1], rank), "up": up}
            return {k: jax.ShapeDtypeStruct(v, leaf.dtype) for k, v in sizes.items()}

        return tree_map_with_path(one, base)

    def draw(line, key):
        base, state = line.draw(key)
        key = fold(key, "/lora")

        def one(path, like):
            name, _, side = name_of(path).rpartition("/")
            if side == "up":
                return jnp.zeros(like.shape, like.dtype)
            depth = stacks(name)
            keys = jax.random.split(fold(key, name), math.prod(like.shape[:depth]))
            each = (like.shape[depth:], like.dtype)
            down = lax.map(lambda key: uniform(key, *each), keys)
            return down.reshape(like.shape)

        return {"base": base, "lora": tree_map_with_path(one, shapes(base))}, state

    def joined(params):
        if type(params) is not dict or set(params) != {"base", "lora"}:
            raise ValueError(
                f"lora: expected params in a dict of base, lora, got {shown(params)}."
            )
        expected = shapes(params["base"])
        if sizes(params["lora"]) != sizes(expected):
            raise ValueError(
                f"lora: expected its params, at lora, to be {shown(expected)}, "
                f"got {shown(params['lora'])}."
            )
        small = paths(params["lora"])

        def one(path, leaf):
            name, leaf = name_of(path), lax.stop_gradient(leaf)
            if f"{name}/up" not in small:
                return leaf
            up, down = small[f"{name}/up"], small[f"{name}/down"]
            stack = leaf.shape[: stacks(name)]
            flat = down.reshape(*stack, -1, down.shape[-1])
            return leaf + gain * (flat @ up).reshape(leaf.shape)

        return tree_map_with_path(one, params["base"])

    def rebuild(part):
        return lora(part, rank, pattern, alpha=alpha)

    return make(reparameterized("lora", layer, draw, joined, rebuild), lora)


def merge_lora(layer: Any, params: Any) -> Any:
    """The params of the layer that `lora` adapted, with the products added in.

    Args:
      layer: A layer made by `lora`.
      params: Its params.

    Raises:
      TypeError: If the layer was not made by `lora`.
      ValueError: If the params are not its own.

    Example:
      >>> net = fnn.lora(fnn.dense(3), rank=2)
      >>> params = net.init(jax.random.key(0), jnp.ones((1, 4)))
      >>> sorted(fnn.merge_lora(net, params))
      ['bias', 'weight']
    """
    if not is_layer(layer) or layer.form.name != "lora":
        raise TypeError(
            f"merge_lora: expected a layer made by lora, got {word(layer)}."
        )
    adapted = layer.form.parts
    # What another transform within makes of params is not what is asked for.
    form = with_fields(adapted.form, seen=lambda params: params)
    return layer.form.rebuild(make(form, as_layer, (adapted,))).form.seen(params)


# ------------------------------------------------------------------- what they share
def reparameterized(
    name: str,
    layer: Any,
    draw: Callable[[Outline, Any], tuple[Any, Any]],
    joined: Callable[[Any], Any],
    rebuild: Callable[[Any], Any],
) -> Any:
    """The form of a layer that sees `joined(params)`; `draw(line, key)` makes them."""
    inner = layer.form

    def outline(key, inputs, named):
        line = inner.outline(key, inputs, named)
        params, state = jax.eval_shape(lambda key: draw(line, key), key)
        return Outline(lambda key: draw(line, key), params, state, line.outputs)

    def run(params, state, *args):
        return inner.run(joined(params), state, *args)

    changes = {"name": name, "outline": outline, "run": run, "rebuild": rebuild}
    changes["seen"] = lambda params: inner.seen(joined(params))
    return form_around(layer, **changes, apart=lambda params: params)


def stacked_axes(layer: Any) -> Callable[[str], int]:
    """How many first axes of a parameter, by path, are those of copies of its layer."""
    found: list[str] = []

    def walk(part, path):
        if is_layer(part.form.parts):
            found.extend([path] if part.form.stacks else [])
            walk(part.form.parts, path)
        else:
            for where, child in flatten(part.form.parts).items():
                walk(child, f"{path}/{label(where)}".strip("/"))

    walk(layer, "")
    return lambda name: sum(p in ("", name) or name.startswith(f"{p}/") for p in found)


def chosen(
    who: str, pattern: Pattern, params: Any, stacks: Callable[[str], int]
) -> set[str]:
    """The paths that a pattern picks, of weights with inputs and outputs."""
    flat = paths(params)
    hit = matching(pattern, flat, who)
    for name in sorted(hit):
        leaf = flat[name]
        if not is_array(leaf) or leaf.ndim - stacks(name) < 2:
            raise ValueError(
                f"{who}: expected {name} to have two axes or more, got {shown(leaf)}."
            )
    return hit


def sizes(tree: Any) -> Any:
    """The tree with the shape of each leaf, and of no other dtype, in its place."""
    return jax.tree.map(lambda leaf: list(getattr(leaf, "shape", "none")), tree)


def name_of(path: Any) -> str:
    return keystr(path, simple=True, separator="/")


def contracted(weight: Array, depth: int) -> tuple[int, ...]:
    """The axes of a weight that are neither of copies nor of outputs."""
    return tuple(range(depth, weight.ndim - 1))


def length(weight: Array, depth: int) -> Array:
    """The norm of the weights of each output, in at least float32, axes kept."""
    squares = jnp.square(weight.astype(at_least_float32(weight.dtype)))
    return jnp.sqrt(jnp.sum(squares, contracted(weight, depth), keepdims=True))
