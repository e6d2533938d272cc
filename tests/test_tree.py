"""Paths and patterns: one language for "which"."""

from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import optax
import pytest

import fnn
from fnn.tree import matching

PARAMS = {
    "encoder": ({"weight": 1, "bias": 2}, {"weight": 3}),
    "decoder": {"out": {"weight": 4, "bias": 5}},
    "scale": 6,
}
FLAT = {
    "decoder/out/bias": 5,
    "decoder/out/weight": 4,
    "encoder/0/bias": 2,
    "encoder/0/weight": 1,
    "encoder/1/weight": 3,
    "scale": 6,
}


# -------------------------------------------------------------------------------- paths
def test_every_leaf_has_one_path():
    assert fnn.paths(PARAMS) == FLAT
    assert fnn.paths(()) == {} and fnn.paths({"a": (), "b": None}) == {}
    assert fnn.paths(7) == {"": 7} and fnn.paths((7,)) == {"0": 7}


def test_paths_of_any_tree():
    class Pair(NamedTuple):
        first: Any
        rest: Any

    assert fnn.paths([Pair(1, {"a": 2}), 3]) == {"0/first": 1, "0/rest/a": 2, "1": 3}
    opt_state = optax.adam(1.0).init({"dense": {"weight": jnp.zeros(2)}})
    assert "0/mu/dense/weight" in fnn.paths(opt_state)


def test_paths_of_a_network():
    @fnn.module(down=[fnn.dense(2), None], up={"a": fnn.residual(fnn.dense(2))})
    def net(parts, x):
        return parts.up["a"](parts.down[0](x))

    params = net.init(jax.random.key(0), jnp.ones((1, 3)))
    assert set(fnn.paths(params)) == {
        "down/0/weight",
        "down/0/bias",
        "up/a/weight",
        "up/a/bias",
    }


def test_two_leaves_at_one_path_are_refused():
    with pytest.raises(ValueError, match=r"^paths: expected one leaf at a/b, got two"):
        fnn.paths({"a/b": 1, "a": {"b": 2}})


def test_from_paths_builds_what_paths_takes_apart():
    assert fnn.from_paths(fnn.paths(PARAMS), like=PARAMS) == PARAMS
    backwards = dict(reversed(FLAT.items()))
    assert fnn.from_paths(backwards, like=PARAMS) == PARAMS
    shapes = jax.eval_shape(lambda: jax.tree.map(jnp.asarray, PARAMS))
    assert fnn.from_paths(FLAT, like=shapes) == PARAMS
    assert fnn.from_paths({}, like=()) == ()


def test_from_paths_lists_every_difference():
    flat = {k: v for k, v in FLAT.items() if k not in ("scale", "encoder/0/bias")}
    with pytest.raises(ValueError, match="from_paths") as caught:
        fnn.from_paths({**flat, "extra": 1, "scale/x": 2}, like=PARAMS)
    assert str(caught.value) == (
        "from_paths: expected the paths of like, got no encoder/0/bias, no scale, "
        "an unknown extra, an unknown scale/x."
    )


# ----------------------------------------------------------------------------- patterns
@pytest.mark.parametrize(
    "pattern, found",
    [
        ("**", list(FLAT)),
        ("*", ["scale"]),
        ("scale", ["scale"]),
        ("*/*", []),
        ("*/*/*", [name for name in FLAT if name != "scale"]),
        ("**/weight", ["decoder/out/weight", "encoder/0/weight", "encoder/1/weight"]),
        ("**/scale", ["scale"]),
        ("**/**/scale", ["scale"]),
        ("scale/**", ["scale"]),
        ("encoder/**", ["encoder/0/bias", "encoder/0/weight", "encoder/1/weight"]),
        ("encoder/*", []),
        ("encoder/*/weight", ["encoder/0/weight", "encoder/1/weight"]),
        ("**/0/**", ["encoder/0/bias", "encoder/0/weight"]),
        ("e*/?/b*", ["encoder/0/bias"]),
        ("encoder/[1-9]/*", ["encoder/1/weight"]),
        ("encoder/[!1]/*", ["encoder/0/bias", "encoder/0/weight"]),
        ("*weight", []),
        ("weight", []),
        ("Scale", []),
        ("", []),
        ("/scale", []),
        (["scale", "**/bias"], ["decoder/out/bias", "encoder/0/bias", "scale"]),
        (("scale", ["scale"]), ["scale"]),
        (lambda path, leaf: leaf > 4, ["decoder/out/bias", "scale"]),
        (
            ["encoder/1/*", lambda path, leaf: path.endswith("bias") and leaf == 2],
            ["encoder/0/bias", "encoder/1/weight"],
        ),
    ],
)
def test_patterns(pattern, found):
    if found:
        assert matching(pattern, FLAT, "test") == set(found)
    else:
        with pytest.raises(
            ValueError, match=r"^test: expected a pattern that matches so"
        ):
            matching(pattern, FLAT, "test")


def test_a_bare_leaf_has_the_empty_path():
    for pattern in ("", "**", "**/**"):
        assert matching(pattern, {"": 1}, "test") == {""}
    with pytest.raises(ValueError, match=r"some of '', got '\*'"):
        matching("*", {"": 1}, "test")


def test_each_pattern_of_a_list_must_match():
    with pytest.raises(ValueError, match="freeze") as caught:
        matching(["scale", "**/bais"], FLAT, "freeze")
    assert str(caught.value) == (
        "freeze: expected a pattern that matches some of decoder/out/bias, "
        "decoder/out/weight, encoder/0/bias, encoder/0/weight, encoder/1/weight, "
        "scale, got '**/bais'."
    )


# ---------------------------------------------------------------------- split and merge
@pytest.mark.parametrize(
    "pattern", ["**/weight", "scale", ["scale", "encoder/**"], "**"]
)
def test_merge_joins_what_split_parted(pattern):
    first, second = fnn.split(PARAMS, pattern)
    assert set(fnn.paths(first)) == matching(pattern, FLAT, "test")
    assert set(fnn.paths(second)) == set(FLAT) - set(fnn.paths(first))
    assert fnn.merge(first, second) == fnn.merge(second, first) == PARAMS


def test_split_keeps_the_nesting():
    first, second = fnn.split(PARAMS, "encoder/0/*")
    assert first == {
        "encoder": ({"weight": 1, "bias": 2}, {"weight": None}),
        "decoder": {"out": {"weight": None, "bias": None}},
        "scale": None,
    }
    assert second["encoder"] == ({"weight": None, "bias": None}, {"weight": 3})


def test_gradients_by_one_part_of_the_params():
    net = fnn.sequential(a=fnn.dense(3), b=jnp.tanh, c=fnn.dense(1))
    x = jnp.ones((2, 4))
    params = net.init(jax.random.key(0), x)
    head, trunk = fnn.split(params, "c/*")

    def loss(head):
        return net.apply(fnn.merge(head, trunk), x).sum()

    grads = jax.jit(jax.grad(loss))(head)
    whole = jax.grad(lambda p: net.apply(p, x).sum())(params)
    assert set(fnn.paths(grads)) == {"c/weight", "c/bias"}
    chex.assert_trees_all_close(grads["c"], whole["c"], rtol=1e-6)


def test_a_mask_for_optax():
    params = jax.tree.map(float, PARAMS)
    weights = matching("**/weight", fnn.paths(params), "mask")
    mask = fnn.from_paths({name: name in weights for name in FLAT}, like=params)
    decay = optax.masked(optax.add_decayed_weights(1.0), mask)
    zero = jax.tree.map(lambda leaf: 0.0, params)
    updates, _ = decay.update(zero, decay.init(params), params)
    moved = {name for name, leaf in fnn.paths(updates).items() if leaf != 0}
    assert moved == weights


@pytest.mark.parametrize(
    "first, second, message",
    [
        (
            {"a": 1, "b": None},
            {"a": 2, "b": 3},
            "merge: expected a leaf in one tree alone, got two at a.",
        ),
        (
            {"a": ({"b": 1},)},
            {"a": ({"b": 2},)},
            "merge: expected a leaf in one tree alone, got two at a/0/b.",
        ),
    ],
)
def test_merge_refuses_two_leaves_at_one_place(first, second, message):
    with pytest.raises(ValueError, match="merge") as caught:
        fnn.merge(first, second)
    assert str(caught.value) == message


def test_merge_refuses_other_nesting():
    with pytest.raises(
        ValueError, match=r"^merge: expected two trees nested alike, got "
    ):
        fnn.merge({"a": None}, {"b": 1})


# ------------------------------------------------------------------- stacked parameters
def test_stack_and_unstack():
    copies = [{"a": jnp.full(2, float(i)), "b": (jnp.ones(()) * i,)} for i in range(3)]
    stacked = fnn.stack_params(copies)
    chex.assert_trees_all_equal(
        stacked["a"], jnp.arange(3.0).reshape(3, 1) * jnp.ones((1, 2))
    )
    chex.assert_trees_all_equal(fnn.unstack_params(stacked), tuple(copies))
    chex.assert_trees_all_equal(fnn.stack_params(iter(copies)), stacked)
