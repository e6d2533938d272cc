"""Whole training steps for a GPU or a TPU hold none of the forms that a CPU has."""

import jax
import jax.numpy as jnp
import optax
import pytest

import fnn
from fnn.training import supervised, trainer

LOSS = optax.softmax_cross_entropy_with_integer_labels
IMAGES = jax.ShapeDtypeStruct((2, 32, 32, 8), jnp.float32)
TOKENS = jax.ShapeDtypeStruct((2, 256), jnp.int32)
LABELS = jax.ShapeDtypeStruct((2,), jnp.int32)
RESNET = fnn.models.resnet(3, depth=8, cifar=True)


def programs(net, *batch):
    """The text of a step for each platform."""
    made = trainer(supervised(net, LOSS), optax.adam(1e-3))
    state = jax.eval_shape(made.init, jax.random.key(0), batch)
    traced = jax.jit(made.step).trace(state, batch)
    platforms = "cpu", "cuda", "tpu"
    return {p: traced.lower(lowering_platforms=(p,)).as_text() for p in platforms}


def test_convolutions_are_those_of_xla():
    texts = programs(RESNET, IMAGES, LABELS)
    found = {p: text.count("stablehlo.convolution") for p, text in texts.items()}
    params, _ = jax.eval_shape(RESNET.init, jax.random.key(0), IMAGES)
    convolutions = [leaf for leaf in jax.tree.leaves(params) if leaf.ndim == 4]
    # With two gradients each, but for the images'.
    assert found["cuda"] == found["tpu"] == 3 * len(convolutions) - 1
    assert found["cpu"] < found["cuda"]


def gpt(dropout):
    options = {"features": 8, "heads": 2, "layers": 1, "dropout": dropout}
    return fnn.models.gpt(11, length=256, **options)


@pytest.mark.parametrize(
    "dropout, operation", [(0.0, "dot_general"), (0.1, "shift_left")]
)
def test_attention_and_random_bits_are_those_of_xla(dropout, operation, monkeypatch):
    """On a CPU, products are of a few queries at a time, and bits of no loop."""
    monkeypatch.setattr(fnn.ops.attention, "MOST_LOGITS", 1024)
    texts = programs(gpt(dropout), TOKENS, TOKENS)
    found = {p: text.count(f"stablehlo.{operation}") for p, text in texts.items()}
    assert 0 < found["cuda"] == found["tpu"] != found["cpu"] > 0
