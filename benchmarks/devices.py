"""The device that a worker's library computes on, JAX or PyTorch, where it is a GPU."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator


def gpu() -> str | None:
    """The name of the GPU; None on a processor, and for a library that has none."""
    torch, jax = sys.modules.get("torch"), sys.modules.get("jax")
    if jax is not None:
        device = jax.devices()[0]
        return device.device_kind if device.platform == "gpu" else None
    if torch is not None and torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return None


def peak() -> int:
    """The most bytes of the GPU that were taken."""
    if "jax" in sys.modules:
        return sys.modules["jax"].local_devices()[0].memory_stats()["peak_bytes_in_use"]
    return sys.modules["torch"].cuda.max_memory_allocated()


@contextlib.contextmanager
def exact() -> Iterator[None]:
    """Products of float32 as they are: by themselves, GPUs take TensorFloat32 for them.

    JAX does so for all; PyTorch for convolutions, and after this for all.
    """
    if gpu() is None:
        yield
    elif "jax" in sys.modules:
        with sys.modules["jax"].default_matmul_precision("highest"):
            yield
    else:
        backends = sys.modules["torch"].backends
        for part in (backends.cuda.matmul, backends.cudnn):
            part.allow_tf32 = False
        yield
        for part in (backends.cuda.matmul, backends.cudnn):
            part.allow_tf32 = True
