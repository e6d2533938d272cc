"""MAML: a start from which one step of gradient descent learns a new task.

The meta-gradient differentiates through the inner gradient step, so it is of second
order: it equals finite differences of the whole procedure, and the first-order
approximation does not.

Finn, Abbeel and Levine, Model-agnostic meta-learning, 2017, algorithm 1.
"""

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jax.flatten_util import ravel_pytree

import fnn


def loss(net, params, x, y):
    return jnp.mean((net.apply(params, x) - y) ** 2)


def adapt(net, params, x, y, rate=0.1):
    """One step of gradient descent on a task's support set."""
    grads = jax.grad(lambda params: loss(net, params, x, y))(params)
    return jax.tree.map(lambda p, g: p - rate * g, params, grads)


def adapt_first_order(net, params, x, y):
    """The same step, taken for a constant when differentiated."""
    step = jax.tree.map(lambda a, b: b - a, params, adapt(net, params, x, y))
    return jax.tree.map(lambda p, s: p + lax.stop_gradient(s), params, step)


def meta_loss(net, params, support, query, adapt=adapt):
    """The loss on tasks' query sets, each after adapting to its support set."""

    def task_loss(support, query):
        return loss(net, adapt(net, params, *support), *query)

    return jnp.mean(jax.vmap(task_loss)(support, query))


def sines(key, tasks, examples=10):
    """Support and query sets of sines, each of its own amplitude and phase."""
    keys = jax.random.split(key, 3)
    amplitude = jax.random.uniform(keys[0], (tasks, 1, 1), minval=0.5, maxval=2.0)
    phase = jax.random.uniform(keys[1], (tasks, 1, 1), maxval=jnp.pi)
    x = jax.random.uniform(keys[2], (tasks, 2 * examples, 1), minval=-3, maxval=3)
    y = amplitude * jnp.sin(x + phase)
    return (x[:, :examples], y[:, :examples]), (x[:, examples:], y[:, examples:])


def test_meta_gradient_equals_finite_differences():
    net = fnn.sequential(fnn.dense(3), jnp.tanh, fnn.dense(1))
    support, query = sines(jax.random.key(0), tasks=4)
    params = net.init(jax.random.key(1), support[0])
    with jax.enable_x64(True):
        params, support, query = jax.tree.map(
            lambda a: a.astype(float), (params, support, query)
        )
        flat, unravel = ravel_pytree(params)

        def objective(flat, adapt=adapt):
            return meta_loss(net, unravel(flat), support, query, adapt)

        def slope(step):
            return (objective(flat + step) - objective(flat - step)) / 2e-5

        expected = jax.jit(jax.vmap(slope))(1e-5 * jnp.eye(flat.size))
        meta_gradient = jax.jit(jax.grad(objective))(flat)
        first_order = jax.jit(jax.grad(lambda p: objective(p, adapt_first_order)))(flat)
        size = jnp.linalg.norm(expected)
        assert jnp.linalg.norm(meta_gradient - expected) < 1e-8 * size
        assert jnp.linalg.norm(first_order - expected) > 0.1 * size


def test_one_step_learns_a_new_sine():
    net = fnn.sequential(fnn.dense(32), jnp.tanh, fnn.dense(32), jnp.tanh, fnn.dense(1))
    optimizer = optax.adam(1e-2)

    @jax.jit
    def train(params, key):
        def step(carry, key):
            params, opt_state = carry
            grads = jax.grad(meta_loss, argnums=1)(net, params, *sines(key, tasks=16))
            updates, opt_state = optimizer.update(grads, opt_state)
            return (optax.apply_updates(params, updates), opt_state), None

        carry = (params, optimizer.init(params))
        return lax.scan(step, carry, jax.random.split(key, 500))[0][0]

    support, query = sines(jax.random.key(2), tasks=64)
    start = net.init(jax.random.key(3), support[0])
    learned = train(start, jax.random.key(4))
    x, y = query
    assert meta_loss(net, learned, support, query) < 0.15  # 3.5 before
    assert loss(net, learned, x, y) > 0.5  # the start itself knows no task
