"""A neural ODE: a network as the velocity of a flow, trained by the adjoint equation.

The adjoint integrates ``da/dt = -a df/dy`` backwards, along with the state and the
gradient by the parameters, and keeps no trajectory. It equals backpropagation through
the solver up to the solver's error.

Chen, Rubanova, Bettencourt and Duvenaud, Neural ordinary differential equations, 2018,
algorithm 1.
"""

import chex
import jax
import jax.numpy as jnp
import optax
from jax import lax

import fnn


@fnn.module(hidden=fnn.dense(16), out=fnn.dense(2))
def velocity(parts, y, time):
    return parts.out(jnp.tanh(parts.hidden(jnp.append(y, time))))


def rk4(f, y, start, end, steps=100):
    """Runge and Kutta's method of fourth order, on any tree of arrays."""
    h = (end - start) / steps

    def ahead(y, slope, by):
        return jax.tree.map(lambda a, s: a + by * s, y, slope)

    def step(y, time):
        k1 = f(y, time)
        k2 = f(ahead(y, k1, h / 2), time + h / 2)
        k3 = f(ahead(y, k2, h / 2), time + h / 2)
        k4 = f(ahead(y, k3, h), time + h)

        def mean(a, b, c, d):
            return (a + 2 * b + 2 * c + d) / 6

        return ahead(y, jax.tree.map(mean, k1, k2, k3, k4), h), None

    return lax.scan(step, y, jnp.linspace(start, end, steps, endpoint=False))[0]


def flow(params, y):
    return rk4(lambda y, time: velocity.apply(params, y, time), y, 0.0, 1.0)


@jax.custom_vjp
def flow_by_adjoint(params, y):
    return flow(params, y)


def forward(params, y):
    y = flow(params, y)
    return y, (params, y)  # the end alone


def backward(kept, cotangent):
    params, y = kept

    def augmented(carry, time):
        y, adjoint, _ = carry
        dy, pullback = jax.vjp(lambda p, y: velocity.apply(p, y, time), params, y)
        by_params, by_y = pullback(-adjoint)
        return dy, by_y, by_params

    zeros = jax.tree.map(jnp.zeros_like, params)
    _, adjoint, grads = rk4(augmented, (y, cotangent, zeros), 1.0, 0.0)
    return grads, adjoint


flow_by_adjoint.defvjp(forward, backward)


def test_adjoint_equals_backpropagation():
    y = jnp.array([1.0, -0.5])
    params = velocity.init(jax.random.key(0), y, 0.0)
    with jax.enable_x64(True):
        params, y = jax.tree.map(lambda a: 2.0 * a.astype(float), (params, y))

        def loss(flow, params, y):
            return jnp.sum(jnp.sin(flow(params, y)))

        gradient = jax.jit(jax.grad(loss, (1, 2)), static_argnums=0)
        grads = gradient(flow_by_adjoint, params, y)
        expected = gradient(flow, params, y)
        assert optax.tree.norm(expected) > 0.1
        chex.assert_trees_all_close(grads, expected, rtol=0, atol=1e-8)
