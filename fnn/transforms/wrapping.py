"""`transform`: a layer around a layer, written once in the stateful form."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace as with_fields
from typing import Any, Protocol, overload

import jax

from fnn.checks import check_empty, check_outputs, pair
from fnn.contract import Layer, StatefulLayer, as_layer, make, with_state
from fnn.forms import Form, form_around
from fnn.shapes import abstract, shown, spec, word, zeros
from fnn.signatures import Takes, takes
from fnn.taps import untapped


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

    If ``around`` reads params or state before it calls the layer, the layer must also
    take the inputs that ``around`` got.

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


class _Other(Exception):
    """The layer's first call was on other shapes, its args, than had been guessed."""


class _Unknown:
    """Params or state before the layer's first call has told their shapes."""

    def read(self, *_: Any) -> Any:
        raise _Read

    __getattr__ = __getitem__ = __iter__ = __len__ = __bool__ = __contains__ = read
    __eq__ = __or__ = __array__ = __neg__ = __matmul__ = __rmatmul__ = read
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = read
    __class__ = property(read)  # pyright: ignore  # what isinstance asks for


jax.tree_util.register_pytree_node(_Unknown, _Unknown.read, _Unknown.read)


def wrapped(
    name: str, layer: Any, around: Callable, reads: Takes, rebuild: Callable[[Any], Any]
) -> Form:
    """The form of `around(layer, params, state, *inputs, **options)`."""
    inner, lifted = layer.form, with_state(layer)
    accepts = reads.names
    if reads.anything:
        accepts = None if inner.accepts is None else reads.names | inner.accepts

    def call(layer, params, state, inputs, named, key, train):
        reads.check_inputs(name, inputs, named)
        options = reads.options(name, key, train)
        outputs, new = pair(
            f"{name}: expected (outputs, state)",
            around(layer, params, state, *inputs, **named, **options),
        )
        if not inner.stateful:
            check_empty(new, f"{name}: expected the state of a layer that keeps none")
        return check_outputs(name, outputs), new

    def check_like(old, new):
        old, new = spec(untapped(old)), spec(untapped(new))
        if old != new:
            raise ValueError(
                f"{name}: expected the state of {inner.name}, {shown(old)}, "
                f"got {shown(new)}."
            )

    def run(params, state, *args):
        outputs, new = call(lifted, params, state, *args)
        check_like(state, new)
        return outputs, new

    def outline(key, inputs, named):
        sketch = _Sketch(lifted, call, key, inputs, named)
        own = reads.names - (inner.accepts or frozenset())
        guess = {n: value for n, value in named.items() if n not in own}
        outputs, state = sketch.best(inputs, guess)
        if not sketch.called:
            raise ValueError(
                f"{name}: expected a call of {inner.name}'s apply, got none."
            )
        check_like(sketch.line.state, state)
        return sketch.line._replace(outputs=outputs)

    draws = inner.draws or reads.needs_key or (reads.draws and not reads.anything)
    return form_around(
        layer,
        name=name,
        outline=outline,
        run=run,
        draws=draws,
        accepts=accepts,
        rebuild=rebuild,
    )


class _Sketch:
    """What comes out of a transform, and the outline of the layer as called in it.

    Usually the layer's first call tells its shapes before anybody looks into its params
    or state. Else a guess has to do, until the first call confirms it or tells better.
    """

    def __init__(self, layer, call, *shapes):
        self.layer, self.call, (self.key, self.inputs, self.named) = layer, call, shapes
        self.line: Any = None  # the layer's outline
        self.shapes: Any = None  # the inputs that it is of
        self.sure = self.known = self.called = False

    def learn(self, *shapes):
        self.shapes, self.line = shapes, self.layer.form.outline(self.key, *shapes)

    def best(self, *guess):
        """The shapes of the outputs and the state."""
        try:
            return self.draft()
        except _Read:
            self.sure, self.known = self.called, True
            if not self.sure:
                self.learn(*guess)
        try:
            return self.draft()
        except _Other as other:
            self.sure = True
            self.learn(*other.args)
            return self.draft()

    def draft(self):
        stand_in = make(with_fields(self.layer.form, run=self.run), _Sketch)

        def traced(inputs, named, key):
            params, state = _Unknown(), _Unknown()
            if self.known:
                params, state = zeros((self.line.params, self.line.state))
            return self.call(stand_in, params, state, inputs, named, key, False)

        return abstract(traced, self.inputs, self.named, self.key)

    def run(self, params, state, inputs, named, key, train):
        """The layer on shapes alone; in training, or again on others, it is run."""
        shapes = spec((inputs, named))
        if not self.known and not self.called:
            self.learn(*shapes)
        self.called = True
        if shapes != self.shapes and self.known and not self.sure:
            raise _Other(*shapes)
        self.sure = True
        if shapes == self.shapes and not train:
            return zeros((self.line.outputs, self.line.state))
        if not self.known:
            raise _Read
        return self.layer.form.run(params, state, inputs, named, key, train)
