"""An actor and a critic on one trunk, by the policy-gradient theorem.

On a problem so small that every trajectory can be listed, the estimate's expectation is
computed in full: it equals the gradient of the expected return, whatever the critic
says; the critic only lowers its variance.

Sutton and Barto, Reinforcement learning, 2018, sections 13.3 and 13.4.
"""

import itertools

import chex
import jax
import jax.numpy as jnp
import optax
from jax import lax

import fnn

PLACES, START, STEPS = 5, 2, 4  # a corridor, where one step goes left or right


@fnn.module(
    trunk=fnn.sequential(fnn.dense(16), jnp.tanh),
    policy=fnn.dense(2),
    value=fnn.dense(1),
)
def agent(parts, place):
    """The logits of both actions, and the return expected."""
    features = parts.trunk(jax.nn.one_hot(place, PLACES))
    return parts.policy(features), parts.value(features)[..., 0]


def move(place, action):
    """The next place, and a reward of 1 at the right end and 0.1 at the left."""
    place = jnp.clip(place + 2 * action - 1, 0, PLACES - 1)
    return place, jnp.where(place == PLACES - 1, 1.0, jnp.where(place == 0, 0.1, 0.0))


def follow(choose):
    """Places, actions and rewards where the action is ``choose(place, time)``."""

    def step(place, time):
        action = choose(place, time)
        after, reward = move(place, action)
        return after, (place, action, reward)

    return lax.scan(step, START, jnp.arange(STEPS))[1]


def log_policy(logits, actions):
    chosen = jax.nn.one_hot(actions, 2, dtype=logits.dtype)
    return jnp.sum(jax.nn.log_softmax(logits) * chosen, axis=-1)


def losses(params, places, actions, rewards):
    """The actor's loss on one trajectory, whose gradient is meant, and the critic's."""
    returns = jnp.cumsum(rewards[::-1])[::-1]
    logits, values = agent.apply(params, places)
    advantages = lax.stop_gradient(returns - values)
    actor = -jnp.sum(log_policy(logits, actions) * advantages)
    return actor, jnp.sum((returns - values) ** 2)


def all_paths():
    actions = jnp.array(list(itertools.product([0, 1], repeat=STEPS)))
    return jax.vmap(lambda actions: follow(lambda place, time: actions[time]))(actions)


def chances(params, places, actions):
    """The probability of each path."""
    logits = agent.apply(params, places)[0]
    return jnp.exp(jnp.sum(log_policy(logits, actions), axis=-1))


def expected_return(params):
    places, actions, rewards = all_paths()
    return jnp.sum(chances(params, places, actions) * jnp.sum(rewards, axis=-1))


def test_expected_gradient_is_the_gradient_of_the_expected_return():
    params = agent.init(jax.random.key(0), jnp.int32(START))
    with jax.enable_x64(True):
        params = jax.tree.map(lambda a: 3 * a.astype(float), params)

        @jax.jit
        def estimated(params):
            paths = all_paths()
            gradient = jax.grad(lambda *path: losses(*path)[0])
            grads = jax.vmap(gradient, (None, 0, 0, 0))(params, *paths)
            weights = chances(params, *paths[:2])
            return jax.tree.map(lambda g: -jnp.tensordot(weights, g, 1), grads)

        expected = jax.jit(jax.grad(expected_return))(params)
        assert optax.tree.norm(expected) > 0.1
        chex.assert_trees_all_close(estimated(params), expected, rtol=0, atol=1e-14)


def test_learns_the_way_and_its_worth():
    optimizer = optax.adam(1e-2)

    def sample(params, key):
        def choose(place, time):
            now = jax.random.fold_in(key, time)
            return jax.random.categorical(now, agent.apply(params, place)[0])

        return follow(choose)

    def step(carry, key):
        params, opt_state = carry
        paths = jax.vmap(sample, (None, 0))(params, jax.random.split(key, 16))

        def objective(params):
            actor, critic = jax.vmap(losses, (None, 0, 0, 0))(params, *paths)
            return jnp.mean(actor + 0.5 * critic)

        updates, opt_state = optimizer.update(jax.grad(objective)(params), opt_state)
        return (optax.apply_updates(params, updates), opt_state), None

    params = agent.init(jax.random.key(0), jnp.int32(START))
    carry = params, optimizer.init(params)
    keys = jax.random.split(jax.random.key(1), 300)
    params, _ = jax.jit(lambda carry, keys: lax.scan(step, carry, keys)[0])(carry, keys)
    best = 3.0  # two steps to the right end, where it stays
    assert expected_return(params) > 0.95 * best
    assert abs(agent.apply(params, jnp.int32(START))[1] - best) < 0.3
