"""What `replace` puts in the place of a `repeat`."""

import jax
import jax.numpy as jnp
import numpy as np

import fnn

BLOCK = fnn.residual(fnn.sequential(fnn.dense(4), jnp.tanh))


def test_a_layer_takes_the_place_of_each_copy():
    net = fnn.sequential(a=fnn.dense(4), blocks=fnn.repeat(BLOCK, 3))
    changed = fnn.replace(net, {"blocks": fnn.dense(4)})
    assert changed == fnn.sequential(a=fnn.dense(4), blocks=fnn.repeat(fnn.dense(4), 3))


def test_a_repeat_takes_the_place_of_the_whole():
    net = fnn.sequential(a=fnn.dense(4), blocks=fnn.repeat(BLOCK, 3))
    changed = fnn.replace(net, {"blocks": fnn.repeat(BLOCK, 7)})
    assert changed == fnn.sequential(a=fnn.dense(4), blocks=fnn.repeat(BLOCK, 7))


def test_a_part_of_the_copies_keeps_the_params_of_the_others():
    net = fnn.repeat(BLOCK, 3)
    x = jnp.ones((2, 4))
    params = net.init(jax.random.key(0), x)
    changed = fnn.replace(net, {"1": jnp.sin})
    for i in range(3):
        weight, bias = params[0]["weight"][i], params[0]["bias"][i]
        x = x + jnp.sin(x @ weight + bias[None])
    y = changed.apply(params, jnp.ones((2, 4)))
    np.testing.assert_allclose(y, x, rtol=1e-6, atol=1e-6)


def test_numpy_inputs_are_of_the_dtypes_that_jax_gives_them():
    net = fnn.repeat(fnn.dense(4), 2)
    params = net.init(jax.random.key(0), np.ones((2, 4)))  # float64
    assert net.apply(params, np.ones((2, 4))).dtype == jnp.float32
