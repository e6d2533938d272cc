"""`recurrent`: a cell run over the time axis of a sequence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from fnn.checks import pair
from fnn.contract import as_layer, constructor, make
from fnn.forms import Outline, form_around
from fnn.layers.checks import check_count, check_flags
from fnn.layers.gates import Step
from fnn.layers.time_axis import (
    Lead,
    check_lengths,
    sequence,
    step_of,
    time_after_batch,
    time_axis,
    where,
    with_time,
)
from fnn.ops.recurrence import recurrence
from fnn.shapes import abstract, shard_axes, shown, spec, varying, zeros
from fnn.taps import Tap, collected, emptied, renewed, untapped


@constructor
def recurrent(
    cell: Any,
    *,
    reverse: bool = False,
    keep_carry: bool = False,
    return_carry: bool = False,
    axis: int | None = None,
    unroll: int = 1,
) -> Any:
    """A cell run over time, ``(batch..., time, n) -> (batch..., time, features)``.

    ``carry, y[t] = cell(params, carry, x[t])`` for each ``t``, by `jax.lax.scan`. The
    first carry is zeros, or what is passed as ``carry=``. With ``lengths=``, integers
    ``(batch...)``, steps from there on are padding: they leave the carry as it is, and
    their outputs are zero. A cell that draws gets ``fold_in(key, t)``; its state, if it
    keeps any, goes from step to step, through padding as well. `apply` takes inputs
    without a batch axis, too; `init` wants one, lest a batch of sequences that lost an
    axis pass for one sequence.

    Params: the cell's. State: the cell's; with ``keep_carry``,
    ``{"carry": carry, "inner": the cell's state}``.

    Args:
      cell: A layer ``apply(params, carry, x) -> (carry, y)``, where ``carry=None``
        stands for zeros. ``x`` may be a pytree, all of whose arrays have the same
        batch and time axes. Other inputs by name are the same at each step.
      reverse: Whether to run from the last step to the first; with ``lengths``, from
        the last that is no padding.
      keep_carry: Whether the last carry is state, from which the next call goes on:
        for back-propagation through pieces of a long sequence, and for sampling step by
        step. ``carry=`` overrides it.
      return_carry: Whether to return ``(carry, y)``, with the last carry.
      axis: Where time stands in ``x``, counted from the end: by default before the
        features, or before the space of a `conv_lstm_cell`; -1 if the steps of ``x``
        are scalars such as ids, -4 if they are images. What stands before it are batch
        axes, after which time stands in ``y``, too (or first, in an array of ``y`` that
        has no batch axes).
      unroll: How many steps one iteration of the loop runs.

    Raises:
      TypeError: If an option is of the wrong kind, ``cell`` does not return
        ``(carry, y)``, or ``x`` or ``lengths`` are no arrays of their kind.
      ValueError: If an axis is missing, ``unroll < 1``, lengths whose values are known
        are out of range, or the carry has another shape than the cell's.

    Example:
      >>> init, apply = fnn.recurrent(fnn.lstm_cell(3))
      >>> x = jnp.ones((2, 5, 4))
      >>> params = init(jax.random.key(0), x)
      >>> y = apply(params, x, lengths=jnp.array([5, 2]))
      >>> y.shape, float(y[1, 2:].max())
      ((2, 5, 3), 0.0)
    """
    cell = as_layer(cell, "recurrent")
    form = cell.form
    check_flags(
        "recurrent", reverse=reverse, keep_carry=keep_carry, return_carry=return_carry
    )
    at = time_axis("recurrent", axis, cell)
    check_count("recurrent", "unroll", unroll)

    def kept(carry, state):
        return {"carry": carry, "inner": state} if keep_carry else state

    def outline(key, inputs, named):
        x, lead = sequence(inputs, at, batch=True)
        start, _, named = _own(named, lead)
        line = form.outline(key, (start, step_of(x, lead)), named)
        carry, y = _pair(form.name, line.outputs)
        y = jax.tree.map(lambda leaf: with_time(leaf, lead), y)

        def draw(key):
            params, state = line.draw(key)
            return params, kept(zeros(carry), state)

        outputs = (carry, y) if return_carry else y
        return Outline(draw, line.params, kept(carry, line.state), outputs)

    def run(params, state, inputs, named, key, train):
        x, lead = sequence(inputs, at, batch=False)
        x = jax.tree.map(jnp.asarray, x)
        start, lengths, named = _own(named, lead)
        inner = state
        if keep_carry:
            _check_state(state)
            inner = state["inner"]
            start = state["carry"] if start is None else start

        def step(carry, arrays, x, t):
            state = renewed(emptied(inner), arrays)
            now = jax.random.fold_in(key, t) if form.draws and key is not None else None
            outputs, state = form.run(params, state, (carry, x), named, now, train)
            return *_pair(form.name, outputs), state

        carry = _first_carry(form.name, step, start, untapped(inner), x, lead)
        axes = shard_axes((params, inner, x, named, carry, lengths, key))
        loop = _Loop(form.name, lead, lengths, reverse, unroll, axes)
        if form.step:
            carry, y = loop.in_two(form.step, params, carry, x)
        else:
            carry, y, inner = loop(step, carry, inner, x)
        if keep_carry:
            inner = kept(_cast(carry, spec(state["carry"]), form.name), inner)
        return (carry, y) if return_carry else y, inner

    options: dict[str, Any] = {
        "reverse": reverse,
        "keep_carry": keep_carry,
        "return_carry": return_carry,
    }
    options = {name: value for name, value in options.items() if value}
    options |= {"axis": axis} if axis is not None else {}
    options |= {"unroll": unroll} if unroll != 1 else {}

    def decoding(length):
        if reverse:
            raise ValueError(
                "recurrent: expected reverse=False to decode, got reverse=True."
            )
        return recurrent(cell, **options, keep_carry=True)

    loop = form_around(
        cell,
        name="recurrent",
        outline=outline,
        run=run,
        stateful=form.stateful or keep_carry,
        accepts=None if form.accepts is None else form.accepts | {"carry", "lengths"},
        rebuild=lambda part: recurrent(part, **options),
        decoding=None if keep_carry else decoding,
        inner_state=lambda f, state: (
            state | {"inner": f(state["inner"])} if keep_carry else f(state)
        ),
    )
    return make(loop, recurrent)


def _own(named: dict[str, Any], lead: Lead) -> tuple[Any, Array | None, dict[str, Any]]:
    """The first carry, the lengths, and the inputs by name that are the cell's."""
    rest = {n: v for n, v in named.items() if n not in ("carry", "lengths")}
    lengths = named.get("lengths")
    if lengths is not None:
        check_lengths(lengths, lead)
    return named.get("carry"), lengths, rest


def _check_state(state: Any) -> None:
    if not isinstance(state, dict) or state.keys() != {"carry", "inner"}:
        raise ValueError(
            "recurrent: expected state {carry, inner} of keep_carry=True, "
            f"got {shown(state)}."
        )


def _pair(name: str, outputs: Any) -> tuple[Any, Any]:
    return pair(f"recurrent: expected {name} to return (carry, y)", outputs)


# ---------------------------------------------------------------------------- the loop
@dataclass(frozen=True)
class _Loop:
    """The scan of one step over time."""

    name: str
    lead: Lead
    lengths: Any
    reverse: bool
    unroll: int
    axes: frozenset[str]  # of a mesh, over which the carry varies

    def __call__(
        self, step: Callable[..., Any], carry: Any, state: Any, x: Any
    ) -> tuple[Any, Any, Any]:
        """The last carry, the outputs of all steps, and the last state.

        By ``step(carry, the state's arrays, x, t) -> (carry, y, state)``.
        """
        tapped = bool(collected(state))

        def body(before, now):
            (carry, arrays), (t, x) = before, now
            after, y, state = step(carry, arrays, x, t)
            after, y = self.kept(carry, after, y, self.going(t))
            return (after, untapped(state)), (y, _values(state) if tapped else ())

        (carry, arrays), stacked = lax.scan(
            body,
            (varying(carry, self.axes), untapped(state)),
            (self.times, self.time_first(x)),
            reverse=self.reverse,
            unroll=self.unroll,
        )
        y, taps = jax.tree.map(lambda leaf: time_after_batch(leaf, self.lead), stacked)
        return carry, y, renewed(_joined(state, taps), arrays) if tapped else arrays

    def in_two(self, step: Step, params: Any, carry: Any, x: Any) -> tuple[Any, Any]:
        """The last carry and all outputs, by a cell that says what its step does."""

        def update(carry, z, going):
            after, y = step.update(carry, z)
            return self.kept(carry, after, y, going)

        carry, y = recurrence(
            step.sums,
            update,
            params,
            varying(carry, self.axes),
            self.time_first(x),
            jax.vmap(self.going)(self.times),
            reverse=self.reverse,
            unroll=self.unroll,
        )
        return carry, jax.tree.map(lambda leaf: time_after_batch(leaf, self.lead), y)

    @property
    def times(self) -> Array:
        return jnp.arange(self.lead[-1])

    def time_first(self, x: Any) -> Any:
        batch = len(self.lead) - 1
        return jax.tree.map(lambda leaf: jnp.moveaxis(leaf, batch, 0), x)

    def going(self, t: Array) -> Array | None:
        """Which sequences are not over at a step, if any ever is."""
        return None if self.lengths is None else t < jnp.asarray(self.lengths, t.dtype)

    def kept(
        self, carry: Any, after: Any, y: Any, going: Array | None
    ) -> tuple[Any, Any]:
        """The carry after a step and its output, as far as sequences go on."""
        if spec(after) != spec(carry):
            raise ValueError(
                f"recurrent: expected {self.name} to keep its carry, "
                f"{shown(spec(carry))}, got {shown(spec(after))}."
            )
        if going is not None:
            after = where(going, after, carry)
            y = where(going, y, jax.tree.map(jnp.zeros_like, y))
        return varying(after, self.axes), y


def _first_carry(
    name: str, step: Callable[..., Any], start: Any, arrays: Any, x: Any, lead: Lead
) -> Any:
    """The carry given, or zeros, in the shapes and dtypes that a step gives."""
    carry = abstract(
        lambda start, arrays, x: step(start, arrays, x, 0)[0],
        start,
        arrays,
        step_of(x, lead),
    )
    return zeros(carry) if start is None else _cast(start, carry, name)


def _cast(carry: Any, like: Any, name: str) -> Any:
    """A carry of the right shapes, in the right dtypes."""

    def shapes(tree):
        return jax.tree.map(lambda leaf: leaf.shape, spec(tree))

    if shapes(carry) != shapes(like):
        raise ValueError(
            f"recurrent: expected the carry of {name}, {shown(like)}, "
            f"got {shown(spec(carry))}."
        )
    return jax.tree.map(lambda leaf, s: jnp.asarray(leaf, s.dtype), carry, like)


# ----------------------------------------------------------- values of tapped parts
def _values(state: Any) -> Any:
    """A state's taps with their values; what else is in it is in the loop's carry."""
    return renewed(state, jax.tree.map(lambda leaf: jnp.zeros(()), untapped(state)))


def _joined(old: Any, new: Any) -> Any:
    """The values of earlier calls, then those of this one."""

    def join(a, b):
        if isinstance(a, Tap):
            return Tap(a.path, _joined(a.state, b.state), a.values + b.values)
        return b

    return jax.tree.map(join, old, new, is_leaf=lambda node: isinstance(node, Tap))
