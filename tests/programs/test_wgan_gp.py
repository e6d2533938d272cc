"""A Wasserstein GAN with a gradient penalty through a critic that keeps state.

The critic's weights are divided by their largest singular values, whose vectors power
iteration keeps in the state. The penalty differentiates the critic by its input, and is
itself differentiated by the parameters. Both losses are wired from one set of parts.

Gulrajani et al., Improved training of Wasserstein GANs, 2017, equation 3; Miyato et
al., Spectral normalization for generative adversarial networks, 2018, algorithm 1.
"""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax
from jax.flatten_util import ravel_pytree

import fnn

CENTER, SPREAD = np.array([[2.0, -1.0]], "float32"), 0.5  # of the data

gan = fnn.module(
    generator=fnn.sequential(fnn.dense(16), jax.nn.relu, fnn.dense(2)),
    critic=fnn.spectral_norm(
        fnn.sequential(fnn.dense(32), jnp.tanh, fnn.dense(32), jnp.tanh, fnn.dense(1)),
        "[02]/weight",
    ),
)


@gan
def critic_loss(parts, real, noise, *, key):
    fake = lax.stop_gradient(parts.generator(noise))
    score = jnp.mean(parts.critic(fake)) - jnp.mean(parts.critic(real))
    critic = parts.critic

    def total(x):
        return jnp.sum(critic.apply(critic.params, critic.state, x)[0])

    share = jax.random.uniform(key, (len(real), 1), real.dtype)
    slopes = jax.grad(total)(share * real + (1 - share) * fake)
    return score + 10 * jnp.mean((jnp.linalg.norm(slopes, axis=-1) - 1) ** 2)


@gan
def generator_loss(parts, noise):
    return -jnp.mean(parts.critic(parts.generator(noise), train=False))


@gan
def sample(parts, noise):
    return parts.generator(noise)


def test_gradient_of_the_penalty_equals_finite_differences():
    real, noise = jax.random.normal(jax.random.key(0), (2, 5, 2))
    params, state = critic_loss.init(jax.random.key(1), real, noise)
    with jax.enable_x64(True):
        params, state, real, noise = jax.tree.map(
            lambda a: a.astype(float), (params, state, real, noise)
        )
        flat, unravel = ravel_pytree(params["critic"])

        def loss(flat):
            own = params | {"critic": unravel(flat)}
            return critic_loss.apply(own, state, real, noise, key=jax.random.key(2))[0]

        def slope(step):
            return (loss(flat + step) - loss(flat - step)) / 2e-5

        gradient = jax.jit(jax.grad(loss))(flat)
        expected = jax.jit(jax.vmap(slope))(1e-5 * jnp.eye(flat.size))
        chex.assert_trees_all_close(gradient, expected, rtol=1e-7, atol=1e-7)


def test_generator_finds_the_data_and_the_state_the_singular_values():
    optimizers = {
        "generator": optax.adam(5e-3, b1=0.5, b2=0.9),
        "critic": optax.adam(2e-2, b1=0.5, b2=0.9),
    }

    def descend(part, loss, params, state, opt_states, *data, key=None):
        """One step on the parameters of one part."""

        def objective(own):
            return loss.apply(params | {part: own}, state, *data, key=key, train=True)

        (_, state), grads = jax.value_and_grad(objective, has_aux=True)(params[part])
        updates, opt_state = optimizers[part].update(grads, opt_states[part])
        params = params | {part: optax.apply_updates(params[part], updates)}
        return params, state, opt_states | {part: opt_state}

    def critic_step(carry, key):
        noise_key, data_key, key = jax.random.split(key, 3)
        noise = jax.random.normal(noise_key, (64, 2))
        data = CENTER + SPREAD * jax.random.normal(data_key, (64, 2))
        return descend("critic", critic_loss, *carry, data, noise, key=key), None

    def step(carry, key):
        game, average = carry
        keys = jax.random.split(key, 6)
        game, _ = lax.scan(critic_step, game, keys[1:])
        noise = jax.random.normal(keys[0], (64, 2))
        game = descend("generator", generator_loss, *game, noise)
        return (
            game,
            optax.incremental_update(game[0]["generator"], average, 0.02),
        ), None

    @jax.jit
    def train(params, state, keys):
        opt_states = {part: optimizers[part].init(params[part]) for part in params}
        carry = (params, state, opt_states), params["generator"]
        ((params, state, _), average), _ = lax.scan(step, carry, keys)
        return params, state, average

    noise = jax.random.normal(jax.random.key(0), (500, 2))
    params, state = critic_loss.init(jax.random.key(1), noise, noise)
    keys = jax.random.split(jax.random.key(2), 300)
    params, state, average = train(params, state, keys)

    # The generator circles around the data, so its average is what one draws from.
    samples, _ = sample.apply(params | {"generator": average}, state, noise)
    assert jnp.max(jnp.abs(jnp.mean(samples, axis=0) - CENTER[0])) < 0.3
    for layer in 0, 2:
        weight = params["critic"][layer]["weight"]
        vectors = state["critic"]["vectors"][layer]["weight"]
        tracked = vectors["left"] @ weight @ vectors["right"]
        largest = jnp.linalg.norm(weight, ord=2)
        assert abs(tracked / largest - 1) < 1e-4
