"""PyTorch, eager: `torch.nn`, a fused optimiser, channels first or last in memory.

On a GPU where PyTorch sees one.
"""

from __future__ import annotations

import re
from functools import partial
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from peers.program import Absent, Program
from torch import nn
from workloads import (
    ADAM,
    EPS,
    MOMENTUM,
    OPTIMIZERS,
    Workload,
    fingerprint,
    residual_blocks,
)

NAME, PACKAGES = "PyTorch", ("torch",)

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
torch.backends.cuda.matmul.allow_tf32 = True  # as JAX does

BatchNorm = partial(nn.BatchNorm2d, eps=EPS, momentum=1 - MOMENTUM)
Conv3 = partial(nn.Conv2d, kernel_size=3, padding=1, bias=False)


def programs(work: Workload, batch):
    if work.task == "dispatch":
        raise Absent("eager: there is no compiled call to dispatch arrays to")
    if work.family in ("cnn", "resnet", "separable", "vit"):
        return {
            "channels last": program(work, torch.channels_last),
            "channels first": program(work, torch.contiguous_format),
        }
    return {"eager": program(work)}


def program(work: Workload, layout=torch.contiguous_format) -> Program:
    def prepare(batch):
        inputs, targets = batch
        inputs = tuple(torch.from_numpy(a).to(DEVICE) for a in inputs)
        if inputs[0].ndim == 4:
            inputs = (inputs[0].permute(0, 3, 1, 2).contiguous(memory_format=layout),)
        targets = torch.from_numpy(targets).to(DEVICE)
        return inputs, targets.long() if targets.dtype == torch.int32 else targets

    def begin():
        torch.manual_seed(0)
        net = FAMILIES[work.family](work.size).to(DEVICE, memory_format=layout)
        if work.task == "inference":
            return net.eval(), None
        parameters = [p for p in net.parameters() if p.requires_grad]
        return net.train(), optimizer(work, parameters)

    def load(weights):
        net, descent = begin()
        with torch.no_grad():
            for path, tensor in (*net.named_parameters(), *net.named_buffers()):
                if path.endswith("bias_hh_l0"):
                    tensor.zero_()
                elif not path.endswith("num_batches_tracked"):
                    array = found(weights, path, work)
                    tensor.copy_(torch.from_numpy(np.ascontiguousarray(array)))
        return net, descent

    loss_fn = evidence if work.family == "vae" else cross_entropy

    def train(carry, batch):
        (net, descent), (inputs, targets) = carry, batch
        descent.zero_grad(set_to_none=True)
        with torch.autocast(DEVICE, torch.bfloat16, enabled=work.half):
            outputs = net(*inputs)
        loss = loss_fn(outputs.float() if work.half else outputs, targets)
        loss.backward()
        descent.step()
        return carry, loss.detach()

    @torch.inference_mode()
    def infer(carry, batch):
        return carry, carry[0](*batch[0])

    def figure(carry, value):
        return float(value) if work.trains else fingerprint(value)

    return Program(
        begin=begin,
        load=load,
        prepare=prepare,
        call=train if work.trains else infer,
        figure=figure,
        wait=wait,
    )


def wait(value):
    if DEVICE == "cuda":
        torch.cuda.synchronize()
    return value


def optimizer(work, parameters):
    options = OPTIMIZERS[work.task]
    rate = options["rate"]
    if "momentum" in options:
        momentum = options["momentum"]
        return torch.optim.SGD(parameters, rate, momentum=momentum, fused=True)
    shared = {"betas": (ADAM["b1"], ADAM["b2"]), "eps": ADAM["eps"], "fused": True}
    if "decay" in options:
        decay = options["decay"]
        return torch.optim.AdamW(parameters, rate, weight_decay=decay, **shared)
    return torch.optim.Adam(parameters, rate, **shared)


def cross_entropy(logits, labels):
    return F.cross_entropy(logits.flatten(0, -2), labels.flatten())


def evidence(outputs, images):
    logits, mean, log_variance = outputs
    error = F.binary_cross_entropy_with_logits(logits, images, reduction="sum")
    distance = torch.sum(1 + log_variance - mean**2 - log_variance.exp())
    return (error - 0.5 * distance) / len(images)


LEAVES = {"running_mean": "mean", "running_var": "var"}


def found(weights, path, work):
    """The canonical array of a path, as PyTorch lays it out."""
    path = re.sub(r"\.(\d+)\b", r"\1", path)
    *parents, last = path.split(".")
    name = "/".join(parents)
    if last.endswith("_l0"):  # of nn.LSTM
        part = "recurrent" if last == "weight_hh_l0" else "input"
        return weights[f"{name}/{part}/{last.partition('_')[0]}"].T
    if parents[-1] == "qkv":
        inner = [f"{name[:-4]}/{part}/{last}" for part in ("query", "key", "value")]
        return np.concatenate([weights[n] for n in inner], -1).T
    if f"{name}/scale" in weights:
        return weights[
            f"{name}/{'scale' if last == 'weight' else LEAVES.get(last, last)}"
        ]
    array = weights[f"{name}/{last}"]
    if last == "bias" or name in ("embed", "positions", "token"):
        return array
    if array.ndim == 4:
        return array.transpose(3, 2, 0, 1)
    if work.family == "cnn" and name == "dense0":  # its inputs are channels first
        side = work.size["side"] // 4
        array = array.reshape(side, side, -1, array.shape[-1])
        array = array.transpose(2, 0, 1, 3).reshape(-1, array.shape[-1])
    return array.T


class MLP(nn.Module):
    def __init__(self, size):
        super().__init__()
        widths = (size["inputs"], *size["hidden"], size["classes"])
        self.dense = nn.ModuleList(nn.Linear(n, m) for n, m in pairwise(widths))

    def forward(self, x):
        for layer in self.dense[:-1]:
            x = F.relu(layer(x))
        return self.dense[-1](x)


class CNN(nn.Module):
    def __init__(self, size):
        super().__init__()
        window, channels = size["window"], size["channels"]
        self.conv = nn.ModuleList(
            nn.Conv2d(n, m, window, padding=window // 2) for n, m in pairwise(channels)
        )
        flat = (size["side"] // 4) ** 2 * channels[-1]
        widths = (flat, size["hidden"], size["classes"])
        self.dense = nn.ModuleList(nn.Linear(n, m) for n, m in pairwise(widths))

    def forward(self, x):
        for layer in self.conv:
            x = F.max_pool2d(F.relu(layer(x)), 2)
        x = F.relu(self.dense[0](x.flatten(1)))
        return self.dense[1](x)


class SeparableBlock(nn.Module):
    def __init__(self, n, m, stride):
        super().__init__()
        self.depthwise = Conv3(n, n, stride=stride, groups=n)
        self.norm0 = BatchNorm(n)
        self.pointwise = nn.Conv2d(n, m, 1, bias=False)
        self.norm1 = BatchNorm(m)

    def forward(self, x):
        x = F.relu(self.norm0(self.depthwise(x)))
        return F.relu(self.norm1(self.pointwise(x)))


class Separable(nn.Module):
    def __init__(self, size):
        super().__init__()
        widths = (size["stem"], *(width for width, _ in size["blocks"]))
        self.conv, self.norm = Conv3(3, size["stem"]), BatchNorm(size["stem"])
        self.block = nn.ModuleList(
            SeparableBlock(widths[i], width, stride)
            for i, (width, stride) in enumerate(size["blocks"])
        )
        self.dense = nn.Linear(widths[-1], size["classes"])

    def forward(self, x):
        x = F.relu(self.norm(self.conv(x)))
        for block in self.block:
            x = block(x)
        return self.dense(x.mean((2, 3)))


class ResidualBlock(nn.Module):
    def __init__(self, n, m, stride):
        super().__init__()
        self.conv1, self.norm1 = Conv3(n, m, stride=stride), BatchNorm(m)
        self.conv2, self.norm2 = Conv3(m, m), BatchNorm(m)
        self.shortcut = None
        if stride > 1:
            self.shortcut = nn.Conv2d(n, m, 1, stride, bias=False)
            self.shortcut_norm = BatchNorm(m)

    def forward(self, x):
        y = F.relu(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        if self.shortcut is not None:
            x = self.shortcut_norm(self.shortcut(x))
        return F.relu(x + y)


class ResNet(nn.Module):
    def __init__(self, size):
        super().__init__()
        blocks = residual_blocks(size)
        self.conv, self.norm = Conv3(3, size["width"]), BatchNorm(size["width"])
        self.block = nn.ModuleList(ResidualBlock(*block) for block in blocks)
        self.dense = nn.Linear(blocks[-1][1], size["classes"])

    def forward(self, x):
        x = F.relu(self.norm(self.conv(x)))
        for block in self.block:
            x = block(x)
        return self.dense(x.mean((2, 3)))


class LSTM(nn.Module):
    def __init__(self, size):
        super().__init__()
        n, vocabulary = size["features"], size["vocabulary"]
        self.embed = nn.Embedding(vocabulary, n)
        self.lstm = nn.ModuleList(
            nn.LSTM(n, n, batch_first=True) for _ in range(size["layers"])
        )
        for layer in self.lstm:  # the second of two biases, where others have one
            nn.init.zeros_(layer.bias_hh_l0).requires_grad_(False)
        self.dense = nn.Linear(n, vocabulary)

    def forward(self, ids):
        x = self.embed(ids)
        for layer in self.lstm:
            x, _ = layer(x)
        return self.dense(x)


class Attention(nn.Module):
    def __init__(self, n, heads, causal):
        super().__init__()
        self.qkv, self.out = nn.Linear(n, 3 * n), nn.Linear(n, n)
        self.heads, self.causal = heads, causal

    def forward(self, x):
        b, t, n = x.shape
        heads = self.qkv(x).view(b, t, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(*heads, is_causal=self.causal)
        return self.out(y.transpose(1, 2).reshape(b, t, n))


class FeedForward(nn.Module):
    def __init__(self, n, approximate):
        super().__init__()
        self.up, self.down = nn.Linear(n, 4 * n), nn.Linear(4 * n, n)
        self.approximate = approximate

    def forward(self, x):
        return self.down(F.gelu(self.up(x), approximate=self.approximate))


class Block(nn.Module):
    def __init__(self, n, heads, causal, approximate):
        super().__init__()
        self.attention_norm = nn.LayerNorm(n, eps=EPS)
        self.attention = Attention(n, heads, causal)
        self.feed_forward_norm = nn.LayerNorm(n, eps=EPS)
        self.feed_forward = FeedForward(n, approximate)

    def forward(self, x):
        x = x + self.attention(self.attention_norm(x))
        return x + self.feed_forward(self.feed_forward_norm(x))


def blocks(size, causal, approximate):
    options = (size["features"], size["heads"], causal, approximate)
    return nn.ModuleList(Block(*options) for _ in range(size["layers"]))


class GPT(nn.Module):
    def __init__(self, size):
        super().__init__()
        n = size["features"]
        self.embed = nn.Embedding(size["vocabulary"], n)
        self.positions = nn.Embedding(size["length"], n)
        self.block = blocks(size, causal=True, approximate="tanh")
        self.norm = nn.LayerNorm(n, eps=EPS)

    def forward(self, ids):
        x = self.embed(ids) + self.positions.weight
        for block in self.block:
            x = block(x)
        return F.linear(self.norm(x), self.embed.weight)


class Token(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n))


class ViT(nn.Module):
    def __init__(self, size):
        super().__init__()
        n, patch = size["features"], size["patch"]
        self.patches = nn.Conv2d(3, n, patch, patch)
        self.token = Token(n)
        self.positions = nn.Embedding((size["side"] // patch) ** 2 + 1, n)
        self.block = blocks(size, causal=False, approximate="none")
        self.norm = nn.LayerNorm(n, eps=EPS)
        self.dense = nn.Linear(n, size["classes"])

    def forward(self, images):
        x = self.patches(images).flatten(2).transpose(1, 2)
        token = self.token.weight.expand(len(x), 1, -1)
        x = torch.cat((token, x), 1) + self.positions.weight
        for block in self.block:
            x = block(x)
        return self.dense(self.norm(x)[:, 0])


class VAE(nn.Module):
    def __init__(self, size):
        super().__init__()
        n, m, code = size["inputs"], size["hidden"], size["code"]
        self.encoder, self.mean = nn.Linear(n, m), nn.Linear(m, code)
        self.log_variance = nn.Linear(m, code)
        self.decoder, self.out = nn.Linear(code, m), nn.Linear(m, n)

    def forward(self, images, noise):
        h = F.relu(self.encoder(images))
        mean, log_variance = self.mean(h), self.log_variance(h)
        code = mean + torch.exp(0.5 * log_variance) * noise
        return self.out(F.relu(self.decoder(code))), mean, log_variance


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
