"""What the contract promises of a layer's `apply`."""

import functools
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp

from fnn.shapes import is_array, over_arrays, shown, spec
from fnn.testing.case import (
    Case,
    Values,
    difference,
    floats,
    jitted,
    on_arrays,
    on_floats,
    shape_of,
)


def refuses_strangers(case: Case) -> str | None:
    """Refuse the params of another model."""
    for what, params in _strangers(case.values.params, "params"):
        try:
            shape_of(case.apply, case.values._replace(params=params), False)
        except (TypeError, ValueError):
            continue
        except Exception as error:
            return f"{type(error).__name__} and no sentence for {what}"
        return f"no error for {what}"
    return None


def _strangers(params: Any, where: str) -> Iterator[tuple[str, Any]]:
    """Trees much like the params, with what is other about them."""
    zeros = jnp.zeros(2)
    yield f"{where} inside a tuple", (params,)
    if isinstance(params, dict):
        yield f"one key more in {where}", {**params, "stranger": zeros}
        for name, child in params.items():
            rest = {key: value for key, value in params.items() if key != name}
            yield f"{where} without {name}", rest
            for what, other in _strangers(child, f"{where}/{name}"):
                yield what, {**params, name: other}
    elif isinstance(params, tuple):
        yield f"one part more in {where}", (*params, {"stranger": zeros})
        if params:
            yield f"one part less in {where}", params[:-1]
        for i, child in enumerate(params):
            for what, other in _strangers(child, f"{where}/{i}"):
                yield what, (*params[:i], other, *params[i + 1 :])
    else:
        for axis in range(params.ndim):
            more = jnp.concatenate([params, params], axis)
            yield f"twice the size along axis {axis} of {where}", more


def keeps_state(case: Case) -> str | None:
    """Return state of the structure, shapes and dtypes that it got."""
    for train in (False, True):
        _, state = shape_of(case.apply, case.values, train)
        if spec(state) != spec(case.values.state):
            return f"{shown(state)} for {shown(case.values.state)}, {_using(train)}"
    return None


def gives_the_same_bits(case: Case) -> str | None:
    """Give the same bits when it is applied twice."""
    for train in (False, True):
        first, again = (case.apply(case.values, train) for _ in range(2))
        if differs := difference(again, first):
            return f"{differs}, {_using(train)}"
    return None


def survives_jit(case: Case) -> str | None:
    """Give under jax.jit what it gives without."""
    for train in (False, True):
        found = jitted(case.apply, case.values, train)
        wanted = case.apply(case.values, train)
        if differs := difference(found, wanted, case.options["tolerance"]):
            return f"{differs}, {_using(train)}"
    return None


def survives_vmap(case: Case) -> str | None:
    """Give under jax.vmap what it gives in a loop."""

    def flipped(leaf):
        number = jnp.issubdtype(leaf.dtype, jnp.number) or leaf.dtype == bool
        return jnp.flip(leaf) if number else leaf

    params, state, inputs, named = case.values
    inputs, named = on_arrays(flipped, (inputs, named))
    others = Values(on_floats(lambda p: p * 1.1, params), state, inputs, named)
    for train in (False, True):
        pairs = [over_arrays(case.apply, v, train) for v in (case.values, others)]
        stacked = [jnp.stack(both) for both in zip(*(a for _, a in pairs), strict=True)]
        if not stacked:
            continue
        found = jitted(jax.vmap(pairs[0][0]), stacked)
        for i, values in enumerate((case.values, others)):
            wanted = jitted(case.apply, values, train)
            one = jax.tree.map(lambda leaf, i=i: leaf[i], found)
            if differs := difference(one, wanted, case.options["tolerance"]):
                return f"{differs}, {_using(train)}"
    return None


def is_traced_once(case: Case) -> str | None:
    """Be traced once for each shape, with the params and state that it returned."""
    for train in (False, True):
        traces = []

        def step(values, train=train, traces=traces):
            traces.append(values)
            outputs, state = case.apply(values, train)
            params = on_floats(lambda p: p * jnp.asarray(0.9, p.dtype), values.params)
            return params, state, outputs

        values = case.values
        of_arrays, arrays = over_arrays(step, values)
        step = jax.jit(of_arrays)
        for _ in range(3):
            params, state, _ = step.eval_shape(arrays)
            values = values._replace(params=params, state=state)
            _, arrays = over_arrays(case.apply, values)
        if len(traces) > 1:
            return f"{len(traces)} traces, {_using(train)}"
    return None


def takes_batches(case: Case) -> str | None:
    """Take all leading axes for batch axes, whose entries don't see each other."""
    inputs = case.values.inputs
    sizes = {leaf.shape[:1] for leaf in jax.tree.leaves(inputs) if is_array(leaf)}
    if len(sizes) != 1 or () in sizes:
        return "inputs without a common first axis; skip 'batch'"
    wanted, _ = jitted(case.apply, case.values, False)
    more = on_arrays(lambda leaf: leaf[None], inputs)
    drawn, _ = case.init(case.key, *more)
    if differs := difference(drawn, case.values.params):
        return f"params with {differs} for one leading axis more"
    found, _ = jitted(case.apply, case.values._replace(inputs=more), False)
    if differs := difference(
        found, on_arrays(lambda y: y[None], wanted), case.options["tolerance"]
    ):
        return f"{differs} for one leading axis more"
    first = on_arrays(lambda leaf: leaf[:1], inputs)
    found, _ = jitted(case.apply, case.values._replace(inputs=first), False)
    if differs := difference(
        found, on_arrays(lambda y: y[:1], wanted), case.options["tolerance"]
    ):
        return f"{differs} for the first entry alone"
    return None


def draws_from_its_key(case: Case) -> str | None:
    """Draw in training from its key alone, and otherwise not at all."""
    with_key = case.apply_with(case.key, case.values, False)
    if not case.always_draws and difference(with_key, case.apply(case.values, False)):
        return "outputs that change with a key when train=False"
    if not case.layer.form.draws:
        return None
    found, *others = (case.apply(case.values, True, draw)[0] for draw in range(4))
    if not any(difference(other, found) for other in others):
        # A rate of zero changes nothing, and needs no draw.
        evaluated, _ = case.apply(case.values, False)
        changed = case.always_draws or difference(found, evaluated)
        return "the same draw from every key" if changed else None
    try:
        shape_of(case.apply_with, None, case.values, True)
    except (TypeError, ValueError):
        return None
    return "no error without a key when train=True"


def keeps_dtypes(case: Case) -> str | None:
    """Run in bfloat16, and give what inputs and params promote to."""

    def low(tree):
        return on_floats(lambda leaf: leaf.astype(jnp.bfloat16), tree)

    params, state, inputs, named = case.values
    inputs, named = low(inputs), low(named)
    mixed = Values(params, state, inputs, named)
    for values in (mixed, mixed._replace(params=low(params))):
        dtypes = {leaf.dtype for leaf in floats((values.params, values.inputs))}
        if not dtypes:
            return None
        with jax.numpy_dtype_promotion("standard"):  # of types alone, nothing is cast
            wanted = functools.reduce(jnp.promote_types, dtypes)
        for train in (False, True):
            outputs, _ = jitted(case.apply, values, train)
            wrong = [y.dtype for y in floats(outputs) if y.dtype != wanted]
            if wrong:
                among = " and ".join(sorted(dtype.name for dtype in dtypes))
                return f"{wrong[0]} from {among}, {_using(train)}"
            if not all(jnp.isfinite(y).all() for y in floats(outputs)):
                return f"outputs in bfloat16 that are not finite, {_using(train)}"
    return None


def _using(train: bool) -> str:
    return f"with train={train}"


APPLY_PROMISES = {
    "strangers": ("refuse the params of another model", refuses_strangers),
    "state": ("return state like the one it got", keeps_state),
    "bits": ("give the same bits when applied twice", gives_the_same_bits),
    "jit": ("give the same under jax.jit", survives_jit),
    "vmap": ("give under jax.vmap what it gives in a loop", survives_vmap),
    "traces": ("be traced once for each shape", is_traced_once),
    "batch": ("treat leading axes as batch axes", takes_batches),
    "keys": ("draw from its key alone", draws_from_its_key),
    "dtypes": ("give the dtype that inputs and params promote to", keeps_dtypes),
}
