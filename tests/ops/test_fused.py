"""A kernel with a pullback of its own: who computes what, and all derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.core import Primitive
from jax.interpreters import mlir

from fnn.ops.fused import fused

calls = []


def plain(arrays, constants, options):
    (a, b), (k,) = arrays, constants
    return options * jnp.sin(a) * b**2 * jnp.asarray(k, a.dtype)[..., None]


# The identity, which nobody has told how to differentiate.
opaque = Primitive("opaque")
opaque.def_impl(lambda x: x)
opaque.def_abstract_eval(lambda x: x)
mlir.register_lowering(opaque, lambda context, x: [x])


@jax.custom_vjp
def by_kernel(a, b, k):
    raise AssertionError("expected the value that the pullback computes, too")


def forward(a, b, k):
    calls.append("value")
    return opaque.bind(plain((a, b), (k,), 2.0)), (a, b, k)


def backward(residuals, ct):
    calls.append("pullback")
    a, b, k = residuals
    factor = 2.0 * jnp.asarray(k, a.dtype)[..., None] * opaque.bind(ct)
    return jnp.cos(a) * b**2 * factor, 2.0 * jnp.sin(a) * b * factor, None


by_kernel.defvjp(forward, backward)


def kernel(arrays, constants, options):
    assert options == 2.0
    return by_kernel(*arrays, *constants)


HERE, ELSEWHERE = (
    fused(f"toy_{platform}", plain, kernel, platform) for platform in ("cpu", "cuda")
)
K = jnp.arange(3)


def draw(*shape):
    return jnp.asarray(np.random.default_rng(len(shape)).normal(size=shape))


@pytest.fixture(autouse=True)
def _wide():
    calls.clear()
    with jax.enable_x64(True):
        yield


def of(function, options=2.0):
    return lambda a, b, k=K: function((a, b), (k,), options)


def total(f):
    return lambda a, b: jnp.sum(f(a, b) ** 2)


TRANSFORMS = {
    "value": lambda f, a, b: f(a, b),
    "jit": lambda f, a, b: jax.jit(f)(a, b),
    "gradient": lambda f, a, b: jax.grad(total(f), (0, 1))(a, b),
    "of one array": lambda f, a, b: jax.grad(total(f), 1)(a, b),
    "tangent": lambda f, a, b: jax.jvp(f, (a, b), (b, a)),
    "of one tangent": lambda f, a, b: jax.jacfwd(lambda a: f(a, b))(a),
    "linearize": lambda f, a, b: jax.linearize(f, a, b)[1](b, a),
    "Hessian": lambda f, a, b: jax.hessian(total(f), (0, 1))(a, b),
    "reverse over reverse": lambda f, a, b: jax.jacrev(jax.grad(total(f)), (0, 1))(
        a, b
    ),
    "reverse over forward": lambda f, a, b: jax.jacrev(jax.jacfwd(f, 1))(a, b),
    "forward over forward": lambda f, a, b: jax.jacfwd(jax.jacfwd(f, 1))(a, b),
    "third": lambda f, a, b: jax.jacfwd(jax.jacrev(jax.grad(total(f))))(a, b),
    "checkpoint": lambda f, a, b: jax.grad(total(jax.checkpoint(f)))(a, b),
    "scan": lambda f, a, b: jax.grad(
        lambda a: jax.lax.scan(lambda c, _: (f(c, b), c), a, length=2)[0].sum()
    )(a),
    "vmap": lambda f, a, b: jax.vmap(f)(
        jnp.stack([a, b]), jnp.stack([b, a]), jnp.stack([K, K + 1])
    ),
    "vmap of one": lambda f, a, b: jax.vmap(f, (1, None, None), 1)(
        jnp.stack([a, b], 1), b, K
    ),
    "vmap of gradients": lambda f, a, b: jax.vmap(jax.grad(total(f)), (0, None))(
        jnp.stack([a, b]), b
    ),
    "gradient of vmap": lambda f, a, b: jax.grad(
        lambda b: jax.vmap(f, (0, None, None))(jnp.stack([a, b]), b, K).sum()
    )(b),
}


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("function", [HERE, ELSEWHERE], ids=["here", "elsewhere"])
def test_every_transform_is_that_of_the_plain_function(function, name):
    a, b = draw(3, 4), draw(3, 4) + 0.5
    found = TRANSFORMS[name](of(function), a, b)
    wanted = TRANSFORMS[name](of(plain), a, b)
    for x, y in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        assert x.dtype == y.dtype == jnp.float64
        np.testing.assert_allclose(x, y, rtol=1e-12, atol=1e-12)


def lowered(f, platform):
    """What is compiled for a platform, whether it is here or not."""
    a = jnp.ones((3, 4))
    return jax.export.export(jax.jit(f), platforms=[platform])(a, a).mlir_module()


def test_the_kernel_is_taken_on_its_platform_alone():
    marked = fused(
        "marked", lambda x, c, o: x[0] * 3.0, lambda x, c, o: x[0] * 7.0, "cpu"
    )

    def gradient(a, b):
        return jax.value_and_grad(lambda a: marked((a,), (), None).sum())(a)

    # Another function than the plain one, so that one sees which was taken.
    on_cpu, on_tpu = (lowered(gradient, platform) for platform in ("cpu", "tpu"))
    assert "7.0" in on_cpu and "3.0" not in on_cpu
    assert "3.0" in on_tpu and "7.0" not in on_tpu


@pytest.fixture
def fresh():
    """One that nothing has been traced for."""
    return of(fused("fresh", plain, kernel, "cpu"))


def test_reverse_mode_takes_the_pullback_of_the_kernel(fresh):
    jax.jit(fresh).lower(draw(3, 4), draw(3, 4))
    assert calls == ["value"]
    jax.jit(jax.grad(total(fresh))).lower(draw(3, 4), draw(3, 4))
    assert "pullback" in calls


def test_eager_calls_trace_once(fresh):
    a = draw(3, 4)
    fresh(a, a)
    traced = len(calls)
    fresh(a, a)
    assert len(calls) == traced > 0


def test_arrays_that_vary_over_a_mesh_may_meet_those_that_do_not():
    mesh = jax.make_mesh((1,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    spec = jax.sharding.PartitionSpec("data")

    def f(a):
        return jax.grad(total(of(HERE)))(a, draw(3, 4))

    sharded = jax.shard_map(f, mesh=mesh, in_specs=spec, out_specs=spec)
    np.testing.assert_allclose(sharded(draw(3, 4)), f(draw(3, 4)), rtol=1e-12)
