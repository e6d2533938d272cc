"""Programs that are compiled once, however often they are traced."""

import functools
from collections.abc import Callable
from typing import Any

import jax


def compiled_for(function: Callable, *args: Any) -> Callable:
    """`function`, compiled for such arguments unless an equal program was before.

    It is traced anew each time, so that a function which reads a variable is never
    mistaken for what it was; but the arrays that it closes over become arguments, so
    that the same network with other values is the same program.
    """
    from jax.extend.core import ClosedJaxpr, jaxpr_as_fun  # slow to import

    jaxpr, shapes = jax.make_jaxpr(function, return_shape=True)(*args)
    structure = jax.tree.structure(shapes)

    # One list, so that programs of one text are called alike.
    def program(values):
        constants, leaves = values[: len(jaxpr.consts)], values[len(jaxpr.consts) :]
        return jaxpr_as_fun(ClosedJaxpr(jaxpr.jaxpr, constants))(*leaves)

    def run(*args):
        return structure.unflatten(executable([*jaxpr.consts, *jax.tree.leaves(args)]))

    # Unused values are kept, since the text must tell all that it is called with.
    lowered = jax.jit(program, keep_unused=True).lower(
        [*jaxpr.consts, *jax.tree.leaves(args)]
    )
    executable = _compile(_Lowered(lowered))
    return run


class _Lowered:
    """A program that equals another of the same text."""

    def __init__(self, lowered: Any):
        self.lowered = lowered
        self.text = lowered.as_text()

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, _Lowered) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


@functools.lru_cache(maxsize=128)
def _compile(lowered: _Lowered) -> Any:
    return lowered.lowered.compile()
