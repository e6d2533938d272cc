"""The functions that layers are pairs of, and the inner form that both kinds share.

`outline` tells params, state and outputs from shapes, and how to draw; `run` computes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

Params = Any  # nested dicts and tuples of arrays
State = Any  # any pytree of arrays; () for a layer that keeps none


class InitFn(Protocol):
    """``init(key, *inputs) -> params``, from the shapes and dtypes of the inputs."""

    def __call__(self, key: Any, *inputs: Any, **named: Any) -> Params: ...


class ApplyFn(Protocol):
    """``apply(params, *inputs) -> outputs``."""

    def __call__(
        self, params: Any, *inputs: Any, key: Any = ..., train: bool = ..., **named: Any
    ) -> Any: ...


class StatefulInitFn(Protocol):
    """``init(key, *inputs) -> (params, state)``."""

    def __call__(self, key: Any, *inputs: Any, **named: Any) -> tuple[Any, Any]: ...


class StatefulApplyFn(Protocol):
    """``apply(params, state, *inputs) -> (outputs, state)``."""

    def __call__(
        self,
        params: Params,
        state: State,
        *inputs: Any,
        key: Any = ...,
        train: bool = ...,
        **named: Any,
    ) -> tuple[Any, State]: ...


class Outline(NamedTuple):
    """A layer on inputs of known shapes; all but `draw` are trees of shapes."""

    draw: Callable[[Any], tuple[Params, State]]  # of a key
    params: Params
    state: State
    outputs: Any


@dataclass(frozen=True)
class Form:
    """What both kinds of layer are made of; `parts` and `rebuild` compose it again."""

    name: str
    outline: Callable[..., Outline]  # (key, inputs, named), all of them shapes
    run: Callable[..., tuple[Any, State]]  # (params, state, inputs, named, key, train)
    stateful: bool = False
    draws: bool = False  # may ask for a key
    accepts: frozenset[str] | None = frozenset()  # inputs by name; None takes any
    parts: Any = ()  # nested like the parameters; the layer itself where it wraps one
    rebuild: Callable[[Any], Any] | None = None  # from changed parts
    copies: bool = False  # its path names each copy of what it wraps, not itself
    stacks: bool = False  # its params are those of what it wraps, on a new first axis
    seen: Callable[[Params], Params] = lambda params: params  # by what it wraps
    apart: Callable[[Params], Params] = lambda params: params  # stacks taken to pieces
    decoding: Callable[[int], Any] | None = None  # the layer, a step at a time
    step_by_step: Callable[[Any], Any] | None = None  # from parts that go step by step
    added: frozenset[str] = frozenset()  # inputs by name that reach it past containers
    sliced: frozenset[str] = frozenset()  # those of them that differ between copies
    inner_state: Callable[..., State] = lambda f, state: f(state)  # f on the wrapped's
    step_axes: int = 1  # of one step of its sequences without batch, if it is a cell
    step: Any = None  # what a cell does, in two: a `fnn.layers.gates.Step`

    def check_names(self, named: dict[str, Any]) -> None:
        """Raises where an input by name is one that nobody names."""
        known = named if self.accepts is None else self.accepts
        if unknown := [n for n in named if n not in known]:
            names = ", ".join(sorted(known)) or "none"
            raise TypeError(
                f"{self.name}: expected inputs by name among ({names}), "
                f"got {', '.join(unknown)}."
            )


def form_around(layer: Any, **changes: Any) -> Form:
    """The form of what wraps one other layer, and has its path; the same at first."""
    fields = "name outline run stateful draws accepts seen added sliced step_axes"
    fields += "" if changes.get("stacks") else " apart"  # copies have one more axis
    kept = {field: getattr(layer.form, field) for field in fields.split()}
    return Form(**kept | {"parts": layer} | changes)
