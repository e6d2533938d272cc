import pickle

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import fnn
from tests.layers.linear_recurrence_oracles import (
    BOTH,
    LAYERS,
    X,
    assert_close,
    drawn,
    loop,
    normal,
)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("groups, skip", [(1, True), (2, False), (4, True)])
@pytest.mark.parametrize("build, modes", BOTH)
def test_it_equals_a_loop_over_time(build, modes, groups, skip, reverse):
    layer = build(8, groups=groups, use_skip=skip, reverse=reverse, return_carry=True)
    params = drawn(layer, X)
    start = (normal(1, 2, 8) + 1j * normal(2, 2, 8)).astype(np.complex64)
    for carry in (None, start):
        last, y = jax.jit(layer.apply)(params, X, carry=carry)
        for b in range(2):
            first = 0.0 if carry is None else carry[b]
            options = {"groups": groups, "start": first, "reverse": reverse}
            expected = loop(modes, params, X[b], **options)
            assert_close((last[b], y[b]), expected)


@pytest.mark.parametrize("build", LAYERS)
def test_groups_are_recurrences_by_themselves(build):
    # As many groups as features: an S4D, a sum of exponentials for each feature.
    params = drawn(build(8, groups=4), X)
    y = build(8, groups=4).apply(params, X)
    for i in range(4):
        own = slice(2 * i, 2 * i + 2)
        part = {
            name: leaf[own] for name, leaf in params.items() if name.startswith("log_")
        }
        if build is fnn.state_space:
            part["frequency"] = params["frequency"][own]
        part["input"] = jax.tree.map(lambda w, own=own: w[:, own], params["input"])
        part["output"] = jax.tree.map(lambda w, i=i: w[:, i : i + 1], params["output"])
        part["skip"] = params["skip"][i : i + 1]
        assert_close(y[..., i : i + 1], build(2).apply(part, X[..., i : i + 1]))


@pytest.mark.parametrize("time", [0, 1])
@pytest.mark.parametrize("batch", [(), (2, 3), (0,)])
@pytest.mark.parametrize("build", LAYERS)
def test_short_sequences_and_any_batch_axes(build, batch, time):
    x = jnp.asarray(normal(0, *batch, time, 4))
    for reverse in (False, True):
        layer = build(6, reverse=reverse, return_carry=True)
        params = drawn(layer, X)
        start = jnp.full((*batch, 6), 1.0 + 2.0j, jnp.complex64)
        carry, y = layer.apply(params, x, carry=start)
        assert y.shape == x.shape and carry.shape == (*batch, 6)
        if time == 0:
            assert jnp.array_equal(carry, start)
    if batch == (2, 3) and time:
        assert_close(layer.apply(params, x[1, 2], carry=start[1, 2])[1], y[1, 2])


# ---------------------------------------------------------------------------- padding
LENGTHS = jnp.array([4, 0, 7, 1])
FOUR = normal(3, 4, 7, 4)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("build, modes", BOTH)
def test_padding_leaves_the_state_and_puts_out_zeros(build, modes, reverse):
    layer = build(6, reverse=reverse, return_carry=True)
    params = drawn(layer, FOUR)
    start = (normal(1, 4, 6) + 1j * normal(2, 4, 6)).astype(np.complex64)
    carry, y = jax.jit(layer.apply)(params, FOUR, lengths=LENGTHS, carry=start)
    for b, length in enumerate(LENGTHS.tolist()):
        alone = FOUR[b, :length]
        expected = loop(modes, params, alone, start=start[b], reverse=reverse)
        assert_close((carry[b], y[b, :length]), expected)
        assert not y[b, length:].any()


@pytest.mark.parametrize("reverse", [False, True])
def test_what_stands_in_padding_is_never_seen(reverse):
    layer = fnn.linear_recurrence(6, reverse=reverse)
    params = drawn(layer, FOUR)
    padded = np.arange(7)[None, :, None] >= LENGTHS[:, None, None]
    nan = jnp.where(np.broadcast_to(padded, FOUR.shape), jnp.nan, FOUR)

    @jax.jit
    def value_and_gradient(params, x):
        def loss(params, x):
            return (layer.apply(params, x, lengths=LENGTHS) ** 2).sum()

        return jax.value_and_grad(loss, (0, 1))(params, x)

    found, wanted = (value_and_gradient(params, x) for x in (nan, FOUR))
    assert jax.tree.all(jax.tree.map(jnp.array_equal, found, wanted))
    assert not wanted[1][1][np.broadcast_to(padded, FOUR.shape)].any()


@pytest.mark.parametrize("build", LAYERS)
def test_the_future_gets_no_gradient(build):
    layer = build(6)
    params = drawn(layer, X)
    gradient = jax.grad(lambda x: layer.apply(params, x)[:, 2].sum())(jnp.asarray(X))
    assert not gradient[:, 3:].any() and gradient[:, :3].all()


# ------------------------------------------------------------------- piece by piece
@pytest.mark.parametrize("build", LAYERS)
def test_a_kept_carry_goes_on_where_the_last_call_stopped(build):
    layer = build(6, keep_carry=True)
    params, state = drawn(layer, X)
    assert isinstance(layer, fnn.StatefulLayer)
    assert state.shape == (2, 6) and state.dtype == jnp.complex64 and not state.any()
    whole = build(6).apply(params, X)
    pieces = []
    for piece in (X[:, :3], X[:, 3:4], X[:, 4:]):
        y, state = layer.apply(params, state, piece)
        pieces.append(y)
    assert_close(jnp.concatenate(pieces, 1), whole)
    # A carry given overrides the kept one, and a gradient flows into it.
    zeros = jnp.zeros_like(state)
    assert_close(layer.apply(params, state, X, carry=zeros)[0], whole)

    def later(x):
        _, after = layer.apply(params, zeros, x)
        return layer.apply(params, after, X)[0][:, 0].sum()

    assert jax.grad(later)(jnp.asarray(X)).all()


def test_the_last_state_of_one_call_starts_the_next():
    layer = fnn.linear_recurrence(6, return_carry=True)
    params = drawn(layer, X)
    last, whole = layer.apply(params, X)
    carry, first = layer.apply(params, X[:, :3])
    carry, second = layer.apply(params, X[:, 3:], carry=carry)
    assert_close((carry, jnp.concatenate([first, second], 1)), (last, whole))
    kept = fnn.linear_recurrence(6, return_carry=True, keep_carry=True)
    (carry, y), state = kept.apply(params, jnp.zeros_like(last), X)
    assert jnp.array_equal(carry, state)
    assert_close((carry, y), (last, whole))


@pytest.mark.parametrize("build", LAYERS)
def test_a_step_at_a_time_equals_all_at_once(build):
    net = fnn.sequential(
        fnn.residual(fnn.sequential(fnn.layer_norm(), build(6), fnn.dense(4))),
        build(8, groups=2),
    )
    params = drawn(net, X)
    decoder = fnn.decoding(net, 1)
    same, state = decoder.init(jax.random.key(0), X[:, :1])
    assert jax.tree.all(jax.tree.map(jnp.array_equal, params, same))
    # What it keeps is h, whatever the length: there is no cache to fill.
    shapes = sorted(leaf.shape for leaf in jax.tree.leaves(state))
    assert shapes == [(2, 6), (2, 8)]

    @jax.jit
    def generate(params, state):
        start, state = decoder.apply(params, state, X[:, :3])

        def step(state, x):
            y, state = decoder.apply(params, state, x[:, None])
            return state, y[:, 0]

        _, rest = jax.lax.scan(step, state, jnp.moveaxis(X[:, 3:], 1, 0))
        return jnp.concatenate([start, jnp.moveaxis(rest, 0, 1)], 1)

    expected = net.apply(params, X)
    np.testing.assert_allclose(generate(params, state), expected, rtol=1e-5, atol=1e-5)


def test_decoding_goes_on_after_prompts_of_different_lengths():
    layer = fnn.state_space(6)
    params = drawn(layer, FOUR)
    decoder = fnn.decoding(layer, 8)
    _, state = decoder.init(jax.random.key(0), FOUR)
    _, state = decoder.apply(params, state, FOUR, lengths=LENGTHS)
    y, _ = decoder.apply(params, state, FOUR[:, :1])
    longer = np.concatenate([FOUR, FOUR[:, :1]], 1)
    rows = np.arange(4)
    longer[rows, LENGTHS] = FOUR[:, 0]
    expected = jax.jit(layer.apply)(params, longer)[rows, LENGTHS]
    assert_close(y[:, 0], expected)


# ------------------------------------------------------------------ what always holds
@pytest.mark.parametrize("build, modes", BOTH)
def test_ten_thousand_steps_stay_finite_and_right(build, modes):
    layer = build(3, use_skip=False)
    params = drawn(layer, X)
    if build is fnn.linear_recurrence:  # as good as on the unit circle
        params["log_decay"] = jnp.full(3, -12.0)
    x = normal(0, 1, 10_000, 4)

    def loss(params):
        y = layer.apply(params, x)
        return (y**2).mean(), y

    (_, y), gradient = jax.jit(jax.value_and_grad(loss, has_aux=True))(params)
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))
    expected = loop(modes, params, x[0])[1]
    # Over so many steps the phase of an eigenvalue near 1 is wrong by as many
    # roundings of it.
    error = np.abs(y[0] - expected).max() / np.abs(expected).max()
    assert error < 1e-2


@pytest.mark.parametrize("build", LAYERS)
def test_dtypes(build):
    layer = build(6, param_dtype=jnp.bfloat16, return_carry=True)
    x = jnp.asarray(X, jnp.bfloat16)
    params = drawn(layer, x)
    assert {leaf.dtype for leaf in jax.tree.leaves(params)} == {x.dtype}
    carry, y = layer.apply(params, x)
    assert carry.dtype == jnp.complex64 and y.dtype == x.dtype
    wide = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), params)
    carry, y = layer.apply(wide, x, carry=carry)
    assert carry.dtype == jnp.complex64 and y.dtype == jnp.float32


@pytest.mark.parametrize("build, modes", BOTH)
def test_float64_is_exact(build, modes):
    with jax.enable_x64(True):
        x = X.astype(np.float64)
        layer = build(6, param_dtype=jnp.float64, return_carry=True)
        params = drawn(layer, x)
        carry, y = layer.apply(params, x)
        assert carry.dtype == jnp.complex128 and y.dtype == jnp.float64
        assert_close((carry[0], y[0]), loop(modes, params, x[0]), atol=1e-12)


def test_it_is_a_value():
    layer = fnn.linear_recurrence(6, r_min=0.5)
    assert repr(layer) == "linear_recurrence(6, r_min=0.5)"
    assert pickle.loads(pickle.dumps(layer)) == layer
    assert layer != fnn.linear_recurrence(6, r_min=0.4)
    held = fnn.state_space(6, frequency_init="LIN")
    assert pickle.loads(pickle.dumps(held)) == held != fnn.state_space(6)


def test_it_learns_to_remember_the_first_step():
    x = normal(0, 64, 16, 1)
    layer = fnn.linear_recurrence(16, r_min=0.9, max_phase=3.0)
    params, adam = drawn(layer, x), optax.adam(0.05)

    def loss(params):
        return ((layer.apply(params, x)[:, -1] - x[:, 0]) ** 2).mean()

    @jax.jit
    def train(params):
        def descend(carry, _):
            params, state = carry
            value, gradient = jax.value_and_grad(loss)(params)
            updates, state = adam.update(gradient, state)
            return (optax.apply_updates(params, updates), state), value

        return jax.lax.scan(descend, (params, adam.init(params)), length=100)[1]

    with jax.numpy_dtype_promotion("standard"):  # for optax's own arithmetic
        losses = train(params)
    assert losses[0] > 0.5 and losses[-1] < 0.05


@pytest.mark.slow
@pytest.mark.parametrize("build", LAYERS)
def test_gradients_by_a_complex_carry_are_right_to_second_order(build):
    layer = build(1, return_carry=True)
    x = normal(0, 1, 3, 1)
    params, start = drawn(layer, x), np.array([[0.5 - 1j]], np.complex64)

    def function(params, x, carry):
        return layer.apply(params, x, carry=carry)

    fnn.testing.check_gradients(function, params, x, start, order=2)
