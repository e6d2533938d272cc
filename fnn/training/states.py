"""What a training step reads and writes, and how it may not be used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.core import Tracer

from fnn.shapes import is_array, word
from fnn.training.checks import shown_pair


class TrainState(NamedTuple):
    """All that a training step reads and writes; a pytree.

    Attributes:
      step: Steps taken so far, an int32 scalar.
      params: What is trained.
      state: What the network keeps beside its parameters; ``()`` where that is nothing.
      opt_state: What the optimiser keeps.
      key: The key into which every step folds its number, so that no key is used twice.

    Example:
      >>> objective = fnn.training.supervised(fnn.dense(1), optax.l2_loss)
      >>> trainer = fnn.training.trainer(objective, optax.sgd(0.1))
      >>> state = trainer.init(jax.random.key(0), (jnp.ones((8, 4)), jnp.ones((8, 1))))
      >>> int(state.step), jax.tree.map(jnp.shape, state.params)
      (0, {'bias': (1,), 'weight': (4, 1)})
    """

    step: jax.Array
    params: Any
    state: Any
    opt_state: Any
    key: jax.Array


def owned(tree: Any) -> Any:
    """Copies, in memory that is nobody else's, so that a step may take it."""
    return strong(jax.tree.map(lambda leaf: jnp.copy(jnp.asarray(leaf)), tree))


def strong(tree: Any) -> Any:
    """Arrays whose dtypes are not weak: the next step would be traced again for it."""

    def of(leaf):
        typed_key = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        return leaf if typed_key else lax.convert_element_type(leaf, leaf.dtype)

    return jax.tree.map(of, tree)


def like(tree: Any, old: Any) -> Any:
    """An optimiser's new state in the dtypes of the old: some widen low precision."""

    def of(leaf, old):
        return leaf if leaf.dtype == old.dtype else leaf.astype(old.dtype)

    return strong(jax.tree.map(of, tree, old))


def call(who: str, function: Callable, state: Any, batch: Any) -> Any:
    """The compiled function's result, or a sentence on what it can't take."""
    if not isinstance(state, TrainState):
        raise TypeError(
            f"{who}: expected the TrainState that the trainer's init made, "
            f"got {shown_pair(state)}."
        )
    if is_deleted(state.step):
        raise ValueError(_used_up(who))
    try:
        return function(state, batch)
    except (RuntimeError, ValueError) as error:
        if any(map(is_deleted, jax.tree.leaves(state))):
            raise ValueError(_used_up(who)) from error
        raise
    except TypeError as error:
        wrong = [leaf for leaf in jax.tree.leaves(batch) if not _is_number(leaf)]
        if wrong:
            raise TypeError(
                f"{who}: expected a batch of arrays, got {word(wrong[0])} in it."
            ) from error
        raise


def is_deleted(leaf: Any) -> bool:
    """Whether a step has taken over an array's memory."""
    concrete = isinstance(leaf, jax.Array) and not isinstance(leaf, Tracer)
    return concrete and leaf.is_deleted()


def _used_up(who: str) -> str:
    return (
        f"{who}: expected a state that no step has used, got one whose memory a step "
        "has taken over; go on with the state that the step returned, or copy it first "
        "(jax.tree.map(jnp.copy, state))."
    )


def _is_number(leaf: Any) -> bool:
    if isinstance(leaf, bool | int | float | complex | jax.Array):
        return True
    return is_array(leaf) and leaf.dtype.kind not in "OSUMm"
