"""`adversarial`: steps of two players, beside those written out by hand."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import fnn
from fnn.models import adversarial as games
from fnn.training import adversarial
from fnn.training.states import TrainState

REAL = np.random.default_rng(0).normal(size=(8, 2)).astype(np.float32)
RATES = 0.1, 0.2


def latents(key, count):
    return jax.random.normal(key, (count, 3))


def mlp(*layers):
    return fnn.sequential(fnn.dense(4), *layers, jnp.tanh, fnn.dense(2))


def descents():
    return tuple(map(optax.sgd, RATES))


def game(generator=None, discriminator=None, **options):
    options = {"latents": latents, "optimizers": descents()} | options
    return adversarial(generator or mlp(), discriminator or mlp(), **options)


def start(trainer, seed=0):
    return trainer.init(jax.random.key(seed), REAL)


def copied(state):
    """By fields, before a step takes over the memory."""
    return TrainState(*jax.tree.map(jnp.copy, tuple(state)))


def constant(key, count):
    """The same latents for any key, so that steps can be written out by hand."""
    return jnp.linspace(-1, 1, 3 * count).reshape(count, 3)


# --------------------------------------------------------------------------- the steps
@pytest.mark.parametrize("loss", [games.minimax, games.wasserstein])
def test_the_discriminator_moves_first_then_the_generator(loss):
    generator, discriminator = mlp(), mlp()
    trainer = game(loss=loss, latents=constant)
    state = start(trainer)
    old = copied(state)
    g, d = old.params["generator"], old.params["discriminator"]
    z = constant(None, 8)

    def lost(g, d):
        fake = generator.apply(g, z)
        return loss(discriminator.apply(d, REAL), discriminator.apply(d, fake))

    def down(params, slope, rate):
        return jax.tree.map(lambda p, s: p - rate * s, params, slope)

    expected = {"discriminator": lost(g, d).discriminator}
    d = down(d, jax.grad(lambda d: lost(g, d).discriminator)(d), RATES[1])
    expected["generator"] = lost(g, d).generator
    g = down(g, jax.grad(lambda g: lost(g, d).generator)(g), RATES[0])
    state, metrics = trainer.step(state, REAL)
    chex.assert_trees_all_close(metrics, expected, rtol=1e-5, atol=1e-6)
    wanted = {"generator": g, "discriminator": d}
    chex.assert_trees_all_close(state.params, wanted, rtol=1e-5, atol=1e-6)
    assert state.step == 1


def test_several_steps_of_the_discriminator_see_each_example_once():
    trainer = game(loss=games.wasserstein, latents=constant, discriminator_steps=4)
    state = start(trainer)
    d, g = copied(state).params["discriminator"], copied(state).params["generator"]
    fake, values = mlp().apply(g, constant(None, 2)), []

    def lost(d, part):
        return jnp.mean(mlp().apply(d, fake)) - jnp.mean(mlp().apply(d, part))

    for part in np.split(REAL, 4):
        value, slope = jax.value_and_grad(lost)(d, part)
        d = jax.tree.map(lambda p, s: p - RATES[1] * s, d, slope)
        values.append(value)
    state, metrics = trainer.step(state, REAL)
    chex.assert_trees_all_close(state.params["discriminator"], d, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        metrics["discriminator"], np.mean(values), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("still", [0, 1])
def test_neither_step_changes_the_other(still):
    """Where one's rate is 0, its params stay, to the bit, and the other's don't."""
    rates = [0.1, 0.1]
    rates[still] = 0.0
    trainer = game(optimizers=tuple(map(optax.sgd, rates)))
    state = start(trainer)
    old = copied(state)
    state, _ = trainer.step(state, REAL)
    names = ("generator", "discriminator")
    chex.assert_trees_all_equal(state.params[names[still]], old.params[names[still]])
    moved = state.params[names[1 - still]], old.params[names[1 - still]]
    assert not np.allclose(*(a[0]["weight"] for a in moved))


def test_each_optimiser_keeps_its_own_state():
    optimizers = optax.adam(0.1), optax.sgd(0.1, momentum=0.9)
    trainer = game(optimizers=optimizers, discriminator_steps=2)
    state, _ = trainer.step(start(trainer), REAL)
    kept = state.opt_state
    chex.assert_trees_all_equal_structs(
        kept["generator"], optimizers[0].init(state.params["generator"])
    )
    assert kept["generator"][0].count == 1
    chex.assert_trees_all_equal_structs(
        kept["discriminator"], optimizers[1].init(state.params["discriminator"])
    )


def test_the_penalty_is_added():
    found = {}
    for weight in (0.0, 3.0):
        penalty = functools.partial(games.gradient_penalty, weight=weight)
        trainer = game(mlp(), fnn.dense(1), loss=games.wasserstein, penalty=penalty)
        state = start(trainer)
        slope = np.linalg.norm(state.params["discriminator"]["weight"])
        found[weight] = trainer.step(state, REAL)[1]["discriminator"]
        expected = found[0.0] + weight * (slope - 1) ** 2
        np.testing.assert_allclose(found[weight], expected, rtol=1e-5, atol=1e-6)


# ----------------------------------------------------------------------- layers' states
def test_players_that_keep_state():
    """Batch statistics and singular vectors; each moves in its own steps alone."""
    generator = mlp(fnn.batch_norm())
    discriminator = fnn.spectral_norm(mlp(fnn.dropout(0.5), fnn.batch_norm()))
    trainer = game(generator, discriminator, latents=constant, discriminator_steps=2)
    state = start(trainer)
    old = copied(state)
    state, metrics = trainer.step(state, REAL)
    assert all(map(np.isfinite, metrics.values()))
    chex.assert_trees_all_equal_shapes_and_dtypes(state, old)
    _, kept = generator.apply(
        old.params["generator"], old.state["generator"], constant(None, 4), train=True
    )
    chex.assert_trees_all_close(state.state["generator"], kept, rtol=1e-5, atol=1e-6)

    def vectors(state):
        return fnn.paths(state.state["discriminator"]["vectors"])["0/weight/left"]

    assert not np.allclose(vectors(state), vectors(old))
    assert type(state.state["generator"][1]) is dict


def test_a_player_without_state_has_none():
    trainer = game()
    state, _ = trainer.step(start(trainer), REAL)
    assert state.state == {"generator": (), "discriminator": ()}


# ------------------------------------------------------------------------- many at once
def test_games_of_many_seeds_are_those_of_each_alone():
    packing = functools.partial(games.packed, m=2)
    trainer = game(
        mlp(fnn.batch_norm()),
        fnn.sequential(packing, fnn.dense(4), jnp.tanh, fnn.dropout(0.5), fnn.dense(1)),
        discriminator_steps=2,
    )
    keys = jax.random.split(jax.random.key(3), 3)
    states = jax.vmap(trainer.init, (0, None))(keys, REAL)
    batches = np.stack([REAL, REAL[::-1], 2 * REAL])
    together = jax.jit(jax.vmap(trainer.step))
    for _ in range(2):
        states, metrics = together(states, batches)
    for i, key in enumerate(jax.random.split(jax.random.key(3), 3)):
        state = trainer.init(key, REAL)
        for _ in range(2):
            state, alone = trainer.step(state, batches[i])
        one = jax.tree.map(lambda a, i=i: a[i], (states.params, states.state, metrics))
        own = state.params, state.state, alone
        chex.assert_trees_all_close(one, own, rtol=1e-5, atol=1e-6)
    assert not np.allclose(metrics["generator"][0], metrics["generator"][2])


def test_a_step_is_traced_once_and_takes_over_the_state():
    traces = []

    def counted(real, fake):
        traces.append(1)
        return games.wasserstein(real, fake)

    trainer = game(loss=counted)
    state = start(trainer)
    once, _ = trainer.step(state, REAL)
    count = len(traces)
    trainer.step(once, REAL)
    assert len(traces) == count
    with pytest.raises(ValueError, match="a state that no step has used"):
        trainer.step(state, REAL)


def test_what_an_optimiser_keeps_may_be_the_params_themselves():
    """As an average of them does, at first."""
    keeping = optax.GradientTransformation(
        lambda params: params, lambda updates, kept, params: (updates, kept)
    )
    trainer = game(optimizers=(optax.chain(optax.sgd(0.1), keeping), optax.sgd(0.1)))
    state = start(trainer)
    first = copied(state).params["generator"]
    state, _ = trainer.step(state, REAL)
    chex.assert_trees_all_equal(state.opt_state["generator"][1], first)


def test_fit_plays_it_and_the_generator_learns():
    """Normal numbers of mean 4, by a generator that begins at 0."""

    def normal(key, count):
        return jax.random.normal(key, (count, 1))

    def net():
        return fnn.sequential(fnn.dense(16), jax.nn.relu, fnn.dense(1))

    adam = optax.adam(5e-3, b1=0.5)
    trainer = adversarial(net(), net(), latents=normal, optimizers=(adam, adam))
    data = np.random.default_rng(0).normal(4, 1, (3200, 1)).astype(np.float32)
    batches = fnn.training.batches(data, 64, key=jax.random.key(0))
    state = trainer.init(jax.random.key(1), data[:64])
    state, history = fnn.training.fit(trainer, state, batches, epochs=8, progress=False)
    assert {"generator", "discriminator"} <= set(history.train)
    fake = net().apply(state.params["generator"], normal(jax.random.key(2), 500))
    assert abs(jnp.mean(fake) - 4) < 1


# -------------------------------------------------------------------------- wrong calls
ADAM = optax.adam(0.1)


def begin(**options):
    batch = options.pop("batch", REAL)
    game(**options).init(jax.random.key(0), batch)


def step(**options):
    trainer = game(**options)
    trainer.step(start(trainer), REAL)


A = "adversarial: expected "
WRONG = [
    (
        lambda: game(generator=3),
        TypeError,
        "adversarial, generator: expected a layer or a function of arrays, got 3.",
    ),
    (
        lambda: game(discriminator="net"),
        TypeError,
        "adversarial, discriminator: expected a layer or a function of arrays, "
        "got 'net'.",
    ),
    (
        lambda: game(latents=8),
        TypeError,
        A + "latents to be a function of a key and a count, got 8.",
    ),
    (
        lambda: game(loss="hinge"),
        TypeError,
        A + "loss to be a function of logits, got 'hinge'.",
    ),
    (
        lambda: game(penalty=10.0),
        TypeError,
        A + "penalty to be a function or None, got 10.0.",
    ),
    (
        lambda: game(optimizers=ADAM),
        TypeError,
        A + "optimizers to be a pair, of the generator and of the discriminator, "
        "got a GradientTransformationExtraArgs.",
    ),
    (
        lambda: game(optimizers=(ADAM, 0.1)),
        TypeError,
        A + "an optimizer of optax, a pair (init, update), got 0.1.",
    ),
    (
        lambda: game(discriminator_steps=0),
        ValueError,
        A + "discriminator_steps to be a whole number of at least 1, got 0.",
    ),
    (
        lambda: begin(discriminator_steps=3),
        ValueError,
        A + "a batch (examples, ..., n), a multiple of 3 of them, got (8, 2).",
    ),
    (
        lambda: begin(batch=REAL[0]),
        ValueError,
        A + "a batch (examples, ..., n), got (2,).",
    ),
    (
        lambda: begin(batch=REAL.astype(int)),
        TypeError,
        A + "a batch of floating dtype, got int32.",
    ),
    (
        lambda: begin(batch=(REAL, REAL)),
        TypeError,
        A + "a batch to be an array, got tuple.",
    ),
    (
        lambda: begin(generator=fnn.dense(5)),
        ValueError,
        A + "a generator of examples like those of the batch, float32[8, 2], "
        "got float32[8, 5].",
    ),
    (
        lambda: step(loss=lambda real, fake: games.Losses(real, fake)),
        TypeError,
        A + "loss to give Losses of two floating scalars, "
        "got (float32[8, 2], float32[8, 2]).",
    ),
    (
        lambda: step(penalty=lambda critic, real, fake, key: critic(real)),
        TypeError,
        A + "penalty to give a floating scalar, got float32[8, 2].",
    ),
    (
        lambda: game().step(3, REAL),
        TypeError,
        "adversarial.step: expected the TrainState that the trainer's init made, "
        "got 3.",
    ),
]


@pytest.mark.parametrize(("call", "error", "sentence"), WRONG)
def test_wrong_call(call, error, sentence):
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error
    assert caught.value.args == (sentence,)
