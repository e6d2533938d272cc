"""Activation patching: in which layer, and at which place, does a network know?

The input is corrupted, and one activation at a time is put back to what it was in the
clean run; how far the answer comes back says what that activation carries.

Meng et al., Locating and editing factual associations in GPT, 2022, section 2.1.
"""

import itertools

import chex
import jax
import jax.numpy as jnp

import fnn

LAYERS, WIDTH, SYMBOLS = 3, 16, 7


def restore(y, *, patch):
    return jnp.where(patch["where"], patch["value"], y)


look_back = fnn.conv(WIDTH, (2,), padding="CAUSAL")  # at this place and the one before
block = fnn.residual(fnn.sequential(fnn.layer_norm(), look_back, jnp.tanh))
net = fnn.sequential(
    embed=fnn.embed(SYMBOLS, WIDTH),
    blocks=fnn.repeat(block, LAYERS),
    head=fnn.dense(SYMBOLS),
)
watched = fnn.capture(net, "blocks")
patched = fnn.intercept(net, "blocks", restore, over=("patch",))


def by_hand(params, ids, layer, place, value):
    """The same by a loop over the copies."""
    x = net.parts["embed"].apply(params["embed"], ids)
    for i, own in enumerate(fnn.unstack_params(params["blocks"])):
        x = block.apply(own, x)
        x = x.at[place].set(value) if i == layer else x
    return net.parts["head"].apply(params["head"], x)


def test_restored_activations_bring_the_answer_back():
    clean = jnp.array([0, 1, 2, 3, 4, 5])
    corrupt = clean.at[2].set(6)
    params = net.init(jax.random.key(0), clean[None])
    answer, activations = jax.jit(watched.apply)(params, clean)
    broken = jax.jit(net.apply)(params, corrupt)[-1]

    def restored(layer, place):
        """The output at the last place, with one activation put back."""
        where = jnp.zeros((LAYERS, len(clean), 1), bool).at[layer, place].set(True)
        patch = {"where": where, "value": activations["blocks"]}
        return patched.apply(params, corrupt, patch=patch)[-1]

    grid = jax.jit(jax.vmap(jax.vmap(restored, (None, 0)), (0, None)))
    outputs = grid(jnp.arange(LAYERS), jnp.arange(len(clean)))

    # The symbol that was corrupted reaches the last place by one step with each layer.
    for layer, place in itertools.product(range(LAYERS), range(len(clean))):
        expected = answer[-1] if place == 3 + layer else broken
        chex.assert_trees_all_close(outputs[layer, place], expected, rtol=0, atol=1e-6)
    assert jnp.max(jnp.abs(answer[-1] - broken)) > 0.1

    # Another value than the clean one, too, goes where a loop by hand would put it.
    value = jax.random.normal(jax.random.key(1), activations["blocks"].shape)
    where = jnp.zeros((LAYERS, len(clean), 1), bool).at[1, 4].set(True)
    moved = patched.apply(params, clean, patch={"where": where, "value": value})
    expected = by_hand(params, clean, 1, 4, value[1, 4])
    chex.assert_trees_all_close(moved, expected, rtol=0, atol=1e-5)
