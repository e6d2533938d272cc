"""Equal parts on equal inputs are traced once at `init`."""

import chex
import jax
import jax.numpy as jnp
import numpy as np

import fnn

X = jnp.ones((2, 3))


def test_init_traces_equal_parts_on_equal_inputs_once():
    traced = []

    @fnn.constructor
    def scale(by):
        def init(key, x, unhashable=None):
            traced.append((by, x.shape, x.dtype))
            return {"scale": by * jax.random.normal(key, x.shape[-1:], x.dtype)}

        def apply(params, x, unhashable=None):
            return jnp.broadcast_to(params["scale"], x.shape) * x

        return fnn.Layer(init, apply)

    halves = fnn.sequential(scale(2), scale(2), scale(3), lambda x: x[:1], scale(2))
    params = halves.init(jax.random.key(0), X)
    once = [(2, (2, 3), X.dtype), (3, (2, 3), X.dtype), (2, (1, 3), X.dtype)]
    assert traced == once
    # They draw by their own keys all the same.
    assert not np.allclose(params[0]["scale"], params[1]["scale"])
    inner = jax.jit(halves.init)(jax.random.key(0), X)
    chex.assert_trees_all_close(params, inner, rtol=1e-6)

    # Another call, in which options of JAX may be others, begins anew.
    assert traced == 2 * once
    with jax.enable_x64(True):
        wide = halves.init(jax.random.key(0), np.ones((2, 3)))
    assert {leaf.dtype for leaf in jax.tree.leaves(wide)} == {np.dtype("float64")}

    # What can't be looked up is traced each time.
    @fnn.module(a=scale(2), b=scale(2))
    def odd(parts, x):
        return parts.b(parts.a(x, unhashable=bytearray()), unhashable=bytearray())

    traced.clear()
    odd.init(jax.random.key(0), X)
    assert traced == 2 * once[:1]
