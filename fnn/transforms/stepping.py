"""`decoding`: a layer a step at a time, with what it has seen so far as state."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import replace as with_fields
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

from fnn.composition import flatten, rebuilt
from fnn.contract import as_layer, constructor, is_layer, make
from fnn.forms import form_around
from fnn.layers.checks import check_count
from fnn.shapes import word


@constructor
def decoding(layer: Any, length: int) -> Any:
    """The layer, taking the next steps of a sequence alone: generation with a cache.

    ``y[:k] = decoder(x[:k])``, then ``y[k:] = decoder(x[k:])``, where ``y = layer(x)``:
    parts that look back, such as causal `attention` and positions, keep in their state
    what they have seen, up to ``length`` steps. A call takes one step or several.

    The copies of a `repeat` keep a cache each and run without a loop, so that compiling
    takes longer the more there are; `decoding_params` makes them faster in a loop.

    Batches share one count of steps; where each sequence has its own, `jax.vmap` a
    decoder of single sequences, whose states then have one leading axis to reorder in a
    beam search, and ``lengths=`` says how much of a padded prompt to keep.

    A call that exceeds ``length`` is an error where the count of steps is known,
    outside `jax.jit`; inside, its output is NaN, as is that of every later call.

    Params: the layer's. State: keys, values and counts of steps, where parts look back.

    Args:
      layer: A layer all of whose parts treat the steps of a sequence one by one, but
        for those that can be decoded: causal or cross-attention, positions, layers
        given to `steps_as`. Cross-attention keeps the ``memory`` of its last call that
        had one.
      length: How many steps there is room for; at least 1.

    Raises:
      TypeError: If ``length`` is no int.
      ValueError: If ``length < 1``, no part looks back, or one looks ahead.

    Example:
      >>> layer = fnn.attention(8, 2, causal=True)
      >>> x = jnp.ones((1, 5, 8))
      >>> decoder = fnn.decoding(layer, 5)
      >>> params, state = decoder.init(jax.random.key(0), x[:, :1])
      >>> start, state = decoder.apply(params, state, x[:, :4])
      >>> last, state = decoder.apply(params, state, x[:, 4:])
      >>> y = layer.apply(params, x)
      >>> bool(jnp.allclose(jnp.concatenate([start, last], 1), y, atol=1e-5))
      True
    """
    layer = as_layer(layer, "decoding")
    check_count("decoding", "length", length)
    stepped = _stepped(layer, length)
    if stepped is layer:
        raise ValueError(
            f"decoding: expected a layer with a part that looks back, got {layer!r}."
        )
    return checked(stepped)


def decoding_params(decoder: Any, params: Any) -> Any:
    """The same params, as a decoder reads them fastest in a loop over steps.

    Those of a `repeat` are stacked, and XLA copies the array of each copy out of the
    stack in every iteration of a loop such as `jax.lax.scan`. Here each has arrays of
    its own: call it before the loop, on a CPU for a token in half the time. Only the
    decoder takes what it gives.

    Args:
      decoder: What `decoding` gave.
      params: The params of the layer.

    Raises:
      TypeError: If the decoder is no layer.
      ValueError: If the params are nested otherwise, or some array of a `repeat` is not
        there for each of its copies.

    Example:
      >>> net = fnn.repeat(fnn.attention(8, 2, causal=True), 2)
      >>> decoder, x = fnn.decoding(net, 5), jnp.ones((1, 1, 8))
      >>> params, state = decoder.init(jax.random.key(0), x)
      >>> @jax.jit
      ... def five_steps(params, state, x):
      ...     params = fnn.decoding_params(decoder, params)
      ...     def step(carry, _):
      ...         return decoder.apply(params, *carry)[::-1], ()
      ...     return jax.lax.scan(step, (state, x), length=5)[0]
      >>> five_steps(params, state, x)[1].shape
      (1, 1, 8)
    """
    return as_layer(decoder, "decoding_params").form.apart(params)


def _stepped(layer: Any, length: int) -> Any:
    """The layer with every part that looks back in its form for single steps."""
    form = layer.form
    if form.decoding is not None:
        return as_layer(form.decoding(length), "decoding")
    if is_layer(form.parts):
        parts = _stepped(form.parts, length)
        rebuild = form.step_by_step or form.rebuild
        return layer if parts is form.parts else rebuild(parts)

    parts = rebuilt(form.parts, lambda _, part: part and _stepped(part, length))
    before, after = flatten(form.parts), flatten(parts)
    same = all(after[path] is part for path, part in before.items())
    return layer if same else form.rebuild(parts)


@constructor
def checked(layer: Any) -> Any:
    """A decoder that raises when its parts have seen more steps than they can."""

    def run(*args):
        outputs, state = layer.form.run(*args)
        check_room(state)
        return outputs, state

    return make(form_around(layer, run=run, rebuild=checked), checked)


def steps_as(layer: Any, decoding: Callable[[int], Any]) -> Any:
    """The layer, which `decoding` replaces by ``decoding(length)``.

    Args:
      layer: A layer that looks back, written for a whole sequence.
      decoding: A function of the number of steps to have room for; gives a layer of the
        same params that goes on from its state.

    Example:
      >>> def step_init(key, x):
      ...     return (), jnp.zeros((*x.shape[:-2], 1, x.shape[-1]), x.dtype)
      >>> def step(params, state, x):
      ...     y = state + jnp.cumsum(x, -2)
      ...     return y, y[..., -1:, :]
      >>> total = fnn.steps_as(
      ...     lambda x: jnp.cumsum(x, -2), lambda _: fnn.StatefulLayer(step_init, step)
      ... )
      >>> decoder = fnn.decoding(total, 10)
      >>> decoder.apply((), jnp.full((1, 1), 7.0), jnp.ones((2, 1)))[0].tolist()
      [[8.0], [9.0]]
    """
    layer = as_layer(layer, "steps_as")
    if not callable(decoding) or is_layer(decoding):
        raise TypeError(
            f"steps_as: expected decoding to be a function, got {word(decoding)}."
        )
    form = with_fields(layer.form, decoding=decoding)
    return make(form, steps_as, (layer, decoding))


@constructor
def whole(layer: Any) -> Any:
    """The layer, which `decoding` leaves as it is: an encoder beside a decoder.

    Args:
      layer: A layer that sees whole sequences also where another is decoded.

    Example:
      >>> encoder = fnn.whole(fnn.attention(8, 2))
      >>> net = fnn.sequential(encoder, fnn.attention(8, 2, causal=True))
      >>> fnn.decoding(net, 5).init(jax.random.key(0), jnp.ones((1, 1, 8)))[1][0]
      ()
    """
    layer = as_layer(layer, "whole")

    def decoding(length):
        return whole(layer)

    form = form_around(layer, name="whole", rebuild=whole, decoding=decoding)
    return make(form, whole, (layer,))


# --------------------------------------------------------------------- counts of steps
@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Steps:
    """How many steps a part has seen, and how many it has room for."""

    count: Any
    limit: int = dataclasses.field(metadata={"static": True})


def no_steps(limit: int) -> Steps:
    """The count at the start."""
    return Steps(jnp.zeros((), jnp.int32), limit)


def advanced(owner: str, steps: Steps, time: int, lengths: Any) -> tuple[Steps, Array]:
    """The count after a call, and whether there was room for it."""
    if time > steps.limit:
        raise ValueError(
            f"{owner}: expected at most {steps.limit} steps to decode, got {time}."
        )
    new: Any = time
    if lengths is not None:
        if lengths.shape:
            raise ValueError(
                f"{owner}: expected lengths of shape () to decode, as a batch shares "
                f"one count of steps, got {lengths.shape}; jax.vmap single sequences."
            )
        new = jnp.asarray(lengths, jnp.int32)
    count = steps.count + new
    return Steps(count, steps.limit), count <= steps.limit


def check_room(state: Any) -> None:
    """Raises where a count whose value is known exceeds its limit."""

    def is_steps(node):
        return isinstance(node, Steps)

    for steps in filter(is_steps, jax.tree.leaves(state, is_leaf=is_steps)):
        counts = jax.tree.leaves(steps.count)
        if any(isinstance(one, Tracer | jax.ShapeDtypeStruct) for one in counts):
            continue
        seen = max(int(np.max(np.asarray(one), initial=0)) for one in counts)
        if seen > steps.limit:
            raise ValueError(
                f"decoding: expected at most {steps.limit} steps, got {seen}."
            )
