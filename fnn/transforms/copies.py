"""Several copies of a layer: one after the other by a scan, or side by side by vmap."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace as with_fields
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from fnn.checks import check_state_given
from fnn.contract import as_layer, constructor, make
from fnn.forms import Form, form_around
from fnn.layers.checks import check_count
from fnn.shapes import shard_axes, shown, spec, varying
from fnn.transforms.stacking import (
    apart,
    check_apart,
    check_copies,
    check_stacked,
    nth,
    one_of,
    stack_params,
    stacked,
    stacked_spec,
    together,
)


@constructor
def repeat(
    layer: Any,
    n: int,
    *,
    remat: bool = False,
    unroll: int = 1,
    over: Sequence[str] = (),
    collect: bool = False,
) -> Any:
    """``n`` copies of a layer one after the other, by `jax.lax.scan`.

    ``x = layer(params[n - 1], ... layer(params[1], layer(params[0], x)))``

    Each copy has its own parameters, state and key, those that ``n`` layers in
    `sequential` would have; it is traced and compiled once, whatever ``n`` is.

    Params: the layer's, with a first axis of length ``n``; so is the state.

    Args:
      layer: A layer whose output has the shape and dtype of its first input; further
        inputs, and inputs by name, are the same for each copy.
      n: The number of copies; at least 1.
      remat: Whether to recompute each copy's activations in the backward pass instead
        of keeping them.
      unroll: How many copies one iteration of the loop runs.
      over: Inputs by name that have a first axis of length ``n``: each copy gets its
        slice.
      collect: Whether to return ``(x, xs)`` with all copies' outputs stacked in ``xs``.

    Raises:
      TypeError: If ``layer`` is none, or an option is of the wrong kind.
      ValueError: If ``n`` or ``unroll`` is less than 1, ``over`` names an input that
        the layer does not take, the output is not like the input, or a stacked axis is
        not ``n`` long.

    Example:
      >>> net = fnn.repeat(fnn.sequential(fnn.dense(4), jnp.tanh), 10)
      >>> params = net.init(jax.random.key(0), jnp.ones((2, 4)))
      >>> params[0]["weight"].shape
      (10, 4, 4)
    """
    layer = as_layer(layer, "repeat")
    form = layer.form
    check_count("repeat", "n", n)
    check_count("repeat", "unroll", unroll)
    if isinstance(over, str):
        raise TypeError(f"repeat: expected over to be a tuple of names, got {over!r}.")
    for name in over:
        if form.accepts is not None and name not in form.accepts:
            raise ValueError(
                f"repeat: expected over to name inputs of {form.name}, got {name!r}."
            )

    def outline(key, inputs, named):
        check_inputs(inputs)
        own, rest = own_inputs(form, named, over, n)
        own = jax.tree.map(lambda s: jax.ShapeDtypeStruct(s.shape[1:], s.dtype), own)
        line = form.outline(key, inputs, own | rest)
        check_like(form, inputs[0], line.outputs)
        outputs = line.outputs
        if collect:
            outputs = (outputs, stacked_spec(outputs, n))
        return stacked(line, n)._replace(outputs=outputs)

    def run(params, state, inputs, named, key, train):
        if form.stateful:
            check_state_given("repeat", inputs)
        check_inputs(inputs)
        own, named = own_inputs(form, named, over, n)
        check_stacked("repeat", params, n, "params")
        check_stacked("repeat", state, n, "state")
        axes = shard_axes((params, state, inputs, own, named, key))
        x, *others = varying(inputs[0], axes), *inputs[1:]

        def body(x, copy):
            params, state, i, own = copy
            y, state = form.run(
                params, state, (x, *others), named | own, key_of(form, key, i), train
            )
            check_like(form, x, y)
            y = varying(y, axes)
            return y, (state, y if collect else ())

        if remat:
            body = jax.checkpoint(body, prevent_cse=False)  # a scan needs no more
        copies = (params, state, jnp.arange(n), own)
        x, (state, xs) = lax.scan(body, x, copies, length=n, unroll=unroll)
        return (x, xs) if collect else x, state

    options: dict[str, Any] = {"remat": remat, "collect": collect, "over": over}
    options = {name: value for name, value in options.items() if value}
    if unroll != 1:
        options["unroll"] = unroll
    form_of_copies = form_around(
        layer,
        name="repeat",
        outline=outline,
        run=run,
        rebuild=lambda part: repeat(part, n, **options),
        copies=True,
        stacks=True,
        seen=jax.vmap(form.seen, axis_size=n),
        step_by_step=lambda part: unrolled(part, n, over=over, collect=collect),
    )
    return make(form_of_copies, repeat)


@constructor
def unrolled(layer: Any, n: int, *, over: Sequence[str], collect: bool) -> Any:
    """`repeat` of what keeps much state and computes little, such as one step's caches.

    In a scan over copies, each would be copied into the loop and out of it again. Here
    every copy has arrays of its own, which a loop over steps changes where they lie.

    Params: as of `repeat`, or with `Apart` in place of arrays, as is the state.
    """
    form = layer.form
    repeated = repeat(layer, n, over=over, collect=collect).form

    def outline(key, inputs, named):
        line = repeated.outline(key, inputs, named)

        def draw(key):
            params, state = line.draw(key)
            return params, apart(state, n)

        return line._replace(draw=draw, state=jax.eval_shape(draw, key)[1])

    def run(params, state, inputs, named, key, train):
        check_state_given("repeat", inputs)
        check_copies("repeat", params, n)
        check_apart("repeat", state, n)
        own, named = own_inputs(form, named, over, n)
        (x, *others), states, xs = inputs, [], []
        for i in range(n):
            copy = one_of(params, i), one_of(state, i)
            named_one = named | nth(own, i)
            y, new = form.run(
                *copy, (x, *others), named_one, key_of(form, key, i), train
            )
            check_like(form, x, y)
            x = y
            states.append(new)
            xs.append(x)
        return (x, stack_params(xs)) if collect else x, together(states)

    def rebuild(part):
        return unrolled(part, n, over=over, collect=collect)

    def to_pieces(params):
        check_stacked("repeat", params, n, "params")
        return apart(params, n)

    fields = {"outline": outline, "run": run, "rebuild": rebuild, "apart": to_pieces}
    return make(with_fields(repeated, **fields), unrolled)


@constructor
def ensemble(layer: Any, n: int) -> Any:
    """``n`` independent copies of a layer on the same input, by `jax.vmap`.

    ``y[i] = layer(params[i], *inputs)``

    Params: the layer's, with a first axis of length ``n``; so are the state and
      outputs.

    Args:
      layer: A layer.
      n: The number of copies; at least 1.

    Raises:
      TypeError: If ``layer`` is none, or ``n`` no int.
      ValueError: If ``n < 1``, or a stacked axis is not ``n`` long.

    Example:
      >>> net = fnn.ensemble(fnn.dense(3), 5)
      >>> params = net.init(jax.random.key(0), jnp.ones((2, 4)))
      >>> net.apply(params, jnp.ones((2, 4))).shape
      (5, 2, 3)
    """
    layer = as_layer(layer, "ensemble")
    form = layer.form
    check_count("ensemble", "n", n)

    def outline(key, inputs, named):
        line = stacked(form.outline(key, inputs, named), n)
        return line._replace(outputs=stacked_spec(line.outputs, n))

    def run(params, state, inputs, named, key, train):
        check_stacked("ensemble", params, n, "params")
        check_stacked("ensemble", state, n, "state")

        def one(params, state, key):
            return form.run(params, state, inputs, named, key, train)

        return jax.vmap(one, axis_size=n)(params, state, copy_keys(form, key, n))

    form_of_copies = form_around(
        layer,
        name="ensemble",
        outline=outline,
        run=run,
        rebuild=lambda part: ensemble(part, n),
        stacks=True,
        seen=jax.vmap(form.seen, axis_size=n),
    )
    return make(form_of_copies, ensemble)


def check_inputs(inputs: tuple) -> None:
    if not inputs:
        raise TypeError("repeat: expected at least 1 input, got 0.")


def check_like(form: Form, x: Any, y: Any) -> None:
    """Raises where a copy's output can't be the next one's input."""
    if spec(x) != spec(y):
        raise ValueError(
            f"repeat: expected {form.name} to keep its input's shape and dtype, "
            f"{shown(x)}, got {shown(y)}."
        )


def own_inputs(
    form: Form, named: dict[str, Any], over: Sequence[str], n: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Inputs by name: those that each copy has its own of, and the others."""
    names = form.sliced.union(over)
    own = {name: value for name, value in named.items() if name in names}
    check_stacked("repeat", own, n, "inputs by name")
    return own, {name: v for name, v in named.items() if name not in names}


def key_of(form: Form, key: Any, i: Any) -> Any:
    """The key of the i-th copy, as `sequential` folds it; None where none draws."""
    return jax.random.fold_in(key, i) if form.draws and key is not None else None


def copy_keys(form: Any, key: Any, n: int) -> Any:
    """A key for each copy, as `sequential` folds them; None where none draws."""
    if key is None or not form.draws:
        return None
    return jax.vmap(functools.partial(jax.random.fold_in, key))(jnp.arange(n))
