"""What gradients do in a layer: frozen parameters, recomputed activations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace as with_fields
from typing import Any

import jax
from jax import lax

from fnn.contract import as_layer, constructor, make
from fnn.shapes import over_arrays
from fnn.signatures import takes
from fnn.transforms.wrapping import wrapped
from fnn.tree import Pattern, check_pattern, from_paths, matching, paths


@constructor
def freeze(layer: Any, pattern: Pattern = "**") -> Any:
    """The layer, some of whose parameters get no gradient.

    ``y = layer(stop_gradient(params), x)``

    Gradients by them are zeros; an optimiser that decays weights would still shrink
    them: give it the same pattern, or `split` them off.

    Args:
      layer: A layer.
      pattern: Which parameters, by path; by default all.

    Raises:
      TypeError: If the pattern is none.
      ValueError: If it matches no parameter, at ``init`` or trace time.

    Example:
      >>> net = fnn.freeze(fnn.dense(1), "bias")
      >>> params = net.init(jax.random.key(0), jnp.ones((1, 2)))
      >>> grads = jax.grad(lambda p: net.apply(p, jnp.ones((1, 2))).sum())(params)
      >>> grads["bias"], grads["weight"].tolist()
      (Array([0.], dtype=float32), [[1.0], [1.0]])
    """
    layer = as_layer(layer, "freeze")
    check_pattern(pattern, "freeze")

    def stopped(params):
        flat = paths(params)
        hit = matching(pattern, flat, "freeze")
        return from_paths(
            {n: lax.stop_gradient(a) if n in hit else a for n, a in flat.items()},
            like=params,
        )

    def around(layer, params, state, *inputs, **named):
        return layer.apply(stopped(params), state, *inputs, **named)

    form = wrapped(
        "freeze", layer, around, takes(around, 3), lambda part: freeze(part, pattern)
    )
    seen = layer.form.seen
    return make(with_fields(form, seen=lambda params: seen(stopped(params))), freeze)


@constructor
def remat(layer: Any, policy: Callable[..., bool] | None = None) -> Any:
    """The layer, recomputing its activations in the backward pass: `jax.checkpoint`.

    Same values, less memory, about a third more arithmetic.

    Args:
      layer: A layer.
      policy: Which intermediate values are kept, one of `jax.checkpoint_policies`; by
        default none.

    Raises:
      TypeError: If ``policy`` is no function.

    Example:
      >>> net = fnn.remat(fnn.sequential(fnn.dense(8), jnp.tanh))
      >>> params = net.init(jax.random.key(0), jnp.ones((1, 2)))
      >>> net.apply(params, jnp.ones((1, 2))).shape
      (1, 8)
    """
    layer = as_layer(layer, "remat")
    if policy is not None and not callable(policy):
        raise TypeError(f"remat: expected a policy that is a function, got {policy!r}.")

    def around(layer, params, state, *inputs, train, **named):
        def apply(params, state, inputs, named):
            if named.get("key") is not None:
                # Drawn from again when recomputing, which is no reuse.
                named = {**named, "key": jax.random.clone(named["key"])}
            return layer.apply(params, state, *inputs, train=train, **named)

        # Inputs that are no arrays (None, a string) must not be traced.
        function, arrays = over_arrays(apply, params, state, inputs, named)
        return jax.checkpoint(function, policy=policy)(arrays)

    form = wrapped(
        "remat", layer, around, takes(around, 3), lambda part: remat(part, policy)
    )
    return make(form, remat)
