"""Flax Linen: compact modules, `jax.jit` over `apply`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax import traverse_util
from peers.functional import Network, on_device, program
from workloads import EPS, MOMENTUM, Workload, residual_blocks

NAME, PACKAGES = "Flax Linen", ("flax", "jax", "jaxlib", "optax")

Conv3 = partial(nn.Conv, kernel_size=(3, 3), padding=1, use_bias=False)


def programs(work: Workload, batch):
    net = FAMILIES[work.family](size=work.size)
    stateful = work.family in ("resnet", "separable")

    def variables(key, inputs):
        return net.init(key, *inputs, **({"train": False} if stateful else {}))

    def init(key, inputs):
        made = variables(key, inputs)
        return made["params"], made.get("batch_stats", {})

    def apply(params, state, inputs, train):
        if not stateful:
            return net.apply({"params": params}, *inputs), state
        both = {"params": params, "batch_stats": state}
        if not train:
            return net.apply(both, *inputs, train=False), state
        outputs, new = net.apply(both, *inputs, train=True, mutable=["batch_stats"])
        return outputs, new["batch_stats"]

    def load(weights):
        like = jax.eval_shape(init, jax.random.key(0), on_device(batch)[0])
        return tuple(filled(tree, weights) for tree in like)

    return {"jit": program(work, Network(init, apply, load), batch)}


def filled(tree, weights):
    """A tree of Linen's names with the canonical weights."""
    flat = traverse_util.flatten_dict(tree, sep="/")
    flat = {path: found(weights, path, a.shape) for path, a in flat.items()}
    return traverse_util.unflatten_dict(flat, sep="/")


def found(weights, path, shape):
    *parents, last = path.split("/")
    if parents[0].startswith("lstm"):  # hi, hf, hg, ho, ii, if, ig, io
        layer, (side, gate) = parents
        part = "recurrent" if side == "h" and last == "kernel" else "input"
        name = "bias" if last == "bias" else "weight"
        array = jnp.split(weights[f"{layer}/{part}/{name}"], 4, -1)["ifgo".index(gate)]
    else:
        last = {"kernel": "weight", "embedding": "weight"}.get(last, last)
        array = weights["/".join((*parents, last))]
    return jnp.asarray(array).reshape(shape)


def batch_norm(train, name):
    """With the settings that all libraries share."""
    return nn.BatchNorm(
        use_running_average=not train, momentum=MOMENTUM, epsilon=EPS, name=name
    )


class MLP(nn.Module):
    size: Any

    @nn.compact
    def __call__(self, x):
        for i, width in enumerate(self.size["hidden"]):
            x = nn.relu(nn.Dense(width, name=f"dense{i}")(x))
        return nn.Dense(self.size["classes"], name=f"dense{len(self.size['hidden'])}")(
            x
        )


class CNN(nn.Module):
    size: Any

    @nn.compact
    def __call__(self, x):
        window = (self.size["window"],) * 2
        for i, width in enumerate(self.size["channels"][1:]):
            x = nn.relu(nn.Conv(width, window, name=f"conv{i}")(x))
            x = nn.max_pool(x, (2, 2), strides=(2, 2))
        x = x.reshape((x.shape[0], -1))
        x = nn.relu(nn.Dense(self.size["hidden"], name="dense0")(x))
        return nn.Dense(self.size["classes"], name="dense1")(x)


class SeparableBlock(nn.Module):
    features: int
    stride: int

    @nn.compact
    def __call__(self, x, train):
        n, strides = x.shape[-1], (self.stride, self.stride)
        x = Conv3(n, strides=strides, feature_group_count=n, name="depthwise")(x)
        x = nn.relu(batch_norm(train, "norm0")(x))
        x = nn.Conv(self.features, (1, 1), use_bias=False, name="pointwise")(x)
        return nn.relu(batch_norm(train, "norm1")(x))


class Separable(nn.Module):
    size: Any

    @nn.compact
    def __call__(self, x, train):
        x = Conv3(self.size["stem"], name="conv")(x)
        x = nn.relu(batch_norm(train, "norm")(x))
        for i, (width, stride) in enumerate(self.size["blocks"]):
            x = SeparableBlock(width, stride, name=f"block{i}")(x, train)
        return nn.Dense(self.size["classes"], name="dense")(x.mean((1, 2)))


class ResidualBlock(nn.Module):
    features: int
    stride: int

    @nn.compact
    def __call__(self, x, train):
        strides = (self.stride, self.stride)
        y = Conv3(self.features, strides=strides, name="conv1")(x)
        y = nn.relu(batch_norm(train, "norm1")(y))
        y = batch_norm(train, "norm2")(Conv3(self.features, name="conv2")(y))
        if self.stride > 1:
            x = nn.Conv(
                self.features, (1, 1), strides, use_bias=False, name="shortcut"
            )(x)
            x = batch_norm(train, "shortcut_norm")(x)
        return nn.relu(x + y)


class ResNet(nn.Module):
    size: Any

    @nn.compact
    def __call__(self, x, train):
        x = Conv3(self.size["width"], name="conv")(x)
        x = nn.relu(batch_norm(train, "norm")(x))
        for i, (_, width, stride) in enumerate(residual_blocks(self.size)):
            x = ResidualBlock(width, stride, name=f"block{i}")(x, train)
        return nn.Dense(self.size["classes"], name="dense")(x.mean((1, 2)))


class LSTM(nn.Module):
    size: Any

    @nn.compact
    def __call__(self, ids):
        n, vocabulary = self.size["features"], self.size["vocabulary"]
        x = nn.Embed(vocabulary, n, name="embed")(ids)
        for i in range(self.size["layers"]):
            x = nn.RNN(nn.OptimizedLSTMCell(n, name=f"lstm{i}"))(x)
        return nn.Dense(vocabulary, name="dense")(x)


class FeedForward(nn.Module):
    activation: Any

    @nn.compact
    def __call__(self, x):
        y = self.activation(nn.Dense(4 * x.shape[-1], name="up")(x))
        return nn.Dense(x.shape[-1], name="down")(y)


class Block(nn.Module):
    heads: int
    activation: Any

    @nn.compact
    def __call__(self, x, mask=None):
        y = nn.LayerNorm(epsilon=EPS, name="attention_norm")(x)
        attention = nn.MultiHeadDotProductAttention(self.heads, name="attention")
        x = x + attention(y, mask=mask)
        y = nn.LayerNorm(epsilon=EPS, name="feed_forward_norm")(x)
        return x + FeedForward(self.activation, name="feed_forward")(y)


class Table(nn.Module):
    """Learned positions, or a token."""

    shape: Sequence[int]

    @nn.compact
    def __call__(self):
        return self.param("weight", nn.initializers.normal(0.02), self.shape)


class GPT(nn.Module):
    size: Any

    @nn.compact
    def __call__(self, ids):
        n = self.size["features"]
        embed = nn.Embed(self.size["vocabulary"], n, name="embed")
        x = embed(ids) + Table((self.size["length"], n), name="positions")()
        mask = nn.make_causal_mask(ids)
        for i in range(self.size["layers"]):
            x = Block(self.size["heads"], nn.gelu, name=f"block{i}")(x, mask)
        return embed.attend(nn.LayerNorm(epsilon=EPS, name="norm")(x))


class ViT(nn.Module):
    size: Any

    @nn.compact
    def __call__(self, images):
        n, patch = self.size["features"], (self.size["patch"],) * 2
        x = nn.Conv(n, patch, patch, padding="VALID", name="patches")(images)
        x = x.reshape((x.shape[0], -1, n))
        token = jnp.broadcast_to(Table((n,), name="token")(), (x.shape[0], 1, n))
        x = jnp.concatenate((token, x), 1)
        x = x + Table(x.shape[1:], name="positions")()
        for i in range(self.size["layers"]):
            gelu = partial(nn.gelu, approximate=False)
            x = Block(self.size["heads"], gelu, name=f"block{i}")(x)
        x = nn.LayerNorm(epsilon=EPS, name="norm")(x)
        return nn.Dense(self.size["classes"], name="dense")(x[:, 0])


class VAE(nn.Module):
    size: Any

    @nn.compact
    def __call__(self, images, noise):
        size = self.size
        h = nn.relu(nn.Dense(size["hidden"], name="encoder")(images))
        mean = nn.Dense(size["code"], name="mean")(h)
        log_variance = nn.Dense(size["code"], name="log_variance")(h)
        code = mean + jnp.exp(0.5 * log_variance) * noise
        h = nn.relu(nn.Dense(size["hidden"], name="decoder")(code))
        return nn.Dense(size["inputs"], name="out")(h), mean, log_variance


FAMILIES = {
    "mlp": MLP,
    "cnn": CNN,
    "separable": Separable,
    "resnet": ResNet,
    "lstm": LSTM,
    "gpt": GPT,
    "vit": ViT,
    "vae": VAE,
}
