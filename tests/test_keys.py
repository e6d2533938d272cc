"""One key, folded by path: what a part draws depends on where it stands alone."""

import itertools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn

X = jnp.ones((2, 3))
DENSE = fnn.dense(3)


def noise(x, *, key):
    return x + jax.random.normal(key, x.shape, x.dtype)


def recorder():
    """A part that notes the keys that it is given, and these."""
    seen = []

    def note(x, *, key):
        seen.append(tuple(np.asarray(jax.random.key_data(key)).tolist()))
        return x

    return note, seen


def data(key, *path):
    """The key at a path, as the documentation says that it is folded."""
    for name in path:
        key = jax.random.fold_in(key, name if isinstance(name, int) else crc32(name))
    return tuple(np.asarray(jax.random.key_data(key)).tolist())


def crc32(name):
    """The checksum of a name, bit by bit, from its definition."""
    value = 0xFFFFFFFF
    for byte in name.encode():
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (0xEDB88320 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


# ----------------------------------------------------------------------- what is folded
def test_positional_parts_draw_by_index_and_named_ones_by_name():
    note, seen = recorder()
    net = fnn.sequential(note, fnn.sequential(a=note, b=fnn.residual(note)))
    params = ((), {"a": (), "b": ()})
    net.apply(params, X, key=jax.random.key(1))
    key = jax.random.key(1)
    assert seen == [data(key, 0), data(key, 1, "a"), data(key, 1, "b")]


def test_lists_and_dicts_of_parts_draw_by_path():
    note, seen = recorder()

    @fnn.module(down=[note, [note]], up={"a": note})
    def net(parts, x):
        return parts.up["a"](parts.down[1][0](parts.down[0](x)))

    net.apply({"down": ((), ((),)), "up": {"a": ()}}, X, key=jax.random.key(1))
    key = jax.random.key(1)
    assert seen == [
        data(key, "down", 0),
        data(key, "down", 1, 0),
        data(key, "up", "a"),
    ]


def test_init_draws_by_path():
    net = fnn.sequential(DENSE, fnn.sequential(a=DENSE, b=jnp.sin))
    params = net.init(jax.random.key(7), X)
    key = jax.random.key(7)
    chex.assert_trees_all_equal(params[0], DENSE.init(jax.random.fold_in(key, 0), X))
    inner = jax.random.fold_in(jax.random.fold_in(key, 1), crc32("a"))
    chex.assert_trees_all_equal(params[1]["a"], DENSE.init(inner, X))


def test_further_calls_of_a_part_draw_anew():
    note, seen = recorder()

    @fnn.module(a=note, b=note)
    def net(parts, x):
        return parts.a(parts.b(parts.a(parts.a(x))))

    net.apply({"a": (), "b": ()}, X, key=jax.random.key(1))
    assert len(set(seen)) == 4
    key = jax.random.key(1)
    assert seen[0] == data(key, "a") and seen[2] == data(key, "b")
    assert seen[1] == data(key, "a", "/1") and seen[3] == data(key, "a", "/2")


def test_no_call_of_a_nested_part_draws_what_another_does():
    note, seen = recorder()
    inner = fnn.sequential(note, fnn.sequential(note, fnn.sequential(note, note)))

    @fnn.module(part=inner)
    def twice(parts, x):
        return parts.part(parts.part(x))

    @fnn.module(part=twice)
    def four_times(parts, x):
        return parts.part(parts.part(x))

    params = {"part": {"part": ((), ((), ((), ())))}}
    four_times.apply(params, X, key=jax.random.key(1))
    assert len(seen) == 16 and len(set(seen)) == 16


def test_a_forward_function_has_a_key_of_its_own():
    seen = []
    note, noted = recorder()

    @fnn.module(a=note, b=note)
    def net(parts, x, *, key):
        seen.append(data(key))
        return parts.b(parts.a(x))

    net.apply({"a": (), "b": ()}, X, key=jax.random.key(1))
    assert len({*seen, *noted, data(jax.random.key(1))}) == 4


def test_an_intercepting_function_has_a_key_of_its_own():
    note, seen = recorder()
    fnn.intercept(fnn.sequential(note), "0", note).apply(
        ((),), X, key=jax.random.key(1)
    )
    assert seen[0] == data(jax.random.key(1), 0) and seen[0] != seen[1]


def test_key_in_a_call_overrides_what_is_threaded():
    note, seen = recorder()

    @fnn.module(a=note)
    def net(parts, x):
        return parts.a(parts.a(x, key=jax.random.key(5)))

    net.apply({"a": ()}, X, key=jax.random.key(1))
    assert seen == [data(jax.random.key(5)), data(jax.random.key(1), "a")]
    net.apply({"a": ()}, X, key=jax.random.key(1))
    assert seen[2:] == seen[:2]


# --------------------------------------------------------------------- what never moves
def draws(net, x=X):
    """What each named part draws at init, and its noise in a forward pass, by name."""
    params = net.init(jax.random.key(3), x)
    out = {}
    fnn_net = fnn.capture(net, "*")
    _, found = fnn_net.apply(params, x, key=jax.random.key(4))
    for name, value in found.items():
        out[name] = params[name], value
    return out


def parts_of(names):
    """Parts in parallel, each with parameters, and noise on the same input."""
    part = fnn.sequential(DENSE, lambda x: 0 * x, noise)
    parts = dict.fromkeys(names, part)

    @fnn.module(**parts)
    def net(parts, x):
        return jnp.stack([getattr(parts, name)(x) for name in names])

    return net


@pytest.mark.parametrize("names", ["abc", "cba", "a", "abcd", "dcab", "xabz", "bx"])
def test_named_parts_draw_the_same_whatever_stands_beside_them(names):
    expected, found = draws(parts_of("abc")), draws(parts_of(names))
    assert set(found) == set(names)
    for name in set(names) & set("abc"):
        chex.assert_trees_all_equal(found[name], expected[name])
    for one, other in itertools.combinations(sorted(found), 2):
        assert (found[one][1] != found[other][1]).all()
        assert (found[one][0][0]["weight"] != found[other][0][0]["weight"]).all()


def test_renaming_a_part_moves_that_part_alone():
    before = draws(parts_of("abc"))
    after = draws(parts_of("azc"))
    chex.assert_trees_all_equal(before["a"], after["a"])
    chex.assert_trees_all_equal(before["c"], after["c"])
    assert (before["b"][1] != after["z"][1]).all()


def test_appending_a_positional_part_moves_no_other():
    short = fnn.sequential(DENSE, noise, DENSE)
    long = fnn.sequential(DENSE, noise, DENSE, noise, DENSE)
    few, many = (net.init(jax.random.key(0), X) for net in (short, long))
    chex.assert_trees_all_equal(few, many[:3])
    outputs = [
        fnn.capture(net, "2").apply(params, X, key=jax.random.key(1))[1]["2"]
        for net, params in ((short, few), (long, many))
    ]
    chex.assert_trees_all_equal(*outputs)


def test_dropout_of_a_part_stays_when_another_is_added():
    def net(**more):
        return fnn.sequential(a=DENSE, drop=fnn.dropout(0.5), **more)

    params = net().init(jax.random.key(0), X)
    one = net().apply(params, X, key=jax.random.key(1), train=True)
    more = net(tail=lambda x: x, last=fnn.dropout(0.0))
    params = {**params, "tail": (), "last": ()}
    other = more.apply(params, X, key=jax.random.key(1), train=True)
    chex.assert_trees_all_equal(one, other)
    assert (one == 0).any() and (one != 0).any()


@pytest.mark.parametrize(
    "wrap",
    [
        fnn.remat,
        lambda layer: fnn.freeze(layer, "**/weight"),
        fnn.residual,
        lambda layer: fnn.evaluating(layer, "1"),
        lambda layer: fnn.capture(layer, "1"),
        lambda layer: fnn.intercept(layer, "1", lambda y: y),
        lambda layer: fnn.replace(layer, {"1": jnp.cos}),
        fnn.with_state,
    ],
)
def test_a_wrapper_changes_no_draw(wrap):
    def drawn(x, *, key):
        return jax.random.normal(key, x.shape, x.dtype)

    layer = fnn.sequential(DENSE, jnp.sin, DENSE, drawn)
    params = layer.init(jax.random.key(0), X)
    wrapped = fnn.with_state(fnn.capture(wrap(layer), "3"))
    chex.assert_trees_all_equal(params, wrapped.init(jax.random.key(0), X)[0])
    (_, found), _ = wrapped.apply(params, (), X, key=jax.random.key(1))
    expected = jax.random.normal(jax.random.fold_in(jax.random.key(1), 3), X.shape)
    chex.assert_trees_all_equal(found["3"], expected)


# ------------------------------------------------------------------------------- repeat
@pytest.mark.parametrize("impl", ["threefry2x32", "rbg", "unsafe_rbg"])
def test_repeat_draws_what_n_layers_in_sequential_would(impl):
    block = fnn.sequential(a=fnn.dense(3), b=noise, c=fnn.residual(fnn.dense(3)))
    loop, chain = fnn.repeat(block, 3), fnn.sequential(block, block, block)
    each = chain.init(jax.random.key(0, impl=impl), X)
    params = loop.init(jax.random.key(0, impl=impl), X)
    chex.assert_trees_all_equal(params, fnn.stack_params(each))
    chex.assert_trees_all_equal(fnn.unstack_params(params), each)
    chex.assert_trees_all_close(
        loop.apply(params, X, key=jax.random.key(1, impl=impl)),
        chain.apply(each, X, key=jax.random.key(1, impl=impl)),
        rtol=1e-5,
    )


def test_the_copies_of_an_ensemble_draw_by_index():
    net = fnn.ensemble(fnn.sequential(DENSE, lambda x: 0 * x, noise), 3)
    params = net.init(jax.random.key(0), X)
    y = net.apply(params, X, key=jax.random.key(1))
    for i in range(3):
        key = jax.random.fold_in(jax.random.fold_in(jax.random.key(1), i), 2)
        chex.assert_trees_all_equal(y[i], jax.random.normal(key, X.shape))
        key = jax.random.fold_in(jax.random.fold_in(jax.random.key(0), i), 0)
        one = fnn.unstack_params(params[0])[i]
        chex.assert_trees_all_equal(one, DENSE.init(key, X))


def test_x64_changes_no_fold():
    note, seen = recorder()
    net = fnn.sequential(a=note, zzz=note)
    net.apply({"a": (), "zzz": ()}, X, key=jax.random.key(1))
    with jax.enable_x64(True):
        net.apply({"a": (), "zzz": ()}, X, key=jax.random.key(1))
    assert seen[:2] == seen[2:]
