"""Equinox: one example, channels first, under `jax.vmap`; partitioned, or filtered."""

from __future__ import annotations

import re
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from peers.equinox_networks import FAMILIES
from peers.functional import (
    Network,
    loss_of,
    on_device,
    optimizer,
    program,
)
from peers.program import Program
from workloads import DECAY, Workload, fingerprint, total

NAME, PACKAGES = "Equinox", ("equinox", "jax", "jaxlib", "optax")


def programs(work: Workload, batch):
    def prepare(batch):
        inputs, targets = batch
        if inputs[0].ndim == 4:
            inputs = (np.moveaxis(inputs[0], -1, 1),)
        return on_device((inputs, targets))

    def made():
        return eqx.nn.make_with_state(FAMILIES[work.family])(
            work.size, key=jax.random.key(0)
        )

    def loaded(weights):
        net, state = made()
        arrays, static = eqx.partition(net, eqx.is_inexact_array)
        leaves, structure = jax.tree_util.tree_flatten_with_path(arrays)
        filled = [found(weights, path, leaf.shape, work) for path, leaf in leaves]
        net = eqx.combine(jax.tree.unflatten(structure, filled), static)
        return net, statistics(net, state, weights)

    idioms = {"partition": partitioned(work, batch, made, loaded, prepare)}
    if not work.half:
        idioms["filter_jit"] = filtered(work, made, loaded, prepare)
    return idioms


def batched(net, state, inputs, train):
    """Every example by itself; norms see the others through the axis's name."""
    net = eqx.nn.inference_mode(net, not train)
    axes = {"in_axes": (0, None), "out_axes": (0, None), "axis_name": "batch"}
    return jax.vmap(lambda inputs, state: net(*inputs, state), **axes)(inputs, state)


def partitioned(work, batch, made, loaded, prepare) -> Program:
    static = None

    def parted(pair):
        nonlocal static
        params, static = eqx.partition(pair[0], eqx.is_inexact_array)
        return params, pair[1]

    def apply(params, state, inputs, train):
        return batched(eqx.combine(params, static), state, inputs, train)

    network = Network(
        init=lambda key, inputs: parted(made()),
        apply=apply,
        load=lambda weights: parted(loaded(weights)),
    )
    return program(work, network, batch, prepare)


def filtered(work, made, loaded, prepare) -> Program:
    loss_fn = loss_of(work)
    shared: dict[str, Any] = {"prepare": prepare, "wait": jax.block_until_ready}
    if work.task == "inference":

        @eqx.filter_jit
        def forward(carry, batch):
            return batched(*carry, batch[0], False)[0]

        shared |= {"call": forward, "figure": lambda carry, logits: fingerprint(logits)}
        shared["after"] = lambda logits, carry: (carry, logits)
        return Program(begin=made, load=loaded, **shared)
    if work.task == "dispatch":

        @eqx.filter_jit(donate="all-except-first")
        def scaled(batch, net):
            arrays, rest = eqx.partition(net, eqx.is_inexact_array)
            return eqx.combine(jax.tree.map(lambda a: a * DECAY, arrays), rest)

        shared |= {
            "call": Swapped(scaled),
            "figure": lambda carry, value: total(
                jax.tree.leaves(eqx.filter(carry, eqx.is_array))
            ),
        }
        shared["after"] = lambda net, carry: (net, ())
        return Program(begin=lambda: made()[0], load=lambda w: loaded(w)[0], **shared)
    tx = optimizer(work)

    def ready(pair):
        return *pair, tx.init(eqx.filter(pair[0], eqx.is_inexact_array))

    @eqx.filter_value_and_grad(has_aux=True)
    def gradient(net, state, batch):
        outputs, state = batched(net, state, batch[0], True)
        return loss_fn(outputs, batch[1]), state

    # The batch is used again, so that only what is before it may be donated.
    @eqx.filter_jit(donate="all-except-first")
    def backwards(batch, carry):
        net, state, opt_state = carry
        (value, state), grads = gradient(net, state, batch)
        params = eqx.filter(net, eqx.is_inexact_array)
        updates, opt_state = tx.update(grads, opt_state, params)
        return (eqx.apply_updates(net, updates), state, opt_state), value

    return Program(
        begin=lambda: ready(made()),
        load=lambda weights: ready(loaded(weights)),
        call=Swapped(backwards),
        figure=lambda carry, value: float(value),
        **shared,
    )


class Swapped:
    """A function of (batch, carry), compiled or not, as one of (carry, batch)."""

    def __init__(self, function):
        self.function = function

    def __call__(self, carry, batch):
        return self.function(batch, carry)

    def lower(self, carry, batch):
        return Swapped(self.function.lower(batch, carry))

    def compile(self):
        return Swapped(self.function.compile())

    @property
    def compiled(self):
        return self.function.compiled


RENAMED = (
    (r"/(\d+)", r"\1"),
    (r"/(query|key|value)_proj/", r"/\1/"),
    (r"/output_proj/", "/out/"),
    (r"/weight_ih$", "/input/weight"),
    (r"/weight_hh$", "/recurrent/weight"),
    (r"^(lstm\d+)/bias$", r"\1/input/bias"),
)


def found(weights, path, shape, work):
    """The canonical array of a path, as Equinox lays it out."""
    name = "/".join(
        str(p.idx) if hasattr(p, "idx") else p.name.lstrip(".") for p in path
    )
    for pattern, new in RENAMED:
        name = re.sub(pattern, new, name)
    module, _, last = name.rpartition("/")
    if f"{module}/scale" in weights and last == "weight":
        name = f"{module}/scale"
    array = weights[name]
    if array.ndim == 4:
        array = array.transpose(3, 2, 0, 1)
    elif name == "dense0/weight" and work.family == "cnn":  # after channels first
        side = work.size["side"] // 4
        array = array.reshape(side, side, -1, array.shape[-1])
        array = array.transpose(3, 2, 0, 1)
    elif array.ndim == 2 and module not in ("embed", "positions"):
        array = array.T
    return jnp.asarray(array).reshape(shape)


def statistics(net, state, weights):
    """The state with the canonical running statistics."""

    def is_norm(x):
        return isinstance(x, eqx.nn.BatchNorm)

    leaves = jax.tree_util.tree_flatten_with_path(net, is_leaf=is_norm)[0]
    for path, leaf in leaves:
        if is_norm(leaf):
            name = "/".join(
                str(p.idx) if hasattr(p, "idx") else p.name.lstrip(".") for p in path
            )
            name = re.sub(*RENAMED[0], name)
            both = (weights[f"{name}/mean"], weights[f"{name}/var"])
            state = state.set(leaf.batch_state_index, on_device(both))
    return state
