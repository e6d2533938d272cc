"""The trainer of a generator against a discriminator: two optimisers in one step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from fnn.checks import check_function, check_key
from fnn.contract import StatefulLayer, as_layer, with_state
from fnn.layers.checks import check_array
from fnn.models.adversarial.losses import Losses, non_saturating
from fnn.ops.drawing import keys_from
from fnn.ops.filling import filled
from fnn.shapes import is_array, shown, spec
from fnn.training.checks import check_count, check_trainable, shown_pair
from fnn.training.compilation import compiled
from fnn.training.optimizers import Optimizer, as_optimizer
from fnn.training.reductions import mean
from fnn.training.states import TrainState, call, like, owned, strong
from fnn.training.trainers import Trainer

WHO = "adversarial"
PLAYERS = ("generator", "discriminator")

# (key, count) -> so many inputs of a generator
Latents = Callable[[Any, int], Any]
# (real, fake), their logits -> what each player loses
Loss = Callable[[Any, Any], Losses]
# (critic, real, fake, key) -> what is added to the discriminator's loss
Penalty = Callable[[Callable[[Array], Array], Array, Array, Any], Array]


def adversarial(
    generator: Any,
    discriminator: Any,
    *,
    latents: Latents,
    optimizers: Sequence[optax.GradientTransformation],
    loss: Loss = non_saturating,
    penalty: Penalty | None = None,
    discriminator_steps: int = 1,
) -> Trainer:
    """The step of a game between a generator and a discriminator, compiled once.

    ``state = init(key, batch)``
    ``state, metrics = step(state, batch)``

    A batch is an array of real examples along the first axis. A step cuts it into
    ``discriminator_steps`` parts: on each, the discriminator moves down its loss, with
    as many fake examples; then the generator moves down its own, once, with others.
    Neither player's step changes anything of the other.

    Both run with ``train=True``: batch statistics are those of real examples by
    themselves, and of fake ones. The penalty alone sees a discriminator with
    ``train=False``, a function of each example by itself.

    The state is a `TrainState` whose ``params``, ``state`` and ``opt_state`` are dicts
    of ``"generator"`` and ``"discriminator"``; the step takes over its memory. Metrics
    are both losses by these names, the discriminator's the mean of its steps. Both
    functions are pure: ``jax.vmap(init, (0, None))`` begins a game for each key, and
    ``jax.jit(jax.vmap(step))`` plays all at once.

    Args:
      generator: A layer or function, with state or without, that makes examples of
        latents.
      discriminator: A layer or function that gives logits of examples.
      latents: ``latents(key, count)`` draws what the generator gets for so many
        examples.
      optimizers: Optax transformations of the generator and of the discriminator.
      loss: ``loss(real, fake)`` gives the `Losses` by the logits of real and of fake
        examples; `fnn.models.adversarial` has three.
      penalty: ``penalty(critic, real, fake, key)``, such as
        `fnn.models.adversarial.gradient_penalty`, is added to the discriminator's loss.
      discriminator_steps: How many the discriminator takes for one of the generator; at
        least 1.

    Returns:
      A `Trainer`, the pair ``(init, step)``.

    Raises:
      TypeError: If a player is no layer, an option of the wrong kind, or ``loss`` gives
        anything but two scalars.
      ValueError: If ``discriminator_steps < 1`` or doesn't divide a batch, the
        generator makes other examples than those of the batch, or a state is used up.

    Example:
      >>> def latents(key, count):
      ...     return jax.random.normal(key, (count, 2))
      >>> init, step = fnn.training.adversarial(
      ...     fnn.sequential(fnn.dense(16), jax.nn.relu, fnn.dense(1)),
      ...     fnn.sequential(fnn.dense(16), jax.nn.relu, fnn.dense(1)),
      ...     latents=latents,
      ...     optimizers=(optax.adam(1e-3), optax.adam(1e-3)),
      ... )
      >>> real = jax.random.normal(jax.random.key(1), (64, 1))
      >>> state = init(jax.random.key(0), real)
      >>> state, metrics = step(state, real)
      >>> sorted(metrics)
      ['discriminator', 'generator']

    References:
      Goodfellow et al., Generative adversarial nets, 2014, algorithm 1.
    """
    game = _Game(
        with_state(as_layer(generator, f"{WHO}, generator")),
        with_state(as_layer(discriminator, f"{WHO}, discriminator")),
        latents,
        loss,
        penalty,
    )
    check_function(WHO, "latents to be a function of a key and a count", latents)
    check_function(WHO, "loss to be a function of logits", loss)
    if penalty is not None:
        check_function(WHO, "penalty to be a function or None", penalty)
    check_count(WHO, "discriminator_steps", discriminator_steps)
    rules = _rules(optimizers)

    @jax.jit  # so that several steps are traced once
    def discriminate(d, g, part, key):
        lost = partial(game.discriminator_loss, d.state, g, part, key)
        return _moved(rules[1], lost, d)

    def game_step(state, batch):
        parts = _parts(batch, discriminator_steps)
        key = jax.random.fold_in(state.key, state.step)
        discriminator_key, generator_key = jax.random.split(key)
        g, d = (
            _Player(state.params[name], state.state[name], state.opt_state[name])
            for name in PLAYERS
        )

        values = []
        # No loop of XLA, in which convolutions are slow on CPUs.
        keys = jax.random.split(discriminator_key, discriminator_steps)
        for part, part_key in zip(parts, keys, strict=True):
            d, value = discriminate(d, g, part, part_key)
            values.append(value)
        lost = partial(game.generator_loss, g.state, d, parts[-1], generator_key)
        g, value = _moved(rules[0], lost, g)
        metrics = {"generator": value, "discriminator": mean(jnp.stack(values))}
        return _train_state(state.step + 1, g, d, state.key), metrics

    one = compiled(game_step, donate=(0,))

    @jax.jit
    def begin(key, params, state):
        g, d = (
            owned(_Player(params[i], state[i], rules[i].init(params[i])))
            for i in range(2)
        )
        return _train_state(jnp.zeros((), jnp.int32), g, d, key)

    def init(key, batch):
        key = check_key(key, f"{WHO}: init(key, batch)")
        real = jax.eval_shape(lambda x: _parts(x, discriminator_steps)[0], spec(batch))
        *keys, training = keys_from(key, 3)
        latent = jax.eval_shape(lambda key: latents(key, len(real)), spec(key))
        first = game.generator.init(keys[0], latent)
        fake, _ = jax.eval_shape(partial(game.fake, count=len(real)), *first, key=key)
        if not is_array(fake) or fake.shape != real.shape:
            raise ValueError(
                f"{WHO}: expected a generator of examples like those of the batch, "
                f"{shown(real)}, got {shown(fake)}."
            )
        second = game.discriminator.init(keys[1], real)
        params, states = zip(first, second, strict=True)
        check_trainable(params)
        return filled(begin, training, params, states)

    def step(state, batch):
        return call(f"{WHO}.step", one, state, batch)

    step.lower = one.lower  # pyright: ignore[reportFunctionMemberAccess]
    return Trainer(init, step)


class _Player(NamedTuple):
    params: Any
    state: Any
    opt_state: Any


@dataclass(frozen=True)
class _Game:
    """Both players, and what they lose."""

    generator: StatefulLayer
    discriminator: StatefulLayer
    latents: Latents
    loss: Loss
    penalty: Penalty | None

    def fake(self, params, state, *, key, count):
        """Examples, and the state of the generator after them."""
        latent_key, key = jax.random.split(key)
        latent = self.latents(latent_key, count)
        return self.generator.apply(params, state, latent, key=key, train=True)

    def discriminator_loss(self, state, g, real, key, params):
        """By its params; and its state after it."""
        fake_key, judge_key, penalty_key = jax.random.split(key, 3)
        fake, _ = self.fake(g.params, g.state, key=fake_key, count=len(real))
        losses, state = self._judged(params, state, real, fake, judge_key)
        value = losses.discriminator
        if self.penalty is not None:

            def critic(x):
                return self.discriminator.apply(params, state, x)[0]

            added = self.penalty(critic, real, fake, penalty_key)
            if not _is_scalar(added):
                raise TypeError(
                    f"{WHO}: expected penalty to give a floating scalar, "
                    f"got {shown(added)}."
                )
            value = value + added
        return value, state

    def generator_loss(self, state, d, real, key, params):
        """By its params; and its state after it."""
        fake_key, judge_key = jax.random.split(key)
        fake, state = self.fake(params, state, key=fake_key, count=len(real))
        losses, _ = self._judged(d.params, d.state, real, fake, judge_key)
        return losses.generator, state

    def _judged(self, params, state, real, fake, key):
        apply = partial(self.discriminator.apply, params, train=True)
        real_key, fake_key = jax.random.split(key)
        real_logits, state = apply(state, real, key=real_key)
        fake_logits, state = apply(state, fake, key=fake_key)
        losses = self.loss(real_logits, fake_logits)
        if type(losses) is not Losses or not all(map(_is_scalar, losses)):
            got = tuple(losses) if isinstance(losses, tuple) else losses
            raise TypeError(
                f"{WHO}: expected loss to give Losses of two floating scalars, "
                f"got {shown(got)}."
            )
        return losses, state


def _moved(rule: Optimizer, lost: Callable, player: _Player) -> tuple[_Player, Array]:
    """A player after one step down what it loses, and how much that was."""
    (value, state), gradient = jax.value_and_grad(lost, has_aux=True)(player.params)
    gradient = jax.tree.map(jnp.conj, gradient)  # as of a trainer
    params, _, opt_state = rule.step(
        gradient, player.opt_state, player.params, value=value, grad=gradient
    )
    opt_state = like(opt_state, player.opt_state)
    return _Player(strong(params), strong(state), opt_state), value


def _is_scalar(value: Any) -> bool:
    floating = is_array(value) and jnp.issubdtype(value.dtype, jnp.floating)
    return floating and value.shape == ()


def _train_state(step: Array, g: _Player, d: _Player, key: Any) -> TrainState:
    params, state, opt_state = (
        dict(zip(PLAYERS, pair, strict=True)) for pair in zip(g, d, strict=True)
    )
    return TrainState(step, params, state, opt_state, key)


def _parts(batch: Any, count: int) -> Array:
    """A batch cut into so many parts, along a new first axis."""
    check_array(WHO, batch, "floating", "a batch")
    if batch.ndim < 2 or not batch.shape[0] or batch.shape[0] % count:
        parts = f", a multiple of {count} of them" if count > 1 else ""
        raise ValueError(
            f"{WHO}: expected a batch (examples, ..., n){parts}, got {batch.shape}."
        )
    return jnp.reshape(batch, (count, batch.shape[0] // count, *batch.shape[1:]))


def _rules(optimizers: Any) -> list[Optimizer]:
    """The optimisers of both players; one alone, a pair of functions, is refused."""
    whole = type(optimizers) in (tuple, list) and len(optimizers) == 2
    if not whole:
        raise TypeError(
            f"{WHO}: expected optimizers to be a pair, of the generator and of the "
            f"discriminator, got {shown_pair(optimizers)}."
        )
    return [as_optimizer(one, WHO) for one in optimizers]
