"""A hypernetwork: a network whose output is the parameters of another.

Given the phase of a wave it makes the network that draws the wave, also for phases
between those that it was trained on. Its gradient is the chain rule: the gradient by
the parameters that it made, times the Jacobian of making them.

Ha, Dai and Le, HyperNetworks, 2017.
"""

import chex
import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree
from jax.nn.initializers import zeros

import fnn

target = fnn.sequential(fnn.dense(8), jnp.tanh, fnn.dense(1))


def hypernetwork(start):
    """The target network with parameters made from a context; `start` at first."""
    flat, unravel = ravel_pytree(start)
    last = fnn.dense(flat.size, weight_init=zeros, bias_init=lambda *_: flat)

    @fnn.module(maker=fnn.sequential(fnn.dense(32), jnp.tanh, last))
    def net(parts, context, x):
        return target.apply(unravel(parts.maker(context)), x)

    return net


def waves(phases):
    """The phases, each as a point on the circle, with a wave of each at 32 points."""
    context = jnp.stack([jnp.cos(phases), jnp.sin(phases)], axis=-1)
    x = jnp.linspace(-3, 3, 32)[:, None]
    return context, x, jnp.sin(x[None] + phases[:, None, None])


def loss(net, params, context, x, y):
    drawn = jax.vmap(net.apply, (None, 0, None))(params, context, x)
    return jnp.mean((drawn - y) ** 2)


def test_starts_as_the_target_and_learns_a_family():
    context, x, y = waves(jnp.linspace(0, 2 * jnp.pi, 16, endpoint=False))
    start = target.init(jax.random.key(0), x)
    net = hypernetwork(start)
    params = net.init(jax.random.key(1), context[0], x)
    first = net.apply(params, context[3], x)
    assert jnp.array_equal(first, target.apply(start, x))

    optimizer = optax.adam(1e-2)

    @jax.jit
    def step(params, opt_state):
        grads = jax.grad(loss, argnums=1)(net, params, context, x, y)
        updates, opt_state = optimizer.update(grads, opt_state)
        return optax.apply_updates(params, updates), opt_state

    opt_state = optimizer.init(params)
    for _ in range(500):
        params, opt_state = step(params, opt_state)
    unseen = waves(jnp.linspace(0, 2 * jnp.pi, 16, endpoint=False) + jnp.pi / 16)
    assert loss(net, params, *unseen) < 2e-3  # 0.5 for a flat line


def test_gradient_is_the_chain_rule():
    context, x, y = waves(jnp.array([0.7]))
    start = target.init(jax.random.key(0), x)
    net = hypernetwork(start)
    params = net.init(jax.random.key(1), context[0], x)
    with jax.enable_x64(True):
        params, context, x, y = jax.tree.map(
            lambda a: a.astype(float), (params, context, x, y)
        )
        grads = jax.grad(loss, argnums=1)(net, params, context, x, y)

        make, unravel = net.parts["maker"].apply, ravel_pytree(start)[1]

        def drawn_loss(flat):
            return jnp.mean((target.apply(unravel(flat), x) - y[0]) ** 2)

        outer = jax.grad(drawn_loss)(make(params["maker"], context[0]))
        jacobian = jax.jacobian(make)(params["maker"], context[0])
        expected = jax.tree.map(lambda j: jnp.tensordot(outer, j, 1), jacobian)
        chex.assert_trees_all_close(grads["maker"], expected, rtol=1e-12, atol=1e-15)
