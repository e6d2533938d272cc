"""Truncated backpropagation through time: the carry of a recurrent network is state.

A long sequence goes through in pieces, whose outputs are those of the whole. Gradients
end where a piece begins, unless one differentiates through several pieces at once.

Williams and Peng, An efficient gradient-based algorithm for on-line training of
recurrent network trajectories, 1990.
"""

import chex
import jax
import jax.numpy as jnp
import optax
from jax import lax

import fnn

cell, readout = fnn.lstm_cell(24), fnn.dense(1)
net = fnn.sequential(fnn.recurrent(cell, keep_carry=True), readout)


def loss(params, state, x, y):
    outputs, state = net.apply(params, state, x)
    return jnp.mean((outputs - y) ** 2), state


truncated = jax.value_and_grad(loss, has_aux=True)


def echo(key, batch, pieces, length, delay=4):
    """Random bits and those of a few steps ago, ``(pieces, batch, length, 1)`` each."""
    x = jax.random.rademacher(key, (batch, pieces * length, 1), jnp.float32)
    y = jnp.roll(x, delay, axis=1).at[:, :delay].set(0.0)
    return tuple(jnp.stack(jnp.split(a, pieces, axis=1)) for a in (x, y))


def by_hand(params, x, y, stop):
    """The mean loss of a loop that passes ``stop(carry)`` from piece to piece."""

    def step(carry, now):
        x, y = now
        carry, h = cell.apply(params[0], carry, x)
        return carry, jnp.mean((readout.apply(params[1], h) - y) ** 2)

    def piece(carry, now):
        return lax.scan(
            step, stop(carry), jax.tree.map(lambda a: a.swapaxes(0, 1), now)
        )

    zeros = jnp.zeros((x.shape[1], 24), x.dtype)
    return jnp.mean(lax.scan(piece, {"cell": zeros, "hidden": zeros}, (x, y))[1])


def test_pieces_are_of_the_whole_and_truncation_is_stop_gradient():
    x, y = echo(jax.random.key(0), batch=2, pieces=3, length=4)
    params, fresh = net.init(jax.random.key(1), x[0])
    with jax.enable_x64(True):
        params, fresh, x, y = jax.tree.map(
            lambda a: a.astype(float), (params, fresh, x, y)
        )

        @jax.jit
        def by_pieces(params):
            def step(state, xy):
                (value, state), grads = truncated(params, state, *xy)
                return state, (value, grads)

            _, results = lax.scan(step, fresh, (x, y))
            return jax.tree.map(lambda a: jnp.mean(a, axis=0), results)

        @jax.jit
        def through_all(params):
            def step(state, xy):
                value, state = loss(params, state, *xy)
                return state, value

            return jnp.mean(lax.scan(step, fresh, (x, y))[1])

        whole = jax.jit(jax.value_and_grad(by_hand), static_argnames="stop")
        expected = whole(params, x, y, stop=lax.stop_gradient)
        chex.assert_trees_all_close(by_pieces(params), expected, rtol=0, atol=1e-13)
        full = whole(params, x, y, stop=lambda carry: carry)
        results = jax.value_and_grad(through_all)(params)
        chex.assert_trees_all_close(results, full, rtol=0, atol=1e-13)
        difference = jax.tree.map(jnp.subtract, full[1], expected[1])
        assert optax.tree.norm(difference) > 0.1 * optax.tree.norm(full[1])


def test_remembers_across_pieces():
    x, y = echo(jax.random.key(0), batch=32, pieces=200, length=6)
    params, fresh = net.init(jax.random.key(1), x[0])
    optimizer = optax.adam(1e-2)

    def step(carry, xy):
        params, state, opt_state = carry
        (value, state), grads = truncated(params, state, *xy)
        updates, opt_state = optimizer.update(grads, opt_state)
        return (optax.apply_updates(params, updates), state, opt_state), value

    carry = params, fresh, optimizer.init(params)
    train = jax.jit(lambda carry, data: lax.scan(step, carry, data))
    (params, *_), values = train(carry, (x, y))
    forgetful = loss(params, fresh, x[-1], y[-1])[0]
    assert values[-1] < 0.02 and forgetful > 0.5
