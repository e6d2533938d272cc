"""What a peer makes of a workload."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


class Absent(Exception):
    """Why a library has no part in a workload."""


@dataclass(frozen=True)
class Program:
    """A workload in one idiom of one library.

    A carry is all that a step reads and writes. `call(carry, batch)` is compiled by the
    library's own means; where that is XLA it has ``lower``. `after(result, carry)`
    gives the next carry and the value, whether the result is of `call` or of what was
    compiled ahead of time.
    """

    begin: Callable[[], Any]  # a carry, by the library's own initialisers
    load: Callable[[dict[str, Any]], Any]  # a carry, from the canonical weights
    prepare: Callable[
        [Any], Any
    ]  # NumPy's batch on the device, as the library wants it
    call: Callable[[Any, Any], Any]
    figure: Callable[[Any, Any], float]  # (carry, value): what all libraries agree on
    wait: Callable[[Any], Any]  # until a value, or a carry, is there
    after: Callable[[Any, Any], tuple[Any, Any]] = lambda result, carry: result

    def step(self, carry: Any, batch: Any) -> tuple[Any, Any]:
        return self.after(self.call(carry, batch), carry)
