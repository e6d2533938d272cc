"""`transform`: a layer around a layer, written once in the stateful form."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace as with_fields
from typing import Any, Protocol, overload

import jax

from fnn.contract import (
    Form,
    Layer,
    Outline,
    StatefulLayer,
    as_layer,
    check_empty,
    check_outputs,
    make,
    pair,
    with_state,
)
from fnn.shapes import abstract, shown, spec, word, zeros
from fnn.signatures import Takes, takes


class Wrap(Protocol):
    """``wrap(layer) -> layer`` of the same kind."""

    @overload
    def __call__(self, layer: Layer | Callable[..., Any]) -> Layer: ...
    @overload
    def __call__(self, layer: StatefulLayer) -> StatefulLayer: ...


def transform(around: Callable[..., tuple[Any, Any]]) -> Wrap:
    """Layer to layer, by a function around the layer's ``apply``.

    ``around(layer, params, state, *inputs, **named) -> (outputs, state)``

    It is written for the stateful form alone: ``layer`` is always a `StatefulLayer`,
    and what comes out is a `Layer` where a `Layer` went in. As everywhere, a
    keyword-only ``key`` or ``train`` that it names it gets; ``**named`` gets both, with
    the inputs by name, to be handed on. Params, their draw and their paths are those of
    ``layer``.

    If ``around`` reads params or state before it calls the layer, it must call it on
    inputs of the shapes that it got itself.

    Args:
      around: The function. Its name is the transform's, in reprs and errors.

    Returns:
      A function from layer to layer.

    Raises:
      TypeError: If ``around`` is no function, or what is wrapped is no layer.
      ValueError: If ``around`` does not call the layer, at ``init``.

    Example:
      >>> @fnn.transform
      ... def doubled(layer, params, state, *inputs, **named):
      ...     y, state = layer.apply(params, state, *inputs, **named)
      ...     return 2 * y, state
      >>> layer = doubled(jnp.square)
      >>> layer.apply((), jnp.ones(2))
      Array([2., 2.], dtype=float32)
    """
    if not callable(around):
        raise TypeError(f"transform: expected a function, got {word(around)}.")
    name, reads = getattr(around, "__name__", "transform"), takes(around, 3)

    @functools.wraps(around)
    def wrap(layer):
        layer = as_layer(layer, name)
        return make(wrapped(name, layer, around, reads, wrap), wrap, (layer,))

    del wrap.__wrapped__  # its signature is not that of around
    wrap.__fnn__ = f"the transform {name}; call it, {name}(layer)"  # pyright: ignore
    return wrap


class _Read(Exception):
    """Somebody looked into params or state that are not known yet."""


@jax.tree_util.register_pytree_node_class
class _Unknown:
    """Params or state before the layer's first call has told their shapes."""

    def __getattr__(self, name: str) -> Any:
        raise _Read

    __getitem__ = __iter__ = __len__ = tree_flatten = lambda self, *args: self.read()

    def read(self) -> Any:
        raise _Read

    @classmethod
    def tree_unflatten(cls, aux: Any, children: Any) -> Any:
        raise _Read


def wrapped(
    name: str, layer: Any, around: Callable, reads: Takes, rebuild: Callable[[Any], Any]
) -> Form:
    """The form of `around(layer, params, state, *inputs, **options)`."""
    inner, lifted = layer.form, with_state(layer)
    accepts = reads.names
    if reads.anything:
        accepts = None if inner.accepts is None else reads.names | inner.accepts

    def call(layer, params, state, inputs, named, key, train):
        options = reads.options(name, key, train)
        outputs, new = pair(
            f"{name}: expected (outputs, state)",
            around(layer, params, state, *inputs, **named, **options),
        )
        if not inner.stateful:
            check_empty(new, f"{name}: expected the state of a layer that keeps none")
        return check_outputs(name, outputs), new

    def run(*args):
        return call(lifted, *args)

    def outline(key, inputs, named):
        lines: list[Outline] = []

        def stand_in(known):
            """The layer as its outline, `known` being the inputs that this is of."""

            def outlined(params, state, inner_inputs, inner_named, *options):
                shapes = spec((inner_inputs, inner_named))
                if known is None and not lines:
                    lines.append(inner.outline(key, *shapes))
                if known is None or shapes == known:
                    return zeros((lines[0].outputs, lines[0].state))
                return inner.run(params, state, inner_inputs, inner_named, *options)

            return make(with_fields(lifted.form, run=outlined), stand_in)

        def sketch(params, state, known=None):
            def traced(inputs, named, key):
                return call(
                    stand_in(known), params(), state(), inputs, named, key, False
                )

            return abstract(traced, inputs, named, key)

        try:
            outputs, state = sketch(_Unknown, _Unknown)
        except _Read:
            lines[:] = [inner.outline(key, inputs, named)]
            outputs, state = sketch(
                lambda: zeros(lines[0].params),
                lambda: zeros(lines[0].state),
                (inputs, named),
            )
        if not lines:
            raise ValueError(
                f"{name}: expected a call of {inner.name}'s apply, got none."
            )
        if state != lines[0].state:
            raise ValueError(
                f"{name}: expected the state of {inner.name}, {shown(lines[0].state)}, "
                f"got {shown(state)}."
            )
        return lines[0]._replace(outputs=outputs)

    draws = inner.draws or reads.needs_key or (reads.draws and not reads.anything)
    return with_fields(
        inner,
        name=name,
        outline=outline,
        run=run,
        draws=draws,
        accepts=accepts,
        parts=layer,
        rebuild=rebuild,
        copies=False,
        inner_state=lambda f, state: f(state),
    )
