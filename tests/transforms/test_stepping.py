import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import fnn
from fnn.layers.multi_head_attention import attention
from fnn.layers.positions import learned_positions, sinusoidal_positions
from fnn.layers.relative_positions import alibi, rotary
from fnn.layers.transformers import feed_forward, transformer_block
from fnn.transforms.stepping import decoding, steps_as, whole


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


X, MEMORY = normal(0, 2, 6, 8), normal(1, 2, 4, 3)
causal = functools.partial(attention, 8, 2, causal=True)


def block(**options):
    return transformer_block(causal(**options), feed_forward(8, hidden=4))


def prefilled_and_scanned(decoder, params, state, x, prompt, **named):
    """The first steps in one call, the others one by one in a scan."""
    start, state = decoder.apply(params, state, x[..., :prompt, :], **named)

    def step(state, one):
        y, state = decoder.apply(params, state, one[..., None, :])
        return state, y[..., 0, :]

    state, rest = lax.scan(step, state, jnp.moveaxis(x[..., prompt:, :], -2, 0))
    return jnp.concatenate([start, jnp.moveaxis(rest, 0, -2)], -2), state


def decoded(layer, params, x, prompt=2, length=6):
    decoder = decoding(layer, length)
    _, state = decoder.init(jax.random.key(1), x[..., :1, :])
    run = functools.partial(prefilled_and_scanned, decoder, prompt=prompt)
    return jax.jit(run)(params, state, x)[0]


LAYERS = [
    causal(),
    causal(kv_heads=1, window=2),
    causal(rotary=rotary, qk_norm=fnn.rms_norm()),
    causal(position_bias=alibi(2)),
    fnn.sequential(learned_positions(9), block(), sinusoidal_positions()),
    fnn.repeat(block(rotary=rotary), 2),
    fnn.repeat(fnn.repeat(fnn.residual(causal()), 2), 3),
    fnn.remat(fnn.freeze(fnn.residual(causal()), "**/bias")),
    fnn.ensemble(causal(), 2),
]


@pytest.mark.parametrize("layer", [pytest.param(one, id=repr(one)) for one in LAYERS])
def test_a_step_at_a_time_equals_all_at_once(layer):
    params = layer.init(jax.random.key(0), X)
    y = layer.apply(params, X)
    np.testing.assert_allclose(decoded(layer, params, X), y, rtol=1e-5, atol=1e-5)


def test_params_are_those_of_the_layer():
    layer = fnn.sequential(learned_positions(9), fnn.repeat(block(), 2))
    params = layer.init(jax.random.key(0), X)
    same, state = decoding(layer, 6).init(jax.random.key(0), X[:, :1])
    assert jax.tree.all(jax.tree.map(jnp.array_equal, params, same))
    first, second = state[1]["attention"]["cache"]["key"].copies
    assert first.shape == second.shape == (2, 2, 6, 4)


def test_float64_is_exact():
    with jax.enable_x64(True):
        x = np.asarray(X, np.float64)
        layer = causal(param_dtype=jnp.float64, rotary=rotary)
        params = layer.init(jax.random.key(0), x)
        y = layer.apply(params, x)
        np.testing.assert_allclose(decoded(layer, params, x), y, rtol=1e-12, atol=1e-12)


def test_masks_and_biases_span_the_cache():
    layer = causal()
    params = layer.init(jax.random.key(0), X)
    mask, bias = normal(2, 6, 6) < 1, normal(3, 6, 6)
    mask |= np.eye(6, dtype=bool)
    y = layer.apply(params, X, mask=mask, bias=bias)
    decoder = decoding(layer, 6)
    _, state = decoder.init(jax.random.key(0), X[:, :1])
    for part in (slice(0, 4), slice(4, 6)):
        named = {"mask": mask[part], "bias": bias[part]}
        now, state = decoder.apply(params, state, X[:, part], **named)
        np.testing.assert_allclose(now, y[:, part], rtol=1e-5, atol=1e-5)


def test_prompts_of_different_lengths_under_vmap():
    layer = fnn.sequential(learned_positions(9), fnn.repeat(block(rotary=rotary), 2))
    params = layer.init(jax.random.key(0), X)
    decoder = decoding(layer, 6)
    init = functools.partial(decoder.init, jax.random.key(0))
    _, state = jax.vmap(init, out_axes=(None, 0))(X[:, :1])
    lengths = np.array([3, 1])
    prompts = np.where((np.arange(3) < lengths[:, None])[..., None], X[:, :3], 1e3)

    run = jax.vmap(lambda s, x, n: decoder.apply(params, s, x, lengths=n))
    start, state = jax.jit(run)(state, prompts, lengths)
    following = np.stack([X[0, 3:5], X[1, 1:3]])
    rest, state = jax.vmap(functools.partial(decoder.apply, params))(state, following)
    y = layer.apply(params, X)
    np.testing.assert_allclose(start[0], y[0, :3], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(start[1, :1], y[1, :1], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(rest[0], y[0, 3:5], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(rest[1], y[1, 1:3], rtol=1e-5, atol=1e-5)
    # One leading axis everywhere, as a beam search wants it.
    assert {leaf.shape[0] for leaf in jax.tree.leaves(state)} == {2}


def test_padding_of_a_prompt_may_reach_beyond_the_end():
    layer = causal()
    params = layer.init(jax.random.key(0), X)
    decoder, y = decoding(layer, 6), layer.apply(params, X[0])
    _, state = decoder.init(jax.random.key(0), X[0, :1])
    now, state = decoder.apply(params, state, X[0, :4])
    padded = np.concatenate([X[0, 4:6], X[0, :2]])
    now, state = decoder.apply(params, state, padded, lengths=jnp.int32(2))
    np.testing.assert_allclose(now[:2], y[4:], rtol=1e-5, atol=1e-5)
    assert not now[2:].any()


def test_memory_is_kept():
    layer = transformer_block(
        causal(), feed_forward(8), cross_attention=attention(8, 2, cross=True)
    )
    params = layer.init(jax.random.key(0), X, MEMORY)
    lengths = np.array([4, 2])
    y = layer.apply(params, X, MEMORY, memory_lengths=lengths)
    decoder = decoding(layer, 6)
    _, state = decoder.init(jax.random.key(0), X[:, :1], MEMORY)
    named = {"memory": MEMORY, "memory_lengths": lengths}
    run = functools.partial(prefilled_and_scanned, decoder, prompt=2, **named)
    values, state = jax.jit(run)(params, state, X)
    np.testing.assert_allclose(values, y, rtol=1e-5, atol=1e-5)


def test_a_memory_that_was_never_given():
    layer = attention(8, 2, cross=True)
    params = layer.init(jax.random.key(0), X, MEMORY)
    decoder = decoding(layer, 6)
    _, state = decoder.init(jax.random.key(0), X[:, :1], MEMORY)
    with pytest.raises(ValueError, match="expected memory in the first call of a deco"):
        decoder.apply(params, state, X[:, :1])
    y, state = jax.jit(decoder.apply)(params, state, X[:, :1])
    assert jnp.isnan(y).all()
    y, state = decoder.apply(params, state, X, MEMORY)
    np.testing.assert_allclose(y, layer.apply(params, X, MEMORY), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "layer",
    [causal(), fnn.repeat(block(), 2), learned_positions(9), sinusoidal_positions()],
)
def test_a_full_cache(layer):
    params = layer.init(jax.random.key(0), X)
    decoder = decoding(layer, 6)
    _, state = decoder.init(jax.random.key(0), X[:, :1])
    _, full = decoder.apply(params, state, X)
    with pytest.raises(ValueError, match="expected at most 6 steps, got 7"):
        decoder.apply(params, full, X[:, :1])
    apply = jax.jit(decoder.apply)
    y, over = apply(params, full, X[:, :1])
    assert jnp.isnan(y).all()
    y, over = apply(params, over, X[:, :1])  # and so it stays
    assert jnp.isnan(y).all()
    assert not jnp.isnan(apply(params, state, X)[0]).any()


def test_decoders_are_values_with_parts():
    decoder = decoding(fnn.repeat(block(), 2), 6)
    again = decoding(fnn.repeat(block(), 2), 6)
    assert decoder == again and hash(decoder) == hash(again)
    assert repr(decoder).startswith("decoding(repeat(transformer_block(attention(")
    params, state = decoder.init(jax.random.key(0), X)
    inside = decoding(fnn.capture(fnn.repeat(block(), 2), "attention/weights"), 6)
    for captured in (inside, fnn.capture(decoder, "attention/weights")):
        (_, found), _ = captured.apply(params, state, X)
        assert found["attention/weights"].shape == (2, 2, 2, 6, 6)
    changed = fnn.replace(decoder, {"feed_forward": jnp.zeros_like})
    params = params | {"feed_forward": ()}
    state = state | {"feed_forward": ()}
    assert changed.apply(params, state, X)[0].shape == X.shape


def test_other_layers_say_what_they_are_a_step_at_a_time():
    def step_init(key, x):
        return (), jnp.zeros((*x.shape[:-2], 1, x.shape[-1]), x.dtype)

    def step(params, total, x):
        y = total + jnp.cumsum(x, -2)
        return y, y[..., -1:, :]

    def running(length):
        return fnn.StatefulLayer(step_init, step)

    layer = fnn.residual(steps_as(lambda x: jnp.cumsum(x, -2), running))
    y = layer.apply(layer.init(jax.random.key(0), X), X)
    np.testing.assert_allclose(decoded(layer, (), X), y, rtol=1e-5, atol=1e-6)


def test_what_is_whole_stays_so():
    encoder = whole(fnn.repeat(transformer_block(attention(8, 2), feed_forward(8)), 2))
    layer = fnn.sequential(encoder, causal())
    params, state = decoding(layer, 6).init(jax.random.key(0), X)
    assert state[0] == () and set(state[1]["cache"]) == {"key", "value", "steps"}
    changed = fnn.replace(layer, {"0/feed_forward": jnp.zeros_like})
    assert repr(changed.parts[0]).startswith("whole(repeat(")
    params = (params[0] | {"feed_forward": ()}, params[1])
    y, _ = decoding(changed, 6).apply(params, state, X)
    np.testing.assert_allclose(y, changed.apply(params, X), rtol=1e-5, atol=1e-5)


def test_a_decoder_costs_no_more_late_than_early():
    layer = fnn.repeat(block(), 2)
    decoder = decoding(layer, 6)
    params, state = decoder.init(jax.random.key(0), X[:, :1])
    traces = []

    @jax.jit
    def step(params, state, x):
        traces.append(x.shape)
        return decoder.apply(params, state, x)

    for t in range(6):
        _, state = step(params, state, X[:, t : t + 1])
    assert traces == [(2, 1, 8)]


@pytest.mark.parametrize(
    "call, error, message",
    [
        (
            lambda: decoding(fnn.dense(3), 4),
            ValueError,
            "decoding: expected a layer with a part that looks back, got dense(3).",
        ),
        (
            lambda: decoding(causal(), 0),
            ValueError,
            "decoding: expected length of at least 1, got 0.",
        ),
        (
            lambda: decoding(causal(), 2.0),
            TypeError,
            "decoding: expected length to be an int, got 2.0.",
        ),
        (
            lambda: decoding(3, 4),
            TypeError,
            "decoding: expected a layer or a function of arrays, got 3.",
        ),
        (
            lambda: decoding(attention(8, 2), 4),
            ValueError,
            "attention: expected causal=True to decode, got causal=False.",
        ),
        (
            lambda: decoding(learned_positions(3), 4),
            ValueError,
            "learned_positions: expected a count of at least 4, the length to decode, "
            "got 3.",
        ),
        (
            lambda: decoding(learned_positions(), 4),
            ValueError,
            "learned_positions: expected a count of at least 4, the length to decode, "
            "got None.",
        ),
        (
            lambda: steps_as(jnp.tanh, 3),
            TypeError,
            "steps_as: expected decoding to be a function, got 3.",
        ),
        (
            lambda: started(X[:, :1], X),
            ValueError,
            "attention: expected at most 4 steps to decode, got 6.",
        ),
        (
            lambda: started(X[:, :1], X[:1, :1]),
            ValueError,
            "attention: expected keys and values like those of the cache, "
            "float32[2, 2, 4, 4], got float32[1, 2, 1, 4].",
        ),
        (
            lambda: started(X[:, :1], X[:, :2], lengths=np.array([1, 2])),
            ValueError,
            "attention: expected lengths of shape () to decode, as a batch shares one "
            "count of steps, got (2,); jax.vmap single sequences.",
        ),
    ],
)
def test_messages(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message


def started(first, x, **named):
    decoder = decoding(causal(), 4)
    params, state = decoder.init(jax.random.key(0), first)
    return decoder.apply(params, state, x, **named)


# --------------------------------------------------------------- params for a loop
NETS = {
    "repeat": lambda: fnn.repeat(block(), 3),
    "a part": lambda: fnn.sequential(fnn.dense(8), fnn.repeat(block(), 2)),
    "of a module": lambda: fnn.models.gpt(8, features=8, heads=2, layers=2),
    "mixed": lambda: fnn.mixed_precision(fnn.repeat(block(), 2)),
    "in each other": lambda: fnn.repeat(fnn.repeat(block(), 2), 2),
    "frozen": lambda: fnn.freeze(fnn.repeat(block(), 2), "**"),
    "lora": lambda: fnn.lora(fnn.repeat(block(), 2), 1, "**/query/weight"),
    "weight_norm": lambda: fnn.weight_norm(fnn.repeat(block(), 2)),
    "no repeat": lambda: block(),
}


@pytest.mark.parametrize("name", NETS)
def test_a_decoder_takes_the_params_of_each_copy_by_itself(name):
    net = NETS[name]()
    x = jnp.ones((1, 2), int) if name == "of a module" else X[:, :2]
    decoder = decoding(net, 2)
    params, state = decoder.init(jax.random.key(1), x)
    whole, new = jax.jit(decoder.apply)(params, state, x)
    pieces = fnn.decoding_params(decoder, params)
    same, again = jax.jit(decoder.apply)(pieces, state, x)
    chex.assert_trees_all_close((whole, new), (same, again), rtol=1e-6, atol=1e-6)
    taken = jax.tree.structure(pieces) != jax.tree.structure(params)
    assert taken == (name not in ("lora", "weight_norm", "no repeat"))
    if taken:
        sizes = [sum(a.size for a in jax.tree.leaves(p)) for p in (params, pieces)]
        assert sizes[0] == sizes[1]


def test_params_of_another_number_of_copies_are_refused():
    two, three = (decoding(fnn.repeat(block(), n), 2) for n in (2, 3))
    params, _ = two.init(jax.random.key(0), X[:, :2])
    _, state = three.init(jax.random.key(0), X[:, :2])
    pieces = fnn.decoding_params(two, params)
    with pytest.raises(ValueError, match="repeat: expected params of 3 copies"):
        fnn.decoding_params(three, params)
    with pytest.raises(ValueError, match="repeat: expected params of 3 copies"):
        three.apply(pieces, state, X[:, :2])
