"""Back to the step at which training ceased to be finite.

By the time a loss is seen not to be finite, later steps are under way, and the memory
of earlier states has been used again. But a step is a pure function: from a copy of a
good state and the batches since, it is found exactly, with the state that it got.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from fnn.training.states import TrainState
from fnn.tree import paths

# A newer copy is made after so many bytes of batches, or after so many seconds, so that
# going back takes no longer.
HELD = 256 * 2**20
SECONDS = 10


class Fault(NamedTuple):
    """A step that was not finite, before which all was."""

    step: int
    state: Any  # that it got
    batch: Any
    after: Any  # the state that it made


class Rewind:
    """A copy of a good state, and the batches since."""

    def __init__(self, step: Callable, every: int) -> None:
        self.take, self.every = step, every
        self.state: Any = None
        self.spoiled: frozenset[str] = frozenset()  # not finite in the copy
        self.step, self.batches, self.bytes, self.since = 0, [], 0, 0.0

    @property
    def is_due(self) -> bool:
        """Whether it is time for a newer copy."""
        return bool(self.batches) and (
            len(self.batches) >= self.every
            or self.bytes >= HELD
            or time.perf_counter() - self.since >= SECONDS
        )

    def keep(self, state: Any, step: int) -> None:
        """Copies a state, no step to which was bad."""
        self.state, self.step, self.batches, self.bytes = copied(state), step, [], 0
        self.spoiled = frozenset(not_finite(learned(state)))
        self.since = time.perf_counter()

    def add(self, batch: Any) -> None:
        """A batch from which a step is about to learn."""
        self.batches.append(batch)
        self.bytes += sum(getattr(a, "nbytes", 8) for a in jax.tree.leaves(batch))

    def has_spoiled(self, state: Any) -> bool:
        """Whether parameters are no longer finite; a state made by hand may choose."""
        trained = isinstance(state, TrainState)
        return trained and not self.spoiled.issuperset(not_finite(learned(state)))

    def find(self, bad: Callable[[dict], Collection[str]]) -> Fault | None:
        """The first step whose metrics were bad, or which spoiled the parameters.

        In a state made by hand, any leaf may be what the step before a bad one spoiled.
        """
        state, before_bad = self.state, None
        for number, batch in enumerate(self.batches, self.step + 1):
            got = copied(state)
            state, metrics = self.take(state, batch)
            fault = Fault(number, got, batch, state)
            if bad({name: np.asarray(value) for name, value in metrics.items()}):
                return before_bad or fault
            if self.has_spoiled(state):
                return fault
            new = set(not_finite(learned(state))) - self.spoiled
            before_bad = fault if new else None
        return None


def learned(state: Any) -> dict[str, Any]:
    """The leaves by path that must stay finite: not those of an optimiser's state."""
    if not isinstance(state, TrainState):
        return paths(state)
    kept = {f"state/{path}": leaf for path, leaf in paths(state.state).items()}
    return paths(state.params) | kept


def copied(state: Any) -> Any:
    """The state in memory of its own, which no step will take over."""
    leaves, treedef = jax.tree.flatten(state)
    feed = iter(_copy([leaf for leaf in leaves if isinstance(leaf, jax.Array)]))
    return jax.tree.unflatten(
        treedef, [next(feed) if isinstance(a, jax.Array) else a for a in leaves]
    )


@jax.jit
def _copy(arrays: list) -> list:
    return jax.tree.map(jnp.copy, arrays)


def not_finite(leaves: dict[str, Any]) -> tuple[str, ...]:
    """The paths of leaves that are not finite everywhere."""
    numeric = {
        path: leaf
        for path, leaf in leaves.items()
        if isinstance(leaf, float | complex | np.ndarray | jax.Array)
        and jnp.issubdtype(jnp.result_type(leaf), jnp.inexact)
    }
    if not numeric:
        return ()
    finite = np.asarray(_finite(list(numeric.values())))
    return tuple(path for path, good in zip(numeric, finite, strict=True) if not good)


@jax.jit
def _finite(leaves: list) -> jax.Array:
    return jnp.stack([jnp.isfinite(leaf).all() for leaf in leaves])
