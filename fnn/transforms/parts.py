"""One map over the parts of a layer, and the surgery that is a few lines over it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace as with_fields
from typing import Any

from fnn.checks import check_function
from fnn.composition import flatten, fold, rebuilt
from fnn.contract import as_layer, constructor, is_layer, make
from fnn.shapes import word
from fnn.signatures import Takes, takes
from fnn.transforms.wrapping import transform, wrapped
from fnn.tree import Pattern, matching


def map_parts(f: Callable[[str, Any], Any], layer: Any) -> Any:
    """The layer with ``f(path, part)`` in place of each part, from the inside out.

    The layer itself comes last, at path ``""``. A layer that wraps one other, such as
    ``residual(layer)`` or ``freeze(layer)``, has the same path as what it wraps: ``f``
    gets the outer one; only through ``repeat`` it gets each copy. A part that ``f``
    gives back as it was stays as it was, and so does a layer all of whose parts do.

    Args:
      f: A function of a path (``"decoder/0"``) and the layer there, returning a layer.
      layer: A layer or a function of arrays.

    Raises:
      TypeError: If ``f`` is no function, or returns something that is no layer.

    Example:
      >>> net = fnn.sequential(fnn.dense(2), jax.nn.relu)
      >>> fnn.map_parts(lambda path, part: jnp.tanh if path == "1" else part, net)
      sequential(dense(2), tanh)
    """
    check_function("map_parts", "a function of (path, part)", f)
    return _mapped(f, "", as_layer(layer, "map_parts"), named=True)


def _mapped(f: Callable[[str, Any], Any], path: str, layer: Any, named: bool) -> Any:
    form = layer.form

    def inner(below, part):
        return _mapped(f, below, part, form.copies and named if below == path else True)

    layer = with_parts(layer, inner, path)
    return as_layer(f(path, layer), "map_parts") if named and not form.copies else layer


def with_parts(layer: Any, f: Callable[[str, Any], Any], path: str) -> Any:
    """The layer at a path with `f(path, part)` for its parts, or for what it wraps."""
    form = layer.form

    def child(where, part):
        below = "/".join([path, *map(str, where)]).strip("/")
        return None if part is None else f(below, part)

    parts = f(path, form.parts) if is_layer(form.parts) else rebuilt(form.parts, child)
    before, after = flatten(form.parts), flatten(parts)
    same = all(after[where] is part for where, part in before.items())
    return layer if same else form.rebuild(parts)


def part_paths(layer: Any) -> dict[str, Any]:
    """The layer and its parts by path, as `map_parts` visits them."""
    found: dict[str, Any] = {}
    map_parts(lambda path, part: found.setdefault(path, part), layer)
    return found


def replace(layer: Any, changes: Mapping[Pattern, Any]) -> Any:
    """The layer with other parts at some paths.

    Params and state of the parts that stay keep their places. Where a part is a
    ``repeat``, the new one takes the place of each copy, unless it is a ``repeat`` too.

    Args:
      layer: A layer.
      changes: ``{pattern: layer or function of arrays}``, patterns of paths of parts.

    Raises:
      TypeError: If a replacement is no layer.
      ValueError: If a pattern matches no part, or two match the same.

    Example:
      >>> net = fnn.sequential(fnn.dense(2), jax.nn.relu, fnn.dense(1))
      >>> fnn.replace(net, {"2": fnn.dense(5), "1": jnp.tanh})
      sequential(dense(2), tanh, dense(5))
    """
    layer = as_layer(layer, "replace")
    found, by_path = part_paths(layer), {}
    for pattern, part in changes.items():
        part = as_layer(part, f"replace, {pattern}")
        for path in matching(pattern, found, "replace"):
            if path in by_path:
                raise ValueError(f"replace: expected one new part for {path}, got two.")
            by_path[path] = part

    def put(path, part):
        new = by_path.get(path)
        if new is not None and (new.form.copies or not part.form.copies):
            return new
        return with_parts(part, put, path)

    return put("", layer)


def evaluating(layer: Any, pattern: Pattern = "**") -> Any:
    """The layer, some of whose parts always run with ``train=False``.

    A frozen backbone whose batch norm must keep its statistics, under a head that
    trains.

    Args:
      layer: A layer.
      pattern: Which parts, with all that they are made of; by default the whole layer.

    Raises:
      ValueError: If the pattern matches no part.

    Example:
      >>> net = fnn.evaluating(fnn.sequential(fnn.dropout(0.5), fnn.dense(2)), "0")
      >>> net
      sequential(pinned(dropout(0.5)), dense(2))
    """
    layer = as_layer(layer, "evaluating")
    hit = matching(pattern, part_paths(layer), "evaluating")

    def below(path):  # what is inside a pinned part is pinned with it
        names = path.split("/")
        above = ["", *("/".join(names[:i]) for i in range(1, len(names)))]
        return any(p in hit for p in above if p != path)

    def pin(path, part):
        return pinned(part) if path in hit and not below(path) else part

    return map_parts(pin, layer)


@transform
def pinned(layer, params, state, *inputs, train, **named):
    """A layer that always runs with ``train=False``."""
    del train  # it is what this transform is for
    return layer.apply(params, state, *inputs, train=False, **named)


def intercept(
    layer: Any, pattern: Pattern, f: Callable[..., Any], *, over: Sequence[str] = ()
) -> Any:
    """The layer, in which the output ``y`` of some parts becomes ``f(y)``.

    For a look through a logit lens, for patching activations, or for the gradient by
    one (add a zero to it). Through ``repeat``, ``f`` sees the output of each copy.

    Args:
      layer: A layer.
      pattern: Which parts, by path.
      f: A function of an output. A keyword-only ``key`` or ``train`` that it names it
        gets, and other names become inputs by name of the whole layer, wherever the
        part is: ``f = lambda y, *, patch: ...`` gets ``apply(params, x, patch=...)``.
      over: Those of ``f``'s inputs by name that have a first axis for the copies of a
        ``repeat`` around the part: each copy gets its slice.

    Raises:
      TypeError: If ``f`` is no function of one array.
      ValueError: If the pattern matches no part, or ``over`` names no input of ``f``.

    Example:
      >>> net = fnn.sequential(jnp.sin, jnp.negative)
      >>> fnn.intercept(net, "0", jnp.zeros_like).apply(((), ()), jnp.ones(2))
      Array([-0., -0.], dtype=float32)
    """
    layer = as_layer(layer, "intercept")
    if not callable(f) or is_layer(f):
        raise TypeError(f"intercept: expected a function of an output, got {word(f)}.")
    hit = matching(pattern, part_paths(layer), "intercept")
    options = {"over": tuple(over)} if over else {}

    def patched(path, part):
        return intercepted(part, f, **options) if path in hit else part

    return map_parts(patched, layer)


@constructor
def intercepted(
    layer: Any, f: Callable[..., Any], *, over: tuple[str, ...] = ()
) -> Any:
    """A layer whose output becomes a function of it."""
    reads = takes(f, 0)
    reads.check_inputs(f"intercept, {word(f)}", ("y",), reads.needs)
    unknown = [name for name in over if name not in reads.names]
    if unknown:
        raise ValueError(
            f"intercept: expected over to name inputs by name of {word(f)}, "
            f"got {unknown[0]!r}."
        )
    inner = layer.form.accepts

    def around(layer, params, state, *inputs, key, train, **named):
        own = {n: named[n] for n in reads.names if n in named}
        # Not the layer's own key, from which it may draw as well.
        own |= reads.options(word(f), None if key is None else fold(key, "/f"), train)
        named = {n: v for n, v in named.items() if inner is None or n in inner}
        y, state = layer.apply(params, state, *inputs, key=key, train=train, **named)
        return f(y, **own), state

    both = Takes(names=reads.names, anything=True, draws=True, train=True)
    both = both._replace(
        needs=reads.needs, needs_key=reads.needs_key and not reads.train
    )
    options = {"over": over} if over else {}

    def rebuild(part):
        return intercepted(part, f, **options)

    form = wrapped("intercepted", layer, around, both, rebuild)
    form = with_fields(
        form,
        draws=form.draws or reads.draws,
        added=form.added | reads.names,
        sliced=form.sliced.union(over),
    )
    return make(form, intercepted, (layer, f))
