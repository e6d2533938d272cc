"""Haiku: modules called inside `hk.transform_with_state`, under `jax.jit`."""

from __future__ import annotations

from functools import partial

import haiku as hk
import jax
import jax.numpy as jnp
import numpy as np
from peers.functional import Network, on_device, program
from workloads import EPS, MOMENTUM, Workload, residual_blocks

NAME, PACKAGES = "Haiku", ("dm-haiku", "jax", "jaxlib", "optax")

Conv3 = partial(hk.Conv2D, kernel_shape=3, padding=((1, 1), (1, 1)), with_bias=False)
draw = hk.initializers.VarianceScaling(1.0)


def programs(work: Workload, batch):
    forward = FAMILIES[work.family]
    net = hk.transform_with_state(
        lambda inputs, train: forward(work.size, *inputs, train=train)
    )

    def init(key, inputs):
        return net.init(key, inputs, True)

    def load(weights):
        inputs = on_device(batch)[0]
        like = jax.eval_shape(lambda key: init(key, inputs), jax.random.key(0))
        return tuple(
            {
                module: {
                    leaf: found(weights, module, leaf, a) for leaf, a in arrays.items()
                }
                for module, arrays in tree.items()
            }
            for tree in like
        )

    network = Network(
        init=init,
        apply=lambda p, s, inputs, train: net.apply(p, s, None, inputs, train),
        load=load,
    )
    return {"jit": program(work, network, batch)}


LEAVES = {"w": "weight", "b": "bias", "offset": "bias", "embeddings": "weight"}
STATISTICS = {"mean_ema": "mean", "var_ema": "var"}


def found(weights, module, leaf, like):
    """The canonical array of a module's leaf."""
    if leaf == "counter":
        return jnp.zeros(like.shape, like.dtype)
    parts = [part for part in module.split("/") if part != "~"]
    if parts[-1] in STATISTICS:
        return jnp.asarray(weights["/".join((*parts[:-1], STATISTICS[parts[-1]]))])
    parts = [{"linear": "out"}.get(part, part) for part in parts]
    name = "/".join((*parts, LEAVES.get(leaf, leaf)))
    if parts[0].startswith("lstm"):
        array = lstm_array(weights, parts[0], leaf)
    else:
        array = weights[name]
    return jnp.asarray(array).reshape(like.shape)


def lstm_array(weights, layer, leaf):
    """Gates in the order input, cell, forget, output; 1 is added to the forget gate."""
    if leaf == "w":
        both = ("input/weight", "recurrent/weight")
        array = np.concatenate([weights[f"{layer}/{name}"] for name in both])
        i, f, g, o = np.split(array, 4, -1)
    else:
        i, f, g, o = np.split(weights[f"{layer}/input/bias"], 4, -1)
        f = f - 1
    return np.concatenate((i, g, f, o), -1)


def batch_norm(x, train, name):
    norm = hk.BatchNorm(True, True, decay_rate=MOMENTUM, eps=EPS, name=name)
    return norm(x, is_training=train)


def layer_norm(x, name):
    return hk.LayerNorm(-1, True, True, eps=EPS, name=name)(x)


def mlp(size, x, train):
    for i, width in enumerate(size["hidden"]):
        x = jax.nn.relu(hk.Linear(width, name=f"dense{i}")(x))
    return hk.Linear(size["classes"], name=f"dense{len(size['hidden'])}")(x)


def cnn(size, x, train):
    for i, width in enumerate(size["channels"][1:]):
        x = jax.nn.relu(hk.Conv2D(width, size["window"], name=f"conv{i}")(x))
        x = hk.max_pool(x, (2, 2, 1), (2, 2, 1), "VALID")
    x = jax.nn.relu(hk.Linear(size["hidden"], name="dense0")(hk.Flatten()(x)))
    return hk.Linear(size["classes"], name="dense1")(x)


class SeparableBlock(hk.Module):
    def __init__(self, features, stride, name):
        super().__init__(name)
        self.features, self.stride = features, stride

    def __call__(self, x, train):
        n = x.shape[-1]
        x = Conv3(n, stride=self.stride, feature_group_count=n, name="depthwise")(x)
        x = jax.nn.relu(batch_norm(x, train, "norm0"))
        x = hk.Conv2D(self.features, 1, with_bias=False, name="pointwise")(x)
        return jax.nn.relu(batch_norm(x, train, "norm1"))


def separable(size, x, train):
    x = Conv3(size["stem"], name="conv")(x)
    x = jax.nn.relu(batch_norm(x, train, "norm"))
    for i, (width, stride) in enumerate(size["blocks"]):
        x = SeparableBlock(width, stride, f"block{i}")(x, train)
    return hk.Linear(size["classes"], name="dense")(jnp.mean(x, (1, 2)))


class ResidualBlock(hk.Module):
    def __init__(self, features, stride, name):
        super().__init__(name)
        self.features, self.stride = features, stride

    def __call__(self, x, train):
        n, stride = self.features, self.stride
        y = Conv3(n, stride=stride, name="conv1")(x)
        y = jax.nn.relu(batch_norm(y, train, "norm1"))
        y = batch_norm(Conv3(n, name="conv2")(y), train, "norm2")
        if stride > 1:
            x = hk.Conv2D(n, 1, stride, with_bias=False, name="shortcut")(x)
            x = batch_norm(x, train, "shortcut_norm")
        return jax.nn.relu(x + y)


def resnet(size, x, train):
    x = Conv3(size["width"], name="conv")(x)
    x = jax.nn.relu(batch_norm(x, train, "norm"))
    for i, (_, width, stride) in enumerate(residual_blocks(size)):
        x = ResidualBlock(width, stride, f"block{i}")(x, train)
    return hk.Linear(size["classes"], name="dense")(jnp.mean(x, (1, 2)))


def lstm(size, ids, train):
    x = hk.Embed(size["vocabulary"], size["features"], name="embed")(ids)
    for i in range(size["layers"]):
        core = hk.LSTM(size["features"], name=f"lstm{i}")
        x, _ = hk.dynamic_unroll(core, x, core.initial_state(len(x)), time_major=False)
    return hk.Linear(size["vocabulary"], name="dense")(x)


class FeedForward(hk.Module):
    def __init__(self, activation, name):
        super().__init__(name)
        self.activation = activation

    def __call__(self, x):
        y = self.activation(hk.Linear(4 * x.shape[-1], name="up")(x))
        return hk.Linear(x.shape[-1], name="down")(y)


class Block(hk.Module):
    def __init__(self, heads, activation, name):
        super().__init__(name)
        self.heads, self.activation = heads, activation

    def __call__(self, x, mask=None):
        y = layer_norm(x, "attention_norm")
        attention = hk.MultiHeadAttention(
            self.heads, x.shape[-1] // self.heads, w_init=draw, name="attention"
        )
        x = x + attention(y, y, y, mask)
        y = layer_norm(x, "feed_forward_norm")
        return x + FeedForward(self.activation, "feed_forward")(y)


class Table(hk.Module):
    """Learned positions, or a token."""

    def __call__(self, *shape):
        return hk.get_parameter(
            "weight", shape, init=hk.initializers.RandomNormal(0.02)
        )


def gpt(size, ids, train):
    n, length = size["features"], size["length"]
    embed = hk.Embed(size["vocabulary"], n, name="embed")
    x = embed(ids) + Table("positions")(length, n)
    mask = jnp.tril(jnp.ones((1, 1, length, length), bool))
    for i in range(size["layers"]):
        x = Block(size["heads"], jax.nn.gelu, f"block{i}")(x, mask)
    return layer_norm(x, "norm") @ embed.embeddings.T


def vit(size, images, train):
    n, patch = size["features"], size["patch"]
    x = hk.Conv2D(n, patch, patch, padding="VALID", name="patches")(images)
    x = x.reshape(len(x), -1, n)
    x = jnp.concatenate((jnp.broadcast_to(Table("token")(n), (len(x), 1, n)), x), 1)
    x = x + Table("positions")(*x.shape[1:])
    for i in range(size["layers"]):
        gelu = partial(jax.nn.gelu, approximate=False)
        x = Block(size["heads"], gelu, f"block{i}")(x)
    return hk.Linear(size["classes"], name="dense")(layer_norm(x, "norm")[:, 0])


def vae(size, images, noise, train):
    h = jax.nn.relu(hk.Linear(size["hidden"], name="encoder")(images))
    mean = hk.Linear(size["code"], name="mean")(h)
    log_variance = hk.Linear(size["code"], name="log_variance")(h)
    code = mean + jnp.exp(0.5 * log_variance) * noise
    h = jax.nn.relu(hk.Linear(size["hidden"], name="decoder")(code))
    return hk.Linear(size["inputs"], name="out")(h), mean, log_variance


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
