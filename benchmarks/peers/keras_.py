"""Keras on JAX: functional models, `stateless_call` and `stateless_apply` in a jit."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import keras
import numpy as np
from keras import layers, ops
from peers.program import Absent, Program
from workloads import (
    ADAM,
    DECAY,
    EPS,
    MOMENTUM,
    OPTIMIZERS,
    Workload,
    fingerprint,
    residual_blocks,
    total,
)

NAME, PACKAGES = "Keras", ("keras", "jax", "jaxlib")

BatchNorm = partial(layers.BatchNormalization, momentum=MOMENTUM, epsilon=EPS)
LayerNorm = partial(layers.LayerNormalization, epsilon=EPS)
gelu_tanh = partial(keras.activations.gelu, approximate=True)


def programs(work: Workload, batch):
    if work.half:
        raise Absent("written for float32 alone")
    model = descent = None

    def made():
        nonlocal model, descent
        keras.backend.clear_session()
        keras.utils.set_random_seed(0)
        model = FAMILIES[work.family](work.size)
        if work.trains:
            descent = optimizer(work)
            descent.build(model.trainable_variables)

    def values():
        weights = [v.value for v in model.trainable_variables]
        if work.task == "dispatch":
            return weights
        state = [v.value for v in model.non_trainable_variables]
        if not work.trains:
            return weights, state
        # Copies: the step takes over what it gets, and the variables keep theirs.
        kept = weights, state, [v.value for v in descent.variables]
        return jax.tree.map(jnp.copy, kept)

    def begin():
        made()
        return values()

    def load(weights):
        made()
        for variable in model.variables:
            if "seed_generator" not in variable.path:
                array = found(weights, variable.path)
                variable.assign(np.reshape(array, variable.shape))
        return values()

    def inputs_of(batch):
        return batch[0] if len(batch[0]) > 1 else batch[0][0]

    loss_fn = evidence if work.family == "vae" else cross_entropy

    def loss(weights, state, batch):
        outputs, state = model.stateless_call(
            weights, state, inputs_of(batch), training=True
        )
        return loss_fn(batch[1], outputs), state

    @partial(jax.jit, donate_argnums=0)
    def train(carry, batch):
        weights, state, kept = carry
        (value, state), grads = jax.value_and_grad(loss, has_aux=True)(
            weights, state, batch
        )
        weights, kept = descent.stateless_apply(kept, grads, weights)
        return (weights, state, kept), value

    @jax.jit
    def infer(carry, batch):
        return model.stateless_call(*carry, inputs_of(batch), training=False)[0]

    @partial(jax.jit, donate_argnums=0)
    def scale(weights, batch):
        return [w * DECAY for w in weights]

    kinds = {
        "inference": (
            infer,
            lambda carry, logits: fingerprint(logits),
            lambda logits, carry: (carry, logits),
        ),
        "dispatch": (
            scale,
            lambda carry, value: total(carry),
            lambda weights, carry: (weights, ()),
        ),
    }
    call, figure, after = kinds.get(
        work.task, (train, lambda carry, value: float(value), Program.after)
    )
    return {
        "stateless": Program(
            begin=begin,
            load=load,
            prepare=lambda batch: jax.tree.map(jnp.asarray, batch),
            call=call,
            figure=figure,
            wait=jax.block_until_ready,
            after=after,
        )
    }


def optimizer(work: Workload):
    options = OPTIMIZERS[work.task]
    rate = options["rate"]
    if "momentum" in options:
        return keras.optimizers.SGD(rate, momentum=options["momentum"])
    # Its epsilon is added before the correction of the second moment, "epsilon hat" of
    # the paper: that of the third of five steps makes both forms alike there.
    eps = ADAM["eps"] * (1 - ADAM["b2"] ** 3) ** 0.5
    adam = {"beta_1": ADAM["b1"], "beta_2": ADAM["b2"], "epsilon": eps}
    if "decay" in options:
        return keras.optimizers.AdamW(rate, weight_decay=options["decay"], **adam)
    return keras.optimizers.Adam(rate, **adam)


cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def evidence(images, outputs):
    logits, mean, log_variance = outputs
    error = ops.sum(ops.binary_crossentropy(images, logits, from_logits=True))
    distance = ops.sum(1 + log_variance - mean**2 - ops.exp(log_variance))
    return (error - 0.5 * distance) / len(images)


LEAVES = {
    "kernel": "weight",
    "embeddings": "weight",
    "gamma": "scale",
    "beta": "bias",
    "moving_mean": "mean",
    "moving_variance": "var",
}


def found(weights, path):
    """The canonical array of a path; layers are named as it is, with dots in it."""
    *parents, last = path.replace(".", "/").split("/")
    if "lstm_cell" in parents:
        part = "recurrent" if last == "recurrent_kernel" else "input"
        leaf = "bias" if last == "bias" else "weight"
        return weights[f"{parents[0]}/{part}/{leaf}"]
    name = "/".join((*parents, LEAVES.get(last, last)))
    return weights[name.replace("/attention_output/", "/out/")]


class Table(layers.Layer):
    """Learned positions, or a token before all others."""

    def __init__(self, *shape, name):
        super().__init__(name=name)
        self.shape = shape

    def build(self, shape):
        self.weight = self.add_weight(
            shape=self.shape,
            initializer=keras.initializers.RandomNormal(),
            name="weight",
        )


class Positions(Table):
    def call(self, x):
        return x + self.weight


class Token(Table):
    def call(self, x):
        token = ops.broadcast_to(self.weight, (ops.shape(x)[0], 1, *self.shape))
        return ops.concatenate((token, x), 1)


def mlp(size):
    x = inputs = keras.Input((size["inputs"],))
    for i, width in enumerate(size["hidden"]):
        x = layers.Dense(width, activation="relu", name=f"dense{i}")(x)
    last = layers.Dense(size["classes"], name=f"dense{len(size['hidden'])}")
    return keras.Model(inputs, last(x))


def cnn(size):
    x = inputs = keras.Input((size["side"], size["side"], size["channels"][0]))
    options = {"padding": "same", "activation": "relu"}
    for i, width in enumerate(size["channels"][1:]):
        x = layers.Conv2D(width, size["window"], name=f"conv{i}", **options)(x)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(size["hidden"], activation="relu", name="dense0")(x)
    return keras.Model(inputs, layers.Dense(size["classes"], name="dense1")(x))


def conv3(x, features, stride, name):
    """A stride needs a layer of padding: "same" would pad at the end alone."""
    options = {"use_bias": False, "name": name}
    if stride == 1:
        return layers.Conv2D(features, 3, padding="same", **options)(x)
    x = layers.ZeroPadding2D(1)(x)
    return layers.Conv2D(features, 3, stride, **options)(x)


def normed(x, name, relu=True):
    x = BatchNorm(name=name)(x)
    return layers.ReLU()(x) if relu else x


def separable(size):
    inputs = keras.Input((size["side"], size["side"], 3))
    x = normed(conv3(inputs, size["stem"], 1, "conv"), "norm")
    for i, (width, stride) in enumerate(size["blocks"]):
        x = depthwise(x, stride, f"block{i}.depthwise")
        x = normed(x, f"block{i}.norm0")
        x = layers.Conv2D(width, 1, use_bias=False, name=f"block{i}.pointwise")(x)
        x = normed(x, f"block{i}.norm1")
    return classified(inputs, x, size)


def depthwise(x, stride, name):
    options = {"use_bias": False, "name": name}
    if stride == 1:
        return layers.DepthwiseConv2D(3, padding="same", **options)(x)
    return layers.DepthwiseConv2D(3, stride, **options)(layers.ZeroPadding2D(1)(x))


def classified(inputs, x, size):
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(size["classes"], name="dense")(x))


def resnet(size):
    inputs = keras.Input((size["side"], size["side"], 3))
    x = normed(conv3(inputs, size["width"], 1, "conv"), "norm")
    for i, (_, n, stride) in enumerate(residual_blocks(size)):
        name = f"block{i}."
        y = normed(conv3(x, n, stride, name + "conv1"), name + "norm1")
        y = normed(conv3(y, n, 1, name + "conv2"), name + "norm2", relu=False)
        if stride > 1:
            x = layers.Conv2D(n, 1, stride, use_bias=False, name=name + "shortcut")(x)
            x = normed(x, name + "shortcut_norm", relu=False)
        x = layers.ReLU()(layers.Add()([x, y]))
    return classified(inputs, x, size)


def lstm(size):
    inputs = keras.Input((size["length"],), dtype="int32")
    n, vocabulary = size["features"], size["vocabulary"]
    x = layers.Embedding(vocabulary, n, name="embed")(inputs)
    for i in range(size["layers"]):
        x = layers.LSTM(n, return_sequences=True, name=f"lstm{i}")(x)
    return keras.Model(inputs, layers.Dense(vocabulary, name="dense")(x))


def transformer(x, size, activation, causal):
    n, heads = size["features"], size["heads"]
    for i in range(size["layers"]):
        name = f"block{i}."
        attention = layers.MultiHeadAttention(
            heads, n // heads, name=name + "attention"
        )
        y = LayerNorm(name=name + "attention_norm")(x)
        x = layers.Add()([x, attention(y, y, use_causal_mask=causal)])
        y = LayerNorm(name=name + "feed_forward_norm")(x)
        up = layers.Dense(4 * n, activation=activation, name=name + "feed_forward.up")
        down = layers.Dense(n, name=name + "feed_forward.down")
        x = layers.Add()([x, down(up(y))])
    return LayerNorm(name="norm")(x)


def gpt(size):
    inputs = keras.Input((size["length"],), dtype="int32")
    n = size["features"]
    embed = layers.ReversibleEmbedding(size["vocabulary"], n, name="embed")
    x = Positions(size["length"], n, name="positions")(embed(inputs))
    x = transformer(x, size, gelu_tanh, causal=True)
    return keras.Model(inputs, embed(x, reverse=True))


def vit(size):
    inputs = keras.Input((size["side"], size["side"], 3))
    n, patch = size["features"], size["patch"]
    count = (size["side"] // patch) ** 2
    x = layers.Conv2D(n, patch, patch, name="patches")(inputs)
    x = Token(n, name="token")(layers.Reshape((count, n))(x))
    x = Positions(count + 1, n, name="positions")(x)
    x = transformer(x, size, "gelu", causal=False)
    return keras.Model(inputs, layers.Dense(size["classes"], name="dense")(x[:, 0]))


def vae(size):
    images, noise = keras.Input((size["inputs"],)), keras.Input((size["code"],))
    h = layers.Dense(size["hidden"], activation="relu", name="encoder")(images)
    mean = layers.Dense(size["code"], name="mean")(h)
    log_variance = layers.Dense(size["code"], name="log_variance")(h)
    code = mean + ops.exp(0.5 * log_variance) * noise
    h = layers.Dense(size["hidden"], activation="relu", name="decoder")(code)
    logits = layers.Dense(size["inputs"], name="out")(h)
    return keras.Model((images, noise), (logits, mean, log_variance))


FAMILIES = {
    "mlp": mlp,
    "cnn": cnn,
    "separable": separable,
    "resnet": resnet,
    "lstm": lstm,
    "gpt": gpt,
    "vit": vit,
    "vae": vae,
}
