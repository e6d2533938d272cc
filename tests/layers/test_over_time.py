from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


CELLS = [fnn.rnn_cell(3), fnn.lstm_cell(3)]
X = jnp.asarray(normal(0, 2, 5, 4))
LENGTHS = jnp.array([5, 2])


def drawn(layer, x: Any = X, **named: Any):
    return layer.init(jax.random.key(0), x, **named)


def loop(cell, params, x, carry=None, reverse=False, length=None):
    """One sequence ``(time, n)``, one step after the other; the outputs and carry."""
    outputs = [None] * len(x)
    count = len(x) if length is None else length
    if carry is None:
        carry = jax.tree.map(
            jnp.zeros_like, cell.apply(params, None, jnp.zeros_like(x[0]))[0]
        )
    order = range(count)
    for t in reversed(order) if reverse else order:
        carry, outputs[t] = cell.apply(params, carry, x[t])
    zeros = jnp.zeros(3)
    return carry, jnp.stack([zeros if y is None else y for y in outputs])


def assert_close(a, b, atol=1e-6):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=atol), a, b)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_recurrent_equals_a_loop(cell, reverse):
    layer = fnn.recurrent(cell, reverse=reverse, return_carry=True)
    params = drawn(layer)
    carry, y = layer.apply(params, X)
    assert y.shape == (2, 5, 3)
    for b in range(2):
        last, expected = loop(cell, params, X[b], reverse=reverse)
        assert_close(y[b], expected)
        assert_close(jax.tree.map(lambda leaf, b=b: leaf[b], carry), last)


@pytest.mark.parametrize("reverse", [False, True])
def test_padding_leaves_the_carry_and_puts_out_zeros(reverse):
    cell = fnn.lstm_cell(3)
    layer = fnn.recurrent(cell, reverse=reverse, return_carry=True)
    params = drawn(layer)
    lengths = jnp.array([4, 0, 5, 2])
    x = jnp.concatenate([X, X + 1])
    carry, y = layer.apply(params, x, lengths=lengths)
    for b, length in enumerate(lengths.tolist()):
        last, expected = loop(cell, params, x[b], reverse=reverse, length=length)
        assert_close(y[b], expected)
        assert not y[b, length:].any()
        assert_close(jax.tree.map(lambda leaf, b=b: leaf[b], carry), last)


def test_padding_gets_no_gradient():
    layer = fnn.recurrent(fnn.lstm_cell(3), reverse=True)
    params = drawn(layer)
    gradient = jax.grad(lambda x: layer.apply(params, x, lengths=LENGTHS).sum())(X)
    assert not gradient[1, 2:].any() and gradient[1, :2].all() and gradient[0].all()


def test_the_future_gets_no_gradient():
    layer = fnn.recurrent(fnn.lstm_cell(3))
    params = drawn(layer)
    gradient = jax.grad(lambda x: layer.apply(params, x)[:, 2].sum())(X)
    assert not gradient[:, 3:].any() and gradient[:, :3].all()


@pytest.mark.parametrize("cell", CELLS)
def test_a_sequence_in_two_pieces_is_the_sequence(cell):
    layer = fnn.recurrent(cell, return_carry=True)
    params = drawn(layer)
    last, y = layer.apply(params, X)
    carry, first = layer.apply(params, X[:, :2])
    carry, second = layer.apply(params, X[:, 2:], carry=carry)
    assert_close(jnp.concatenate([first, second], 1), y)
    assert_close(carry, last)


@pytest.mark.parametrize("cell", CELLS)
def test_a_kept_carry_goes_on_where_the_last_call_stopped(cell):
    layer = fnn.recurrent(cell, keep_carry=True)
    params, state = drawn(layer)
    assert isinstance(layer, fnn.StatefulLayer)
    assert not any(leaf.any() for leaf in jax.tree.leaves(state))
    whole = fnn.recurrent(cell).apply(params, X)
    pieces = []
    for piece in (X[:, :2], X[:, 2:3], X[:, 3:4], X[:, 4:]):  # a piece, then steps
        y, state = layer.apply(params, state, piece)
        pieces.append(y)
    assert_close(jnp.concatenate(pieces, 1), whole)
    # A carry given overrides the kept one.
    zeros = jax.tree.map(jnp.zeros_like, state["carry"])
    y, again = layer.apply(params, state, X, carry=zeros)
    assert_close(y, whole)
    assert jax.tree.structure(again) == jax.tree.structure(state)


def test_a_step_at_a_time_it_keeps_its_carry():
    layer: Any = fnn.recurrent(fnn.lstm_cell(3), unroll=2)
    kept = fnn.recurrent(fnn.lstm_cell(3), unroll=2, keep_carry=True)
    assert layer.form.decoding(5) == kept


def test_a_gradient_flows_into_a_kept_carry():
    layer = fnn.recurrent(fnn.rnn_cell(3), keep_carry=True)
    params, state = drawn(layer)

    def loss(x):
        _, after = layer.apply(params, state, x)
        return layer.apply(params, after, X)[0][:, 0].sum()

    assert jax.grad(loss)(X).all()


def test_params_are_the_cells():
    cell = fnn.lstm_cell(3)
    expected = cell.init(jax.random.key(0), None, X[:, 0])
    assert jax.tree.all(
        jax.tree.map(jnp.array_equal, drawn(fnn.recurrent(cell)), expected)
    )
    shapes = jax.ShapeDtypeStruct(X.shape, X.dtype)
    assert jax.tree.all(
        jax.tree.map(jnp.array_equal, drawn(fnn.recurrent(cell), shapes), expected)
    )


@pytest.mark.parametrize("unroll", [2, 5, 9])
def test_unrolling_changes_nothing(unroll):
    cell = fnn.lstm_cell(3)
    params = drawn(fnn.recurrent(cell))
    y = fnn.recurrent(cell, unroll=unroll).apply(params, X, lengths=LENGTHS)
    assert_close(y, fnn.recurrent(cell).apply(params, X, lengths=LENGTHS))


@pytest.mark.parametrize("build", [fnn.recurrent, fnn.bidirectional])
def test_so_many_steps_are_in_an_iteration_of_the_loop(build):
    for unroll in (1, 3):
        layer = build(fnn.rnn_cell(3), unroll=unroll)
        jaxpr = str(jax.make_jaxpr(layer.apply)(drawn(layer), X))
        assert jaxpr.count(f"unroll={unroll}\n") == jaxpr.count(" scan[") > 0


@pytest.mark.parametrize("batch", [(), (2, 3), (0,)])
def test_any_number_of_batch_axes(batch):
    layer = fnn.recurrent(fnn.lstm_cell(3))
    params = drawn(layer)
    x = jnp.asarray(normal(1, *batch, 5, 4))
    lengths = jnp.arange(int(np.prod(batch))).reshape(batch) % 5 + 1
    y = layer.apply(params, x, lengths=lengths)
    assert y.shape == (*batch, 5, 3)
    if x.size:
        flat = layer.apply(params, x.reshape(-1, 5, 4), lengths=lengths.reshape(-1))
        assert_close(y.reshape(-1, 5, 3), flat)


def test_no_steps_give_the_first_carry():
    layer = fnn.recurrent(fnn.rnn_cell(3), return_carry=True)
    carry, y = layer.apply(drawn(layer), X[:, :0])
    assert y.shape == (2, 0, 3) and not carry.any()


@fnn.module(cell=fnn.rnn_cell(3))
def gated(parts, carry, x, *, gain):
    """Inputs of two arrays, and one by name that is the same at each step."""
    carry, y = parts.cell(carry, x["value"] * jnp.broadcast_to(gain, x["value"].shape))
    keep = jnp.broadcast_to(x["keep"], carry.shape)
    return keep * carry, {"y": y, "kept": x["keep"]}


def test_inputs_and_outputs_are_trees():
    x = {"value": X, "keep": jnp.asarray(normal(1, 2, 5, 1))}
    layer = fnn.recurrent(gated)
    params = drawn(layer, x, gain=jnp.float32(2))
    y = layer.apply(params, x, gain=jnp.float32(2))
    assert fnn.paths(y).keys() == {"y", "kept"}
    assert jnp.array_equal(y["kept"], x["keep"])
    carry = jnp.zeros((2, 3))
    for t in range(5):
        now = jax.tree.map(lambda leaf, t=t: leaf[:, t], x)
        carry, expected = gated.apply(params, carry, now, gain=jnp.float32(2))
        assert_close(y["y"][:, t], expected["y"])


def test_ids_and_images_have_time_elsewhere():
    @fnn.module(embed=fnn.embed(7, 4), cell=fnn.rnn_cell(3))
    def of_ids(parts, carry, ids):
        return parts.cell(carry, parts.embed(ids))

    ids = jnp.array([[1, 2, 6], [0, 3, 3]])
    layer = fnn.recurrent(of_ids, axis=-1)
    params = drawn(layer, ids)
    y = layer.apply(params, ids)
    embedded = fnn.embed(7, 4).apply(params["embed"], ids)
    expected = fnn.recurrent(fnn.rnn_cell(3)).apply(params["cell"], embedded)
    assert y.shape == (2, 3, 3)
    assert_close(y, expected)

    @fnn.module(conv=fnn.conv(2, (3, 3)))
    def of_images(parts, carry, x):
        y = jnp.tanh(parts.conv(x))
        y = y if carry is None else y + carry
        return y, y

    video = jnp.asarray(normal(0, 2, 3, 4, 4, 1))
    layer = fnn.recurrent(of_images, axis=-4)
    params = drawn(layer, video)
    frames = jnp.tanh(fnn.conv(2, (3, 3)).apply(params["conv"], video))
    assert_close(layer.apply(params, video), jnp.cumsum(frames, 1), atol=1e-5)


@fnn.module(norm=fnn.batch_norm(), cell=fnn.rnn_cell(3))
def normed(parts, carry, x):
    return parts.cell(carry, parts.norm(x))


@pytest.mark.parametrize("keep_carry", [False, True])
def test_a_cell_threads_its_state_from_step_to_step(keep_carry):
    layer = fnn.recurrent(normed, keep_carry=keep_carry, return_carry=True)
    params, state = drawn(layer)
    (carry, y), after = layer.apply(params, state, X, train=True)
    inner = state["inner"] if keep_carry else state
    step_carry = jnp.zeros((2, 3))
    for t in range(5):
        (step_carry, expected), inner = normed.apply(
            params, inner, step_carry, X[:, t], train=True
        )
        assert_close(y[:, t], expected, atol=1e-5)
    assert_close(after["inner"] if keep_carry else after, inner)
    assert_close(carry, step_carry)


@fnn.module(cell=fnn.rnn_cell(3), drop=fnn.dropout(0.5))
def dropping(parts, carry, x):
    carry, y = parts.cell(carry, x)
    return carry, parts.drop(y)


@pytest.mark.parametrize("reverse", [False, True])
def test_each_step_draws_by_its_own_key(reverse):
    layer, key = fnn.recurrent(dropping, reverse=reverse), jax.random.key(1)
    params = drawn(layer)
    y = layer.apply(params, X, key=key, train=True)
    carry = jnp.zeros((2, 3))
    for t in reversed(range(5)) if reverse else range(5):
        step_key = jax.random.fold_in(key, t)
        carry, expected = dropping.apply(
            params, carry, X[:, t], key=step_key, train=True
        )
        assert_close(y[:, t], expected)
    patterns = {tuple((y[:, t] == 0).ravel().tolist()) for t in range(5)}
    assert len(patterns) > 1
    assert layer.apply(params, X).all()


def test_rebuilding_keeps_every_option():
    options: dict[str, Any] = {
        "reverse": True,
        "keep_carry": True,
        "return_carry": True,
        "axis": -3,
        "unroll": 2,
    }
    layer = fnn.recurrent(gated, **options)
    rebuilt = fnn.replace(layer, {"cell": fnn.rnn_cell(4)})
    expected = fnn.recurrent(fnn.replace(gated, {"cell": fnn.rnn_cell(4)}), **options)
    assert rebuilt == expected
    assert repr(fnn.recurrent(fnn.lstm_cell(2))) == "recurrent(lstm_cell(2))"


@pytest.mark.parametrize("keep_carry", [False, True])
@pytest.mark.parametrize("cell", [dropping, normed])
def test_parts_inside_a_cell_are_captured_along_time(cell, keep_carry):
    layer = fnn.recurrent(cell, keep_carry=keep_carry)
    part = "drop" if cell is dropping else "norm"
    tapped = fnn.capture(layer, part)
    drawn_both = fnn.with_state(layer).init(jax.random.key(0), X)
    stateful = fnn.with_state(layer)
    y, after = stateful.apply(*drawn_both, X)
    (same, found), kept = fnn.with_state(tapped).apply(*drawn_both, X)
    assert jnp.array_equal(y, same)
    assert_close(after, kept)
    assert found.keys() == {part}
    if cell is dropping:  # without training, it puts out what the cell does
        assert jnp.array_equal(found[part], y)
    else:
        assert found[part].shape == X.shape


def test_a_captured_layer_that_is_called_twice_gives_both_values():
    @fnn.module(layer=fnn.recurrent(dropping))
    def twice(parts, x):
        return parts.layer(x) + parts.layer(2 * x)

    params = drawn(twice)
    _, found = fnn.capture(twice, "layer/drop").apply(params, X)
    layer = fnn.recurrent(dropping)
    first, second = found["layer/drop"]
    assert jnp.array_equal(first, layer.apply(params["layer"], X))
    assert jnp.array_equal(second, layer.apply(params["layer"], 2 * X))


def test_an_intercepted_part_inside_a_cell():
    layer = fnn.recurrent(dropping)
    params = drawn(layer)
    silenced = fnn.intercept(layer, "drop", jnp.zeros_like)
    assert not silenced.apply(params, X).any()


def test_jit_and_vmap_and_derivatives():
    layer = fnn.recurrent(fnn.lstm_cell(3))
    params = drawn(layer)
    y = layer.apply(params, X, lengths=LENGTHS)
    assert_close(jax.jit(layer.apply)(params, X, lengths=LENGTHS), y)

    def one(x, length):
        return layer.apply(params, x, lengths=length)

    assert_close(jax.vmap(one)(X, LENGTHS), y)

    def loss(params):
        return jnp.sum(layer.apply(params, X, lengths=LENGTHS) ** 2)

    tangent = jax.tree.map(jnp.ones_like, params)
    gradient = jax.grad(loss)(params)
    forward = jax.jvp(loss, (params,), (tangent,))[1]
    reverse = sum(g.sum() for g in jax.tree.leaves(gradient))
    np.testing.assert_allclose(forward, reverse, rtol=1e-4)


def test_low_precision_carries_stay_in_it():
    cell = fnn.lstm_cell(3, param_dtype=jnp.bfloat16)
    layer = fnn.recurrent(cell, keep_carry=True)
    x = X.astype(jnp.bfloat16)
    params, state = drawn(layer, x)
    y, after = layer.apply(params, state, x)
    assert {a.dtype for a in jax.tree.leaves((y, state, after))} == {x.dtype}
    # A carry of another dtype than the step's is brought to it.
    wide = jax.tree.map(lambda a: a.astype(jnp.float32), state["carry"])
    assert fnn.recurrent(cell).apply(params, x, carry=wide).dtype == jnp.float32
    narrow = fnn.recurrent(fnn.lstm_cell(3)).apply(
        drawn(layer)[0], X, carry=state["carry"]
    )
    assert narrow.dtype == jnp.float32
