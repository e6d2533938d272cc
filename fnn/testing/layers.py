"""The check of a layer against the whole contract, on given inputs."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fnn.contract import as_layer
from fnn.testing.case import (
    Case,
    Values,
    broken,
    floats,
    make_case,
    on_floats,
    shape_of,
)
from fnn.testing.directions import MODES
from fnn.testing.gradients import check_gradients
from fnn.testing.promises_of_apply import APPLY_PROMISES
from fnn.testing.promises_of_init import INIT_PROMISES


def check_layer(
    layer: Any,
    *inputs: Any,
    key: Any = None,
    skip: Sequence[str] = (),
    modes: Sequence[str] = MODES,
    param_dtype: Any = jnp.float32,
    tolerance: float = 1e-5,
    max_coordinates: int = 500,
    **named: Any,
) -> None:
    """Check of all that a layer promises, on inputs of your choice.

    Nothing is returned when all holds; else the error says in one sentence which
    promise is broken and how. The promises, by the names that ``skip`` takes:

    - ``shapes``: ``init`` draws from shapes what it draws from arrays, bit for bit.
    - ``init``: it does so under ``jax.jit`` and ``jax.vmap``, and ``jax.eval_shape``
      foretells it.
    - ``params`` are dicts, tuples and arrays of one dtype.
    - ``value``: the layer equals, hashes and is shown like one built by the same call,
      survives copying and pickling, and is one opaque leaf to JAX.
    - ``strangers``: ``apply`` refuses params of another model with a ValueError or a
      TypeError: one key or part more or less, another shape.
    - ``state`` comes back with the structure, shapes and dtypes that it had.
    - ``bits``: ``apply`` twice gives the same bits.
    - ``jit`` and ``vmap`` change nothing beyond rounding.
    - ``traces``: it is traced once, also when its params and its state come back.
    - ``batch``: all leading axes of the inputs are batch axes, none of whose entries
      sees another (not of training, nor of inputs by name).
    - ``keys``: a layer that draws does so from its key alone, differently for each key,
      and not without one; outside training only if it always does.
    - ``dtypes``: bfloat16 inputs run, and outputs are what inputs and params promote
      to.
    - ``gradients``: `check_gradients` finds nothing wrong with the outputs by params
      and inputs, in training and out of it.

    Args:
      layer: A layer, or a function of arrays.
      *inputs: What it is applied to, with a batch axis first.
      key: Draws the params, and what ``apply`` draws; ``jax.random.key(0)`` by default.
      skip: Promises that this layer does not make: ``"batch"`` for one that joins its
        axes, ``"gradients"`` for one that stops some.
      modes: What `check_gradients` checks.
      param_dtype: The dtype of the params.
      tolerance: How far outputs may differ from themselves under ``jit`` or ``vmap``,
        in units of their largest magnitude.
      max_coordinates: How many coordinates of a leaf `check_gradients` checks.
      **named: Inputs by name.

    Raises:
      AssertionError: If a promise is broken.
      TypeError: If ``layer`` is none.
      ValueError: If ``skip`` names no promise.

    Example:
      >>> fnn.testing.check_layer(fnn.dense(3), jnp.ones((2, 4)))
    """
    layer = as_layer(layer, "check_layer")
    unknown = [name for name in skip if name not in PROMISES]
    if unknown:
        raise ValueError(
            f"check_layer: expected to skip promises among {', '.join(PROMISES)}, "
            f"got {unknown[0]!r}."
        )
    options = {"tolerance": tolerance, "param_dtype": param_dtype}
    options |= {"modes": modes, "max_coordinates": max_coordinates}
    # To draw twice from one key, and see the same, is the point of some promises.
    with jax.debug_key_reuse(False):
        case = make_case(layer, inputs, named, key, options)
        for name, (promise, check) in PROMISES.items():
            if name in skip:
                continue
            try:
                got = check(case)
            except Exception as error:
                raise broken(layer, promise, error) from error
            if got is not None:
                raise broken(layer, promise, got)


def has_right_gradients(case: Case) -> str | None:
    """Have gradients that agree in both modes and with differences."""
    params, state, inputs, named = case.values
    random = np.random.default_rng(0)
    # No parameter at zero, behind which the gradients of others could hide.
    params = on_floats(
        lambda p: p + (0.1 * random.standard_normal(p.shape)).astype(p.dtype), params
    )
    for train in (False, True):

        def outputs(params, inputs, named, train=train):
            wide = on_floats(lambda leaf: leaf.astype(jnp.float64), state)
            return case.apply(Values(params, wide, inputs, named), train)[0]

        given = params, inputs, named
        if not floats(given) or not floats(shape_of(case.apply, case.values, train)[0]):
            return None
        try:
            check_gradients(
                outputs,
                *given,
                modes=case.options["modes"],
                max_coordinates=case.options["max_coordinates"],
            )
        except AssertionError as error:
            return f"{str(error).rstrip('.')}, with train={train}"
    return None


PROMISES = {
    **INIT_PROMISES,
    **APPLY_PROMISES,
    "gradients": ("have right gradients", has_right_gradients),
}
