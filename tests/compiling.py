"""Which programs a piece of code has compiled."""

import contextlib
from collections.abc import Iterator

import jax

COMPILED = "/jax/core/compile/backend_compile_duration"


@contextlib.contextmanager
def programs_compiled() -> Iterator[list[str]]:
    """A list with an entry for each program that is compiled, or read from a cache."""
    programs: list[str] = []

    def listen(event, *args, **kwargs):
        if event == COMPILED:
            programs.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield programs
    finally:
        jax.monitoring.clear_event_listeners()
