"""An interrupt from the keyboard that loses nothing."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any


class Interrupts:
    """Holds back KeyboardInterrupt while a step is taken.

    Python would raise it between the step, which has taken over the old state's memory,
    and the assignment of the new state. A second one is not held back. In other threads
    than the main one, and where the program handles the signal itself, nothing is done.
    """

    def __init__(self) -> None:
        self.held = self.came = False
        self.previous: Any = None

    def hold(self) -> None:
        """Before a step."""
        self.held = True

    def release(self) -> None:
        """After it: raises what came meanwhile."""
        self.held = False
        if self.came:
            self.came = False
            raise KeyboardInterrupt

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if not self.held or self.came:
            raise KeyboardInterrupt
        self.came = True

    def __enter__(self) -> Interrupts:
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self.previous = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *error: Any) -> None:
        if self.previous is not None:
            signal.signal(signal.SIGINT, self.previous)
