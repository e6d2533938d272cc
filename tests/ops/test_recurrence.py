"""Loops of cells in two parts against JAX's own derivative of the loop, in float64."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, PartitionSpec

import fnn
from fnn.testing import check_gradients
from tests.properties.compilation import compiled

CELLS = {
    "rnn": fnn.rnn_cell(3),
    "lstm": fnn.lstm_cell(3),
    "gru": fnn.gru_cell(3),
    "gru without bias": fnn.gru_cell(3, use_bias=False),
    "rnn of relu": fnn.rnn_cell(3, activation=jax.nn.relu, use_bias=False),
}
BATCH, TIME, N = 2, 4, 5
LENGTHS = jnp.array([4, 2])
# Each cell as it is and with both options; the gated ones with either, too.
CASES = [
    (name, options)
    for name in CELLS
    for options in ({}, {"reverse": True, "unroll": 2})
]
CASES += [
    (name, one)
    for name in ("lstm", "gru")
    for one in ({"reverse": True}, {"unroll": 3})
]


def both(cell, **options):
    """A loop that knows the cell's parts, and one that does not."""
    assert cell.form.step
    unknown = fnn.Layer(cell.init, cell.apply)
    assert not unknown.form.step
    options = {"return_carry": True} | options
    return [fnn.recurrent(c, **options).apply for c in (cell, unknown)]


def arrays(cell, lead=(BATCH,), dtype="float64"):
    """Params, a first carry and inputs."""
    random = np.random.default_rng(0)

    def normal(like):
        return jnp.asarray(random.normal(size=like.shape), dtype)

    x = jax.ShapeDtypeStruct((*lead, TIME, N), dtype)
    step = jax.ShapeDtypeStruct((BATCH, N), dtype)
    params = jax.eval_shape(cell.init, jax.random.key(0), None, step)
    carry, _ = jax.eval_shape(cell.apply, params, None, step)
    carry = jax.tree.map(lambda s: jax.ShapeDtypeStruct((*lead, 3), dtype), carry)
    return jax.tree.map(normal, (params, carry, x))


def of(apply, lengths=None):
    """The outputs as a function of arrays alone."""
    named = {} if lengths is None else {"lengths": lengths}

    def function(params, carry, x):
        return apply(params, x, carry=carry, **named)

    return function


def loss(function, *given):
    leaves = jax.tree.leaves(function(*given))
    return sum(jnp.sum(jnp.sin(leaf)) for leaf in leaves)


def derivatives(function):
    """Values, and derivatives of first, second and third order, by both modes."""
    value = functools.partial(loss, function)

    def all_of_them(*given):
        dots = jax.tree.map(jnp.cos, given)

        def slope(*given):
            return sum(jnp.vdot(g, g) for g in jax.tree.leaves(jax.grad(value)(*given)))

        curvature = jax.jvp(jax.grad(value, (0, 1, 2)), given, dots)[1]
        return (
            jax.jvp(function, given, dots),
            [jax.grad(value, i)(*given) for i in (0, 1, 2)],
            curvature,
            jax.grad(slope, (0, 1, 2))(*given),
        )

    return all_of_them


@pytest.mark.parametrize("lengths", [None, LENGTHS])
@pytest.mark.parametrize("name, options", CASES, ids=str)
def test_every_derivative_is_that_of_the_loop(name, options, lengths):
    with jax.enable_x64():
        given = arrays(CELLS[name])
        got, expected = (
            compiled(derivatives(of(apply, lengths)))(*given)
            for apply in both(CELLS[name], **options)
        )
    chex.assert_trees_all_close(got, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("lead", [(), (1, 2)])
def test_without_a_batch_axis_or_with_two(lead):
    with jax.enable_x64():
        given = arrays(CELLS["lstm"], lead)
        got, expected = (
            compiled(jax.grad(functools.partial(loss, of(apply)), (0, 1, 2)))(*given)
            for apply in both(CELLS["lstm"])
        )
    chex.assert_trees_all_close(got, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("axes", [(0, None, None), (None, 0, 1), (0, 0, 2)])
def test_mapped(axes):
    with jax.enable_x64():
        given = [
            part
            if axis is None
            else jax.tree.map(lambda a, axis=axis: jnp.stack([a, -2 * a], axis), part)
            for part, axis in zip(arrays(CELLS["gru"]), axes, strict=True)
        ]
        got, expected = (
            compiled(jax.vmap(derivatives(of(apply, LENGTHS)), in_axes=axes))(*given)
            for apply in both(CELLS["gru"])
        )
    chex.assert_trees_all_close(got, expected, rtol=1e-11, atol=1e-11)


def test_lengths_may_be_mapped_and_traced():
    lengths = jnp.array([[4, 2], [1, 0]])
    with jax.enable_x64():
        given = arrays(CELLS["lstm"])

        def gradient(apply, lengths):
            return jax.grad(functools.partial(loss, of(apply, lengths)))(*given)

        got, expected = (
            jax.jit(jax.vmap(functools.partial(gradient, apply)))(lengths)
            for apply in both(CELLS["lstm"])
        )
    chex.assert_trees_all_close(got, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("varies", [(False, True, True), (True, False, True)])
def test_inside_shard_map(varies):
    with jax.enable_x64():
        specs = tuple(PartitionSpec("data") if v else PartitionSpec() for v in varies)
        mesh = jax.make_mesh((1,), ("data",), axis_types=(AxisType.Auto,))
        given = jax.tree.map(lambda a: a[None], arrays(CELLS["lstm"]))

        def gradient(apply, *given):
            given = jax.tree.map(lambda a: a[0], given)
            value = functools.partial(loss, of(apply, LENGTHS))
            found = jax.grad(value, (0, 1, 2))(*given)
            return jax.tree.map(lambda a: a[None], found)

        fast, reference = (functools.partial(gradient, f) for f in both(CELLS["lstm"]))
        sharded = jax.shard_map(fast, mesh=mesh, in_specs=specs, out_specs=specs)
        got, expected = jax.jit(sharded)(*given), jax.jit(reference)(*given)
    chex.assert_trees_all_close(got, expected, rtol=1e-12, atol=1e-12)


def test_dtypes_promote_as_in_a_step():
    params, _, x = arrays(CELLS["lstm"], dtype="float32")
    fast, reference = both(CELLS["lstm"])
    (_, y), (_, expected) = (f(params, x.astype("bfloat16")) for f in (fast, reference))
    assert y.dtype == expected.dtype == "float32"
    np.testing.assert_allclose(y, expected, rtol=1e-6)


def test_the_loop_of_the_gradient_carries_no_parameters():
    params, carry, x = arrays(CELLS["lstm"], dtype="float32")

    def found(apply):
        """Shapes of what the last loop of the gradient ends with."""
        jaxpr = jax.make_jaxpr(jax.grad(functools.partial(loss, of(apply))))
        *_, last = (
            eqn for eqn in jaxpr(params, carry, x).eqns if eqn.primitive.name == "scan"
        )
        return {v.aval.shape for v in last.outvars}

    (fast, reference), weight = both(CELLS["lstm"]), (N, 12)
    assert weight not in found(fast) and weight in found(reference)


# What a function closes over may move, which JAX's rules for a function do not foresee.
def test_an_activation_may_learn():
    x = jnp.ones((2, 3, 1))

    def value(slope):
        cell = fnn.rnn_cell(2, activation=lambda a: jnp.tanh(slope * a))
        assert not cell.form.step
        net = fnn.recurrent(cell)
        return jnp.sum(net.apply(net.init(jax.random.key(0), x), x))

    with jax.enable_x64():
        check_gradients(value, 1.0)


@pytest.mark.parametrize("wrap", [fnn.weight_norm, fnn.freeze, fnn.mixed_precision])
def test_what_wraps_a_cell_has_no_parts_to_go_by(wrap):
    assert not wrap(CELLS["lstm"]).form.step
