"""A deep equilibrium model: an infinitely deep network, as the root of an equation.

``z = tanh(W z + U x)`` is solved by iteration, and differentiated by the implicit
function theorem, `jax.lax.custom_root`, which keeps no iterate. The gradients equal
those through the unrolled iteration.

Bai, Kolter and Koltun, Deep equilibrium models, 2019, theorem 1.
"""

import chex
import jax
import jax.numpy as jnp
import optax
from jax import lax
from jax.nn.initializers import orthogonal

import fnn


@fnn.module(
    state=fnn.dense(6, use_bias=False, weight_init=orthogonal(0.7)),  # a contraction
    input=fnn.dense(6),
)
def cell(parts, z, x):
    return jnp.tanh(parts.state(z) + parts.input(x))


def iterate(f, z):
    return lax.fori_loop(0, 100, lambda _, z: f(z), z)


@fnn.module(cell=cell)
def equilibrium(parts, x):
    """The fixed point of the cell at one input."""

    def excess(z):
        return parts.cell(z, x) - z

    def solve(f, z):
        return iterate(lambda z: f(z) + z, z)

    def solve_linear(f, y):
        return jnp.linalg.solve(jax.jacobian(f)(y), y)

    return lax.custom_root(excess, jnp.zeros(6, x.dtype), solve, solve_linear)


def unrolled(params, x):
    """The same, by a loop through which backpropagation goes step by step."""

    def step(z, _):
        return cell.apply(params["cell"], z, x), None

    return lax.scan(step, jnp.zeros(6, x.dtype), length=100)[0]


def test_implicit_gradients_equal_unrolled():
    x = jnp.array([0.5, -1.0, 2.0])
    params = equilibrium.init(jax.random.key(0), x)
    with jax.enable_x64(True):
        params, x = jax.tree.map(lambda a: a.astype(float), (params, x))
        z = equilibrium.apply(params, x)
        chex.assert_trees_all_close(cell.apply(params["cell"], z, x), z, rtol=1e-14)

        def loss(solve, params, x):
            return jnp.sum(solve(params, x) ** 3)

        gradient = jax.jit(jax.grad(loss, (1, 2)), static_argnums=0)
        grads = gradient(equilibrium.apply, params, x)
        expected = gradient(unrolled, params, x)
        assert optax.tree.norm(expected) > 0.1
        chex.assert_trees_all_close(grads, expected, rtol=0, atol=1e-12)

        # In a batch, each input has an equilibrium of its own.
        batch = jnp.stack([x, -x, 2 * x])
        each = jnp.stack([equilibrium.apply(params, x) for x in batch])
        together = jax.vmap(equilibrium.apply, (None, 0))(params, batch)
        chex.assert_trees_all_close(together, each, rtol=1e-12)
