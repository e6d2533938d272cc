"""A product of rows and a matrix against XLA's own, in float64."""

import functools
import re

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, PartitionSpec

from fnn.ops.product import product
from tests.properties.compilation import compiled

SHAPES = {
    "a batch of sequences": ((2, 3, 4), (4, 5)),
    "of more axes": ((2, 1, 3, 2), (2, 3)),
    "one feature": ((2, 3, 1), (1, 1)),
    "a batch": ((3, 4), (4, 5)),
    "without a batch": ((4,), (4, 5)),
}
SEQUENCES = SHAPES["a batch of sequences"]


def arrays(shapes, dtype="float64"):
    random = np.random.default_rng(0)
    return tuple(jnp.asarray(random.normal(size=shape), dtype) for shape in shapes)


def matmul(x, weight):
    return x @ weight


def derivatives(f):
    """Values, and derivatives of first, second and third order, by both modes."""

    def loss(x, weight):
        return jnp.sum(jnp.sin(f(jnp.cos(x), weight)))

    def of_gradient(x, weight):
        return sum(jnp.sum(g**2) for g in jax.grad(loss, (0, 1))(x, weight))

    def all_of_them(x, weight):
        tangents = jnp.cos(x), jnp.cos(weight)
        curvature = jax.jvp(jax.grad(loss, (0, 1)), (x, weight), tangents)[1]
        return (
            *jax.jvp(f, (x, weight), tangents),
            *(jax.grad(loss, i)(x, weight) for i in (0, 1, (0, 1))),
            curvature,
            jax.hessian(loss, 1)(x, weight),
            jax.grad(of_gradient, (0, 1))(x, weight),
        )

    return all_of_them


@pytest.mark.parametrize("name", SHAPES)
def test_every_derivative_is_that_of_xla(name):
    with jax.enable_x64():
        got, expected = (
            compiled(derivatives(f))(*arrays(SHAPES[name])) for f in (product, matmul)
        )
    chex.assert_trees_all_close(got, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", ["bfloat16", "complex64"])
def test_dtypes(dtype):
    x, weight = arrays(SEQUENCES, dtype)
    (y, pullback), (expected, other) = (
        jax.vjp(f, x, weight) for f in (product, matmul)
    )
    assert y.dtype == dtype
    got, expected = (y, *pullback(y)), (expected, *other(y))
    chex.assert_trees_all_close(
        got, expected, rtol=2e-2 if dtype == "bfloat16" else 1e-5
    )


def test_without_rows_there_is_nothing_to_add_up():
    x, weight = arrays(SEQUENCES, "float32")
    y, pullback = jax.vjp(product, x[:0], weight)
    assert y.shape == (0, 3, 5) and not pullback(y)[1].any()


# ------------------------------------------------------------------ forms of platforms
def lowered(function, platform, transform=lambda f: f):
    given = arrays(SEQUENCES, "float32")
    if transform is jax.vmap:
        given = [jnp.stack([a, 2 * a]) for a in given]

    def gradient(x, weight):
        return jax.grad(lambda w: jnp.sum(jnp.sin(transform(function)(x, w))))(weight)

    text = jax.jit(gradient).trace(*given).lower(lowering_platforms=(platform,))
    return re.findall(r"stablehlo\.dot_general.*", text.as_text())


def contracting(line):
    return re.findall(r"contracting_dims = (\[[^]]*\])", line)[0]


@pytest.mark.parametrize("transform", [lambda f: f, jax.vmap])
def test_on_a_cpu_all_batch_axes_are_one(transform):
    *_, ours = lowered(product, "cpu", transform)
    *_, theirs = lowered(matmul, "cpu", transform)
    assert contracting(ours).count(",") == 0
    assert contracting(theirs).count(",") == 1


@pytest.mark.parametrize("platform", ["cuda", "tpu"])
@pytest.mark.parametrize("transform", [lambda f: f, jax.vmap])
def test_elsewhere_it_is_as_xla_has_it(platform, transform):
    found = [lowered(f, platform, transform) for f in (product, matmul)]
    ours, theirs = ([re.sub(r"%\w+", "%", line) for line in f] for f in found)
    assert ours == theirs and len(ours) == 2


def test_the_precision_asked_for_around_the_call_is_kept():
    with jax.default_matmul_precision("highest"):
        lines = lowered(product, "tpu")
    assert all("HIGHEST" in line for line in lines) and len(lines) == 2


# ------------------------------------------------------------------------- transforms
@pytest.mark.parametrize("axes", [(0, None), (None, 0), (2, 1), (1, 0)])
def test_mapped_over_either_argument_or_both(axes):
    with jax.enable_x64():
        sizes = jnp.array([1.0, -2.0, 0.5])
        given = [
            a if axis is None else jnp.stack([a * s for s in sizes], axis)
            for a, axis in zip(arrays(SEQUENCES), axes, strict=True)
        ]
        got, expected = (
            compiled(jax.vmap(derivatives(f), in_axes=axes))(*given)
            for f in (product, matmul)
        )
    chex.assert_trees_all_close(got, expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("varies", [(True, False), (False, True), (True, True)])
def test_inside_shard_map(varies):
    with jax.enable_x64():
        specs = tuple(PartitionSpec("data") if v else PartitionSpec() for v in varies)
        mesh = jax.make_mesh((1,), ("data",), axis_types=(AxisType.Auto,))

        def gradients(f, x, weight):
            return jax.grad(lambda x, w: jnp.sum(f(x[0], w[0]) ** 2), (0, 1))(x, weight)

        given = [a[None] for a in arrays(SEQUENCES)]
        sharded = jax.shard_map(
            functools.partial(gradients, product),
            mesh=mesh,
            in_specs=specs,
            out_specs=specs,
        )
        got, expected = jax.jit(sharded)(*given), gradients(matmul, *given)
    chex.assert_trees_all_close(got, expected, rtol=1e-12, atol=1e-12)


def test_types_that_say_how_arrays_are_sharded_are_left_to_xla():
    x, weight = arrays(SEQUENCES, "float32")
    mesh = jax.make_mesh((1,), ("data",), axis_types=(AxisType.Explicit,))
    with jax.set_mesh(mesh):
        x = jax.device_put(x, jax.NamedSharding(mesh, PartitionSpec(None, "data")))
        gradient = jax.jit(jax.grad(lambda x, w: jnp.sum(product(x, w) ** 2)))
        assert jax.typeof(gradient(x, weight)).sharding.spec[1] == "data"


def test_a_policy_of_remat_knows_it_for_a_product():
    x, weight = arrays(SEQUENCES, "float32")

    def products(policy):
        function = jax.checkpoint(
            lambda x, w: jnp.sum(jnp.sin(product(x, w))), policy=policy
        )
        return str(jax.make_jaxpr(jax.grad(function))(x, weight)).count("dot_general")

    policies = jax.checkpoint_policies
    assert products(policies.dots_saveable) == products(None) - 1
