"""The programs of networks that are pure functions, alike for all that are.

A library that trains by another idiom, too, writes that itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from peers.program import Program
from workloads import ADAM, DECAY, OPTIMIZERS, Workload, fingerprint, total


class Network(NamedTuple):
    """A network as pure functions; state is what batch norms keep."""

    init: Callable[[Any, Any], tuple[Any, Any]]  # key, inputs: params, state
    apply: Callable[
        ..., tuple[Any, Any]
    ]  # params, state, inputs, train: outputs, state
    load: Callable[[dict[str, Any]], tuple[Any, Any]]


def optimizer(work: Workload) -> optax.GradientTransformation:
    options = OPTIMIZERS[work.task]
    if "momentum" in options:
        return optax.sgd(options["rate"], momentum=options["momentum"])
    if "decay" in options:
        return optax.adamw(options["rate"], weight_decay=options["decay"], **ADAM)
    return optax.adam(options["rate"], **ADAM)


def loss_of(work: Workload) -> Callable[[Any, Any], Any]:
    return evidence if work.family == "vae" else cross_entropy


def cross_entropy(logits: Any, labels: Any) -> Any:
    losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
    return jnp.mean(losses)


def evidence(outputs: Any, images: Any) -> Any:
    """The bound that a variational autoencoder descends, a number for each image."""
    logits, mean, log_variance = outputs
    error = jnp.sum(optax.sigmoid_binary_cross_entropy(logits, images))
    distance = jnp.sum(1 + log_variance - mean**2 - jnp.exp(log_variance))
    return (error - 0.5 * distance) / len(images)


def on_device(batch: Any) -> Any:
    return jax.tree.map(jnp.asarray, batch)


def program(
    work: Workload,
    network: Network,
    batch: Any,
    prepare: Callable[[Any], Any] = on_device,
) -> Program:
    """The workload by plain `jax.jit`; `batch` is NumPy's, for its shapes."""
    inputs = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), batch[0])

    def begin():
        # An array: some libraries' initialisers compute on the inputs.
        zeros = jax.tree.map(lambda s: np.zeros(s.shape, s.dtype), inputs)
        return network.init(jax.random.key(0), prepare((zeros, batch[1]))[0])

    if work.task == "dispatch":
        return dispatching(lambda: begin()[0], lambda w: network.load(w)[0], prepare)
    if work.task == "inference":
        return inferring(network, begin, prepare)
    tx, loss_fn = optimizer(work), loss_of(work)
    apply = in_half(network.apply) if work.half else network.apply

    def loss(params, state, batch):
        inputs, targets = batch
        outputs, state = apply(params, state, inputs, True)
        return loss_fn(outputs, targets), state

    def step(carry, batch):
        params, state, opt_state = carry
        (value, state), grads = jax.value_and_grad(loss, has_aux=True)(
            params, state, batch
        )
        updates, opt_state = tx.update(grads, opt_state, params)
        return (optax.apply_updates(params, updates), state, opt_state), value

    def ready(params, state):
        return params, state, tx.init(params)

    return Program(
        begin=lambda: ready(*begin()),
        load=lambda weights: ready(*network.load(weights)),
        prepare=prepare,
        call=jax.jit(step, donate_argnums=0),
        figure=lambda carry, value: float(value),
        wait=jax.block_until_ready,
    )


def in_half(apply: Callable) -> Callable:
    """The network in bfloat16, of what is cast to it; statistics stay as they are."""

    def run(params, state, inputs, train):
        params, inputs = cast((params, inputs), jnp.bfloat16)
        outputs, state = apply(params, state, inputs, train)
        return cast(outputs, jnp.float32), state

    return run


def cast(tree: Any, dtype: Any) -> Any:
    def one(array):
        floating = jnp.issubdtype(array.dtype, jnp.floating)
        return array.astype(dtype) if floating else array

    return jax.tree.map(one, tree)


def inferring(network: Network, begin: Any, prepare: Any) -> Program:
    @jax.jit
    def forward(carry, batch):
        return network.apply(*carry, batch[0], False)[0]

    return Program(
        begin=begin,
        load=network.load,
        prepare=prepare,
        call=forward,
        figure=lambda carry, logits: fingerprint(logits),
        wait=jax.block_until_ready,
        after=lambda logits, carry: (carry, logits),
    )


def dispatching(begin: Any, load: Any, prepare: Any) -> Program:
    """A call whose work is next to nothing: each array is scaled, in its own place."""

    def scaled(params, batch):
        return jax.tree.map(lambda a: a * DECAY, params)

    return Program(
        begin=begin,
        load=load,
        prepare=prepare,
        call=jax.jit(scaled, donate_argnums=0),
        figure=lambda carry, value: total(jax.tree.leaves(carry)),
        wait=jax.block_until_ready,
        after=lambda params, carry: (params, ()),
    )
