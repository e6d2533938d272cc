"""The contract: a layer is a pair of pure functions; every layer has one inner form.

`Layer` and `StatefulLayer` are what users unpack, write and pass on. Behind both stands
a `Form` (`forms`), of which the public `init` and `apply` are views. Containers
(`wiring`) and transforms compose forms without caring which kind they hold.
"""

from __future__ import annotations

import copy
import functools
import inspect
import sys
from collections.abc import Callable
from dataclasses import replace as with_fields
from typing import Any, ParamSpec, TypeVar, overload

import jax

from fnn import calls, checks, outlines
from fnn.forms import (
    ApplyFn,
    Form,
    InitFn,
    Outline,
    StatefulApplyFn,
    StatefulInitFn,
    form_around,
)
from fnn.ops.drawing import drawn
from fnn.shapes import abstract, shown, spec, word
from fnn.signatures import takes

Function = Callable[..., Any]
P = ParamSpec("P")
InitT = TypeVar("InitT")
ApplyT = TypeVar("ApplyT")


# ------------------------------------------------------------------- layers are values
class _Value(tuple[InitT, ApplyT]):
    """A pair that is equal to, and rebuilt by, the call that constructed it."""

    form: Form
    call: tuple[Callable, tuple, dict]

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(
            f"{self.form.name}: expected no assignment, got one to {name}."
        )

    @property
    def parts(self) -> Any:
        """Its parts, in the structure of its parameters."""
        parts = self.form.parts
        # Copied, as a dict could be changed.
        return parts.parts if isinstance(parts, _Value) else copy.deepcopy(parts)

    def __repr__(self) -> str:
        build, args, kwargs = self.call
        if build is as_layer:
            return word(args[0])
        options = [*map(word, args), *(f"{k}={word(v)}" for k, v in kwargs.items())]
        return f"{self.form.name}({', '.join(options)})"

    @functools.cached_property
    def _identity(self) -> Any:
        return calls.identity(*self.call)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Value) and self._identity == other._identity

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self._identity)

    def __reduce__(self) -> Any:
        name = getattr(self, "__qualname__", "")  # a module has its forward function's
        if getattr(sys.modules.get(self.__module__), name, None) is self:
            return name
        return calls.construct, calls.portable(self.call)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: Any) -> Any:
        return self


class Layer(_Value[InitFn, ApplyFn]):
    """A pair of pure functions, ``init`` and ``apply``.

    ``init(key, *inputs, **inputs_by_name) -> params``
    ``apply(params, *inputs, key=None, train=False, **inputs_by_name) -> outputs``

    Written by hand, the two functions name what they use: an ``apply`` that names a
    keyword-only ``key`` or ``train`` gets it. A ``key`` without default is required:
    calling the layer without one raises, unless ``train`` is named too and is False.

    Args:
      init: ``init(key, *inputs)`` draws params (nested dicts and tuples of arrays) from
        the shapes and dtypes of the inputs, never from their values.
      apply: ``apply(params, *inputs)`` computes the outputs.

    Raises:
      TypeError: If one of the two is no function, or takes ``train``, or ``key`` with a
        default, by position.

    Example:
      >>> def init(key, x):
      ...     return {"scale": jnp.ones(x.shape[-1:])}
      >>> def apply(params, x):
      ...     return params["scale"] * x
      >>> layer = fnn.Layer(init, apply)
      >>> layer.apply(layer.init(jax.random.key(0), jnp.ones(3)), jnp.ones(3)).shape
      (3,)
    """

    def __new__(cls, init: Function, apply: Function) -> Layer:
        return _leaf(cls, init, apply)

    init: InitFn = property(lambda self: self[0])  # pyright: ignore
    apply: ApplyFn = property(lambda self: self[1])  # pyright: ignore


class StatefulLayer(_Value[StatefulInitFn, StatefulApplyFn]):
    """A pair of pure functions that threads state.

    ``init(key, *inputs, **inputs_by_name) -> (params, state)``
    ``apply(params, state, *inputs, key=None, train=False, **inputs_by_name)
    -> (outputs, state)``

    Args:
      init: ``init(key, *inputs)`` draws params and the first state, any pytree of
        arrays.
      apply: ``apply(params, state, *inputs)`` computes the outputs and the next state,
        of the structure, shapes and dtypes of the first.

    Raises:
      TypeError: As `Layer` does.

    Example:
      >>> def init(key, x):
      ...     return (), {"count": jnp.zeros((), jnp.int32)}
      >>> def apply(params, state, x):
      ...     return x, {"count": state["count"] + 1}
      >>> counter = fnn.StatefulLayer(init, apply)
      >>> params, state = counter.init(jax.random.key(0), jnp.ones(3))
      >>> int(counter.apply(params, state, jnp.ones(3))[1]["count"])
      1
    """

    def __new__(cls, init: Function, apply: Function) -> StatefulLayer:
        return _leaf(cls, init, apply)

    init: StatefulInitFn = property(lambda self: self[0])  # pyright: ignore
    apply: StatefulApplyFn = property(lambda self: self[1])  # pyright: ignore


def is_layer(value: Any) -> bool:
    """Whether a value is a layer of either kind."""
    return isinstance(value, _Value)


def make(
    form: Form, build: Callable, args: tuple = (), kwargs: dict | None = None
) -> Any:
    """The public pair that is a view of `form`, equal to what the same call builds."""

    def init(key, *inputs, **named):
        key = checks.check_key(key, f"{form.name}: init(key, *inputs)")
        form.check_names(named)
        params, state = drawn(outlines.of(form, *spec((key, inputs, named))).draw, key)
        return (params, state) if form.stateful else params

    def run(params, state, inputs, named, key, train):
        train = checks.check_train(train)
        if key is not None:
            key = checks.check_key(key, f"{form.name}: apply(..., key=key)")
        form.check_names(named)
        return form.run(params, state, inputs, named, key, train)

    def stateful_apply(params, state, *inputs, key=None, train=False, **named):
        return run(params, state, inputs, named, key, train)

    def stateless_apply(params, *inputs, key=None, train=False, **named):
        try:
            return run(params, (), inputs, named, key, train)[0]
        except (TypeError, ValueError):
            checks.check_no_state(form.name, inputs)
            raise

    apply = stateful_apply if form.stateful else stateless_apply
    for name, function in (("init", init), ("apply", apply)):
        function.__name__ = name
        function.__fnn__ = f"the {name} of {form.name}; pass the layer itself"  # pyright: ignore
    layer = tuple.__new__(StatefulLayer if form.stateful else Layer, (init, apply))
    vars(layer).update(form=form, call=(build, args, kwargs or {}))
    return layer


# --------------------------------------------------------------------- leaves and lifts
def _leaf(kind: type, init: Callable, apply: Callable) -> Any:
    """A layer of the two functions that somebody wrote."""
    who = kind.__name__
    for role, half in (("init", init), ("apply", apply)):
        checks.check_function(who, f"{role} to be a function", half)
    stateful = kind is StatefulLayer
    reads, init_reads = takes(apply, 2 if stateful else 1), takes(init, 1)
    outer = getattr(init, "__qualname__", "").split(".<locals>")[0].split(".")[-1]
    name = outer if outer != getattr(init, "__name__", "") else "layer"

    def run(params, state, inputs, named, key, train):
        if stateful and reads.least:
            checks.check_state_given(name, inputs)
        reads.check_inputs(name, inputs, named)
        options = reads.options(name, key, train)
        if not stateful:
            outputs = apply(params, *inputs, **named, **options)
            return checks.check_outputs(name, outputs), ()
        outputs, new = checks.pair(
            f"{name}: expected apply to return (outputs, state)",
            apply(params, state, *inputs, **named, **options),
        )
        if spec(new) != spec(state):
            raise ValueError(
                f"{name}: expected apply to return a state like the one it got, "
                f"{shown(state)}, got {shown(new)}."
            )
        return checks.check_outputs(name, outputs), new

    def outline(key, inputs, named):
        reads.check_inputs(name, inputs, named)
        known = init_reads.accepts
        named_init = {n: v for n, v in named.items() if known is None or n in known}
        init_reads.check_inputs(f"{name}.init", inputs, named_init)

        def draw(key):
            drawn = init(key, *inputs, **named_init)
            if not stateful:
                return checks.check_params(name, drawn), ()
            params, state = checks.pair(
                f"{name}: expected init to return (params, state)", drawn
            )
            return checks.check_params(name, params), checks.check_state(name, state)

        # Traced once and replayed, so that nested wrappers, each of which traces the
        # init of what it wraps, cost no more than their sum.
        closed, (params, state) = jax.make_jaxpr(draw, return_shape=True)(key)
        treedef = jax.tree.structure((params, state))

        def replay(key):
            from jax.extend.core import jaxpr_as_fun  # half of `import fnn` at the top

            return jax.tree.unflatten(treedef, jaxpr_as_fun(closed)(key))

        def evaluate(params, state, inputs, named, key):
            return run(params, state, inputs, named, key, False)[0]

        outputs = abstract(evaluate, params, state, inputs, named, key)
        return Outline(replay, params, state, outputs)

    form = Form(name, outline, run, stateful, reads.draws, reads.accepts)
    return make(form, kind, (init, apply))


def as_layer(part: Any, who: str = "as_layer", name: str | None = None) -> Any:
    """A layer as it is; a function of arrays as a layer without parameters."""
    if isinstance(part, _Value):
        return part
    if not callable(part) or isinstance(part, type) or hasattr(part, "__fnn__"):
        got = getattr(part, "__fnn__", word(part))
        raise TypeError(f"{who}: expected a layer or a function of arrays, got {got}.")
    name, reads = name or word(part), takes(part, 0)

    def run(params, _, inputs, named, key, train):
        checks.check_empty(params, f"{name}: expected no params")
        reads.check_inputs(name, inputs, named)
        outputs = part(*inputs, **named, **reads.options(name, key, train))
        return checks.check_outputs(name, outputs), ()

    def outline(key, inputs, named):
        def evaluate(inputs, named, key):
            return run((), (), inputs, named, key, False)[0]

        outputs = abstract(evaluate, inputs, named, key)
        return Outline(lambda key: ((), ()), (), (), outputs)

    form = Form(name, outline, run, False, reads.draws, reads.accepts)
    layer = make(form, as_layer, (part,))
    vars(layer)["__lifted__"] = part
    return layer


@overload
def constructor(build: Callable[P, Layer]) -> Callable[P, Layer]: ...
@overload
def constructor(build: Callable[P, StatefulLayer]) -> Callable[P, StatefulLayer]: ...
@overload
def constructor(build: Callable[P, Callable[..., Any]]) -> Callable[P, Layer]: ...
def constructor(build: Callable[..., Any]) -> Callable[..., Any]:
    """Makes layers equal, shown and pickled by the call that constructs them.

    Args:
      build: A function that returns a layer, or a function of arrays.

    Returns:
      The function, whose layers carry its name in their repr and in errors.

    Raises:
      TypeError: If it is no function, or, when called, if what it returns is no layer
        or the arguments are wrong.

    Example:
      >>> @fnn.constructor
      ... def gain(factor):
      ...     return lambda x: factor * x
      >>> gain(2.0), gain(2.0) == gain(factor=2.0)
      (gain(2.0), True)
    """
    checks.check_function("constructor", "a function that returns a layer", build)
    name, signature = build.__name__, inspect.signature(build)

    @functools.wraps(build)
    def construct(*args, **kwargs):
        try:
            signature.bind(*args, **kwargs)
        except TypeError as error:
            names = ", ".join(signature.parameters)
            raise TypeError(f"{name}: expected arguments ({names}), {error}.") from None
        form = as_layer(build(*args, **kwargs), name, name).form
        return make(with_fields(form, name=name), construct, args, kwargs)

    construct.__fnn__ = f"the constructor {name}; call it, {name}(...)"  # pyright: ignore
    return construct


def with_state(layer: Any) -> StatefulLayer:
    """The stateful form of any layer: generic code handles both kinds by this one.

    Args:
      layer: A layer, or a function of arrays.

    Returns:
      A `StatefulLayer` as it is; a `Layer` lifted, its state being ``()``.

    Raises:
      TypeError: If it is neither.

    Example:
      >>> init, apply = fnn.with_state(jnp.tanh)
      >>> init(jax.random.key(0), jnp.zeros(3))
      ((), ())
    """
    layer = as_layer(layer, "with_state")
    return layer if layer.form.stateful else _lifted(layer)


def _lifted(layer: Any) -> Any:
    def run(params, state, *args):
        checks.check_empty(state, f"{layer.form.name}: expected no state")
        return layer.form.run(params, (), *args)

    run = layer.form.run if layer.form.stateful else run  # where taps made it so
    form = form_around(layer, name="with_state", run=run, rebuild=_lifted)
    return make(with_fields(form, stateful=True), with_state, (layer,))
