"""A physics-informed network: Poisson's equation solved by differentiating a network.

``-laplace(u) = f`` on the unit square, ``u = 0`` on its border. The Laplacian is the
trace of the Hessian by the inputs, and training differentiates it by the parameters.

Raissi, Perdikaris and Karniadakis, Physics-informed neural networks, 2019.
"""

import jax
import jax.numpy as jnp
import optax
from jax import lax

import fnn

net = fnn.sequential(fnn.dense(24), jnp.tanh, fnn.dense(24), jnp.tanh, fnn.dense(1))


def laplacian(f, point):
    return jnp.trace(jax.hessian(f)(point))


def solution(params, point):
    """The network, times a polynomial that is zero on the border."""
    return net.apply(params, point)[0] * jnp.prod(16 * point * (1 - point))


def exact(point):
    return jnp.prod(jnp.sin(jnp.pi * point))


def residual(params, point):
    source = 2 * jnp.pi**2 * exact(point)
    return laplacian(lambda p: solution(params, p), point) + source


def test_laplacian_equals_its_closed_form():
    layer = fnn.sequential(fnn.dense(8), jnp.tanh, fnn.dense(1))
    point = jnp.array([0.3, 0.8])
    params = layer.init(jax.random.key(0), point)
    with jax.enable_x64(True):
        params, point = jax.tree.map(lambda a: a.astype(float), (params, point))
        (hidden, _, out), w = params, params[0]["weight"]
        h = jnp.tanh(point @ w + hidden["bias"])
        second = -2 * h * (1 - h**2)  # of tanh
        expected = second * jnp.sum(w**2, axis=0) @ out["weight"]
        value = laplacian(lambda p: layer.apply(params, p)[0], point)
        assert abs(value - expected[0]) < 1e-12


def test_solves_poissons_equation():
    optimizer = optax.lbfgs()
    points = jax.random.uniform(jax.random.key(0), (128, 2))

    def loss(params):
        return jnp.mean(jax.vmap(residual, (None, 0))(params, points) ** 2)

    @jax.jit
    def train(params):
        def step(carry, _):
            params, opt_state = carry
            value, grads = optax.value_and_grad_from_state(loss)(
                params, state=opt_state
            )
            updates, opt_state = optimizer.update(
                grads, opt_state, params, value=value, grad=grads, value_fn=loss
            )
            return (optax.apply_updates(params, updates), opt_state), value

        carry = (params, optimizer.init(params))
        return lax.scan(step, carry, length=300)[0][0]

    params = train(net.init(jax.random.key(1), points))
    side = jnp.linspace(0, 1, 21)
    grid = jnp.stack(jnp.meshgrid(side, side), axis=-1).reshape(-1, 2)
    error = jax.vmap(lambda p: solution(params, p) - exact(p))(grid)
    assert jnp.max(jnp.abs(error)) < 5e-3
