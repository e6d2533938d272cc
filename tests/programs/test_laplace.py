"""Last-layer Laplace: error bars for a trained network, from one Hessian.

For regression with a linear last layer Laplace's approximation is no approximation: it
equals Bayesian linear regression on the features that the body learned.

Daxberger et al., Laplace redux, 2021, section 2.
"""

import chex
import jax
import jax.numpy as jnp
import optax
from jax import lax
from jax.flatten_util import ravel_pytree

import fnn

NOISE, PRIOR = 0.1, 1.0  # standard deviations of observations and of parameters
net = fnn.sequential(
    body=fnn.sequential(fnn.dense(16), jnp.tanh, fnn.dense(8), jnp.tanh),
    head=fnn.dense(1),
)


def negative_log_posterior(params, x, y):
    misfit = jnp.sum((net.apply(params, x) - y) ** 2) / (2 * NOISE**2)
    return misfit + optax.tree.norm(params, squared=True) / (2 * PRIOR**2)


def laplace(params, x, y, asked):
    """The covariance of the head's parameters, and of the answers the variance."""
    head, body = fnn.split(params, "head/**")
    flat, unravel = ravel_pytree(head)

    def join(flat):
        return fnn.merge(unravel(flat), body)

    hessian = jax.hessian(lambda flat: negative_log_posterior(join(flat), x, y))(flat)
    covariance = jnp.linalg.inv(hessian)
    jacobian = jax.jacobian(lambda flat: net.apply(join(flat), asked)[:, 0])(flat)
    return covariance, jnp.einsum("bp,pq,bq->b", jacobian, covariance, jacobian)


def test_equals_bayesian_regression_on_the_features():
    x = jax.random.uniform(jax.random.key(0), (40, 1), minval=-1, maxval=1)
    y = jnp.sin(3 * x) + NOISE * jax.random.normal(jax.random.key(1), x.shape)
    optimizer = optax.adam(1e-2)

    @jax.jit
    def train(params):
        def step(carry, _):
            params, opt_state = carry
            grads = jax.grad(negative_log_posterior)(params, x, y)
            updates, opt_state = optimizer.update(grads, opt_state)
            return (optax.apply_updates(params, updates), opt_state), None

        return lax.scan(step, (params, optimizer.init(params)), length=1000)[0][0]

    params = train(net.init(jax.random.key(2), x))
    with jax.enable_x64(True):
        params, x, y = jax.tree.map(lambda a: a.astype(float), (params, x, y))
        asked = jnp.array([[0.0], [3.0]])
        covariance, variances = jax.jit(laplace)(params, x, y, asked)

        features = net.parts["body"].apply(params["body"], x)
        design = jnp.insert(features, 0, 1, axis=1)  # the bias comes first
        precision = design.T @ design / NOISE**2 + jnp.eye(9) / PRIOR**2
        expected = jnp.linalg.inv(precision)
        chex.assert_trees_all_close(covariance, expected, rtol=0, atol=1e-9)

        asked = net.parts["body"].apply(params["body"], asked)
        asked = jnp.insert(asked, 0, 1, axis=1)
        expected = jnp.einsum("bp,pq,bq->b", asked, expected, asked)
        chex.assert_trees_all_close(variances, expected, rtol=0, atol=1e-9)
        near, far = jnp.sqrt(variances)
        assert 0.005 < near < 0.05 and far > 5 * near
