"""`mixed_precision`: parameters kept in float32, computed with in fewer bits."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from fnn.composition import flatten
from fnn.contract import as_layer, constructor, is_layer, make
from fnn.forms import form_around
from fnn.shapes import abstract, is_array, word
from fnn.transforms.parts import with_parts


@constructor
def mixed_precision(
    layer: Any,
    compute: DTypeLike = jnp.bfloat16,
    output: DTypeLike | None = jnp.float32,
) -> Any:
    """The layer, computing in one dtype with parameters kept in another.

    ``y = layer(params.astype(compute), x.astype(compute)).astype(output)``

    Floating arrays are cast: params, inputs, inputs by name, and outputs. State is not:
    batch statistics stay in float32, and what a decoder keeps of its keys and values is
    in the dtype that they are computed in. Gradients have the dtype of the params, so
    that an optimiser's small updates are not lost.

    Args:
      layer: A layer.
      compute: Floating dtype that params and inputs are cast to.
      output: Floating dtype of the outputs; None leaves them as they come.

    Raises:
      TypeError: If one of the two is no floating dtype.

    Example:
      >>> net = fnn.mixed_precision(fnn.dense(2), output=None)
      >>> params = net.init(jax.random.key(0), jnp.ones((1, 3)))
      >>> params["weight"].dtype.name, net.apply(params, jnp.ones((1, 3))).dtype.name
      ('float32', 'bfloat16')

    References:
      Micikevicius et al., "Mixed Precision Training", 2018.
    """
    layer = as_layer(layer, "mixed_precision")
    for name, dtype in (("compute", compute), ("output", output)):
        if dtype is None and name == "output":
            continue
        try:
            floating = dtype is not None and jnp.issubdtype(dtype, jnp.floating)
        except TypeError:  # NumPy takes it for no dtype at all
            floating = False
        if not floating:
            raise TypeError(
                f"mixed_precision: expected {name} to be a floating dtype, "
                f"got {word(dtype)}."
            )

    def run(params, state, inputs, named, key, train):
        params, inputs, named = cast((params, inputs, named), compute)
        outputs, state = layer.form.run(params, state, inputs, named, key, train)
        return outputs if output is None else cast(outputs, output), state

    def outline(key, inputs, named):
        inputs, named = recast((inputs, named), compute)
        line = with_params_in(compute, layer).form.outline(key, inputs, named)
        outputs = line.outputs if output is None else recast(line.outputs, output)
        return line._replace(outputs=outputs)

    def seen(params):
        return layer.form.seen(cast(params, compute))

    def rebuild(part):
        return mixed_precision(part, compute, output)

    form = form_around(
        layer,
        name="mixed_precision",
        outline=outline,
        run=run,
        rebuild=rebuild,
        seen=seen,
    )
    return make(form, mixed_precision)


def with_params_in(dtype: DTypeLike, layer: Any) -> Any:
    """The layer, in which each part casts the params that it draws itself.

    By it `init` finds the dtypes that parts hand to each other.
    """
    form = layer.form
    if is_layer(form.parts) or flatten(form.parts):
        return with_parts(layer, lambda _, part: with_params_in(dtype, part), "")
    return casting(dtype, layer)


def casting(dtype: DTypeLike, layer: Any) -> Any:
    """The layer, with params cast when it runs."""
    form = layer.form

    def run(params, *args):
        return form.run(cast(params, dtype), *args)

    def outline(key, inputs, named):
        line = form.outline(key, inputs, named)
        if not jax.tree.leaves(line.params):
            return line

        def evaluate(params, state, inputs, named, key):
            return run(params, state, inputs, named, key, False)[0]

        outputs = abstract(evaluate, line.params, line.state, inputs, named, key)
        return line._replace(outputs=outputs)

    def seen(params):
        return form.seen(cast(params, dtype))

    def rebuild(part):
        return casting(dtype, part)

    caster = form_around(layer, outline=outline, run=run, seen=seen, rebuild=rebuild)
    return make(caster, casting, (dtype, layer))


def cast(tree: Any, dtype: DTypeLike) -> Any:
    """The tree with its floating arrays in a dtype."""
    return jax.tree.map(
        lambda leaf: jnp.asarray(leaf, dtype) if is_floating(leaf) else leaf, tree
    )


def recast(shapes: Any, dtype: DTypeLike) -> Any:
    """The shapes of what `cast` gives."""

    def one(leaf):
        floating = is_floating(leaf)
        return jax.ShapeDtypeStruct(leaf.shape, dtype) if floating else leaf

    return jax.tree.map(one, shapes)


def is_floating(leaf: Any) -> bool:
    return is_array(leaf) and jnp.issubdtype(leaf.dtype, jnp.floating)
