"""The forms of a convolution on a CPU against XLA's own, in float64."""

import functools
import re

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, PartitionSpec

import fnn
from fnn.ops import dense_convolution, depthwise_convolution
from fnn.ops.convolution import by_xla, convolve, geometry_of
from tests.properties.compilation import compiled

SAME, NONE, ONCE = ((1, 1), (1, 1)), ((0, 0), (0, 0)), (1, 1)

# batch, space, channels, features, window, stride, pads, dilation, groups
DENSE = {
    "as many": (2, (5, 4), 6, 8, (3, 3), ONCE, SAME, ONCE, 1),
    "no padding": (2, (9, 4), 6, 8, (3, 3), ONCE, NONE, ONCE, 1),
    "padded by more than the window": (
        1,
        (3, 4),
        9,
        16,
        (2, 3),
        ONCE,
        ((3, 4), (0, 5)),
        ONCE,
        1,
    ),
    "rows of stride 1": (2, (5, 6), 8, 8, (3, 2), (1, 2), ((2, 0), (1, 1)), ONCE, 1),
    "strided": (1, (33, 32), 4, 8, (3, 3), (2, 2), SAME, ONCE, 1),
    "rows of stride 3": (1, (49, 17), 3, 16, (5, 2), (3, 1), ((1, 3), (1, 0)), ONCE, 1),
    "pointwise": (2, (5, 4), 3, 2, (1, 1), ONCE, NONE, ONCE, 1),
    "pointwise with a stride": (2, (7, 6), 3, 2, (1, 1), (3, 2), NONE, ONCE, 1),
}
DEPTHWISE = {
    "depthwise": (2, (5, 4), 3, 3, (3, 3), ONCE, SAME, ONCE, 3),
    "of many rows": (2, (35, 3), 3, 3, (3, 2), ONCE, SAME, ONCE, 3),
    "with a stride": (2, (8, 7), 3, 3, (3, 2), (2, 3), ((0, 1), (2, 1)), ONCE, 3),
    "of one axis": (2, (19,), 3, 3, (4,), (1,), ((3, 0),), (1,), 3),
    "of three axes": (
        1,
        (4, 3, 3),
        2,
        2,
        (2, 3, 2),
        (1, 2, 1),
        ((1, 1),) * 3,
        (1,) * 3,
        2,
    ),
    "with dilation": (2, (9, 8), 3, 3, (3, 2), (1, 2), ((3, 5), (0, 1)), (2, 3), 3),
}
# Exact like the others, and slow to compile at third order.
LARGEST = {"of the largest window": (1, (9, 9), 2, 2, (8, 8), ONCE, SAME, ONCE, 2)}
BY_XLA = {
    "few channels": (2, (5, 4), 2, 8, (3, 3), ONCE, SAME, ONCE, 1),
    "longer stride than window": (
        1,
        (64, 17),
        8,
        16,
        (2, 2),
        (4, 1),
        ((0, 1), (0, 0)),
        ONCE,
        1,
    ),
    "as many rows wasted as used": (2, (8, 8), 8, 8, (3, 3), (2, 2), SAME, ONCE, 1),
    "of one output": (2, (5, 5), 8, 8, (5, 5), ONCE, NONE, ONCE, 1),
    "dense with dilation": (2, (9, 8), 8, 8, (3, 2), ONCE, SAME, (2, 1), 1),
    "pointwise with padding": (2, (5, 4), 3, 2, (1, 1), ONCE, SAME, ONCE, 1),
    "of a larger window": (1, (9, 10), 2, 2, (8, 9), ONCE, SAME, ONCE, 2),
    "in groups": (2, (5, 4), 4, 4, (3, 3), ONCE, SAME, ONCE, 2),
    "of several windows a channel": (2, (5, 4), 2, 4, (3, 3), ONCE, SAME, ONCE, 2),
    "dense of one axis": (2, (9,), 8, 8, (3,), (1,), ((1, 1),), (1,), 1),
}


def normal(*shape, dtype="float64", seed=0):
    drawn = np.random.default_rng(seed).normal(size=shape)
    return jnp.asarray(drawn, dtype)


def case(row, dtype="float64"):
    """Both operations, and the arrays that they take."""
    batch, space, channels, features, window, *options, groups = row
    x = normal(batch, *space, channels, dtype=dtype)
    weight = normal(*window, channels // groups, features, dtype=dtype, seed=1)
    geometry = geometry_of(x, weight, *options, groups)

    def fast(x, weight):
        return convolve(x, weight, *options, groups)

    def reference(x, weight):
        return by_xla(x, weight, geometry)

    return fast, reference, (x, weight)


def derivatives(f):
    """Values, and derivatives of first, second and third order, by both modes."""

    def loss(x, weight):
        return jnp.sum(jnp.sin(f(x, weight)))

    def of_gradient(x, weight):
        return sum(jnp.sum(g**2) for g in jax.grad(loss, (0, 1))(x, weight))

    @compiled
    def all_of_them(x, weight):
        tangents = jnp.cos(x), jnp.cos(weight)
        y, dy = jax.jvp(f, (x, weight), tangents)
        _, pullback = jax.vjp(f, x, weight)
        curvature = jax.jvp(jax.grad(loss, (0, 1)), (x, weight), tangents)[1]
        return (
            y,
            dy,
            pullback(jnp.cos(y)),
            curvature,
            jax.grad(of_gradient, (0, 1))(x, weight),
        )

    return all_of_them


def named(rows):
    return [pytest.param(row, id=name) for name, row in rows.items()]


@pytest.mark.parametrize("row", named(DENSE | DEPTHWISE | BY_XLA))
def test_every_derivative_is_that_of_xla(row):
    with jax.enable_x64():
        fast, reference, arrays = case(row)
        got, expected = derivatives(fast)(*arrays), derivatives(reference)(*arrays)
    chex.assert_trees_all_close(got, expected, rtol=1e-12, atol=1e-10)


@pytest.mark.parametrize(
    "row",
    [DENSE["rows of stride 3"], DEPTHWISE["with a stride"]],
    ids=["dense", "depthwise"],
)
def test_gradients_are_those_of_finite_differences(row):
    with jax.enable_x64():
        fast, _, arrays = case(row)
        y = jax.eval_shape(fast, *arrays)
        some = normal(*y.shape, seed=2)

        def of_some(x, weight):
            return jnp.tensordot(some, jnp.tanh(fast(x, weight)), 4)

        fnn.testing.check_gradients(of_some, *arrays, max_coordinates=20)


# ------------------------------------------------------------------------- platforms
def lowered(f, arrays, platform, over=lambda f: f):
    """The program of the values and the gradients on a platform."""

    def program(x, weight):
        y, pullback = jax.vjp(f, x, weight)
        return y, pullback(y)

    traced = jax.jit(over(program)).trace(*arrays)
    return traced.lower(lowering_platforms=(platform,)).as_text()


@pytest.mark.parametrize("platform", ["cuda", "tpu"])
@pytest.mark.parametrize("row", named(DENSE | DEPTHWISE | LARGEST | BY_XLA))
def test_elsewhere_it_is_the_program_of_xla(row, platform):
    fast, reference, arrays = case(row, "float32")
    expected = lowered(reference, arrays, platform)
    assert expected.count("stablehlo.convolution") == 3
    assert lowered(fast, arrays, platform) == expected


@pytest.mark.parametrize(
    "row, left",
    [
        *(
            (row, 0 if name.startswith("pointwise") else 2)
            for name, row in DENSE.items()
        ),
        *((row, 0) for row in (DEPTHWISE | LARGEST).values()),
        *((row, 3) for row in BY_XLA.values()),
    ],
    ids=[*DENSE, *DEPTHWISE, *LARGEST, *BY_XLA],
)
def test_so_many_convolutions_are_left_to_xla_on_a_cpu(row, left):
    fast, _, arrays = case(row, "float32")
    program = lowered(fast, arrays, "cpu")
    assert program.count("stablehlo.convolution") == left
    if left and row[-1] == 1 and len(row[1]) == 2:
        # In another order of the axes, XLA is slow in loops.
        assert program.count("[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]") == left


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "complex64"])
def test_other_dtypes_are_left_to_xla(dtype):
    fast, reference, arrays = case(DEPTHWISE["depthwise"], dtype)
    assert str(jax.make_jaxpr(fast)(*arrays)) == str(jax.make_jaxpr(reference)(*arrays))


def test_limits_are_where_the_rows_say():
    # Rows on either side of each limit stand above, at these values.
    assert dense_convolution.FEWEST_COLUMNS == 16
    assert dense_convolution.MOST_MULTIPLICATIONS == 1.45
    assert depthwise_convolution.MOST_TAPS == 64
    assert depthwise_convolution.MOST_ROWS == 16


def test_one_program_serves_several_platforms():
    fast, reference, arrays = case(DENSE["as many"], "float32")
    platforms = "cpu", "cuda", "tpu"
    exported = jax.export.export(jax.jit(fast), platforms=platforms)(*arrays)
    y = exported.call(*arrays)
    np.testing.assert_allclose(y, reference(*arrays), rtol=1e-5, atol=1e-6)


def test_the_precision_asked_for_around_the_call_is_kept():
    fast, _, arrays = case(DENSE["as many"], "float32")
    with jax.default_matmul_precision("highest"):
        traced = jax.jit(fast).trace(*arrays)
    assert "HIGHEST" in traced.lower(lowering_platforms=("tpu",)).as_text()


# ------------------------------------------------------------------------ transforms
@pytest.mark.parametrize("row", [DENSE["as many"], DEPTHWISE["depthwise"]])
@pytest.mark.parametrize("axes", [(0, None), (None, 0), (2, 3), (1, 0)])
def test_mapped_over_either_argument_or_both(row, axes):
    with jax.enable_x64():
        fast, _, arrays = case(row)
        sizes = [jnp.array([1.0, -2.0, 0.5])] * 2
        arrays = [
            a if axis is None else jnp.stack([a * s for s in size], axis)
            for a, axis, size in zip(arrays, axes, sizes, strict=True)
        ]
        every = derivatives(fast)
        got = jax.vmap(every, in_axes=axes)(*arrays)
        one = [
            every(
                *(
                    a if x is None else jnp.take(a, i, x)
                    for a, x in zip(arrays, axes, strict=True)
                )
            )
            for i in range(3)
        ]
        expected = jax.tree.map(lambda *leaves: jnp.stack(leaves), *one)
    chex.assert_trees_all_close(got, expected, rtol=1e-12, atol=1e-10)


@pytest.mark.parametrize("count", [16, 17])
def test_many_mapped_operations_go_round_a_loop_on_a_cpu(count):
    fast, reference, arrays = case(DENSE["pointwise"], "float32")
    arrays = [jnp.stack([a * i for i in range(count)]) for a in arrays]
    program = lowered(fast, arrays, "cpu", jax.vmap)
    assert ("stablehlo.while" in program) == (count > 16)
    y, expected = (jax.vmap(f)(*arrays) for f in (fast, reference))
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("platform", ["cuda", "tpu"])
@pytest.mark.parametrize("row", [DENSE["as many"], DEPTHWISE["depthwise"]])
def test_elsewhere_mapped_operations_are_those_of_xla(row, platform):
    fast, reference, arrays = case(row, "float32")
    arrays = [jnp.stack([a, 2 * a]) for a in arrays]
    programs = [lowered(f, arrays, platform, jax.vmap) for f in (fast, reference)]
    convolutions = [re.findall(r"stablehlo\.convolution.*", p) for p in programs]
    without_names = [
        [re.sub(r"%\w+", "%", line) for line in lines] for lines in convolutions
    ]
    assert len(convolutions[0]) == 3 and without_names[0] == without_names[1]


@pytest.mark.parametrize("varies", [(True, False), (False, True), (True, True)])
@pytest.mark.parametrize("row", [DENSE["as many"], DEPTHWISE["depthwise"]])
def test_inside_shard_map(row, varies):
    with jax.enable_x64():
        fast, reference, arrays = case(row)
        specs = tuple(PartitionSpec("data") if v else PartitionSpec() for v in varies)
        mesh = jax.make_mesh((1,), ("data",), axis_types=(AxisType.Auto,))

        def gradients(f, x, weight):
            return jax.grad(lambda x, w: jnp.sum(f(x[0], w[0]) ** 2), (0, 1))(x, weight)

        arrays = [a[None] for a in arrays]
        sharded = jax.shard_map(
            functools.partial(gradients, fast),
            mesh=mesh,
            in_specs=specs,
            out_specs=specs,
        )
        got = compiled(sharded)(*arrays)
        expected = gradients(reference, *arrays)
    chex.assert_trees_all_close(got, expected, rtol=1e-12, atol=1e-10)


def test_types_that_say_how_arrays_are_sharded_are_left_to_xla():
    fast, reference, (x, weight) = case(DENSE["as many"], "float32")
    mesh = jax.make_mesh((1,), ("data",), axis_types=(AxisType.Explicit,))
    with jax.set_mesh(mesh):
        x = jax.device_put(x, jax.NamedSharding(mesh, PartitionSpec("data")))
        y = jax.jit(fast)(x, weight)
        assert jax.typeof(y).sharding.spec[0] == "data"
    np.testing.assert_allclose(y, reference(x, weight), rtol=1e-5, atol=1e-6)


def test_without_images_there_is_nothing_to_add_up():
    fast, _, (x, weight) = case(DENSE["as many"], "float32")
    y, pullback = jax.vjp(fast, x[:0], weight)
    assert y.shape == (0, 5, 4, 8)
    assert not pullback(y)[1].any()


def test_blocks_of_images_add_up():
    # 3 MiB are fewer than half of the images, of which there are a prime number.
    rows = (7, (40, 40), 16, 40, (3, 3), ONCE, SAME, ONCE, 1)
    fast, reference, arrays = case(rows, "float32")

    def gradient(f, x, weight):
        return jax.grad(lambda w: jnp.sum(jnp.cos(f(x, w))))(weight)

    got, expected = (
        jax.jit(functools.partial(gradient, f))(*arrays) for f in (fast, reference)
    )
    # Sums of 11,200 products, in another order.
    np.testing.assert_allclose(got, expected, rtol=1e-3, atol=2e-3)


ROWS = {
    "one more": (2, (9, 7), 4, 4, (3, 3), ONCE, SAME, ONCE, 1),
    "two more, for y alone": (2, (12, 4), 4, 4, (2, 3), ONCE, NONE, ONCE, 1),
    "with dilation": (2, (16, 4), 4, 4, (3, 2), ONCE, ((2, 1), (0, 1)), (2, 1), 1),
}
NO_ROWS = {
    "too many": (2, (8, 8), 4, 4, (4, 3), ONCE, NONE, ONCE, 1),
    "more come out anyway": (2, (8, 8), 4, 4, (3, 3), ONCE, ((2, 2), (1, 1)), ONCE, 1),
    "strided": (2, (16, 8), 4, 4, (3, 3), (2, 1), SAME, ONCE, 1),
    "few channels": (2, (9, 7), 3, 4, (3, 3), ONCE, SAME, ONCE, 1),
}


@pytest.mark.parametrize("name", [*ROWS, *NO_ROWS])
def test_a_row_more_changes_nothing(name, monkeypatch):
    monkeypatch.setattr(dense_convolution, "_fewest_channels", lambda: 4)
    row = (ROWS | NO_ROWS)[name]
    fast, reference, arguments = case(row, "float32")
    y = compiled(reference)(*arguments)
    heights = re.findall(
        r"stablehlo.convolution.*-> tensor<\d+x(\d+)x",
        jax.jit(fast).trace(*arguments).lower(lowering_platforms=("cpu",)).as_text(),
    )
    assert (str(row[1][0] + 1) in heights) == (name in ROWS)
    for f in (
        lambda f: f(*arguments),
        lambda f: jax.vjp(f, *arguments)[1](y),
        lambda f: jax.jvp(f, arguments, arguments),
    ):
        chex.assert_trees_all_close(
            compiled(functools.partial(f, fast))(),
            compiled(functools.partial(f, reference))(),
            rtol=1e-5,
            atol=1e-5,
        )


def test_rows_are_added_from_so_many_channels_on_by_version(monkeypatch):
    fewest = dense_convolution._fewest_channels.__wrapped__
    for version, expected in {
        "0.9.2": float("inf"),
        "0.10.2": 32,
        "0.11.1.dev3": 32,
        "0.12.0.1": 256,
        "1.0.0": 256,
    }.items():
        monkeypatch.setattr("importlib.metadata.version", {"jaxlib": version}.get)
        assert fewest() == expected
