"""check_gradients finds every planted error and raises no alarm at a kink."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.custom_derivatives import linear_call
from jax.test_util import check_grads

from fnn.testing import check_gradients

X = jax.random.normal(jax.random.key(0), (3, 4))


def raises(kind, sentence):
    return pytest.raises(kind, match=f"^{re.escape(sentence)}$")


# A network of convolution, pooling, normalisation and dense layers, in plain JAX.


def convolve(x, weight):
    kinds = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(x, weight, (1, 1), "SAME", dimension_numbers=kinds)


def max_pool(x):
    window = (1, 2, 2, 1)
    return lax.reduce_window(x, -jnp.inf, lax.max, window, window, "VALID")


def add(x, bias):
    return x + jnp.broadcast_to(bias, x.shape)


def normalise(x, params):
    mean = x.mean((0, 1, 2), keepdims=True)
    var = jnp.square(x - mean).mean((0, 1, 2), keepdims=True)
    scale = jnp.broadcast_to(params["scale"], x.shape)
    return add((x - mean) * lax.rsqrt(var + 1e-5) * scale, params["bias"])


def network(params, x):
    conv1, norm, conv2, dense = params
    x = max_pool(jax.nn.relu(add(convolve(x, conv1["weight"]), conv1["bias"])))
    x = jax.nn.relu(add(convolve(normalise(x, norm), conv2["weight"]), conv2["bias"]))
    x = max_pool(x).reshape(len(x), -1)
    return add(x @ dense["weight"], dense["bias"])


def draw(seed):
    """Parameters and images of a seed, biases zero as they are at the start."""
    keys = jax.random.split(jax.random.key(seed), 5)
    shapes = [(3, 3, 1, 3), (), (3, 3, 3, 3), (12, 4)]
    weights = [
        0.3 * jax.random.normal(key, s) for key, s in zip(keys[:4], shapes, strict=True)
    ]
    params = [
        {"weight": w, "bias": jnp.zeros(w.shape[-1:])}
        if w.shape
        else {"scale": jnp.ones(3), "bias": jnp.zeros(3)}
        for w in weights
    ]
    return params, jax.random.normal(keys[4], (2, 8, 8, 1))


PATHS = [
    "0/bias",
    "0/weight",
    "1/bias",
    "1/scale",
    "2/bias",
    "2/weight",
    "3/bias",
    "3/weight",
]


@jax.custom_jvp
def inflated(x):
    """The identity, with a derivative 1 % too large."""
    return x


@inflated.defjvp
def _inflated(primals, tangents):
    return primals[0], 1.01 * tangents[0]


def planted(path, plant=inflated):
    """The network with an error in the gradient of one parameter."""

    def function(params, x):
        leaves, structure = jax.tree.flatten(params)
        leaves[PATHS.index(path)] = plant(leaves[PATHS.index(path)])
        return network(structure.unflatten(leaves), x)

    return function


PLANTED = {path: planted(path) for path in PATHS}


# ------------------------------------------------------------------ what it finds


@pytest.mark.slow
def test_a_correct_network_passes_at_50_seeds():
    for seed in range(50):
        check_gradients(network, *draw(seed))


@pytest.mark.parametrize("path", PATHS)
def test_one_percent_in_any_parameter_is_found_at_every_seed(path):
    for seed in range(3):
        params, x = draw(seed)
        with pytest.raises(AssertionError) as got:
            check_gradients(PLANTED[path], params, x)
        assert f" by params/{path}[" in str(got.value)
        assert "relative error 0.0099, tolerance 1e-06" in str(got.value)
        assert "and in" not in str(got.value)


def test_ties_and_dead_regions_raise_no_alarm_and_hide_no_error():
    # Black borders and zero biases: most pools see ties, most relus exact zeros.
    params, _ = draw(0)
    x = jnp.zeros((2, 8, 8, 1)).at[:, 2:5, 3:6].set(1.0)
    check_gradients(network, params, x)
    for path in PATHS:
        with pytest.raises(AssertionError, match=f" by params/{path}"):
            check_gradients(PLANTED[path], params, x)


def test_the_error_names_path_coordinate_values_and_tolerance():
    def loss(params, x):
        columns = params["dense"]["weight"] * jnp.array([[1.0], [2.0]])
        wrong = jnp.where(jnp.arange(2)[:, None] == 1, inflated(columns), columns)
        return {"loss": jnp.square(x @ wrong).sum()}

    params = {"dense": {"weight": jnp.array([[1.0], [1.0]])}}
    # The derivative by weight[1, 0] is 2 (1 * 1 + 3 * 2) (3 * 2) = 84.
    with raises(
        AssertionError,
        "check_gradients: expected reverse mode and finite differences to agree on the "
        "derivative of loss by params/dense/weight[1, 0], got 84.84 (reverse mode), "
        "84.84 (forward mode) and 84 (finite differences): relative error 0.0099, "
        "tolerance 1e-06; so it is at 1 of 2 coordinates checked of "
        "params/dense/weight.",
    ):
        check_gradients(loss, params, jnp.array([[1.0, 3.0]]))


def test_modes_that_disagree_are_named():
    def function(x):
        def transpose(_, cotangent):
            return 1.01 * cotangent

        return linear_call(lambda _, x: 3 * x, transpose, (), x)

    with raises(
        AssertionError,
        "check_gradients: expected reverse mode and forward mode to agree on the "
        "derivative by x, got 1.01 (reverse mode), 3 (forward mode) and 3 (finite "
        "differences): relative error 0.66, tolerance 1e-06; so it is at 1 of 1 "
        "coordinates checked of x.",
    ):
        check_gradients(function, 2.0)


@pytest.mark.parametrize("index", range(X.size))
def test_an_error_in_one_coordinate_is_found(index):
    def function(x):
        here = jnp.arange(x.size).reshape(x.shape) == index
        return jnp.tanh(jnp.where(here, inflated(x), x)) @ jnp.ones((4, 2))

    name = ", ".join(map(str, np.unravel_index(index, X.shape)))
    with pytest.raises(AssertionError, match=rf"by x\[{name}\].* 1 of 12 coordinates"):
        check_gradients(function, X)


def test_values_are_those_of_the_coordinate_named():
    for index in np.ndindex(X.shape):
        here = jnp.arange(12).reshape(3, 4) == index[0] * 4 + index[1]

        def function(x, here=here):
            return jnp.where(here, inflated(jnp.tanh(x)), jnp.tanh(x)).sum()

        slope = 1 - np.tanh(np.float64(X[index])) ** 2
        with pytest.raises(AssertionError) as got:
            check_gradients(function, X)
        reverse, forward, differences = (
            float(value)
            for value in re.findall(r"(\S+) \((?:\w+ mode|finite diff)", str(got.value))
        )
        np.testing.assert_allclose([reverse, forward], 1.01 * slope, rtol=1e-8)
        np.testing.assert_allclose(differences, slope, rtol=1e-6)


def test_complex_values_are_those_at_the_point():
    with pytest.raises(
        AssertionError,
        match=r"by z\.imag, got 4\.04 .reverse mode., 4\.04 .forward mode. and 4 ",
    ):
        check_gradients(lambda z: inflated(z.imag**2) + z.real, 1 + 2j)


@pytest.mark.parametrize("size", [1e-4, 1e-9, 1e-11])
def test_a_parameter_of_tiny_gradient_is_checked_at_its_own_scale(size):
    def function(x, y):
        return jnp.sin(x).sum() + size * jnp.sin(inflated(y)).sum()

    with pytest.raises(AssertionError, match=r"by y\["):
        check_gradients(function, X, X)


def test_a_parameter_without_gradient_passes():
    def function(params, x):
        return normalise(x + params["bias"], params["norm"])

    norm = {"scale": jnp.ones(3), "bias": jnp.zeros(3)}
    for seed in range(5):
        x = jax.random.normal(jax.random.key(seed), (4, 2, 2, 3))
        bias = jnp.broadcast_to(x[:1, :1, :1], x.shape)
        check_gradients(function, {"norm": norm, "bias": bias}, x)


def test_rounding_in_step_at_many_places_is_no_error():
    # The rounding of (x + b) - b is the same at each of many equal x: it adds up, as it
    # does nowhere else.
    x = jnp.full(4096, 0.3)

    def function(x, bias):
        return ((x + jnp.broadcast_to(bias, x.shape)) - bias).sum()

    for bias in np.linspace(0.1, 0.7, 20):
        check_gradients(function, x, bias, max_coordinates=1)


def test_a_missing_gradient_is_found():
    def function(x):
        return x * lax.stop_gradient(x)

    with pytest.raises(AssertionError, match=r"relative error 0\.5,"):
        check_gradients(function, X)


@jax.custom_vjp
def pulled(x):
    return jnp.sin(x)


pulled.defvjp(lambda x: (jnp.sin(x), x), lambda x, ct: (ct * jnp.cos(x),))


@jax.custom_vjp
def pulled_wrongly(x):
    return jnp.sin(x)


pulled_wrongly.defvjp(
    lambda x: (jnp.sin(x), x), lambda x, ct: (0.99 * ct * jnp.cos(x),)
)


def test_reverse_mode_alone_is_checked_by_differences():
    check_gradients(pulled, X, modes="reverse", order=2)
    with pytest.raises(AssertionError, match="reverse mode and finite differences"):
        check_gradients(pulled_wrongly, X, modes=("reverse",))


def test_forward_mode_alone_is_checked_by_differences():
    def function(x):
        return lax.while_loop(lambda x: x.sum() < 9, lambda x: x + jnp.cos(x), x)

    check_gradients(function, X, modes="forward")
    with pytest.raises(AssertionError, match="forward mode and finite differences"):
        check_gradients(lambda x: function(inflated(x)), X, modes=("forward",))


# Right to first order; its derivative's derivative is lost.
@jax.custom_jvp
def square(x):
    return x * x


@square.defjvp
def _square(primals, tangents):
    (x,), (tangent,) = primals, tangents
    return x * x, 2 * lax.stop_gradient(x) * tangent


def test_order_2_checks_derivatives_of_derivatives():
    check_gradients(lambda x, w: jnp.tanh(x @ w) ** 2, X, X.T, order=2)
    check_gradients(square, X)
    with pytest.raises(AssertionError, match="of the gradient by x by x"):
        check_gradients(square, X, order=2)
    with pytest.raises(AssertionError, match="of the tangent of the output by x"):
        check_gradients(square, X, order=2, modes="forward")


def test_large_parameters_are_sampled_and_checked_as_a_whole():
    x = jax.random.normal(jax.random.key(0), (40, 50))
    check_gradients(lambda x: jnp.sin(x).sum(), x, max_coordinates=5)
    with pytest.raises(AssertionError, match=r"at 5 of 5 coordinates checked of x\.$"):
        check_gradients(lambda x: jnp.sin(inflated(x)).sum(), x, max_coordinates=5)

    def wrong_at_one_row(x):
        return jnp.sin(jnp.concatenate([inflated(x[:1]), x[1:]])).sum()

    with pytest.raises(AssertionError, match="by x along a random direction"):
        check_gradients(wrong_at_one_row, x, max_coordinates=1)


# ------------------------------------------------------------------ kinks

TIES = jnp.array([0.0, 1.0, 1.0, 0.0, 2.0, 0.0])


@pytest.mark.parametrize(
    "function",
    [
        jax.nn.relu,
        jax.nn.leaky_relu,
        jnp.abs,
        jnp.max,
        jnp.sort,
        jnp.median,
        jnp.floor,
        lambda x: jnp.clip(x, 0.0, 1.0),
        lambda x: jnp.maximum(x, x[::-1]),
        lambda x: jnp.where(x > 0, x, 0.0) ** 1.5,
        lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (3,), (1,), "SAME"),
        lambda x: jax.nn.relu(x @ jnp.ones((6, 3))).max(),
        lambda x: jnp.where(x > 0, x * jnp.log(jnp.where(x > 0, x, 1.0)), 0.0),
    ],
)
def test_kinks_raise_no_alarm(function):
    check_gradients(jax.vmap(function), jax.random.normal(jax.random.key(0), (50, 6)))
    check_gradients(function, TIES)
    check_gradients(function, jnp.zeros(6))


@jax.custom_jvp
def steep_relu(x):
    return jnp.maximum(x, 0)


@steep_relu.defjvp
def _steep_relu(primals, tangents):
    (x,), (tangent,) = primals, tangents
    return steep_relu(x), tangent * jnp.where(x > 0, 1.01, 0.0)


@jax.custom_jvp
def torn_relu(x):
    return jnp.maximum(x, 0)


@torn_relu.defjvp
def _torn_relu(primals, tangents):
    (x,), (tangent,) = primals, tangents
    slope = jnp.where(x == 0, 9.0, jnp.where(x > 0, 1.0, 0.0))
    return torn_relu(x), tangent * slope


def test_no_error_hides_at_a_kink():
    with pytest.raises(AssertionError, match=r"0\.01 typical sizes away from a kink"):
        check_gradients(steep_relu, jnp.zeros(2))
    check_gradients(torn_relu, jnp.ones(2))
    with raises(
        AssertionError,
        "check_gradients: expected the derivative of the output[0] by x[0], which has "
        "a kink there, to lie near those around it, from 0 to 1, got 9 (reverse mode); "
        "so it is at 2 of 2 coordinates checked of x.",
    ):
        check_gradients(torn_relu, jnp.zeros(2))


def test_a_derivative_lost_where_the_function_is_smooth_is_no_kink():
    def identity(x):
        return jax.nn.relu(x) - jax.nn.relu(-x)

    check_gradients(identity, jnp.ones(()))
    with pytest.raises(AssertionError, match=r"got 0 .* and 1 "):
        check_gradients(identity, jnp.zeros(()))


def test_the_edge_of_a_domain_raises_no_alarm():
    # Not defined below zero, and of infinite second derivative at it.
    check_gradients(lambda x: (x**1.5).sum(), jnp.zeros(6))
    check_gradients(lambda x: ((-x) ** 1.5).sum(), jnp.zeros(6))


def test_kinks_everywhere_are_undecidable():
    with raises(
        AssertionError,
        "check_gradients: expected a function that is smooth somewhere near its "
        "arguments, got kinks or jumps at every distance from a tenth to 1e-7 of the "
        "size of x[0]: differences can't tell the derivative there, nor for 1 more.",
    ):
        check_gradients(lambda x: jnp.abs(jnp.mod(1e7 * x, 2.0) - 1.0), X[0, :2])


# ------------------------------------------------------------------ leaves and outputs


def test_all_floating_leaves_are_checked_as_float64_and_others_held_fixed():
    seen = {}

    def function(tree):
        seen.update({name: getattr(leaf, "dtype", leaf) for name, leaf in tree.items()})
        noise = jax.random.normal(tree["key"], ())
        rows = tree["f32"][tree["rows"]] * tree["f16"] * tree["number"]
        return tree["act"](rows + noise) * tree["bf16"] if tree["flag"] else None

    tree = {
        "f32": jnp.ones(3),
        "f16": jnp.ones((), jnp.float16),
        "bf16": jnp.full((), 0.1, jnp.bfloat16),
        "numpy": np.float32(2),
        "number": 0.5,
        "count": 3,
        "flag": True,
        "rows": jnp.array([0, 2]),
        "key": jax.random.key(0),
        "name": "relu",
        "act": jnp.tanh,
        "none": None,
    }
    check_gradients(function, tree)
    floating = {"f32", "f16", "bf16", "numpy", "number"}
    assert {name for name in seen if seen[name] == np.float64} == floating
    assert seen["count"] == 3 and seen["flag"] is True and seen["name"] == "relu"
    assert seen["rows"] == np.int32


@pytest.mark.parametrize(
    "function", [jnp.abs, jnp.conj, lambda z: jnp.fft.fft(z) * z, lambda z: z.real]
)
def test_complex_leaves_and_outputs_are_checked_by_real_and_imaginary_part(function):
    z = lax.complex(X, X[::-1])
    check_gradients(function, z)
    with pytest.raises(AssertionError, match=r"by z\[\d, \d\]\.(real|imag)"):
        check_gradients(lambda z: function(inflated(z)), z)


def test_names_lead_with_the_argument_where_there_are_several():
    def function(params, *inputs):
        return inflated(params[1]["w"]) * inputs[0] * 2.0

    with pytest.raises(AssertionError, match="by params/1/w,"):
        check_gradients(function, [0, {"w": 1.0}], 2.0)
    with pytest.raises(AssertionError, match="by 1/w,"):
        check_gradients(lambda params: function(params, 2.0), [0, {"w": 1.0}])
    with pytest.raises(AssertionError, match="by 1,"):
        check_gradients(
            lambda *args: function([0, {"w": args[0]}], inflated(args[1])), 2, 2.0
        )


def test_infinite_inputs_have_a_derivative_of_zero():
    mask = jnp.array([0.0, -jnp.inf, 0.0])
    check_gradients(lambda mask, x: jax.nn.softmax(x + mask), mask, jnp.ones(3))


@pytest.mark.same_key
def test_a_key_may_be_drawn_from_at_every_call():
    key = jax.random.key(0)
    check_gradients(lambda key, x: x * jax.random.bernoulli(key, 0.5, x.shape), key, X)


# ------------------------------------------------------------------ what it refuses


def test_low_precision_inside_is_refused():
    with raises(
        ValueError,
        "check_gradients: expected a function that computes in the dtype of its "
        "arguments, here float64, got one that casts to bfloat16 and float32; check it "
        "without the cast, or cast to jnp.promote_types(x.dtype, jnp.float32).",
    ):
        check_gradients(lambda x: x.astype(jnp.bfloat16).astype(jnp.float32), X)

    def jitted(x):
        return jax.jit(lambda x: jnp.sin(x.astype(jnp.float16)))(x)

    with pytest.raises(ValueError, match="casts to float16;"):
        check_gradients(jitted, X, modes="forward")


def test_low_precision_that_no_derivative_passes_is_fine():
    def function(x):
        mask = jnp.ones(x.shape, jnp.bfloat16) * 0.5
        return x * mask.astype(jnp.float32)

    check_gradients(function, X)


def test_random_outputs_are_refused():
    calls = []

    def function(x):
        calls.append(0)
        return jnp.sum(x) * len(calls)

    sentence = (
        "expected the same outputs at every call, got .*; give the function a key"
    )
    with pytest.raises(ValueError, match=sentence):
        check_gradients(function, X)


def divided(x):
    return {"loss": x / 0}


def shapes(x):
    return x.shape


WRONG = {
    "no function": (
        lambda: check_gradients(3, X),
        TypeError,
        "expected a function of pytrees, got int.",
    ),
    "no leaf": (
        lambda: check_gradients(jnp.sin, jnp.arange(3), "x"),
        ValueError,
        "expected a floating or complex array among the arguments, got int32 and str.",
    ),
    "no argument": (
        lambda: check_gradients(lambda: 1.0),
        ValueError,
        "expected a floating or complex array among the arguments, got no leaves.",
    ),
    "abstract": (
        lambda: check_gradients(jnp.sin, jax.ShapeDtypeStruct((2,), jnp.float32)),
        TypeError,
        "expected concrete arrays, got ShapeDtypeStruct; call it outside jax.jit and "
        "other transforms.",
    ),
    "string": (
        lambda: check_gradients(lambda x: {"name": "x"}, X),
        TypeError,
        "expected a function that returns arrays, got str at name.",
    ),
    "integers": (
        lambda: check_gradients(jnp.argmax, X),
        ValueError,
        "expected a function that returns a floating or complex array, got int64.",
    ),
    "nothing": (
        lambda: check_gradients(lambda x: None, X),
        ValueError,
        "expected a function that returns a floating or complex array, got no leaves.",
    ),
    "not finite": (
        lambda: check_gradients(divided, 2.0),
        ValueError,
        "expected finite outputs, got inf for loss.",
    ),
    "nan gradient": (
        lambda: check_gradients(jnp.linalg.norm, jnp.zeros(3)),
        AssertionError,
        "expected finite derivatives, got nan (reverse mode) for the derivative by "
        "x[0]; so it is at 3 of 3 coordinates checked of x.",
    ),
    "no forward mode": (
        lambda: check_gradients(pulled, X),
        TypeError,
        "expected a function that forward mode can differentiate, got TypeError from "
        "it; pass modes=('reverse',) if it can't (jax.custom_vjp has no forward mode, "
        "a while_loop no reverse mode).",
    ),
    "no reverse mode": (
        lambda: check_gradients(
            lambda x: lax.while_loop(lambda x: x < 9, lambda x: x + 1, x), 2.0
        ),
        TypeError,
        "expected a function that reverse mode can differentiate, got ValueError from "
        "it; pass modes=('forward',) if it can't (jax.custom_vjp has no forward mode, "
        "a while_loop no reverse mode).",
    ),
    "modes": (
        lambda: check_gradients(jnp.sin, X, modes=("fwd",)),
        ValueError,
        "expected modes among ('reverse', 'forward'), got ('fwd',).",
    ),
    "order": (
        lambda: check_gradients(jnp.sin, X, order=3),
        ValueError,
        "expected an order of 1 or 2, got 3.",
    ),
    "tolerance": (
        lambda: check_gradients(jnp.sin, X, tolerance=0.1),
        ValueError,
        "expected a tolerance in (0, 0.001], got 0.1.",
    ),
    "coordinates": (
        lambda: check_gradients(jnp.sin, X, max_coordinates=0),
        ValueError,
        "expected max_coordinates of at least 1, got 0.",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_mistakes_get_a_sentence(name):
    call, kind, sentence = WRONG[name]
    with raises(kind, f"check_gradients: {sentence}"):
        call()


def test_a_layer_is_told_to_pass_its_apply():
    import fnn

    with pytest.raises(TypeError, match=r"got Layer; pass its apply\.$"):
        check_gradients(fnn.dense(3), X)  # type: ignore[arg-type]


def test_it_refuses_to_be_traced():
    with pytest.raises(TypeError, match=r"expected concrete arrays, got .*Tracer"):
        jax.jit(lambda x: check_gradients(jnp.sin, x))(X)


def test_an_error_of_the_function_comes_through_with_a_note():
    with pytest.raises(TypeError, match="calls the function with float64 arguments"):
        check_gradients(
            lambda w: convolve(jnp.ones((1, 4, 4, 1), jnp.float32), w),
            jnp.ones((3, 3, 1, 2)),
        )


# ------------------------------------------------------------------ settings


def test_settings_stay_as_they_were():
    before = dict(jax.config.values)
    check_gradients(jnp.sin, X)
    with pytest.raises(AssertionError):
        check_gradients(inflated, X)
    assert dict(jax.config.values) == before
    assert not jax.config.jax_enable_x64 and jnp.ones(2).dtype == jnp.float32


def test_arrays_that_the_function_closes_over_keep_their_dtype():
    check_gradients(lambda w: jnp.tanh(w * X), jnp.ones((3, 4)))


def test_a_function_that_reads_a_variable_is_checked_as_it_is_now():
    slope = [1.0]

    @jax.custom_jvp
    def function(x):
        return 2 * x

    @function.defjvp
    def _function(primals, tangents):
        return 2 * primals[0], 2 * slope[0] * tangents[0]

    check_gradients(function, X)
    slope[0] = 1.01
    with pytest.raises(AssertionError, match=r"got .*\(reverse mode\)"):
        check_gradients(function, X)


def test_equal_programs_with_other_constants_are_told_apart():
    def function(constant):
        @jax.custom_jvp
        def scaled(x):
            return x * jnp.ones((3, 4))

        @scaled.defjvp
        def _scaled(primals, tangents):
            return scaled(*primals), tangents[0] * constant

        return scaled

    check_gradients(function(jnp.ones((3, 4))), X)
    with pytest.raises(AssertionError):
        check_gradients(function(jnp.ones((3, 4)).at[1, 1].set(1.01)), X)


def test_jax_test_util_misses_what_this_finds():
    # A bias whose gradient is 10 % too small, with JAX's defaults in float32.
    @jax.custom_jvp
    def deflated(x):
        return x

    @deflated.defjvp
    def _deflated(primals, tangents):
        return primals[0], 0.9 * tangents[0]

    def loss(params, x, y):
        bias = deflated(params["bias"])
        return jnp.square(jnp.tanh(add(x @ params["weight"], bias)) - y).mean()

    for seed in range(12):
        # Near the optimum, where gradients are small.
        keys = jax.random.split(jax.random.key(seed))
        params = {"weight": jnp.eye(4), "bias": jnp.zeros(4)}
        x = jax.random.normal(keys[0], (8, 4))
        y = jnp.tanh(x) + 0.02 * jax.random.normal(keys[1], (8, 4))
        check_grads(loss, (params, x, y), order=1)
        with pytest.raises(AssertionError, match="by params/bias"):
            check_gradients(loss, params, x, y)
