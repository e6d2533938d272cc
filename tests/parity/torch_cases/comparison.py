"""A layer and the same computation in PyTorch: values, gradients and new state."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import torch

import fnn

# The largest difference between two arrays, over the largest value in PyTorch's.
TOLERANCES = {"float64": 1e-12, "float32": 1e-5}
# A gradient that is zero but for rounding, such as that by a key's bias in attention,
# is measured by the others: no array counts as smaller than this part of the largest.
LEAST = 0.1


@dataclass(frozen=True)
class Case:
    """One call of a layer, and what makes the same call in PyTorch.

    ``theirs(tensors, *inputs, **named)`` gets params and state by path, in the layer's
    own layout, and lays them out as PyTorch wants them: so the gradients that PyTorch
    finds come back in the layer's layout. For a layer that keeps state it returns
    ``(outputs, {path: new state})``, else outputs.

    Inputs made by `floats` are drawn, and so are all params and states.
    """

    id: str
    layer: Any
    theirs: Callable[..., Any]
    inputs: tuple[Any, ...]
    named: Mapping[str, Any] = field(default_factory=dict)
    train: bool = False
    dtype: str = "float64"

    @property
    def tolerance(self) -> float:
        return TOLERANCES[self.dtype]


class Agreement(NamedTuple):
    """How well the cases of one dtype agree."""

    cases: int
    arrays: int  # outputs, gradients and new states that were compared
    worst: float  # the largest relative error of them


def floats(*shape: int) -> jax.ShapeDtypeStruct:
    """An input of floats, to be drawn."""
    return jax.ShapeDtypeStruct(shape, jnp.float32)


def agreements(cases: Mapping[str, Sequence[Case]]) -> dict[str, dict[str, Agreement]]:
    """By public name and by dtype, how well its cases agree."""
    found: dict[str, dict[str, Agreement]] = {}
    for name, rows in cases.items():
        found[name] = {}
        for dtype in dict.fromkeys(case.dtype for case in rows):
            each = [compare(case) for case in rows if case.dtype == dtype]
            errors = [error for one in each for error in one.values()]
            worst = float(np.max(errors))  # NaN if one is
            found[name][dtype] = Agreement(len(each), len(errors), worst)
    return found


def compare(case: Case) -> dict[str, float]:
    """The relative error of each output, gradient and new state, by what it is of."""
    with jax.enable_x64(case.dtype == "float64"):
        values, state = _drawn(case)
        ours, theirs = _ours(case, values, state), _theirs(case, values, state)
    errors = {}
    for kind, expected in theirs.items():
        if ours[kind].keys() != expected.keys():
            raise ValueError(
                f"compare: expected {kind} {[*expected]}, got {[*ours[kind]]}."
            )
        sizes = {path: np.max(np.abs(array)) for path, array in expected.items()}
        least = max(LEAST * max(sizes.values(), default=0), np.finfo(float).tiny)
        for path, array in expected.items():
            found, what = ours[kind][path], f"{kind} {path}".strip()
            if found.shape != array.shape:
                raise ValueError(
                    f"compare: expected {what} of shape {array.shape}, "
                    f"got {found.shape}."
                )
            difference = np.max(np.abs(found - array))
            errors[what] = float(difference / max(sizes[path], least))
    return errors


# ------------------------------------------------------------------------------ values
def _drawn(case: Case) -> tuple[dict[str, Any], Any]:
    """Params and inputs, and the state, as arrays of the case's dtype."""
    random = np.random.default_rng(0)
    layer = fnn.with_state(case.layer)

    def drawn(tree, draw):
        def one(leaf):
            if isinstance(leaf, jax.ShapeDtypeStruct):
                leaf = draw(leaf.shape)
            floating = np.issubdtype(leaf.dtype, np.floating)
            return leaf.astype(case.dtype) if floating else leaf

        return jax.tree.map(one, tree)

    def init():
        return layer.init(jax.random.key(0), *case.inputs, **case.named)

    params, state = jax.eval_shape(init)
    values = {
        # All count: none is zero or one as it may be at first.
        "params": drawn(params, lambda shape: random.normal(scale=0.5, size=shape)),
        "inputs": drawn(case.inputs, lambda shape: random.normal(size=shape)),
        "named": drawn(dict(case.named), lambda shape: random.normal(size=shape)),
    }
    # Variances are positive.
    return values, drawn(state, lambda shape: random.uniform(0.5, 1.5, size=shape))


def _projected(outputs: Any, dot: Callable[[Any, np.ndarray], Any]) -> Any:
    """The sum of all outputs, each value with a weight of its own."""
    random = np.random.default_rng(1)
    return sum(dot(y, random.normal(size=y.shape)) for y in jax.tree.leaves(outputs))


# ------------------------------------------------------------------------- both sides
def _ours(case: Case, values: dict[str, Any], state: Any) -> dict[str, Any]:
    """Outputs, gradients and new state by path."""
    layer = fnn.with_state(case.layer)

    def floating(path, leaf):
        return np.issubdtype(leaf.dtype, np.floating)

    def loss(moving, fixed, state):
        given = fnn.merge(moving, fixed)
        outputs, state = layer.apply(
            given["params"],
            state,
            *given["inputs"],
            key=jax.random.key(0),
            train=case.train,
            **given["named"],
        )
        total = _projected(outputs, lambda y, w: jnp.vdot(y, jnp.asarray(w, y.dtype)))
        return total, (outputs, state)

    moving, fixed = fnn.split(values, floating)
    gradients, (outputs, state) = jax.jit(jax.grad(loss, has_aux=True))(
        moving, fixed, state
    )
    found = {"output": outputs, "gradient by": gradients, "new state": state}
    return {
        kind: jax.tree.map(np.asarray, fnn.paths(tree)) for kind, tree in found.items()
    }


def _theirs(case: Case, values: dict[str, Any], state: Any) -> dict[str, Any]:
    """The same by PyTorch."""

    def tensor(leaf):
        leaf = torch.tensor(leaf)
        return leaf.requires_grad_(leaf.is_floating_point())

    values = jax.tree.map(tensor, values)
    held = fnn.paths(jax.tree.map(torch.tensor, state))
    tensors = fnn.paths(values["params"]) | held
    found = case.theirs(tensors, *values["inputs"], **values["named"])
    outputs, state = found if held else (found, {})
    leaves = {path: t for path, t in fnn.paths(values).items() if t.requires_grad}
    total = _projected(outputs, lambda y, w: (y * torch.tensor(w).to(y.dtype)).sum())
    gradients = torch.autograd.grad(
        total, leaves.values(), allow_unused=True, materialize_grads=True
    )
    found = {
        "output": fnn.paths(outputs),
        "gradient by": dict(zip(leaves, gradients, strict=True)),
        "new state": state,
    }
    return {
        kind: {path: t.detach().numpy() for path, t in tree.items()}
        for kind, tree in found.items()
    }
