"""Values on their way out of a layer: a tapped part keeps in its state what it put out.

State crosses `repeat`, `ensemble`, `remat` and every transform that users write, so a
value that travels as state does too; nothing global is needed to collect it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Tap:
    """The state of a tapped part, and its outputs, one for each call."""

    path: str = dataclasses.field(metadata={"static": True})
    state: Any
    values: tuple = ()


@dataclasses.dataclass(frozen=True)
class Tapping:
    """The `Form.inner_state` of a tapped part, by which it is known."""

    path: str

    def __call__(self, f: Callable[[Any], Any], state: Tap) -> Tap:
        return dataclasses.replace(state, state=f(state.state))


def _is_tap(value: Any) -> bool:
    return isinstance(value, Tap)


def _map(f: Callable[[Tap], Any], state: Any) -> Any:
    return jax.tree.map(lambda s: f(s) if _is_tap(s) else s, state, is_leaf=_is_tap)


def emptied(state: Any) -> Any:
    """The state with taps that hold no value yet."""
    return _map(lambda tap: Tap(tap.path, emptied(tap.state)), state)


def untapped(state: Any) -> Any:
    """The state without taps."""
    return _map(lambda tap: untapped(tap.state), state)


def renewed(state: Any, new: Any) -> Any:
    """The taps of a state, with their values, around new arrays for all the rest."""
    feed = iter(jax.tree.leaves(new))

    def renew(state):
        return jax.tree.map(
            lambda s: (
                Tap(s.path, renew(s.state), s.values) if _is_tap(s) else next(feed)
            ),
            state,
            is_leaf=_is_tap,
        )

    return renew(state)


def merged(
    merge: Callable[..., Any], states: Sequence[Any], is_leaf: Callable[[Any], bool]
) -> Any:
    """`merge` of what several states have at each leaf; the values of taps stacked."""

    def join(*parts):
        if not _is_tap(parts[0]):
            return merge(*parts)
        inner = merged(merge, [tap.state for tap in parts], is_leaf)
        stack = jax.tree.map(lambda *y: jnp.stack(y), *(tap.values for tap in parts))
        return Tap(parts[0].path, inner, stack)

    return jax.tree.map(join, *states, is_leaf=lambda s: _is_tap(s) or is_leaf(s))


def collected(state: Any) -> dict[str, tuple]:
    """The values of all taps in a state, by path."""
    found: dict[str, tuple] = {}
    for tap in jax.tree.leaves(state, is_leaf=_is_tap):
        if _is_tap(tap):
            found |= {tap.path: tap.values, **collected(tap.state)}
    return found
