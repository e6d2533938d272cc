"""`spectral_norm`: weights divided by their largest singular value."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.tree_util import tree_map_with_path

from fnn.composition import fold
from fnn.contract import as_layer, constructor, make
from fnn.forms import form_around
from fnn.layers.checks import check_count, check_number
from fnn.shapes import shown
from fnn.transforms.reparameterization import WEIGHTS, chosen, name_of, stacked_axes
from fnn.tree import Pattern, paths


@constructor
def spectral_norm(
    layer: Any, pattern: Pattern = WEIGHTS, *, iterations: int = 1, eps: float = 1e-12
) -> Any:
    """The layer, whose weights are divided by their largest singular value.

    ``weight / (left @ weight @ right)``, with ``left`` and ``right`` found by power
    iteration: some steps of it in each training call, none otherwise.

    Params: the layer's. State: ``{"inner": the layer's, "vectors": ...}``; there,
    nested like the params, each weight that matches, a matrix ``(n, m)`` once its axes
    but the last are joined, has ``left (n,)`` and ``right (m,)``, every other parameter
    ``()``.

    Args:
      layer: A layer.
      pattern: Which parameters, by path; they have two axes or more, outputs last.
      iterations: Steps of power iteration in a call with ``train=True``; at least 1.
      eps: Least norm that a vector is divided by; above 0.

    Raises:
      TypeError: If an option is of the wrong kind.
      ValueError: If ``iterations < 1``, ``eps`` is not above 0, or the pattern matches
        no parameter, or one of fewer axes.

    Example:
      >>> critic = fnn.spectral_norm(fnn.dense(1))
      >>> params, state = critic.init(jax.random.key(0), jnp.ones((1, 4)))
      >>> y, state = critic.apply(params, state, jnp.ones((1, 4)), train=True)
      >>> state["vectors"]["weight"]["left"].shape
      (4,)

    References:
      Miyato et al., "Spectral Normalization for Generative Adversarial Networks", 2018,
      algorithm 1.
    """
    layer = as_layer(layer, "spectral_norm")
    check_count("spectral_norm", "iterations", iterations)
    check_number("spectral_norm", "eps", eps, "above 0", lambda v: v > 0)
    form, stacks = layer.form, stacked_axes(layer)

    def matrix(name, weight, dtype):
        stack = weight.shape[: stacks(name)]
        return weight.astype(dtype).reshape(*stack, -1, weight.shape[-1])

    def unit(vector):
        norm = jnp.sqrt(jnp.sum(vector**2, -1, keepdims=True))
        return vector / jnp.broadcast_to(jnp.maximum(norm, eps), vector.shape)

    def steps(weights, vectors, count):
        """Left and right vectors after that many more steps."""
        for _ in range(count):
            left = unit(jnp.einsum("...nm,...m->...n", weights, vectors["right"]))
            vectors = {
                "left": left,
                "right": unit(jnp.einsum("...nm,...n->...m", weights, left)),
            }
        return vectors

    def draw_vectors(params, key):
        hit, key = chosen("spectral_norm", pattern, params, stacks), fold(key, "/u")

        def one(path, leaf):
            name = name_of(path)
            if name not in hit:
                return ()
            weights = lax.stop_gradient(matrix(name, leaf, leaf.dtype))
            shape = (*weights.shape[:-2], weights.shape[-1])
            right = unit(jax.random.normal(fold(key, name), shape, leaf.dtype))
            left = jnp.zeros(weights.shape[:-1], leaf.dtype)
            return steps(weights, {"left": left, "right": right}, iterations)

        return tree_map_with_path(one, params)

    def outline(key, inputs, named):
        line = form.outline(key, inputs, named)

        def draw(key):
            params, state = line.draw(key)
            return params, {"inner": state, "vectors": draw_vectors(params, key)}

        vectors = jax.eval_shape(draw_vectors, line.params, key)
        return line._replace(draw=draw, state={"inner": line.state, "vectors": vectors})

    def run(params, state, inputs, named, key, train):
        if type(state) is not dict or set(state) != {"inner", "vectors"}:
            raise ValueError(
                "spectral_norm: expected state in a dict of inner, vectors, "
                f"got {shown(state)}."
            )
        known = paths(state["vectors"])

        def renewed(path, leaf):
            name = name_of(path)
            if f"{name}/left" not in known:
                return ()
            vectors = {side: known[f"{name}/{side}"] for side in ("left", "right")}
            weights = matrix(name, leaf, vectors["left"].dtype)
            vectors = steps(weights, vectors, iterations)
            return jax.tree.map(lax.stop_gradient, vectors)

        vectors = state["vectors"]
        if train:
            vectors = tree_map_with_path(renewed, params)
        now = paths(vectors)

        def divided(path, leaf):
            name = name_of(path)
            if f"{name}/left" not in now:
                return leaf
            left, right = now[f"{name}/left"], now[f"{name}/right"]
            weights = matrix(name, leaf, left.dtype)
            value = jnp.einsum("...nm,...n,...m->...", weights, left, right)
            value = value.reshape(value.shape + (1,) * (leaf.ndim - value.ndim))
            return leaf / jnp.broadcast_to(value.astype(leaf.dtype), leaf.shape)

        params = tree_map_with_path(divided, params)
        outputs, inner = form.run(params, state["inner"], inputs, named, key, train)
        return outputs, {"inner": inner, "vectors": vectors}

    options: dict[str, Any] = {} if iterations == 1 else {"iterations": iterations}
    options |= {} if eps == 1e-12 else {"eps": eps}
    normed = form_around(
        layer,
        name="spectral_norm",
        outline=outline,
        run=run,
        stateful=True,
        rebuild=lambda part: spectral_norm(part, pattern, **options),
        inner_state=lambda f, state: state | {"inner": f(state["inner"])},
    )
    return make(normed, spectral_norm)
