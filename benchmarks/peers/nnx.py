"""Flax NNX: modules split into state and merged under `jax.jit`, or under `nnx.jit`."""

from __future__ import annotations

import re
from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp
from flax import nnx
from peers.functional import loss_of, on_device, optimizer
from peers.program import Absent, Program
from workloads import (
    DECAY,
    EPS,
    MOMENTUM,
    Workload,
    fingerprint,
    residual_blocks,
    total,
)

NAME, PACKAGES = "Flax NNX", ("flax", "jax", "jaxlib", "optax")

BatchNorm = partial(nnx.BatchNorm, momentum=MOMENTUM, epsilon=EPS)
LayerNorm = partial(nnx.LayerNorm, epsilon=EPS)
Conv3 = partial(nnx.Conv, kernel_size=(3, 3), padding=1, use_bias=False)


def programs(work: Workload, batch):
    if work.half:
        raise Absent("written for float32 alone")

    def net():
        made = FAMILIES[work.family](work.size, rngs=nnx.Rngs(0))
        made.train() if work.trains else made.eval()
        return made

    def loaded(weights):
        made = net()
        state = nnx.state(made, (nnx.Param, nnx.BatchStat))
        flat = {
            path: leaf.replace(found(weights, path, leaf.get_value().shape))
            for path, leaf in nnx.to_flat_state(state)
        }
        nnx.update(made, nnx.from_flat_state(flat))
        return made

    def ready(made):
        if not work.trains:
            return made
        return made, nnx.Optimizer(made, optimizer(work), wrt=nnx.Param)

    objects = {"begin": lambda: ready(net()), "load": lambda w: ready(loaded(w))}
    shared = {
        "prepare": on_device,
        "wait": jax.block_until_ready,
        "figure": lambda carry, value: float(value),
    }
    if work.task == "inference":
        shared["figure"] = lambda carry, logits: fingerprint(logits)
    if work.task == "dispatch":
        shared["figure"] = lambda carry, value: total(jax.tree.leaves(nnx.state(carry)))
    return {
        "split and merge": functional(work, objects, shared),
        "nnx.jit": stateful(work, objects, shared),
    }


def work_of(work: Workload):
    """What happens to modules, and the value of it; for either idiom."""
    loss_fn = loss_of(work)

    def train(carry, batch):
        (net, descent), (inputs, targets) = carry, batch
        loss, grads = nnx.value_and_grad(lambda net: loss_fn(net(*inputs), targets))(
            net
        )
        descent.update(net, grads)
        return loss

    def infer(net, batch):
        return net(*batch[0])

    def scale(net, batch):
        nnx.update(net, jax.tree.map(lambda a: a * DECAY, nnx.state(net)))

    return {"inference": infer, "dispatch": scale}.get(work.task, train)


def stateful(work: Workload, objects, shared) -> Program:
    donated = {} if work.task == "inference" else {"donate_argnums": 0}
    return Program(
        call=nnx.jit(work_of(work), **donated),
        after=lambda value, carry: (carry, () if value is None else value),
        **objects,
        **shared,
    )


def functional(work: Workload, objects, shared) -> Program:
    run, graph = work_of(work), None

    def split(carry):
        nonlocal graph
        graph, state = nnx.split(carry)
        return state

    def step(state, batch):
        carry = nnx.merge(graph, state)
        value = run(carry, batch)
        return nnx.state(carry), () if value is None else value

    def forward(state, batch):
        return run(nnx.merge(graph, state), batch)

    inference = work.task == "inference"
    call = jax.jit(forward) if inference else jax.jit(step, donate_argnums=0)
    after = (lambda value, carry: (carry, value)) if inference else Program.after
    return Program(
        begin=lambda: split(objects["begin"]()),
        load=lambda weights: split(objects["load"](weights)),
        call=call,
        after=after,
        **shared,
    )


LEAVES = {"kernel": "weight", "embedding": "weight"}


def found(weights, path, shape):
    """The canonical array of a path."""
    name = re.sub(r"/(\d+)\b", r"\1", "/".join(map(str, path)))
    *parents, last = name.split("/")
    last = LEAVES.get(last, last)
    if parents[-1] in ("dense_i", "dense_h"):
        part = "recurrent" if parents[-1] == "dense_h" and last == "weight" else "input"
        parents = [parents[0], part]
    return jnp.asarray(weights["/".join((*parents, last))]).reshape(shape)


class MLP(nnx.Module):
    def __init__(self, size, rngs):
        widths = (size["inputs"], *size["hidden"], size["classes"])
        self.dense = nnx.List(nnx.Linear(n, m, rngs=rngs) for n, m in pairwise(widths))

    def __call__(self, x):
        *hidden, last = self.dense
        for layer in hidden:
            x = nnx.relu(layer(x))
        return last(x)


class CNN(nnx.Module):
    def __init__(self, size, rngs):
        window, channels = (size["window"],) * 2, size["channels"]
        self.conv = nnx.List(
            nnx.Conv(n, m, window, rngs=rngs) for n, m in pairwise(channels)
        )
        flat = (size["side"] // 4) ** 2 * channels[-1]
        widths = (flat, size["hidden"], size["classes"])
        self.dense = nnx.List(nnx.Linear(n, m, rngs=rngs) for n, m in pairwise(widths))

    def __call__(self, x):
        for layer in self.conv:
            x = nnx.max_pool(nnx.relu(layer(x)), (2, 2), strides=(2, 2))
        x = nnx.relu(self.dense[0](x.reshape(x.shape[0], -1)))
        return self.dense[1](x)


class SeparableBlock(nnx.Module):
    def __init__(self, n, m, stride, rngs):
        self.depthwise = Conv3(n, n, strides=stride, feature_group_count=n, rngs=rngs)
        self.norm0 = BatchNorm(n, rngs=rngs)
        self.pointwise = nnx.Conv(n, m, (1, 1), use_bias=False, rngs=rngs)
        self.norm1 = BatchNorm(m, rngs=rngs)

    def __call__(self, x):
        x = nnx.relu(self.norm0(self.depthwise(x)))
        return nnx.relu(self.norm1(self.pointwise(x)))


class Separable(nnx.Module):
    def __init__(self, size, rngs):
        widths = (size["stem"], *(width for width, _ in size["blocks"]))
        self.conv = Conv3(3, size["stem"], rngs=rngs)
        self.norm = BatchNorm(size["stem"], rngs=rngs)
        self.block = nnx.List(
            SeparableBlock(widths[i], width, stride, rngs)
            for i, (width, stride) in enumerate(size["blocks"])
        )
        self.dense = nnx.Linear(widths[-1], size["classes"], rngs=rngs)

    def __call__(self, x):
        x = nnx.relu(self.norm(self.conv(x)))
        for block in self.block:
            x = block(x)
        return self.dense(x.mean((1, 2)))


class ResidualBlock(nnx.Module):
    def __init__(self, n, m, stride, rngs):
        self.conv1 = Conv3(n, m, strides=stride, rngs=rngs)
        self.norm1 = BatchNorm(m, rngs=rngs)
        self.conv2, self.norm2 = Conv3(m, m, rngs=rngs), BatchNorm(m, rngs=rngs)
        self.projected = stride > 1
        if self.projected:
            self.shortcut = nnx.Conv(
                n, m, (1, 1), strides=stride, use_bias=False, rngs=rngs
            )
            self.shortcut_norm = BatchNorm(m, rngs=rngs)

    def __call__(self, x):
        y = nnx.relu(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        if self.projected:
            x = self.shortcut_norm(self.shortcut(x))
        return nnx.relu(x + y)


class ResNet(nnx.Module):
    def __init__(self, size, rngs):
        blocks = residual_blocks(size)
        self.conv = Conv3(3, size["width"], rngs=rngs)
        self.norm = BatchNorm(size["width"], rngs=rngs)
        self.block = nnx.List(ResidualBlock(*block, rngs) for block in blocks)
        self.dense = nnx.Linear(blocks[-1][1], size["classes"], rngs=rngs)

    def __call__(self, x):
        x = nnx.relu(self.norm(self.conv(x)))
        for block in self.block:
            x = block(x)
        return self.dense(x.mean((1, 2)))


class LSTM(nnx.Module):
    def __init__(self, size, rngs):
        n, vocabulary = size["features"], size["vocabulary"]
        self.embed = nnx.Embed(vocabulary, n, rngs=rngs)
        self.lstm = nnx.List(
            nnx.RNN(nnx.OptimizedLSTMCell(n, n, rngs=rngs), rngs=rngs)
            for _ in range(size["layers"])
        )
        self.dense = nnx.Linear(n, vocabulary, rngs=rngs)

    def __call__(self, ids):
        x = self.embed(ids)
        for layer in self.lstm:
            x = layer(x)
        return self.dense(x)


class FeedForward(nnx.Module):
    def __init__(self, n, activation, rngs):
        self.up = nnx.Linear(n, 4 * n, rngs=rngs)
        self.down = nnx.Linear(4 * n, n, rngs=rngs)
        self.activation = activation

    def __call__(self, x):
        return self.down(self.activation(self.up(x)))


class Block(nnx.Module):
    def __init__(self, size, activation, rngs):
        n = size["features"]
        self.attention_norm = LayerNorm(n, rngs=rngs)
        self.attention = nnx.MultiHeadAttention(
            size["heads"], n, decode=False, rngs=rngs
        )
        self.feed_forward_norm = LayerNorm(n, rngs=rngs)
        self.feed_forward = FeedForward(n, activation, rngs)

    def __call__(self, x, mask=None):
        x = x + self.attention(self.attention_norm(x), mask=mask)
        return x + self.feed_forward(self.feed_forward_norm(x))


class Table(nnx.Module):
    """Learned positions, or a token."""

    def __init__(self, *shape, rngs):
        self.weight = nnx.Param(0.02 * rngs.params.normal(shape))


class GPT(nnx.Module):
    def __init__(self, size, rngs):
        n = size["features"]
        self.embed = nnx.Embed(size["vocabulary"], n, rngs=rngs)
        self.positions = Table(size["length"], n, rngs=rngs)
        self.block = nnx.List(
            Block(size, nnx.gelu, rngs) for _ in range(size["layers"])
        )
        self.norm = LayerNorm(n, rngs=rngs)

    def __call__(self, ids):
        x = self.embed(ids) + self.positions.weight
        mask = nnx.make_causal_mask(ids)
        for block in self.block:
            x = block(x, mask)
        return self.embed.attend(self.norm(x))


class ViT(nnx.Module):
    def __init__(self, size, rngs):
        n, patch = size["features"], (size["patch"],) * 2
        self.patches = nnx.Conv(3, n, patch, patch, padding="VALID", rngs=rngs)
        self.token = Table(n, rngs=rngs)
        self.positions = Table((size["side"] // patch[0]) ** 2 + 1, n, rngs=rngs)
        gelu = partial(nnx.gelu, approximate=False)
        self.block = nnx.List(Block(size, gelu, rngs) for _ in range(size["layers"]))
        self.norm = LayerNorm(n, rngs=rngs)
        self.dense = nnx.Linear(n, size["classes"], rngs=rngs)

    def __call__(self, images):
        x = self.patches(images)
        x = x.reshape(x.shape[0], -1, x.shape[-1])
        token = jnp.broadcast_to(self.token.weight[...], (x.shape[0], 1, x.shape[-1]))
        x = jnp.concatenate((token, x), 1) + self.positions.weight
        for block in self.block:
            x = block(x)
        return self.dense(self.norm(x)[:, 0])


class VAE(nnx.Module):
    def __init__(self, size, rngs):
        n, m, code = size["inputs"], size["hidden"], size["code"]
        self.encoder = nnx.Linear(n, m, rngs=rngs)
        self.mean = nnx.Linear(m, code, rngs=rngs)
        self.log_variance = nnx.Linear(m, code, rngs=rngs)
        self.decoder = nnx.Linear(code, m, rngs=rngs)
        self.out = nnx.Linear(m, n, rngs=rngs)

    def __call__(self, images, noise):
        h = nnx.relu(self.encoder(images))
        mean, log_variance = self.mean(h), self.log_variance(h)
        code = mean + jnp.exp(0.5 * log_variance) * noise
        return self.out(nnx.relu(self.decoder(code))), mean, log_variance


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
