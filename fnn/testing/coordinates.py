"""A function of pytrees seen as a function of one vector of float64 coordinates."""

import inspect
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.core import Tracer


class Leaf(NamedTuple):
    """Where one array lies among the coordinates.

    A complex array takes two runs of coordinates, its real parts and then its
    imaginary parts, so that all that is checked is real.
    """

    name: str
    shape: tuple[int, ...]
    is_complex: bool
    start: int

    @property
    def stop(self) -> int:
        return self.start + math.prod(self.shape) * (1 + self.is_complex)

    def name_of(self, coordinate: int) -> str:
        """The leaf's path with an index behind it, such as ``0/weight[2, 3]``."""
        part, entry = divmod(coordinate - self.start, math.prod(self.shape))
        index = ", ".join(str(i) for i in np.unravel_index(entry, self.shape))
        suffix = (".real", ".imag")[part] if self.is_complex else ""
        return self.name + (f"[{index}]" if self.shape else "") + suffix


class Problem(NamedTuple):
    """A function ``{path: coordinates}`` of one vector, and where to check it."""

    outputs: Callable[[Any], dict[str, Any]]
    point: np.ndarray
    scale: np.ndarray  # the typical size of each coordinate
    leaves: list[Leaf]


def as_problem(function: Callable, args: tuple) -> Problem:
    """The function of `args` as one of their floating and complex coordinates.

    Must be called, and the problem used, where 64-bit types are enabled.
    """
    paths, structure = jax.tree.flatten_with_path(args)
    prefixes = _argument_names(function, len(args))
    values, leaves, points, scales = [], [], [], []
    for path, value in paths:
        if _is_inexact(value):
            array = np.asarray(value)
            start = leaves[-1].stop if leaves else 0
            name = _name_of_input(path, prefixes)
            leaves.append(Leaf(name, array.shape, np.iscomplexobj(array), start))
            points.append(_as_reals(np, array))
            scales.append(np.full(points[-1].shape, _typical_size(points[-1])))
            value = leaves[-1]
        values.append(value)
    if not sum(map(len, points)):
        raise ValueError(
            "check_gradients: expected a floating or complex array among the "
            f"arguments, got {_kinds(args)}."
        )

    def outputs(vector: Any) -> dict[str, Any]:
        inputs = [
            _from_reals(vector[value.start : value.stop], value)
            if isinstance(value, Leaf)
            else value
            for value in values
        ]
        return _outputs(function(*structure.unflatten(inputs)))

    return Problem(outputs, np.concatenate(points), np.concatenate(scales), leaves)


def _is_inexact(value: Any) -> bool:
    """Whether a leaf is differentiated; integers, bools, keys and the rest are not."""
    if isinstance(value, (Tracer, jax.ShapeDtypeStruct)):
        raise TypeError(
            "check_gradients: expected concrete arrays, got "
            f"{type(value).__name__}; call it outside jax.jit and other transforms."
        )
    if not isinstance(value, (jax.Array, np.ndarray, np.generic)):
        return isinstance(value, (float, complex))
    return jnp.issubdtype(value.dtype, jnp.inexact)


def _as_reals(xp: Any, array: Any) -> Any:
    """The coordinates of an array: its entries, or their real and imaginary parts."""
    if jnp.issubdtype(array.dtype, jnp.complexfloating):
        array = xp.stack([array.real, array.imag])
    return array.astype(xp.float64).reshape(-1)


def _from_reals(vector: Any, leaf: Leaf) -> Any:
    if not leaf.is_complex:
        return vector.reshape(leaf.shape)
    real, imag = vector.reshape(2, *leaf.shape)
    return lax.complex(real, imag)


def _typical_size(vector: np.ndarray) -> float:
    """The root mean square; 1 for zeros, which say nothing of their scale."""
    finite = vector[np.isfinite(vector)]
    return float(np.sqrt(np.mean(finite**2))) if finite.any() else 1.0


def _outputs(tree: Any) -> dict[str, Any]:
    outputs = {}
    for path, value in jax.tree.flatten_with_path(tree)[0]:
        name = _keystr(path)
        if not isinstance(
            value, (jax.Array, np.ndarray, np.generic, bool, int, float, complex)
        ):
            where = f" at {name}" if name else ""
            raise TypeError(
                "check_gradients: expected a function that returns arrays, got "
                f"{type(value).__name__}{where}."
            )
        array = jnp.asarray(value)
        if jnp.issubdtype(array.dtype, jnp.inexact) and array.size:
            outputs[name] = _as_reals(jnp, array)
    if not outputs:
        raise ValueError(
            "check_gradients: expected a function that returns a floating or complex "
            f"array, got {_kinds(tree)}."
        )
    return outputs


def _kinds(tree: Any) -> str:
    leaves = jax.tree.leaves(tree)
    kinds = dict.fromkeys(str(getattr(a, "dtype", type(a).__name__)) for a in leaves)
    return " and ".join(kinds) or "no leaves"


def _keystr(path: Any) -> str:
    return jax.tree_util.keystr(path, simple=True, separator="/")


def _name_of_input(path: Any, prefixes: list[str]) -> str:
    """The path joined by ``/``, led by the argument's name if there are several."""
    name = _keystr(path[1:])
    if len(prefixes) == 1 and name:
        return name
    prefix = prefixes[path[0].idx]
    return f"{prefix}/{name}" if name else prefix


def _argument_names(function: Callable, count: int) -> list[str]:
    """The names of the first `count` arguments; the position of one without a name."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names = [str(position) for position in range(count)]
    for position, parameter in enumerate(parameters[:count]):
        if parameter.kind in (
            parameter.POSITIONAL_ONLY,
            parameter.POSITIONAL_OR_KEYWORD,
        ):
            names[position] = parameter.name
    return names
