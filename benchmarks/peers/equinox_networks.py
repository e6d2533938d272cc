"""The networks in Equinox: each of one example, images channels first."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import equinox as eqx
import jax
import jax.numpy as jnp
from workloads import EPS, MOMENTUM, residual_blocks

Linear, LayerNorm = eqx.nn.Linear, partial(eqx.nn.LayerNorm, eps=EPS)
Conv3 = partial(eqx.nn.Conv2d, kernel_size=3, padding=1, use_bias=False)
BatchNorm = partial(
    eqx.nn.BatchNorm, axis_name="batch", mode="batch", momentum=MOMENTUM, eps=EPS
)


class MLP(eqx.Module):
    dense: list[Linear]

    def __init__(self, size, key):
        widths = (size["inputs"], *size["hidden"], size["classes"])
        keys = jax.random.split(key, len(widths) - 1)
        pairs = zip(pairwise(widths), keys, strict=True)
        self.dense = [Linear(n, m, key=key) for (n, m), key in pairs]

    def __call__(self, x, state):
        for layer in self.dense[:-1]:
            x = jax.nn.relu(layer(x))
        return self.dense[-1](x), state


class CNN(eqx.Module):
    conv: list[eqx.nn.Conv2d]
    dense: list[Linear]
    pool: eqx.nn.MaxPool2d

    def __init__(self, size, key):
        keys = iter(jax.random.split(key, 4))
        window, channels = size["window"], size["channels"]
        self.conv = [
            eqx.nn.Conv2d(n, m, window, padding=window // 2, key=next(keys))
            for n, m in pairwise(channels)
        ]
        flat = (size["side"] // 4) ** 2 * channels[-1]
        widths = (flat, size["hidden"], size["classes"])
        self.dense = [Linear(n, m, key=next(keys)) for n, m in pairwise(widths)]
        self.pool = eqx.nn.MaxPool2d(2, 2)

    def __call__(self, x, state):
        for layer in self.conv:
            x = self.pool(jax.nn.relu(layer(x)))
        x = jax.nn.relu(self.dense[0](jnp.ravel(x)))
        return self.dense[1](x), state


class SeparableBlock(eqx.Module):
    depthwise: eqx.nn.Conv2d
    norm0: eqx.nn.BatchNorm
    pointwise: eqx.nn.Conv2d
    norm1: eqx.nn.BatchNorm

    def __init__(self, n, m, stride, key):
        key1, key2 = jax.random.split(key)
        self.depthwise = Conv3(n, n, stride=stride, groups=n, key=key1)
        self.norm0 = BatchNorm(n)
        self.pointwise = eqx.nn.Conv2d(n, m, 1, use_bias=False, key=key2)
        self.norm1 = BatchNorm(m)

    def __call__(self, x, state):
        x, state = self.norm0(self.depthwise(x), state)
        x, state = self.norm1(self.pointwise(jax.nn.relu(x)), state)
        return jax.nn.relu(x), state


class ResidualBlock(eqx.Module):
    conv1: eqx.nn.Conv2d
    norm1: eqx.nn.BatchNorm
    conv2: eqx.nn.Conv2d
    norm2: eqx.nn.BatchNorm
    shortcut: eqx.nn.Conv2d | None
    shortcut_norm: eqx.nn.BatchNorm | None

    def __init__(self, n, m, stride, key):
        keys = jax.random.split(key, 3)
        self.conv1 = Conv3(n, m, stride=stride, key=keys[0])
        self.conv2 = Conv3(m, m, key=keys[1])
        self.norm1, self.norm2 = BatchNorm(m), BatchNorm(m)
        self.shortcut = self.shortcut_norm = None
        if stride > 1:
            self.shortcut = eqx.nn.Conv2d(n, m, 1, stride, use_bias=False, key=keys[2])
            self.shortcut_norm = BatchNorm(m)

    def __call__(self, x, state):
        y, state = self.norm1(self.conv1(x), state)
        y, state = self.norm2(self.conv2(jax.nn.relu(y)), state)
        if self.shortcut is not None:
            x, state = self.shortcut_norm(self.shortcut(x), state)
        return jax.nn.relu(x + y), state


class Blocks(eqx.Module):
    """A convolution, blocks that keep state, the mean over space, and logits."""

    conv: eqx.nn.Conv2d
    norm: eqx.nn.BatchNorm
    block: list
    dense: Linear

    def __init__(self, blocks, kind, classes, key):
        keys = iter(jax.random.split(key, len(blocks) + 2))
        self.conv = Conv3(3, blocks[0][0], key=next(keys))
        self.norm = BatchNorm(blocks[0][0])
        self.block = [kind(*block, next(keys)) for block in blocks]
        self.dense = Linear(blocks[-1][1], classes, key=next(keys))

    def __call__(self, x, state):
        x, state = self.norm(self.conv(x), state)
        x = jax.nn.relu(x)
        for block in self.block:
            x, state = block(x, state)
        return self.dense(jnp.mean(x, (1, 2))), state


def separable(size, key):
    widths = (size["stem"], *(width for width, _ in size["blocks"]))
    blocks = [(widths[i], *block) for i, block in enumerate(size["blocks"])]
    return Blocks(blocks, SeparableBlock, size["classes"], key)


def resnet(size, key):
    return Blocks(residual_blocks(size), ResidualBlock, size["classes"], key)


class LSTM(eqx.Module):
    embed: eqx.nn.Embedding
    lstm: list[eqx.nn.LSTMCell]
    dense: Linear

    def __init__(self, size, key):
        n, vocabulary = size["features"], size["vocabulary"]
        keys = iter(jax.random.split(key, size["layers"] + 2))
        self.embed = eqx.nn.Embedding(vocabulary, n, key=next(keys))
        self.lstm = [
            eqx.nn.LSTMCell(n, n, key=next(keys)) for _ in range(size["layers"])
        ]
        self.dense = Linear(n, vocabulary, key=next(keys))

    def __call__(self, ids, state):
        x = jax.vmap(self.embed)(ids)
        for cell in self.lstm:

            def step(carry, x, cell=cell):
                carry = cell(x, carry)
                return carry, carry[0]

            zeros = jnp.zeros(cell.hidden_size)
            _, x = jax.lax.scan(step, (zeros, zeros), x)
        return jax.vmap(self.dense)(x), state


class FeedForward(eqx.Module):
    up: Linear
    down: Linear

    def __init__(self, n, key):
        key1, key2 = jax.random.split(key)
        self.up = Linear(n, 4 * n, key=key1)
        self.down = Linear(4 * n, n, key=key2)

    def __call__(self, x, activation):
        return self.down(activation(self.up(x)))


class Block(eqx.Module):
    attention_norm: eqx.nn.LayerNorm
    attention: eqx.nn.MultiheadAttention
    feed_forward_norm: eqx.nn.LayerNorm
    feed_forward: FeedForward

    def __init__(self, size, key):
        n, (key1, key2) = size["features"], jax.random.split(key)
        kinds = ("query", "key", "value", "output")
        biases = {f"use_{kind}_bias": True for kind in kinds}
        self.attention = eqx.nn.MultiheadAttention(size["heads"], n, key=key1, **biases)
        self.feed_forward = FeedForward(n, key2)
        self.attention_norm, self.feed_forward_norm = LayerNorm(n), LayerNorm(n)

    def __call__(self, x, activation, mask=None):
        y = jax.vmap(self.attention_norm)(x)
        x = x + self.attention(y, y, y, mask)
        y = jax.vmap(self.feed_forward_norm)(x)
        return x + jax.vmap(lambda y: self.feed_forward(y, activation))(y)


class Table(eqx.Module):
    """Learned positions, or a token."""

    weight: jax.Array

    def __init__(self, *shape, key):
        self.weight = 0.02 * jax.random.normal(key, shape)


class GPT(eqx.Module):
    embed: eqx.nn.Embedding
    positions: Table
    block: list[Block]
    norm: eqx.nn.LayerNorm

    def __init__(self, size, key):
        n, length = size["features"], size["length"]
        keys = iter(jax.random.split(key, size["layers"] + 2))
        self.embed = eqx.nn.Embedding(size["vocabulary"], n, key=next(keys))
        self.positions = Table(length, n, key=next(keys))
        self.block = [Block(size, next(keys)) for _ in range(size["layers"])]
        self.norm = LayerNorm(n)

    def __call__(self, ids, state):
        x = jax.vmap(self.embed)(ids) + self.positions.weight
        mask = jnp.tril(jnp.ones((len(ids), len(ids)), bool))
        for block in self.block:
            x = block(x, jax.nn.gelu, mask)
        return jax.vmap(self.norm)(x) @ self.embed.weight.T, state


class ViT(eqx.Module):
    patches: eqx.nn.Conv2d
    token: Table
    positions: Table
    block: list[Block]
    norm: eqx.nn.LayerNorm
    dense: Linear

    def __init__(self, size, key):
        n, patch = size["features"], size["patch"]
        keys = iter(jax.random.split(key, size["layers"] + 4))
        self.patches = eqx.nn.Conv2d(3, n, patch, patch, key=next(keys))
        self.token = Table(n, key=next(keys))
        count = (size["side"] // patch) ** 2
        self.positions = Table(count + 1, n, key=next(keys))
        self.block = [Block(size, next(keys)) for _ in range(size["layers"])]
        self.norm = LayerNorm(n)
        self.dense = Linear(n, size["classes"], key=next(keys))

    def __call__(self, image, state):
        x = self.patches(image)
        x = x.reshape(len(x), -1).T
        x = jnp.concatenate((self.token.weight[None], x)) + self.positions.weight
        for block in self.block:
            x = block(x, partial(jax.nn.gelu, approximate=False))
        return self.dense(jax.vmap(self.norm)(x)[0]), state


class VAE(eqx.Module):
    encoder: Linear
    mean: Linear
    log_variance: Linear
    decoder: Linear
    out: Linear

    def __init__(self, size, key):
        keys = jax.random.split(key, 5)
        n, m, code = size["inputs"], size["hidden"], size["code"]
        self.encoder = Linear(n, m, key=keys[0])
        self.mean = Linear(m, code, key=keys[1])
        self.log_variance = Linear(m, code, key=keys[2])
        self.decoder = Linear(code, m, key=keys[3])
        self.out = Linear(m, n, key=keys[4])

    def __call__(self, image, noise, state):
        h = jax.nn.relu(self.encoder(image))
        mean, log_variance = self.mean(h), self.log_variance(h)
        code = mean + jnp.exp(0.5 * log_variance) * noise
        h = jax.nn.relu(self.decoder(code))
        return (self.out(h), mean, log_variance), state


FAMILIES = {
    "mlp": MLP,
    "cnn": CNN,
    "separable": separable,
    "resnet": resnet,
    "lstm": LSTM,
    "gpt": GPT,
    "vit": ViT,
    "vae": VAE,
}
