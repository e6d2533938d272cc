"""Per-example gradients, the tangent kernel and the Gauss-Newton matrix of a CNN.

All are computed by composing `vmap`, `vjp`, `jvp` and `linearize`, without forming a
Jacobian, and equal what is formed from explicit Jacobians.

Jacot, Gabriel and Hongler, Neural tangent kernel, 2018; Schraudolph, Fast curvature
matrix-vector products, 2002.
"""

import chex
import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree
from sklearn.datasets import load_digits

import fnn

net = fnn.sequential(
    fnn.conv(3, (3, 3), stride=2),
    jnp.tanh,
    fnn.max_pool((2, 2)),
    fnn.flatten(3),  # space and channels, with or without a batch before them
    fnn.dense(10),
)
loss = optax.softmax_cross_entropy_with_integer_labels


def gradient(params, image, label):
    return jax.grad(lambda p: loss(net.apply(p, image), label))(params)


def tangent_kernel(params, image, other):
    """``J(image) @ J(other).T``, a column for each class, by a vjp and a jvp."""
    logits, pullback = jax.vjp(lambda p: net.apply(p, other), params)

    def column(cotangent):
        return jax.jvp(lambda p: net.apply(p, image), (params,), pullback(cotangent))[1]

    return jax.vmap(column, out_axes=1)(jnp.eye(logits.size))


def gauss_newton(params, images, labels, vector):
    """``J.T @ H @ J @ vector``, J being of the logits and H the loss's Hessian."""

    def total(logits):
        return jnp.sum(loss(logits, labels))

    logits, push = jax.linearize(lambda p: net.apply(p, images), params)
    _, curved = jax.jvp(jax.grad(total), (logits,), (push(vector),))
    return jax.linear_transpose(push, params)(curved)[0]


def test_products_equal_explicit_matrices():
    images, labels = (jnp.asarray(a[:4]) for a in load_digits(return_X_y=True))
    images = images.reshape(4, 8, 8, 1).astype("float32") / 16
    params = net.init(jax.random.key(0), images)
    with jax.enable_x64(True):
        images, params = jax.tree.map(lambda a: a.astype(float), (images, params))
        flat, unravel = ravel_pytree(params)
        logits = net.apply(params, images)
        jacobian = jax.jit(jax.jacrev(lambda p: net.apply(unravel(p), images)))(flat)

        grads = jax.jit(jax.vmap(gradient, (None, 0, 0)))(params, images, labels)
        grads = jax.vmap(lambda tree: ravel_pytree(tree)[0])(grads)
        errors = jax.nn.softmax(logits) - jax.nn.one_hot(labels, 10)
        expected = jnp.einsum("bc,bcp->bp", errors, jacobian)
        chex.assert_trees_all_close(grads, expected, rtol=0, atol=1e-12)

        rows = jax.vmap(tangent_kernel, (None, None, 0))
        kernel = jax.jit(jax.vmap(rows, (None, 0, None)))(params, images, images)
        expected = jnp.einsum("acp,bdp->abcd", jacobian, jacobian)
        chex.assert_trees_all_close(kernel, expected, rtol=0, atol=1e-12)

        vector = jax.random.normal(jax.random.key(1), flat.shape)
        product = jax.jit(gauss_newton)(params, images, labels, unravel(vector))
        p = jax.nn.softmax(logits)
        hessian = jax.vmap(lambda p: jnp.diag(p) - jnp.outer(p, p))(p)
        expected = jnp.einsum("bcp,bcd,bdq,q->p", jacobian, hessian, jacobian, vector)
        chex.assert_trees_all_close(
            ravel_pytree(product)[0], expected, rtol=0, atol=1e-12
        )
