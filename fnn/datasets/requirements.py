"""The packages that only data sets need."""

from __future__ import annotations

from typing import Any


class Needing:
    """Around imports: a package that is not there is named with the extra to install.

    Args:
      who: For whom the packages are.
    """

    def __init__(self, who: str) -> None:
        self.who = who

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, ModuleNotFoundError):
            raise ModuleNotFoundError(
                f"{self.who}: expected the packages of the extra 'datasets', got no "
                f"module {error.name}; pip install 'fnn[datasets]'.",
                name=error.name,
            ) from None
