"""Attention on a GPU, in bfloat16: XLA's operations, and cuDNN's kernel.

Errors, of values and of the worst gradient, are against float32; times are of values
with gradients, in milliseconds; temporaries are XLA's count, in MiB. The last form is
cuDNN's by `jax.nn`, which has no other derivatives than these.
"""

import statistics
import time as clock

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.timing import describe, interleaved
from fnn.ops import flash_attention
from fnn.ops.attention import attention
from fnn.ops.padding import before

# batch, heads, time, size, whether it is causal, the window, whether it is padded
SHAPES = {
    "128": (16, 12, 128, 64, True, None, False),
    "256": (16, 12, 256, 64, True, None, False),
    "512": (8, 12, 512, 64, True, None, False),
    "512 both ways": (8, 12, 512, 64, False, None, False),
    "1024": (8, 12, 1024, 64, True, None, False),
    "1024 padded": (8, 12, 1024, 64, False, None, True),
    "4096": (2, 12, 4096, 128, True, None, False),
    "4096 in a window": (2, 12, 4096, 128, True, 256, False),
}


def forms(options, lengths):
    def operations(q, k, v):
        masks = ()
        if lengths is not None:
            masks = (before(lengths, k.shape[-2])[..., None, None, :],)
        return attention(q, k, v, masks=masks, **options._asdict())

    def kernel(q, k, v):
        return flash_attention.averages(q, k, v, lengths, options)

    def by_jax(q, k, v):
        arrays = (jnp.swapaxes(x, -3, -2) for x in (q, k, v))
        window = None if options.left is None else (options.left, 0)
        y = jax.nn.dot_product_attention(
            *arrays,
            scale=options.scale,
            is_causal=options.right == 0,
            local_window_size=window,
            key_value_seq_lengths=lengths,
            implementation="cudnn",
        )
        return jnp.swapaxes(y, -3, -2)

    return {"operations": operations, "kernel": kernel, "jax.nn": by_jax}


def with_gradient(form):
    def both(q, k, v, dy):
        y, pullback = jax.vjp(form, q, k, v)
        return y, *pullback(dy)

    return both


def seconds(function, arrays, calls: int = 20):
    """Of a call, of many in a row."""

    def run():
        began = clock.perf_counter()
        for _ in range(calls):
            y = function(*arrays)
        jax.block_until_ready(y)
        return (clock.perf_counter() - began) / calls

    return run


def error(found, wanted) -> float:
    """By the norm of what is wanted."""
    found, wanted = (np.asarray(x, np.float64) for x in (found, wanted))
    return float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))


def main(rounds: int = 9) -> None:
    print(describe())
    if not flash_attention.has_kernel():
        raise SystemExit("expected a GPU with cuDNN, got none.")
    for name, (batch, heads, time, size, causal, left, padded) in SHAPES.items():
        draw = np.random.default_rng(0)
        shape = (batch, heads, time, size)
        arrays = [jnp.asarray(draw.normal(size=shape), jnp.bfloat16) for _ in range(4)]
        lengths = None
        if padded:
            lengths = jnp.asarray(draw.integers(1, time + 1, batch), jnp.int32)
            lengths = lengths.at[0].set(time)
        options = flash_attention.Options(size**-0.5, left, 0 if causal else None)
        with jax.default_matmul_precision("highest"):
            exact = jax.jit(with_gradient(forms(options, lengths)["operations"]))
            wanted = exact(*(jnp.asarray(x, jnp.float32) for x in arrays))
        compiled = {
            title: jax.jit(with_gradient(form)).lower(*arrays).compile()
            for title, form in forms(options, lengths).items()
        }
        errors = {
            title: [error(*pair) for pair in zip(f(*arrays), wanted, strict=True)]
            for title, f in compiled.items()
        }
        times = interleaved(
            {title: seconds(f, arrays) for title, f in compiled.items()}, rounds
        )
        print(name)
        for title, f in compiled.items():
            y, *gradients = errors[title]
            mib = getattr(f.memory_analysis(), "temp_size_in_bytes", 0) / 2**20
            print(
                f"  {title:12}{statistics.median(times[title]) * 1e3:9.3f} ms"
                f"{mib:9.0f} MiB   errors {y:.1e}, {max(gradients):.1e}"
            )


if __name__ == "__main__":
    main()
