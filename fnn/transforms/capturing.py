"""`capture`: what the parts of a layer put out, beside the layer's own outputs."""

from __future__ import annotations

import functools
from typing import Any

from fnn.composition import flatten, gather, scatter
from fnn.contract import as_layer, constructor, is_layer, make
from fnn.forms import form_around
from fnn.shapes import abstract
from fnn.taps import Tap, Tapping
from fnn.transforms.parts import map_parts, part_paths
from fnn.tree import Pattern, matching


@constructor
def capture(layer: Any, pattern: Pattern) -> Any:
    """The layer, giving ``(outputs, {path: output of that part})``.

    A part that is called several times gives a tuple of its outputs. Through
    ``repeat``, ``ensemble`` and ``recurrent`` outputs come stacked as these stack them.
    Params and state stay.

    Args:
      layer: A layer.
      pattern: Which parts, by path.

    Raises:
      ValueError: If the pattern matches no part, or a matching part is called inside a
        JAX transform, out of which its output can't be carried.

    Example:
      >>> net = fnn.capture(fnn.sequential(jnp.sin, jnp.negative), "0")
      >>> net.apply(((), ()), jnp.zeros(2))
      (Array([-0., -0.], dtype=float32), {'0': Array([0., 0.], dtype=float32)})
    """
    layer = as_layer(layer, "capture")
    hit = matching(pattern, part_paths(layer), "capture")
    tapped = map_parts(
        lambda path, part: tap(path, part) if path in hit else part, layer
    )

    def run(params, state, inputs, named, key, train):
        before = with_taps(layer, tapped, state)
        outputs, after = tapped.form.run(params, before, inputs, named, key, train)
        found: dict[str, Any] = {}
        state = without_taps(layer, tapped, after, found)
        for path, values in found.items():
            found[path] = values[0] if len(values) == 1 else values
        return (outputs, found), state

    def outline(key, inputs, named):
        line = layer.form.outline(key, inputs, named)

        def evaluate(params, state, inputs, named, key):
            return run(params, state, inputs, named, key, False)[0]

        outputs = abstract(evaluate, line.params, line.state, inputs, named, key)
        return line._replace(outputs=outputs)

    def rebuild(part):
        return capture(part, pattern)

    form = form_around(layer, name="capture", outline=outline, run=run, rebuild=rebuild)
    return make(form, capture, (layer, pattern))


def tap(path: str, part: Any) -> Any:
    """A part that keeps in its state what it puts out."""

    def run(params, state, *args):
        outputs, inner = part.form.run(params, state.state, *args)
        return outputs, Tap(path, inner, (*state.values, outputs))

    def outline(key, inputs, named):
        line = part.form.outline(key, inputs, named)

        def draw(key):
            params, state = line.draw(key)
            return params, Tap(path, state)

        return line._replace(draw=draw, state=Tap(path, line.state))

    form = form_around(
        part,
        outline=outline,
        run=run,
        stateful=True,
        rebuild=lambda part: tap(path, part),
        inner_state=Tapping(path),
    )
    return make(form, tap, (path, part))


def with_taps(layer: Any, tapped: Any, state: Any) -> Any:
    """The state of a layer as the same layer with tapped parts takes it."""
    if tapped is layer:
        return state
    old, new = layer.form, tapped.form
    if taps_around(tapped) > taps_around(layer):
        return Tap(new.inner_state.path, with_taps(layer, new.parts, state))
    if is_layer(new.parts):
        return new.inner_state(lambda s: with_taps(old.parts, new.parts, s), state)
    before, after = flatten(old.parts), flatten(new.parts)
    states = dict.fromkeys(before, ())
    if old.stateful:
        states = scatter(old.parts, state, f"{old.name}: expected state", "")
    return gather(
        new.parts, {p: with_taps(before[p], after[p], states[p]) for p in before}
    )


def without_taps(layer: Any, tapped: Any, state: Any, found: dict[str, Any]) -> Any:
    """The state that `with_taps` was given; what its taps hold goes into `found`."""
    if tapped is layer:
        return state
    old, new = layer.form, tapped.form

    def inside(inner, state):
        return without_taps(inner, new.parts, state, found)

    if taps_around(tapped) > taps_around(layer):
        found[state.path] = state.values
        return inside(layer, state.state)
    if is_layer(new.parts):
        state = new.inner_state(functools.partial(inside, old.parts), state)
    else:
        before, after = flatten(old.parts), flatten(new.parts)
        states = scatter(new.parts, state, f"{old.name}: expected state", "")
        for path, part in before.items():
            states[path] = without_taps(part, after[path], states[path], found)
        state = gather(old.parts, states)
    return state if old.stateful else ()


def taps_around(layer: Any) -> int:
    """How many taps stand around a part; a capture inside another makes several."""
    count = 0
    while isinstance(layer.form.inner_state, Tapping):
        layer, count = layer.form.parts, count + 1
    return count
