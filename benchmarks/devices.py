"""The device that a worker's library computes on, JAX or PyTorch, where it is a GPU."""

from __future__ import annotations

import sys


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
