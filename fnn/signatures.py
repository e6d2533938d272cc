"""What a function asks for: its inputs, and a keyword-only `key` and `train`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import jax

from fnn.shapes import word


@jax.tree_util.register_static
class Mode(int):
    """`train` as containers hand it on: a bool that no JAX transform traces."""

    def __repr__(self) -> str:
        return repr(bool(self))


class Takes(NamedTuple):
    """What an apply, a plain function or a forward function takes beside parameters."""

    places: tuple[str, ...] = ()  # positional inputs; "" where one has no name to use
    least: int = 0  # how many of them have no default
    most: float = float("inf")
    names: frozenset[str] = frozenset()  # inputs by name
    needs: tuple[str, ...] = ()  # those of them that have neither place nor default
    anything: bool = False  # has **kwargs: any input by name, key and train
    draws: bool = False  # takes a key
    needs_key: bool = False  # and gives it no default
    train: bool = False

    @property
    def accepts(self) -> frozenset[str] | None:
        """The inputs by name that it takes; None takes any."""
        return None if self.anything else self.names

    def check_inputs(
        self, name: str, inputs: tuple, named: Collection[str] = ()
    ) -> None:
        """Raises where an input is missing, one too many, or given twice."""
        count = len(inputs)
        twice = [n for n in self.places[:count] if n in named]
        if twice:
            raise TypeError(f"{name}: expected {twice[0]} once, got it twice.")
        few = any(n not in named for n in self.places[count : self.least])
        if few or count > self.most:
            got = count + sum(n in named for n in self.places[count:])
            count = self.least if few else self.most
            which = (
                "" if self.least == self.most else "at least " if few else "at most "
            )
            raise TypeError(
                f"{name}: expected {which}{count} input{'s' * (count != 1)}, got {got}."
            )
        missing = [n for n in self.needs if n not in named]
        if missing:
            raise TypeError(
                f"{name}: expected an input by name, {missing[0]}, got none."
            )

    def options(self, name: str, key: Any, train: bool) -> dict[str, Any]:
        """The key and the train that it asked for; raises where it lacks a key."""
        options: dict[str, Any] = {"train": Mode(train)} if self.train else {}
        if self.draws:
            options["key"] = key
            if key is None and self.needs_key and (train or not self.train):
                when = " when train=True" if self.train else ""
                raise ValueError(
                    f"{name}: expected a key{when}, got None; pass apply(..., key=key)."
                )
        return options


def takes(function: Callable, skip: int) -> Takes:
    """Reads a signature whose first `skip` parameters are no inputs."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # some builtins have none
        return Takes()
    if isinstance(function, functools.partial):  # what it binds is not asked for
        parameters = [p for p in parameters if p.name not in function.keywords]
    by_name = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
    places = [
        p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    places = places[skip:]
    for p in places:
        if p.name == "train" or (p.name == "key" and p.default is not p.empty):
            raise TypeError(
                f"{word(function)}: expected {p.name} to be keyword-only "
                f"(write `*, {p.name}`), got it as a positional parameter."
            )
    kinds = {p.kind for p in parameters}
    anything = inspect.Parameter.VAR_KEYWORD in kinds
    named = {p.name for p in by_name}
    named |= {p.name for p in places[1:] if p.kind is p.POSITIONAL_OR_KEYWORD}
    named -= {"key", "train"}
    return Takes(
        places=tuple(p.name if p.name in named else "" for p in places),
        least=sum(p.default is p.empty for p in places),
        most=float("inf") if inspect.Parameter.VAR_POSITIONAL in kinds else len(places),
        names=frozenset(named),
        needs=tuple(
            p.name for p in by_name if p.default is p.empty and p.name in named
        ),
        anything=anything,
        draws=anything or any(p.name == "key" for p in by_name),
        needs_key=any(p.name == "key" and p.default is p.empty for p in by_name),
        train=anything or any(p.name == "train" for p in by_name),
    )
