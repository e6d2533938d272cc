"""What the contract promises of a layer as a value, its `init` and its params."""

import copy
import functools
import pickle
from typing import Any

import jax
import jax.numpy as jnp

from fnn.contract import as_layer, is_layer
from fnn.shapes import is_array, spec, word
from fnn.testing.case import Case, Drawn, difference, jitted, shape_of
from fnn.tree import paths


def draws_from_shapes(case: Case) -> str | None:
    """Draw from shapes what it draws from arrays."""
    drawn = case.init(case.key, *spec(case.values.inputs))
    return difference(drawn, Drawn(case.values.params, case.values.state))


def initialises_under_transforms(case: Case) -> str | None:
    """Be initialised under jax.jit, jax.vmap and jax.eval_shape as without."""
    wanted = Drawn(case.values.params, case.values.state)
    inputs = case.values.inputs
    if spec(shape_of(case.init, case.key, *inputs)) != spec(wanted):
        return "other shapes from jax.eval_shape"
    keys = jnp.stack([jax.random.fold_in(case.key, 1), case.key])
    found = jitted(jax.vmap(lambda key: case.init(key, *inputs)), keys)
    found = jax.tree.map(lambda leaf: leaf[1], found)
    return difference(found, wanted, case.options["tolerance"])


def keeps_plain_params(case: Case) -> str | None:
    """Keep params of the dtype asked for."""
    for name, leaf in paths(case.values.params).items():
        if leaf.dtype != case.options["param_dtype"]:
            return f"{leaf.dtype} at {name or 'params'}"
    return None


def is_a_value(case: Case) -> str | None:
    """Be equal to what the same call builds, and shown and copied as that."""
    layer = case.layer
    build, args, kwargs = layer.call
    again = build(*args, **kwargs)
    if again != layer or hash(again) != hash(layer):
        return "another layer from the same call"
    if jax.tree.leaves([layer]) != [layer]:
        return "more leaves than itself in a tree"
    if copy.copy(layer) != layer or copy.deepcopy(layer) != layer:
        return "another layer from copy"
    names: dict[str, Any] = {}
    if _named(layer, names) and as_layer(eval(repr(layer), names)) != layer:
        return "another layer from the call that it is shown as"
    if not _local(layer) and pickle.loads(pickle.dumps(layer)) != layer:
        return "another layer from pickle"
    return None


def _named(value: Any, names: dict[str, Any]) -> bool:
    """Collects what a repr names; False where it can't tell all that is in it."""
    if is_layer(value):
        build, args, kwargs = value.call
        if build is as_layer:
            return _named(args[0], names)
        if isinstance(build, functools.partial):
            return False  # a module's name is that of its forward function
        return _put(names, value.form.name, build) and _named([args, kwargs], names)
    if isinstance(value, functools.partial):
        inside = [value.func, value.args, value.keywords]
        return _put(names, "partial", functools.partial) and _named(inside, names)
    if isinstance(value, (tuple, list)):
        return all(_named(item, names) for item in value)
    if isinstance(value, dict):
        return _named(list(value.values()), names)
    if is_array(value):
        return False
    if callable(value):
        return _put(names, word(value), value)
    return _put(names, type(value).__name__, type(value)) and "<" not in repr(value)


def _put(names: dict[str, Any], name: str, value: Any) -> bool:
    return name.isidentifier() and names.setdefault(name, value) is value


def _local(value: Any) -> bool:
    """Whether a value holds a function that pickle can't find: a local one."""
    if is_layer(value):
        return _local(list(value.call))
    if isinstance(value, functools.partial):
        return _local([value.func, value.args, value.keywords])
    if isinstance(value, (tuple, list)):
        return any(map(_local, value))
    if isinstance(value, dict):
        return _local(list(value.values()))
    return "<" in getattr(value, "__qualname__", "")


INIT_PROMISES = {
    "shapes": ("draw from shapes what it draws from arrays", draws_from_shapes),
    "init": (
        "be initialised under jax.jit, jax.vmap and jax.eval_shape as without",
        initialises_under_transforms,
    ),
    "params": ("keep params of the dtype asked for", keeps_plain_params),
    "value": ("be what the call that built it says", is_a_value),
}
