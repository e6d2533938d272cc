"""Weight norm, LoRA and spectral norm against NumPy, also through `repeat`."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose as assert_close

import fnn
from tests.rounding import CPU

X = jax.random.normal(jax.random.key(9), (3, 4))


def deep():
    block = fnn.residual(fnn.sequential(fnn.dense(4), jnp.tanh))
    return fnn.sequential(fnn.dense(4), fnn.repeat(block, 5), fnn.dense(2))


def float64(tree):
    return jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), tree)


@pytest.mark.parametrize("wrap", [fnn.weight_norm, lambda net: fnn.lora(net, 2)])
def test_at_first_it_is_the_layer_itself(wrap):
    net, wrapped = deep(), wrap(deep())
    params, other = (n.init(jax.random.key(0), X) for n in (net, wrapped))
    found, expected = wrapped.apply(other, X), net.apply(params, X)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=0 if CPU else 1e-6)


def test_weight_norm_is_direction_times_length_of_each_copy():
    net = fnn.weight_norm(fnn.repeat(fnn.dense(4), 3))
    params = net.init(jax.random.key(0), X)
    params = jax.tree.map(lambda leaf: leaf + 0.3, params)
    x, p = float64(X), float64(params)
    for i in range(3):
        v = p["weight"]["direction"][i]
        weight = p["weight"]["scale"][i] * v / np.sqrt((v**2).sum(0))
        x = x @ weight + p["bias"][i]
    np.testing.assert_allclose(net.apply(params, X), x, rtol=1e-5)


def test_weight_norm_of_a_convolution_norms_each_output():
    net = fnn.weight_norm(fnn.conv(5, (3, 3)), "weight")
    images = jnp.ones((1, 6, 6, 2))
    params = net.init(jax.random.key(0), images)
    weight = params["weight"]
    assert weight["direction"].shape == (3, 3, 2, 5)
    longer = params | {"weight": weight | {"scale": 2 * weight["scale"]}}
    scaled = params | {"weight": weight | {"direction": 2 * weight["direction"]}}
    y = net.apply(params, images)
    np.testing.assert_allclose(net.apply(longer, images), 2 * y, rtol=1e-5)
    np.testing.assert_allclose(net.apply(scaled, images), y, rtol=1e-5)


def test_lora_adds_the_product_to_each_copy_and_freezes_the_rest():
    net, adapted = deep(), fnn.lora(deep(), 2, alpha=4.0)
    params = adapted.init(jax.random.key(0), X)
    assert params["lora"][1][0]["weight"]["down"].shape == (5, 4, 2)
    params["lora"] = jax.tree.map(lambda leaf: leaf + 0.1, params["lora"])
    base, small = float64(params["base"]), float64(params["lora"])
    merged = fnn.merge_lora(adapted, params)
    for i in range(5):
        up, down = (small[1][0]["weight"][n][i] for n in ("up", "down"))
        expected = base[1][0]["weight"][i] + 2.0 * down @ up
        np.testing.assert_allclose(merged[1][0]["weight"][i], expected, rtol=1e-5)
    np.testing.assert_allclose(
        net.apply(merged, X), adapted.apply(params, X), rtol=1e-6
    )
    grads = jax.grad(lambda p: adapted.apply(p, X).sum())(params)
    assert all(not g.any() for g in jax.tree.leaves(grads["base"]))
    assert all(g.any() for g in jax.tree.leaves(grads["lora"]))


def test_lora_draws_the_base_as_the_layer_does_and_copies_apart():
    params = fnn.lora(deep(), 2).init(jax.random.key(0), X)
    plain = deep().init(jax.random.key(0), X)
    assert all(map(np.array_equal, *map(jax.tree.leaves, (params["base"], plain))))
    down = params["lora"][1][0]["weight"]["down"]
    assert not np.array_equal(down[0], down[1])


def test_lora_starts_from_as_much_as_its_authors_code():
    params = fnn.lora(fnn.dense(200), 100).init(jax.random.key(0), jnp.ones((1, 300)))
    small = params["lora"]["weight"]
    assert not small["up"].any() and params["lora"]["bias"] == ()
    # Uniform within one over the square root of what is summed.
    limit = 300**-0.5
    assert abs(float(small["down"].var()) * 3 / limit**2 - 1) < 0.03
    assert 0.999 * limit < float(jnp.abs(small["down"]).max()) <= limit


def test_lora_of_some_weights_alone():
    adapted = fnn.lora(deep(), 2, "2/*eight")
    params = adapted.init(jax.random.key(0), X)
    assert set(fnn.paths(params["lora"])) == {"2/weight/down", "2/weight/up"}


@pytest.mark.parametrize("copies", [1, 3])
def test_spectral_norm_divides_by_the_largest_singular_value(copies):
    net = fnn.spectral_norm(fnn.repeat(fnn.dense(4, use_bias=False), copies))
    params, state = net.init(jax.random.key(0), X)
    step = jax.jit(lambda state: net.apply(params, state, X, train=True)[1])
    for _ in range(300):
        state = step(state)
    x = float64(X)
    for weight in float64(params)["weight"]:
        x = x @ (weight / np.linalg.svd(weight, compute_uv=False)[0])
    y, after = net.apply(params, state, X)
    np.testing.assert_allclose(y, x, rtol=1e-4)  # of a power iteration in float32
    assert all(map(np.array_equal, *map(jax.tree.leaves, (state, after))))


def test_spectral_norm_has_the_gradient_of_the_quotient():
    net = fnn.spectral_norm(fnn.dense(3, use_bias=False))
    params, state = net.init(jax.random.key(0), X)
    left, right = (state["vectors"]["weight"][n] for n in ("left", "right"))

    def by_hand(weight):
        return (X @ (weight / (left @ weight @ right))).sum()

    grads = jax.grad(lambda p: net.apply(p, state, X)[0].sum())(params)
    expected = jax.grad(by_hand)(params["weight"])
    np.testing.assert_allclose(grads["weight"], expected, rtol=1e-5)


def test_spectral_norm_around_a_stateful_layer_and_captured():
    inner = fnn.sequential(fnn.dense(4), fnn.batch_norm())
    net = fnn.spectral_norm(inner)
    params, state = net.init(jax.random.key(0), X)
    (y, seen), after = fnn.capture(net, "0").apply(params, state, X, train=True)
    assert seen["0"].shape == y.shape
    assert jax.tree.structure(after) == jax.tree.structure(state)
    assert not np.array_equal(after["inner"][1]["mean"], state["inner"][1]["mean"])


@pytest.mark.parametrize("wrap", [fnn.weight_norm, fnn.spectral_norm])
def test_norms_of_some_weights_alone(wrap):
    plain = fnn.sequential(fnn.dense(4), fnn.dense(2))
    net = fnn.with_state(wrap(plain, "1/*eight"))
    params, state = net.init(jax.random.key(0), X)
    changed = set(fnn.paths(params)) - {"0/weight", "0/bias", "1/weight", "1/bias"}
    if wrap is fnn.weight_norm:
        assert changed == {"1/weight/direction", "1/weight/scale"}
    else:
        assert not changed
        assert set(fnn.paths(state["vectors"])) == {"1/weight/left", "1/weight/right"}


def test_spectral_norm_takes_so_many_steps_in_a_call():
    one, four = (fnn.spectral_norm(fnn.dense(4), iterations=n) for n in (1, 4))
    params, state = one.init(jax.random.key(0), X)
    for calls in range(1, 8):
        if calls == 4:  # as many as init has taken, too
            first = four.init(jax.random.key(0), X)[1]
            jax.tree.map(functools.partial(assert_close, rtol=1e-5), first, state)
        _, state = one.apply(params, state, X, train=True)
    _, after = four.apply(params, first, X, train=True)
    jax.tree.map(functools.partial(assert_close, rtol=1e-5), after, state)


def test_spectral_norm_divides_no_vector_by_less_than_eps():
    net = fnn.spectral_norm(fnn.dense(3), eps=100.0)
    params, state = net.init(jax.random.key(0), X)
    left, right = (state["vectors"]["weight"][side] for side in ("left", "right"))
    assert_close(right, params["weight"].T @ left / 100, rtol=1e-5)
    assert 0 < jnp.linalg.norm(right) < jnp.linalg.norm(left) < 0.1


def other(layer, **params):
    """Params of a layer, some of them changed."""
    return layer.init(jax.random.key(0), X) | params


@pytest.mark.parametrize(
    "call, error, sentence",
    [
        (
            lambda: fnn.lora(fnn.dense(2), 0),
            ValueError,
            "lora: expected rank of at least 1, got 0.",
        ),
        (
            lambda: fnn.lora(fnn.dense(2), 2.0),  # pyright: ignore
            TypeError,
            "lora: expected rank to be an int, got 2.0.",
        ),
        (
            lambda: fnn.lora(fnn.dense(2), 2, alpha="4"),  # pyright: ignore
            TypeError,
            "lora: expected alpha to be a number, got '4'.",
        ),
        (
            lambda: fnn.lora(fnn.dense(2), 2, alpha=np.inf),
            ValueError,
            "lora: expected alpha to be finite, got inf.",
        ),
        (
            lambda: fnn.lora(fnn.dense(2), 2, "bias").init(jax.random.key(0), X),
            ValueError,
            "lora: expected bias to have two axes or more, got float32[2].",
        ),
        (
            lambda: fnn.lora(fnn.dense(2), 2).apply({"base": ()}, X),
            ValueError,
            "lora: expected params in a dict of base, lora, got {base: ()}.",
        ),
        (
            lambda: fnn.merge_lora(fnn.dense(2), {}),
            TypeError,
            "merge_lora: expected a layer made by lora, got dense(2).",
        ),
        (
            lambda: fnn.weight_norm(fnn.dense(2), "kernel").init(jax.random.key(0), X),
            ValueError,
            "weight_norm: expected a pattern that matches some of bias, weight, "
            "got 'kernel'.",
        ),
        (
            lambda: fnn.weight_norm(fnn.dense(2), "*").init(jax.random.key(0), X),
            ValueError,
            "weight_norm: expected bias to have two axes or more, got float32[2].",
        ),
        (
            lambda: fnn.weight_norm(fnn.dense(2)).apply(other(fnn.dense(2)), X),
            ValueError,
            "weight_norm: expected direction (..., n, m) and scale (m,) of weight, "
            "got float32[4, 2].",
        ),
        (
            lambda: fnn.weight_norm(fnn.dense(2)).apply(
                other(
                    fnn.dense(2),
                    weight={"direction": jnp.ones((4, 2)), "scale": jnp.ones(4)},
                ),
                X,
            ),
            ValueError,
            "weight_norm: expected direction (..., n, m) and scale (m,) of weight, "
            "got {direction: float32[4, 2], scale: float32[4]}.",
        ),
        (
            lambda: fnn.spectral_norm(fnn.dense(2), iterations=0),
            ValueError,
            "spectral_norm: expected iterations of at least 1, got 0.",
        ),
        (
            lambda: fnn.spectral_norm(fnn.dense(2), iterations=1.5),  # pyright: ignore
            TypeError,
            "spectral_norm: expected iterations to be an int, got 1.5.",
        ),
        (
            lambda: fnn.spectral_norm(fnn.dense(2), eps=0.0),
            ValueError,
            "spectral_norm: expected eps above 0, got 0.0.",
        ),
        (
            lambda: fnn.spectral_norm(fnn.dense(2), "bias").init(jax.random.key(0), X),
            ValueError,
            "spectral_norm: expected bias to have two axes or more, got float32[2].",
        ),
        (
            lambda: fnn.spectral_norm(fnn.dense(2)).apply({}, (), X),
            ValueError,
            "spectral_norm: expected state in a dict of inner, vectors, got ().",
        ),
    ],
)
def test_wrong_calls(call, error, sentence):
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error
    assert caught.value.args == (sentence,)
