"""`module`: named parts, wired together by a forward function that anyone can write."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, overload

from fnn import composition, taps
from fnn.composition import WAYS_OUT, Call, Path, compose, label, rebuilt
from fnn.contract import Layer, as_layer, make
from fnn.shapes import shown, spec, word
from fnn.signatures import takes


class Part:
    """A part as a forward function sees it: call it, or read what is threaded to it."""

    __slots__ = ("__weakref__", "_call", "_path")  # the first for JAX's transforms

    def __init__(self, call: Call, path: Path) -> None:
        object.__setattr__(self, "_call", call)
        object.__setattr__(self, "_path", path)

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        return self._call(self._path, inputs, named)

    @property
    def params(self) -> Any:
        """Its parameters, as the part itself sees them."""
        form = self._call.layers[self._path].form
        return form.seen(self._call.read("params", self._path))

    @property
    def state(self) -> Any:
        """Its state; assign a new one of the same structure, shapes and dtypes."""
        return taps.untapped(self._call.read("state", self._path))

    @property
    def apply(self) -> Callable[..., Any]:
        """Its own pure function."""
        return composition.original(self._call.layers[self._path]).apply

    def __setattr__(self, name: str, value: Any) -> None:
        call, who = self._call, f"{self._call.owner}: part {label(self._path)}"
        if name != "state":
            raise AttributeError(
                f"{who}: expected only its state to be assigned, got {name}."
            )
        if call.inside_transform():
            raise ValueError(f"{who}: expected no new state, got one; {WAYS_OUT}")
        if spec(value) != spec(self.state):
            raise ValueError(
                f"{who}: expected a state like {shown(spec(self.state))}, "
                f"got {shown(spec(value))}."
            )
        call.states[self._path] = taps.renewed(call.read("state", self._path), value)


class Parts:
    """The parts of one call by name, nested as they were declared."""

    __slots__ = ("_call", "_tree")

    def __init__(self, call: Call, tree: dict[str, Any]) -> None:
        self._call, self._tree = call, tree

    def __getattr__(self, name: str) -> Any:
        if name not in self._tree:
            known = ", ".join(self._tree)
            raise AttributeError(
                f"{self._call.owner}: expected one of its parts ({known}), got {name}."
            )

        def part(path, layer):
            return None if layer is None else Part(self._call, path)

        return rebuilt(self._tree[name], part, (name,))


@overload
def module(
    **parts: Layer | Callable[..., Any] | None,
) -> Callable[[Callable[..., Any]], Layer]: ...
@overload
def module(**parts: Any) -> Callable[[Callable[..., Any]], Any]: ...
def module(*misplaced: Any, **parts: Any) -> Callable[[Callable[..., Any]], Any]:
    """Layer of named parts, wired together by the forward function it decorates.

    ``forward(parts, *inputs, **inputs_by_name) -> outputs``

    In it, ``parts.name(*inputs)`` calls a part: parameters, state, keys and ``train``
    are threaded, calling a part twice shares its parameters, and ``key=`` or ``train=``
    in the call override what is threaded. ``parts.name.params``, ``.state``
    (assignable) and ``.apply`` (its own pure function) are there for what threading
    can't do. A forward function that names a keyword-only ``key`` or ``train`` gets it.

    Params: a dict of the parts' params by name, nested as the parts are.

    Args:
      *misplaced: None: parts have names.
      **parts: Layers, functions of arrays, None, or lists, tuples and dicts of these.

    Returns:
      A decorator; what it returns is a `StatefulLayer` if one of the parts is.

    Raises:
      TypeError: If a part is none of these.
      ValueError: If there is no part, a name holds ``/`` or starts with ``_``, a part
        is never called (at ``init``), or would draw from the threaded key or change its
        state inside a JAX transform.

    Example:
      >>> @fnn.module(hidden=fnn.dense(8), out=fnn.dense(2))
      ... def net(parts, x):
      ...     return parts.out(jax.nn.relu(parts.hidden(x)))
      >>> params = net.init(jax.random.key(0), jnp.ones((4, 3)))
      >>> params["hidden"]["weight"].shape
      (3, 8)
    """
    if misplaced or not parts:
        got = word(misplaced[0]) if misplaced else "none"
        raise TypeError(
            f"module: expected parts by name, as in module(a=layer), got {got}."
        )

    _check_names(parts)

    def lift(path, part):
        return None if part is None else as_layer(part, f"module, part {label(path)}")

    return functools.partial(_module, parts=rebuilt(parts, lift))


def _check_names(parts: Any) -> None:
    """Raises where the name of a part could not be one name of a path."""
    names = parts if type(parts) is dict else ()
    for name in names:
        if not isinstance(name, str) or "/" in name or name[:1] in ("", "_"):
            raise ValueError(
                "module: expected names of parts without '/' and leading '_', "
                f"got {name!r}."
            )
    if type(parts) in (dict, tuple, list):
        for child in parts.values() if names else parts:
            _check_names(child)


def _module(forward: Callable, parts: dict[str, Any]) -> Any:
    """The layer of a forward function and its parts."""
    if not callable(forward) or hasattr(forward, "__fnn__"):
        raise TypeError(f"module: expected a forward function, got {word(forward)}.")
    name, reads = getattr(forward, "__name__", "module"), takes(forward, 1)

    def call_forward(call, inputs, named):
        reads.check_inputs(name, inputs, named)
        key = (
            composition.fold(call.key, "")
            if reads.draws and call.key is not None
            else None
        )
        options = reads.options(name, key, call.train)
        return forward(Parts(call, parts), *inputs, **named, **options)

    def rebuild(parts):
        return _module(forward, parts)

    form = compose(name, parts, call_forward, rebuild, reads)
    layer = make(form, functools.partial(_wire, forward), (), parts)
    # So that pickle finds a layer defined at the top of a file by its name, as it finds
    # a function.
    names = {n: getattr(forward, n, None) for n in ("__module__", "__qualname__")}
    vars(layer).update(names, __doc__=forward.__doc__, __wrapped__=forward)
    return layer


def _wire(forward: Callable, /, **parts: Any) -> Any:
    return _module(forward, parts)
