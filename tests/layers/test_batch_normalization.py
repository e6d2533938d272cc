import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def moments(x):
    x = np.asarray(x, np.float64).reshape(-1, x.shape[-1])
    mean = x.sum(0) / len(x)
    return mean, ((x - mean) ** 2).sum(0) / len(x), len(x)


STATE = {"mean": normal(3, 4), "var": np.abs(normal(4, 4)) + 0.5}
PARAMS = {"scale": normal(1, 4), "bias": normal(2, 4)}


@pytest.mark.parametrize("shape", [(5, 4), (2, 3, 4), (2, 3, 2, 4)])
def test_training_normalises_by_the_batch(shape):
    x = 3 * normal(0, *shape) + 1
    mean, var, _ = moments(x)
    y, _ = fnn.batch_norm().apply(PARAMS, STATE, x, train=True)
    expected = (x - mean) / np.sqrt(var + 1e-5) * PARAMS["scale"] + PARAMS["bias"]
    assert y.dtype == jnp.float32
    np.testing.assert_allclose(y, expected, atol=1e-5)


@pytest.mark.parametrize("shape", [(4,), (5, 4), (0, 4), (2, 3, 4)])
def test_evaluation_normalises_by_the_state_and_keeps_it(shape):
    x = normal(0, *shape)
    y, state = fnn.batch_norm().apply(PARAMS, STATE, x)
    expected = (x - STATE["mean"]) / np.sqrt(STATE["var"].astype(float) + 1e-5)
    expected = expected * PARAMS["scale"] + PARAMS["bias"]
    np.testing.assert_allclose(y, expected, atol=1e-5)
    assert all(jnp.array_equal(state[n], STATE[n]) for n in STATE)


@pytest.mark.parametrize("momentum", [0.1, 0.75, 1.0, 0.0])
def test_the_state_moves_as_pytorch_moves_it(momentum):
    layer = fnn.batch_norm(momentum=momentum)
    state = {"mean": jnp.zeros(4), "var": jnp.ones(4)}
    expected = {"mean": np.zeros(4), "var": np.ones(4)}
    for seed in range(3):
        x = 2 * normal(seed, 6, 4) + seed
        mean, var, n = moments(x)
        new = {"mean": mean, "var": var * n / (n - 1)}
        for name in expected:
            expected[name] = (1 - momentum) * expected[name] + momentum * new[name]
        _, state = layer.apply(PARAMS, state, x, train=True)
    for name in expected:
        np.testing.assert_allclose(state[name], expected[name], rtol=1e-5, atol=1e-6)


def test_the_first_state_is_the_standard_normal():
    params, state = fnn.batch_norm().init(jax.random.key(0), jnp.ones((2, 3, 4)))
    assert jnp.array_equal(state["mean"], jnp.zeros(4))
    assert jnp.array_equal(state["var"], jnp.ones(4))
    assert jnp.array_equal(params["scale"], jnp.ones(4))
    assert jnp.array_equal(params["bias"], jnp.zeros(4))


def test_parameters_are_optional_and_drawn_by_their_initialisers():
    x = jnp.asarray(normal(0, 5, 4))
    params, state = fnn.batch_norm(use_scale=False, use_bias=False).init(
        jax.random.key(0), x
    )
    assert params == ()
    layer = fnn.batch_norm(use_bias=False, scale_init=jax.nn.initializers.zeros)
    params, _ = layer.init(jax.random.key(0), x)
    assert params.keys() == {"scale"} and not params["scale"].any()
    layer = fnn.batch_norm(use_scale=False, bias_init=jax.nn.initializers.ones)
    params, _ = layer.init(jax.random.key(0), x)
    y, _ = layer.apply(params, state, x, train=True)
    np.testing.assert_allclose(y.mean(0), jnp.ones(4), atol=1e-6)


def test_low_precision_has_statistics_in_float32():
    layer = fnn.batch_norm(param_dtype=jnp.bfloat16)
    x = jnp.asarray(normal(0, 512, 4) + 8, jnp.bfloat16)
    params, state = layer.init(jax.random.key(0), x)
    assert {a.dtype for a in params.values()} == {jnp.dtype(jnp.bfloat16)}
    assert {a.dtype for a in state.values()} == {jnp.dtype(jnp.float32)}
    y, state = layer.apply(params, state, x, train=True)
    assert y.dtype == jnp.bfloat16 and state["mean"].dtype == jnp.float32
    mean, var, n = moments(x.astype(jnp.float32))
    np.testing.assert_allclose(state["mean"], 0.1 * mean, rtol=1e-5)
    np.testing.assert_allclose(state["var"], 0.9 + 0.1 * var * n / (n - 1), rtol=1e-5)


def test_a_large_mean_costs_no_precision():
    x = 1e4 + normal(0, 4096, 4)
    _, var, n = moments(x)
    layer = fnn.batch_norm(momentum=1.0, use_scale=False, use_bias=False)
    y, state = layer.apply((), STATE, x, train=True)
    np.testing.assert_allclose(state["var"], var * n / (n - 1), rtol=1e-3)
    # The deviation of y is that of x by its computed one.
    np.testing.assert_allclose(np.asarray(y, float).std(0), 1, rtol=1e-3)


def test_no_gradient_flows_into_the_state():
    layer, x = fnn.batch_norm(), jnp.asarray(normal(0, 5, 4))

    def written(params, state, x):
        _, state = layer.apply(params, state, x, train=True)
        return sum(a.sum() for a in state.values())

    params, state = (jax.tree.map(jnp.asarray, tree) for tree in (PARAMS, STATE))
    for gradient in jax.tree.leaves(jax.grad(written, (0, 1, 2))(params, state, x)):
        assert not gradient.any()
    tangents = jax.tree.map(jnp.ones_like, (params, state, x))
    assert jax.jvp(written, (params, state, x), tangents)[1] == 0


def test_training_is_blind_to_shift_and_scale_of_a_channel():
    x = jnp.asarray(normal(0, 8, 4))
    layer = fnn.batch_norm(eps=1e-12)
    factor = jnp.broadcast_to(jnp.array([1.0, 2.0, 0.5, 30.0]), x.shape)
    y, _ = layer.apply(PARAMS, STATE, x, train=True)
    moved, _ = layer.apply(PARAMS, STATE, factor * x + 7, train=True)
    np.testing.assert_allclose(moved, y, atol=1e-4)  # 7 is large beside 0.5 * x


@pytest.mark.parametrize("axis_name", ["batch", ("batch",)])
def test_mapped_axes_share_statistics(axis_name):
    # Parts of different means: the mean of their variances is not the variance.
    x = jnp.asarray(normal(0, 3, 5, 4)) + jnp.arange(3.0).reshape(3, 1, 1)
    whole, expected = fnn.batch_norm().apply(PARAMS, STATE, x, train=True)
    mapped = fnn.batch_norm(axis_name=axis_name)

    def apply(x):
        return mapped.apply(PARAMS, STATE, x, train=True)

    y, state = jax.vmap(apply, axis_name="batch")(x)
    np.testing.assert_allclose(y, whole, atol=1e-5)
    for name in expected:
        np.testing.assert_allclose(state[name][0], expected[name], rtol=1e-5)
        assert jnp.array_equal(state[name][0], state[name][2])


def test_one_value_a_shard_is_enough_with_an_axis_name():
    x = jnp.asarray(normal(0, 3, 1, 4))
    layer = fnn.batch_norm(axis_name="batch")
    apply = jax.vmap(
        lambda x: layer.apply(PARAMS, STATE, x, train=True)[0], axis_name="batch"
    )
    whole, _ = fnn.batch_norm().apply(PARAMS, STATE, x, train=True)
    np.testing.assert_allclose(apply(x), whole, atol=1e-5)


def test_shards_of_a_mesh_share_statistics():
    mesh, layer = jax.make_mesh((1,), ("data",)), fnn.batch_norm(axis_name="data")
    shard = jax.sharding.PartitionSpec("data")
    whole = jax.sharding.PartitionSpec()
    x = jax.device_put(normal(0, 6, 4), jax.NamedSharding(mesh, shard))
    apply = jax.shard_map(
        lambda x: layer.apply(PARAMS, STATE, x, train=True),
        mesh=mesh,
        in_specs=shard,
        out_specs=(shard, whole),
    )
    y, state = apply(x)
    expected, moved = fnn.batch_norm().apply(PARAMS, STATE, normal(0, 6, 4), train=True)
    np.testing.assert_allclose(y, expected, atol=1e-6)
    np.testing.assert_allclose(state["var"], moved["var"], rtol=1e-6)


def test_an_axis_name_needs_no_mapping_to_initialise_and_evaluate():
    layer, x = fnn.batch_norm(axis_name="batch"), jnp.ones((2, 4))
    params, state = layer.init(jax.random.key(0), x)
    assert layer.apply(params, state, x)[0].shape == (2, 4)


def test_eps_is_what_is_added_to_the_variance():
    x = normal(0, 5, 4)
    mean, var, _ = moments(x)
    layer = fnn.batch_norm(eps=0.5, use_scale=False, use_bias=False)
    y, _ = layer.apply((), STATE, x, train=True)
    np.testing.assert_allclose(y, (x - mean) / np.sqrt(var + 0.5), atol=1e-5)
    y, _ = layer.apply((), STATE, x)
    expected = (x - STATE["mean"]) / np.sqrt(STATE["var"] + 0.5)
    np.testing.assert_allclose(y, expected, atol=1e-5)


def test_options_may_be_traced():
    x = jnp.asarray(normal(0, 5, 4))

    def state_after(momentum, eps):
        layer = fnn.batch_norm(momentum=momentum, eps=eps)
        return layer.apply(PARAMS, STATE, x, train=True)

    y, state = jax.jit(state_after)(0.3, 0.5)
    expected_y, expected = state_after(0.3, 0.5)
    np.testing.assert_allclose(y, expected_y, rtol=1e-6)
    np.testing.assert_allclose(state["mean"], expected["mean"], rtol=1e-6)
