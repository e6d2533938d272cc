"""Into every public layer and model, at every path: looking, changing, putting back.

What changes nothing leaves the program as it is, which is compared in place of what it
computes: its `jax.make_jaxpr`, less what no output needs.
"""

import functools
import re
from collections import Counter, defaultdict

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.interpreters.partial_eval import dce_jaxpr

import fnn
from fnn.contract import as_layer
from fnn.transforms.parts import part_paths
from tests.proof.rows import SEQUENCES, VECTORS
from tests.proof.table import ROWS
from tests.transforms.references import TRANSFORMS, counting, handed_on, noise


@fnn.module(once=fnn.dense(4), often=[fnn.sequential(fnn.dense(4), counting, noise)])
def several_calls(parts, x):
    first = parts.often[0](parts.once(x))
    return parts.often[0](parts.often[0](first[:1])) + first


@fnn.module(inner=fnn.rnn_cell(4), after=several_calls)
def cell(parts, carry, x):
    carry, y = parts.inner(carry, x)
    return carry, parts.after(y)


@fnn.module(blocks=fnn.repeat(several_calls, 2))
def cell_of_copies(parts, carry, x):
    return carry, parts.blocks(x)


def within(layer):
    return fnn.module(layer=fnn.sequential(a=jnp.sin, b=layer))(
        lambda parts, x: parts.layer(x)
    )


NESTED = {
    "several calls": (several_calls, VECTORS),
    "repeat": (fnn.repeat(several_calls, 2), VECTORS),
    "repeat of repeat": (fnn.repeat(within(fnn.repeat(several_calls, 2)), 3), VECTORS),
    "ensemble of repeat": (fnn.ensemble(fnn.repeat(several_calls, 2), 3), VECTORS),
    "remat of ensemble": (fnn.remat(within(fnn.ensemble(several_calls, 2))), VECTORS),
    "recurrent": (fnn.recurrent(cell), SEQUENCES),
    "repeat of recurrent": (
        fnn.repeat(fnn.remat(within(fnn.recurrent(cell))), 2, remat=True),
        SEQUENCES,
    ),
    "recurrent of repeat": (fnn.recurrent(cell_of_copies), SEQUENCES),
}
# What public names stand for alone, and what they are deep in each other.
LAYERS = {
    f"{name}-{i}": (as_layer(row.layer), row.inputs, row.named)
    for name, rows in ROWS.items()
    for i, row in enumerate(rows)
} | {name: (layer, (x,), {}) for name, (layer, x) in NESTED.items()}


# ---------------------------------------------------------------------------- programs
def init_of(layer, name):
    _, inputs, named = LAYERS[name]
    return lambda key: fnn.with_state(layer).init(key, *inputs, **named)


def apply_of(layer, name, train, key=True):
    """The function of params and state; inputs that are no arrays stay as they are."""
    _, inputs, named = LAYERS[name]

    def apply(params, state):
        options = {"train": train} | ({"key": jax.random.key(1)} if key else {})
        return fnn.with_state(layer).apply(params, state, *inputs, **named, **options)

    return apply


@functools.cache
def start_of(name):
    """Params and state, as shapes."""
    return jax.eval_shape(init_of(LAYERS[name][0], name), jax.random.key(0))


def program(function, *args):
    """What it computes, as text."""
    closed = jax.make_jaxpr(function)(*args)
    jaxpr, _ = dce_jaxpr(closed.jaxpr, [True] * len(closed.jaxpr.outvars))
    # From JAX 0.12 a scan also says which pytrees its arrays come from.
    return re.sub(r"\n *ft_(in|out)=.*", "", str(jaxpr))


def assert_same_program(layer, other, name, outputs=lambda y: y):
    """Params, what becomes of them, and state are those of the other layer."""
    key = jax.random.key(0)
    assert program(init_of(layer, name), key) == program(init_of(other, name), key)
    for train in (False, True):
        found, expected = (apply_of(each, name, train) for each in (layer, other))

        def without_more(*start, found=found):
            y, state = found(*start)
            return outputs(y), state

        assert program(without_more, *start_of(name)) == program(
            expected, *start_of(name)
        )


each_layer = pytest.mark.parametrize("name", LAYERS)


# ------------------------------------------------------------------------------- looks
def are_weights(path):
    """Of attention, which makes all of them at a time where somebody looks."""
    return path.rpartition("/")[2] == "weights"


def of_others(path, part):
    return not are_weights(path)


@each_layer
def test_looking_changes_nothing(name):
    layer, *_ = LAYERS[name]
    net = fnn.capture(layer, of_others)
    assert_same_program(net, layer, name, outputs=lambda y: y[0])


@pytest.mark.parametrize(
    "name", [n for n in LAYERS if any(map(are_weights, part_paths(LAYERS[n][0])))]
)
def test_looking_at_weights_of_attention_changes_no_more_than_rounding(name):
    layer, *_ = LAYERS[name]
    start = init_of(layer, name)(jax.random.key(0))
    net = fnn.capture(layer, "**/weights")
    for train in (False, True):
        found, expected = (
            jax.jit(apply_of(each, name, train))(*start) for each in (net, layer)
        )
        (y, weights), state = found
        assert weights
        chex.assert_trees_all_close((y, state), expected, rtol=1e-5, atol=1e-5)


def listening(layer, hear):
    """The layer, which calls `hear(path, i, leaf)` with all that parts put out."""
    for path in part_paths(layer):

        def tell(y, path=path):
            for i, leaf in enumerate(jax.tree.leaves(y)):
                hear(path, i, leaf)
            return y

        layer = fnn.intercept(layer, path, tell)
    return layer


def seen(found, heard):
    """What `capture` found, beside what was heard of the same, leaf by leaf."""
    for path, values in found.items():
        leaves = jax.tree.leaves(values)
        count = sum(where == path for where, _ in heard)
        for i in range(count):
            yield path, leaves[i::count], heard[path, i]


@each_layer
def test_what_is_seen_has_the_shape_that_the_part_put_out(name):
    layer, *_ = LAYERS[name]
    heard = defaultdict(set)

    def hear(path, i, leaf):
        heard[path, i].add(leaf.shape)

    net = fnn.capture(listening(layer, hear), "**")
    (y, found), _ = jax.eval_shape(apply_of(net, name, True), *start_of(name))
    assert set(found) == set(part_paths(layer))
    assert layer.form.copies or found[""] == y
    for path, leaves, shapes in seen(found, heard):
        for leaf in leaves:  # through copies and steps it has more axes
            fits = [not Counter(shape) - Counter(leaf.shape) for shape in shapes]
            assert any(fits), f"{path}: {leaf.shape} of {shapes}"


@pytest.mark.parametrize("name", NESTED)
def test_what_is_seen_is_what_the_part_put_out(name):
    layer, *_ = LAYERS[name]
    heard = defaultdict(list)

    def hear(path, i, leaf):
        jax.debug.callback(heard[path, i].append, leaf)

    net = fnn.capture(listening(layer, hear), "**")
    start = init_of(layer, name)(jax.random.key(0))
    (_, found), _ = jax.jit(apply_of(net, name, True))(*start)
    jax.effects_barrier()
    for path, *each in seen(found, heard):
        found_there, heard_there = (
            np.sort(np.concatenate([np.ravel(leaf) for leaf in leaves]))
            for leaves in each
        )
        assert np.array_equal(found_there, heard_there), path


# ----------------------------------------------------------------------------- changes
@each_layer
def test_each_part_can_be_changed(name):
    """Something added to what it puts out reaches what the layer puts out."""
    layer, *_ = LAYERS[name]
    paths = list(part_paths(layer))

    def changed(parts_of_outputs, *start):
        net = layer
        for path, more in zip(paths, parts_of_outputs, strict=True):
            net = fnn.intercept(net, path, functools.partial(raised, more))
        return apply_of(net, name, False)(*start)[0]

    more = [jnp.ones(())] * len(paths)
    closed = jax.make_jaxpr(changed)(more, *start_of(name))
    _, used = dce_jaxpr(closed.jaxpr, [True] * len(closed.jaxpr.outvars))
    assert all(used[: len(paths)]), list(zip(paths, used, strict=False))


def raised(more, y):
    return jax.tree.map(lambda leaf: leaf + more.astype(leaf.dtype), y)


@each_layer
def test_what_is_put_back_changes_nothing(name):
    layer, *_ = LAYERS[name]
    for path, part in part_paths(layer).items():
        assert fnn.replace(layer, {path: part}) is layer
    again = fnn.map_parts(
        lambda path, part: part if are_weights(path) else handed_on(part), layer
    )
    assert_same_program(fnn.intercept(again, of_others, lambda y: y), layer, name)


DRAW_ALWAYS = ("models.vae-0",)  # their latents, also where they do not train


@each_layer
def test_evaluating_is_without_training(name):
    layer, *_ = LAYERS[name]
    net = fnn.evaluating(layer)
    key = jax.random.key(0)
    assert program(init_of(net, name), key) == program(init_of(layer, name), key)
    draws = name in DRAW_ALWAYS
    found = apply_of(net, name, train=True, key=draws)
    expected = apply_of(layer, name, train=False, key=draws)
    assert program(found, *start_of(name)) == program(expected, *start_of(name))


# ------------------------------------------------------------------------------- steps
def first_of(outputs):
    return outputs[0]


AROUND = {name: transform.wrap for name, transform in TRANSFORMS.items()} | {
    "residual": fnn.residual,
    "parallel": lambda layer: fnn.parallel(layer, jnp.sin, combine=sum),
    "module": within,
    "capture": lambda layer: fnn.sequential(fnn.capture(layer, "**"), first_of),
}
TOGETHER = [  # from the outside in
    ("repeat, remat", "freeze", "residual"),
    ("ensemble", "lora", "weight_norm", "module"),
    ("spectral_norm", "remat, policy", "capture", "intercept"),
    ("mixed_precision", "evaluating", "parallel", "transform"),
    ("drop_connect", "repeat"),
]
LOOKING_BACK = {
    "attention": fnn.attention(4, 2, causal=True, window=3, rotary=fnn.rotary),
    "recurrent": fnn.recurrent(fnn.gru_cell(4)),
    "linear_recurrence": fnn.linear_recurrence(4),
    "state_space": fnn.state_space(4),
    "positions": fnn.sequential(fnn.learned_positions(5), fnn.sinusoidal_positions()),
}


@pytest.mark.parametrize(
    "around, back",
    [pytest.param(names, "attention", id=", ".join(names)) for names in TOGETHER]
    + [(("repeat",), back) for back in LOOKING_BACK if back != "attention"],
)
def test_step_by_step_is_all_at_once(around, back):
    layer = LOOKING_BACK[back]
    for name in reversed(around):
        layer = AROUND[name](layer)
    decoder = fnn.decoding(layer, 5)
    (params, state), (same, steps) = (
        fnn.with_state(each).init(jax.random.key(0), x)
        for each, x in ((layer, SEQUENCES), (decoder, SEQUENCES[:, :1]))
    )
    chex.assert_trees_all_equal(params, same)
    params = jax.tree.map(lambda leaf: leaf + 0.1, params)
    y, _ = jax.jit(fnn.with_state(layer).apply)(params, state, SEQUENCES)
    found, apply = [], jax.jit(decoder.apply)
    for x in np.split(SEQUENCES, (3, 4), axis=1):
        now, steps = apply(params, steps, x)
        found.append(now)
    # Sums in another order; in bfloat16 they have 8 bits.
    allowed = 0.05 if "mixed_precision" in around else 1e-5
    error = np.abs(np.concatenate(found, axis=1) - y).max()
    assert error <= allowed * np.abs(y).max()
