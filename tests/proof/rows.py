"""A row of the proof: a layer, what it is applied to, and its equation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np


class Errors(NamedTuple):
    """The largest errors allowed, relative to the largest value of each array."""

    float64: float = 1e-14
    float32: float = 1e-6
    bfloat16: float = 0.02


EXACT = Errors(0, 0, 0)  # what only moves values
DEEP = Errors(bfloat16=0.05)  # many roundings on the way


@dataclass(frozen=True, eq=False)
class Row:
    """One layer on given inputs; a public name has one such row or several.

    ``equation(params, *inputs)``, with a state after the params where the layer keeps
    some, gives in float64 NumPy what the layer's ``apply`` gives; in training it also
    gets ``train=True``, and ``key`` where the layer draws.
    """

    layer: Any
    inputs: tuple
    named: dict[str, Any]
    equation: Callable[..., Any]
    train: tuple[bool, ...]  # the values of `train` that the equation is compared with
    frozen: str | None  # the params by which gradients are zero, by path
    errors: Errors
    skip: Mapping[
        str, str
    ]  # columns, or promises of `check_layer`: why they don't hold


def row(
    layer: Any,
    *inputs: Any,
    equation: Callable[..., Any],
    train: tuple[bool, ...] = (False,),
    frozen: str | None = None,
    errors: Errors = Errors(),
    skip: Mapping[str, str] = {},
    **named: Any,
) -> Row:
    """A row, most of whose fields are seldom needed."""
    return Row(layer, inputs, named, equation, train, frozen, errors, skip)


def composed(
    layer: Any, *inputs: Any, skip: Mapping[str, str] = {}, **rest: Any
) -> Row:
    """A row whose derivatives are those of its parts, by the chain rule of JAX."""
    reason = {"second order": "Its parts are checked, each in its own row."}
    return row(layer, *inputs, skip=reason | {**skip}, **rest)


def variant(layer: Any, *inputs: Any, skip: Mapping[str, str] = {}, **rest: Any) -> Row:
    """Another form of a layer, in a further row of its name."""
    reason = {"second order": "Of the first of its forms, not of the others."}
    return row(layer, *inputs, skip=reason | {**skip}, **rest)


def normal(seed: int, *shape: int) -> np.ndarray:
    """An input that is the same at every run."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


VECTORS = normal(0, 3, 4)
SEQUENCES = normal(1, 2, 5, 4)
IMAGES = normal(2, 2, 4, 6, 4)
IDS = np.array([[1, 2, 0], [3, 1, 1]])

# Why some layers don't make a promise, or are not checked.
JOINS = {"batch": "All axes but the first are one example."}
NO_INPUT = dict.fromkeys(("batch", "vmap"), "It takes no input to be mapped over.")
CARRIES = {"dtypes": "What goes from copy to copy keeps its dtype, so it is not mixed."}
