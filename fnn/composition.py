"""How containers thread parameters, state, keys and `train` through their parts.

`compose` makes a layer of a tree of parts and a function that calls them: the
combinators are a few such functions, and `wiring` lets users write their own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace as with_fields
from typing import Any
from zlib import crc32

import jax

from fnn import outlines
from fnn.checks import check_empty, check_key, check_outputs, check_train
from fnn.forms import Form, Outline
from fnn.shapes import abstract, is_array, shown, spec, zeros
from fnn.signatures import Takes
from fnn.taps import Tapping

Path = tuple[str | int, ...]  # () is the part of a layer that wraps only one

WAYS_OUT = (
    "inside a JAX transform a part can't reach the threaded key or change its state: "
    "pass it key=, use its .apply, or fnn.repeat, recurrent, remat, ensemble."
)


# ---------------------------------------------------------------------- trees of parts
def rebuilt(tree: Any, f: Callable[[Path, Any], Any], path: Path = ()) -> Any:
    """The tree with `f(path, part)` for each part, in the order they were given in."""
    if type(tree) is dict:  # (jax.tree would sort the names)
        return {n: rebuilt(child, f, (*path, n)) for n, child in tree.items()}
    if type(tree) in (tuple, list):
        return tuple(rebuilt(child, f, (*path, n)) for n, child in enumerate(tree))
    return f(path, tree)


def flatten(tree: Any) -> dict[Path, Any]:
    """The parts by path; None, which stands for no part, is left out."""
    found: dict[Path, Any] = {}
    rebuilt(tree, lambda path, part: part is None or found.update({path: part}))
    return found


def gather(tree: Any, values: dict[Path, Any]) -> Any:
    """Values by path, nested like the parts; () where there is no part."""
    return rebuilt(tree, lambda path, part: () if part is None else values[path])


def original(layer: Any) -> Any:
    """The layer without taps, whose own functions take the state without them."""
    if isinstance(layer.form.inner_state, Tapping):
        return original(layer.form.parts)
    parts = rebuilt(layer.form.parts, lambda _, part: part and original(part))
    before, after = flatten(layer.form.parts), flatten(parts)
    same = all(after[path] is part for path, part in before.items())
    return layer if same else layer.form.rebuild(parts)


def scatter(
    tree: Any, values: Any, who: str, hint: str, path: Path = ()
) -> dict[Path, Any]:
    """Values nested like the parts, by path; any other nesting is refused."""
    if type(tree) not in (dict, tuple) and tree is not None:
        return {path: values}
    children = dict(enumerate(tree or ())) if type(tree) is not dict else tree
    kind = dict if type(tree) is dict else tuple
    if type(values) is not kind or (
        set(values) != set(children) if kind is dict else len(values) != len(children)
    ):
        where = f" for {label(path)}" if path else ""
        raise ValueError(
            f"{who}{where} {nesting(tree or ())}, got {nesting(values)}{hint}."
        )
    found: dict[Path, Any] = {}
    for name, child in children.items():
        found |= scatter(child, values[name], who, hint, (*path, name))
    return found


def nesting(tree: Any) -> str:
    """One level of a tree in a message."""
    if type(tree) is dict:
        return f"in a dict of {', '.join(map(str, tree)) or 'nothing'}"
    if type(tree) is tuple:
        return f"in a tuple of {len(tree)}"
    return shown(tree) if is_array(tree) or tree is None else f"a {type(tree).__name__}"


def label(path: Path) -> str:
    """A path as users write it: `down/0/conv`."""
    return "/".join(map(str, path))


def fold(key: Any, name: str | int) -> Any:
    """The key of a part: of its index, or of a hash of its name that never changes."""
    data = name if isinstance(name, int) else crc32(name.encode())
    return jax.random.fold_in(key, data)


@contextmanager
def located(path: Path, form: Form, owner: str) -> Iterator[None]:
    """Names a part in the compiled program and, if something fails, in the error."""
    try:
        with jax.named_scope(label(path) or form.name):
            yield
    except Exception as error:
        if path:
            kind = "layer" if isinstance(path[0], int) else "part"
            error.add_note(f"in {kind} {label(path)} ({form.name}) of {owner}")
        raise


def trace_level() -> Any:
    """Under which JAX transforms this is called; equal where they are the same."""
    from jax.extend.core import (
        get_opaque_trace_state,
    )  # half of `import fnn` at the top

    return get_opaque_trace_state(convention="nnx")


# --------------------------------------------------------------------------- one call
class Call:
    """One call of a container, threading to its parts what each needs.

    At init, `lines` collects the outline of each part, and a part gives zeros of its
    outlined outputs, so that nothing is traced twice.
    """

    def __init__(self, owner, layers, params, states, key, train, lines=None):
        self.owner, self.layers, self.key, self.train = owner, layers, key, train
        self.params, self.states, self.lines = params, states, lines
        self.counts = dict.fromkeys(layers, 0)
        self.added: dict[str, Any] = {}  # inputs by name that go to parts by themselves
        self.level = trace_level()
        self.open = True

    def inside_transform(self) -> bool:
        return trace_level() != self.level

    def read(self, what: str, path: Path) -> Any:
        """The params or the state of a part."""
        have = self.params if what == "params" else self.states
        if path not in have:  # at init alone
            if not self.lines or path not in self.lines:
                raise ValueError(
                    f"{self.owner}: expected a call of part {label(path)} before its "
                    f"{what} can be read, got none yet."
                )
            have[path] = zeros(getattr(self.lines[path][0], what))
        return have[path]

    def route(self, path: Path, inputs: tuple, named: dict[str, Any]) -> Any:
        """Calls a part with those inputs by name that it names."""
        accepts = self.layers[path].form.accepts
        return self(
            path,
            inputs,
            {n: v for n, v in named.items() if accepts is None or n in accepts},
        )

    def __call__(self, path: Path, inputs: tuple, named: dict[str, Any]) -> Any:
        if not self.open:
            raise ValueError(
                f"{self.owner}: expected calls of part {label(path)} while the forward "
                "function runs, got one after it returned."
            )
        form, inside = self.layers[path].form, self.inside_transform()
        with located(path, form, self.owner):
            options = {k: named[k] for k in ("key", "train") if k in named}
            named = {k: v for k, v in named.items() if k not in options}
            added = {n: value for n, value in self.added.items() if n in form.added}
            named = added | named
            form.check_names(named)
            modes = [check_train(options.get("train", self.train))]
            if self.lines is not None:
                shapes = spec((inputs, named))
                if path not in self.lines:
                    line = outlines.of_part(self.layers[path], spec(self.key), *shapes)
                    self.lines[path] = line, shapes
                line, known = self.lines[path]
                # What training returns may be shaped otherwise, so there it is run.
                if not inside and shapes == known and modes == [False]:
                    return zeros(line.outputs)
                if inside and "train" not in options:
                    modes = [True, False]  # what training would refuse, init refuses
            key = self.key_of(path, options.get("key"), inside)
            for train in modes:
                outputs = self.run(path, inputs, named, key, train, inside)
        return outputs

    def key_of(self, path: Path, given: Any, inside: bool) -> Any:
        """The key given in the call, else the one threaded to this part's n-th call."""
        form = self.layers[path].form
        if given is not None:
            return check_key(given, f"{form.name}: key=")
        if self.key is None or inside or not form.draws:
            return None
        count, self.counts[path] = self.counts[path], self.counts[path] + 1
        key = functools.reduce(fold, path, self.key)
        # No name has a "/", so that no part of this part draws from its further calls.
        return fold(key, f"/{count}") if count else key

    def run(self, path, inputs, named, key, train, inside) -> Any:
        """Runs a part on its params and state; in a transform nothing may change."""
        form, state = self.layers[path].form, self.read("state", path)
        try:
            outputs, new = form.run(
                self.read("params", path), state, inputs, named, key, train
            )
        except ValueError as error:
            if inside and form.draws and key is None and self.key is not None:
                error.add_note(WAYS_OUT)
            raise
        if not inside:
            self.states[path] = new
        elif not _same(state, new):
            raise ValueError(
                f"{self.owner}: expected part {label(path)} to keep its state, "
                f"got a new one; {WAYS_OUT}"
            )
        return outputs


def _same(old: Any, new: Any) -> bool:
    before, after = jax.tree.leaves(old), jax.tree.leaves(new)
    return len(before) == len(after) and all(
        a is b for a, b in zip(before, after, strict=True)
    )


# ------------------------------------------------------------------- layers of parts
def compose(
    name: str,
    tree: Any,
    forward: Callable[[Call, tuple, dict[str, Any]], Any],
    rebuild: Callable[[Any], Any],
    reads: Takes | None = None,
) -> Form:
    """The form of a layer whose `forward(call, inputs, named)` calls its parts.

    Without `reads`, it takes the inputs by name that some part takes.
    """
    layers = flatten(tree)
    keeps = [
        f"{label(path)} ({part.form.name})".strip()
        for path, part in layers.items()
        if part.form.stateful
    ]
    hint = f"; it keeps state in {', '.join(keeps)}: call apply(params, state, *inputs)"

    def enter(call, inputs, named):
        call.added = {n: value for n, value in named.items() if n in added}
        if reads is not None:
            named = {n: v for n, v in named.items() if n not in added - reads.names}
        outputs = check_outputs(name, forward(call, inputs, named))
        call.open = False
        return outputs

    def outline(key, inputs, named):
        lines: dict[Path, tuple[Outline, Any]] = {}

        def sketch(train):
            def traced(key, inputs, named):
                return enter(
                    Call(name, layers, {}, {}, key, train, lines), inputs, named
                )

            return abstract(traced, key, inputs, named)

        outputs = sketch(train=False)
        if len(lines) < len(layers):  # perhaps reached in training alone
            sketch(train=True)
        missing = [label(path) for path in layers if path not in lines]
        if missing:
            raise ValueError(
                f"{name}: expected every part to be called, got no call of "
                f"{', '.join(missing)}; give init every optional input."
            )

        def draw(key):
            drawn = {}
            for path in layers:
                line = lines[path][0]
                empty = not jax.tree.leaves((line.params, line.state))
                drawn[path] = (
                    (line.params, line.state)
                    if empty
                    else line.draw(functools.reduce(fold, path, key))
                )
            return collect(lambda path: drawn[path][0], lambda path: drawn[path][1])

        shapes = collect(lambda p: lines[p][0].params, lambda p: lines[p][0].state)
        return Outline(draw, *shapes, outputs)

    def collect(params_of, state_of):
        state = gather(tree, {p: state_of(p) for p in layers}) if keeps else ()
        return gather(tree, {p: params_of(p) for p in layers}), state

    def run(params, state, inputs, named, key, train):
        states: dict[Path, Any] = dict.fromkeys(layers, ())
        if keeps:
            states = scatter(tree, state, f"{name}: expected state", hint)
            for path, value in states.items():
                if not layers[path].form.stateful:
                    check_empty(value, f"{name}: expected no state of {label(path)}")
        params = scatter(tree, params, f"{name}: expected params", "")
        call = Call(name, layers, params, states, key, train)
        outputs = enter(call, inputs, named)
        return outputs, gather(tree, call.states) if keeps else ()

    accepts = [layer.form.accepts for layer in layers.values()] + [frozenset()]
    names = None if None in accepts else frozenset().union(*accepts)
    draws = any(layer.form.draws for layer in layers.values())
    added, sliced = (
        frozenset().union(*(getattr(part.form, kind) for part in layers.values()))
        for kind in ("added", "sliced")
    )
    if reads is not None:
        names = None if reads.anything else reads.names | added
        draws = draws or reads.draws

    def by_part(of):
        """The parameters, each part's as a function of its form gives them."""

        def function(params):
            values = scatter(tree, params, f"{name}: expected params", "")
            return gather(tree, {p: of(layers[p].form)(v) for p, v in values.items()})

        return function

    form = Form(name, outline, run, bool(keeps), draws, names, tree, rebuild)
    return with_fields(
        form,
        seen=by_part(lambda form: form.seen),
        apart=by_part(lambda form: form.apart),
        added=added,
        sliced=sliced,
    )
