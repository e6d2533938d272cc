"""Objectives: what is minimised, as a pair of pure functions."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from fnn.contract import as_layer, is_layer, with_state
from fnn.shapes import is_array, shown, spec, word
from fnn.signatures import takes
from fnn.training.checks import shown_pair
from fnn.training.examples import check_finite, check_labels, check_scale
from fnn.training.reductions import accuracy, check_values, mean, widened

PerExample = Callable[[Any, Any], Any]  # (outputs, targets) -> a value for each example


# ``init(key, batch) -> (params, state)``
ObjectiveInitFn = Callable[[Any, Any], tuple[Any, Any]]
# ``loss(params, state, batch, *, key, train) -> (value, (state, metrics))``, of which a
# loss may leave out ``key`` and ``train``.
LossFn = Callable[..., tuple[Any, tuple[Any, Mapping[str, Any]]]]


class Objective(NamedTuple):
    """What a trainer minimises: a pair of pure functions, ``init`` and ``loss``.

    ``init(key, batch) -> (params, state)``
    ``loss(params, state, batch, *, key, train) -> (value, (state, metrics))``

    The value is a scalar; the state is whatever a network keeps, ``()`` where it keeps
    none; the metrics are a dict of scalars, which a trainer reports beside ``"loss"``.
    As in a layer, ``key`` and ``train`` are keyword-only, and a loss names only what it
    uses. `supervised` writes the usual objective; anything else takes a few lines:

    Example:
      >>> net = fnn.sequential(fnn.dense(2), jnp.tanh, fnn.dense(4))
      >>> def init(key, x):
      ...     return net.init(key, x), ()
      >>> def loss(params, state, x, *, key):
      ...     noisy = x + 0.1 * jax.random.normal(key, x.shape)
      ...     error = jnp.mean((net.apply(params, noisy) - x) ** 2)
      ...     return error, (state, {"rmse": jnp.sqrt(error)})
      >>> denoising = fnn.training.Objective(init, loss)
      >>> init, step = fnn.training.trainer(denoising, optax.adam(1e-3))
      >>> state = init(jax.random.key(0), jnp.ones((8, 4)))
      >>> state, metrics = step(state, jnp.ones((8, 4)))
      >>> sorted(metrics)
      ['loss', 'rmse']
    """

    init: ObjectiveInitFn
    loss: LossFn


def supervised(
    net: Any, loss: PerExample, *, metrics: Mapping[str, PerExample] | None = None
) -> Objective:
    """The mean loss of a network on batches ``(*inputs, targets)``.

    ``value = mean(loss(net(*inputs), targets))``, after the network in at least
    float32: the sum of a softmax over bfloat16 logits would have two or three digits.

    A batch is a tuple or a list. Its last item is what ``loss`` compares with, and all
    before it are the network's positional inputs: ``(images, labels)``,
    ``(source, target, labels)``. Each item may be any pytree whose arrays have the
    examples on their first axis.

    Args:
      net: A layer with or without state, or a function of arrays.
      loss: ``loss(outputs, targets)``, one value for each example, and each position
        within it: most of `optax.losses`. Values whose axes are more or longer than
        those of outputs or targets are refused: they come from broadcasting ``(b, 1)``
        against ``(b,)``.
      metrics: ``{name: function}``, of functions like ``loss`` to report the means of.

    Raises:
      TypeError: If ``net`` is no layer, ``loss`` or a metric no function, a batch no
        tuple of inputs and targets, or labels are no integers.
      ValueError: If a metric is called ``"loss"``, inputs and targets differ in length,
        or ``loss`` or a metric has values of another shape than one for each example;
        where training begins, if there is no example, one is not finite, or a label
        of `optax.softmax_cross_entropy_with_integer_labels`, or of `accuracy`, is not
        that of an output.

    Warns:
      UserWarning: Where training begins, if images are pixels that were not scaled.

    Example:
      >>> objective = fnn.training.supervised(
      ...     fnn.dense(3),
      ...     optax.softmax_cross_entropy_with_integer_labels,
      ...     metrics={"accuracy": fnn.training.accuracy},
      ... )
      >>> batch = jnp.ones((8, 4)), jnp.zeros(8, int)
      >>> params, state = objective.init(jax.random.key(0), batch)
      >>> value, (state, metrics) = objective.loss(params, state, batch)
      >>> value.shape, list(metrics)
      ((), ['accuracy'])
    """
    if not is_layer(net) and isinstance(net, tuple):
        raise TypeError(
            "supervised: expected a layer or a function of arrays, "
            f"got {shown_pair(net)}."
        )
    net = with_state(as_layer(net, "supervised"))
    for name, function in {"loss": loss, **check_metric_names(metrics)}.items():
        if not callable(function) or is_layer(function):
            raise TypeError(
                f"supervised: expected {name} to be a function of outputs and targets, "
                f"got {word(function)}."
            )

    def init(key, batch):
        inputs, targets = inputs_and_targets(batch)
        if 0 in (a.shape[0] for a in jax.tree.leaves(targets) if is_array(a)):
            raise ValueError("supervised: expected at least one example, got none.")
        check_finite(inputs, targets)
        check_scale(inputs)
        inputs, drawing = _as_jax_sees(inputs), spec(key)
        params, state = net.init(key, *inputs)
        of_classes = optax.softmax_cross_entropy_with_integer_labels, accuracy
        if any(f in of_classes for f in (loss, *(metrics or {}).values())):
            apply = functools.partial(net.apply, train=False)
            outputs, _ = jax.eval_shape(apply, params, state, *inputs, key=drawing)
            if is_array(targets) and is_array(outputs):
                check_labels(targets, outputs)
        return params, state

    def mean_loss(params, state, batch, *, key=None, train=False):
        inputs, targets = inputs_and_targets(batch)
        outputs, state = net.apply(params, state, *inputs, key=key, train=train)
        outputs, targets = widened((outputs, targets))

        def reduced(name, function):
            values = function(outputs, targets)
            check_values(name, values, outputs, targets)
            if name == "loss" and not jnp.issubdtype(values.dtype, jnp.floating):
                raise TypeError(
                    "supervised: expected loss to give real floating-point values, "
                    f"got {values.dtype.name}."
                )
            return mean(values)

        value = reduced("loss", loss)
        return value, (state, {n: reduced(n, f) for n, f in (metrics or {}).items()})

    return Objective(init, mean_loss)


def check_metric_names(metrics: Any) -> Mapping[str, Any]:
    """Metrics by name, none of which is called like the loss itself."""
    if metrics is None:
        return {}
    if not isinstance(metrics, Mapping):
        raise TypeError(
            "supervised: expected metrics to be a dict, {name: function}, "
            f"got {word(metrics)}."
        )
    if "loss" in metrics:
        raise ValueError(
            "supervised: expected metrics named otherwise than the loss, got one named "
            "'loss'."
        )
    return metrics


def inputs_and_targets(batch: Any) -> tuple[tuple, Any]:
    """The two halves of a batch, equally long."""
    if not isinstance(batch, tuple | list) or len(batch) < 2:
        raise TypeError(
            "supervised: expected a batch (*inputs, targets), a tuple of two or more, "
            f"got {shown(batch)}."
        )
    *inputs, targets = batch
    if not any(map(is_array, jax.tree.leaves(targets))):
        raise TypeError(
            "supervised: expected targets that are arrays as the last item of a batch, "
            f"got {shown(targets)}."
        )
    lengths = [a.shape[:1] for a in jax.tree.leaves(batch) if is_array(a)]
    if () in lengths or len(set(lengths)) > 1:
        raise ValueError(
            "supervised: expected inputs and targets of equal length on their first "
            f"axis, got {shown(spec(tuple(batch)))}."
        )
    return tuple(inputs), targets


def _as_jax_sees(inputs: Any) -> Any:
    """Shapes of the inputs in the dtypes that they will have under jit."""

    def of(leaf):
        if not is_array(leaf) or jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            return leaf
        return jax.ShapeDtypeStruct(
            leaf.shape, jax.dtypes.canonicalize_dtype(leaf.dtype)
        )

    return jax.tree.map(of, inputs)


def as_objective(objective: Any, who: str) -> Objective:
    """An objective whose loss can be given any key and train."""
    if type(objective) is tuple and len(objective) == 2:
        init, loss = objective
    else:
        init, loss = getattr(objective, "init", None), getattr(objective, "loss", None)
    if init is None or loss is None:
        raise TypeError(
            f"{who}: expected an objective, such as fnn.training.supervised(net, loss) "
            f"or fnn.training.Objective(init, loss), got {shown_pair(objective)}."
        )
    for name, function in (("init", init), ("loss", loss)):
        if not callable(function):
            raise TypeError(
                f"{who}: expected an objective whose {name} is a function, "
                f"got {word(function)}."
            )
    reads = takes(loss, 3)

    def call(params, state, batch, *, key=None, train=False):
        options = {"key": key} if reads.draws else {}
        options |= {"train": bool(train)} if reads.train else {}
        return loss(params, state, batch, **options)

    return Objective(init, call)
