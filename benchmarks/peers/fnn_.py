"""fnn: its own models where they fit, its trainer, or plain `jax.jit`."""

from __future__ import annotations

import re
from dataclasses import replace

import jax
import jax.numpy as jnp
from peers.functional import Network, loss_of, on_device, optimizer, program
from peers.program import Program
from workloads import EPS, MOMENTUM, Workload, residual_blocks

import fnn
from fnn.models.residual_blocks import projected_shortcut, residual_block, square_conv

NAME, PACKAGES = "fnn", ("fnn", "jax", "jaxlib", "optax")

norm = fnn.batch_norm(momentum=1 - MOMENTUM, eps=EPS)


def programs(work: Workload, batch):
    idioms = of_network(work, batch, FAMILIES[work.family](work.size))
    if work.family in ("gpt", "vit"):
        # As docs/performance.md has it for a CPU.
        net = FAMILIES[work.family](work.size, unroll=work.size["layers"])
        idioms["unrolled"] = next(iter(of_network(work, batch, net).values()))
    return idioms


def of_network(work: Workload, batch, net) -> dict[str, Program]:
    """By the trainer, and by `jax.jit`."""
    if work.half:
        net = fnn.mixed_precision(net)
    stateful = fnn.with_state(net)

    def apply(params, state, inputs, train):
        return stateful.apply(params, state, *inputs, train=train)

    def load(weights):
        inputs = batch[0]
        like = jax.eval_shape(stateful.init, jax.random.key(0), *inputs)
        weights = on_device(weights)
        return tuple(
            fnn.from_paths({p: found(weights, p) for p in fnn.paths(t)}, like=t)
            for t in like
        )

    def init(key, inputs):
        return stateful.init(key, *inputs)

    whole = replace(work, half=False)  # it sees to that itself
    idioms = {"jit": program(whole, Network(init, apply, load), batch)}
    if work.trains:
        idioms = {"trainer": trained(work, net, batch, load)} | idioms
    return idioms


def trained(work: Workload, net, batch, load=None, **options) -> Program:
    """A step of `fnn.training.trainer`."""
    stateful, loss = fnn.with_state(net), loss_of(work)

    def init(key, batch):
        return stateful.init(key, *batch[0])

    def value(params, state, batch, *, train):
        inputs, targets = batch
        outputs, state = stateful.apply(params, state, *inputs, train=train)
        return loss(outputs, targets), (state, {})

    def start(objective_init):
        objective = fnn.training.Objective(objective_init, value)
        return fnn.training.trainer(objective, optimizer(work), **options)

    trainer = start(init)

    def after(result, carry):
        state, metrics = result
        if isinstance(metrics, tuple):  # compiled ahead of time: with what it watches
            metrics = metrics[0]
        return state, metrics["loss"]

    return Program(
        begin=lambda: trainer.init(jax.random.key(0), on_device(batch)),
        load=lambda weights: start(lambda key, batch: load(weights)).init(
            jax.random.key(0), batch
        ),
        prepare=on_device,
        call=trainer.step,
        figure=lambda carry, value: float(value),
        wait=jax.block_until_ready,
        after=after,
    )


def flops(work: Workload, batch) -> int:
    """Of a step: those of the network, and twice as many for its gradient."""
    forward = fnn.summary(FAMILIES[work.family](work.size), *batch[0]).flops
    return 3 * forward if work.trains else forward


RENAMED = (
    (r"^hidden/(\d+)/linear/", r"dense\1/"),
    (r"^stages/(\d+)/", r"block\1/"),
    (r"/shortcut/conv/", "/shortcut/"),
    (r"/shortcut/norm/", "/shortcut_norm/"),
    (r"^class_token$", "token/weight"),
    (r"^head/", "dense/"),
)


def found(weights, path):
    """The canonical array of a path; those of repeated blocks are stacked."""
    for pattern, name in RENAMED:
        path = re.sub(pattern, name, path)
    if not path.startswith("blocks/"):
        return weights[path]
    inner = path.removeprefix("blocks/")
    layers = {n for n in weights if re.fullmatch(rf"block\d+/{inner}", n)}
    return jnp.stack([weights[f"block{i}/{inner}"] for i in range(len(layers))])


def mlp(size):
    widths = (*size["hidden"], size["classes"])
    layers = {}
    for i, width in enumerate(widths):
        layers[f"dense{i}"] = fnn.dense(width)
        if i < len(size["hidden"]):
            layers[f"relu{i}"] = jax.nn.relu
    return fnn.sequential(**layers)


def cnn(size):
    window = (size["window"],) * 2
    return fnn.sequential(
        conv0=fnn.conv(size["channels"][1], window),
        relu0=jax.nn.relu,
        pool0=fnn.max_pool((2, 2)),
        conv1=fnn.conv(size["channels"][2], window),
        relu1=jax.nn.relu,
        pool1=fnn.max_pool((2, 2)),
        flatten=fnn.flatten(),
        dense0=fnn.dense(size["hidden"]),
        relu2=jax.nn.relu,
        dense1=fnn.dense(size["classes"]),
    )


def separable(size):
    widths = (size["stem"], *(width for width, _ in size["blocks"]))
    layers = {"conv": square_conv(size["stem"], 3, 1, jnp.float32)}
    layers |= {"norm": norm, "relu": jax.nn.relu}
    for i, (width, stride) in enumerate(size["blocks"]):
        layers[f"block{i}"] = fnn.sequential(
            depthwise=fnn.conv(
                widths[i],
                (3, 3),
                stride=stride,
                padding=1,
                groups=widths[i],
                use_bias=False,
            ),
            norm0=norm,
            relu0=jax.nn.relu,
            pointwise=fnn.conv(width, (1, 1), use_bias=False),
            norm1=norm,
            relu1=jax.nn.relu,
        )
    layers |= {"mean": fnn.global_avg_pool(2), "dense": fnn.dense(size["classes"])}
    return fnn.sequential(**layers)


def resnet(size):
    blocks = {}
    for i, (_, width, stride) in enumerate(residual_blocks(size)):
        shortcut = None
        if stride > 1:
            shortcut = projected_shortcut(width, stride, norm, jnp.float32)
        blocks[f"block{i}"] = residual_block(
            width, stride=stride, shortcut=shortcut, norm=norm
        )
    return fnn.sequential(
        conv=square_conv(size["width"], 3, 1, jnp.float32),
        norm=norm,
        relu=jax.nn.relu,
        **blocks,
        mean=fnn.global_avg_pool(2),
        dense=fnn.dense(size["classes"]),
    )


def lstm(size):
    layers = {
        f"lstm{i}": fnn.recurrent(fnn.lstm_cell(size["features"]))
        for i in range(size["layers"])
    }
    return fnn.sequential(
        embed=fnn.embed(size["vocabulary"], size["features"]),
        **layers,
        dense=fnn.dense(size["vocabulary"]),
    )


def gpt(size, unroll=1):
    options = {name: size[name] for name in ("length", "features", "heads", "layers")}
    return fnn.models.gpt(size["vocabulary"], **options, unroll=unroll)


def vit(size, unroll=1):
    options = {name: size[name] for name in ("patch", "features", "heads", "layers")}
    return fnn.models.vit(size["classes"], **options, eps=EPS, unroll=unroll)


def vae(size):
    @fnn.module(
        encoder=fnn.dense(size["hidden"]),
        mean=fnn.dense(size["code"]),
        log_variance=fnn.dense(size["code"]),
        decoder=fnn.dense(size["hidden"]),
        out=fnn.dense(size["inputs"]),
    )
    def network(parts, images, noise):
        h = jax.nn.relu(parts.encoder(images))
        mean, log_variance = parts.mean(h), parts.log_variance(h)
        code = mean + jnp.exp(0.5 * log_variance) * noise
        return parts.out(jax.nn.relu(parts.decoder(code))), mean, log_variance

    return network


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
