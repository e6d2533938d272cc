"""Milliseconds and temporaries of attention: all logits at once, and fnn's in parts.

Also `jax.nn.dot_product_attention`, which other libraries call or spell out. Shapes
from "one head" on were not looked at when the lengths of chunks and the number of
logits that exist at once were chosen. Temporaries are XLA's own count, in MiB.
"""

import statistics
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.ops.convolution import seconds
from benchmarks.timing import describe, interleaved, ratio
from fnn.layers.dot_products import averages, logits_of, masked_softmax
from fnn.layers.masking import distances, near
from fnn.ops.attention import attention

# batch, heads, heads of keys and values, time, size of a head, whether it is causal
SHAPES = {
    "gpt": (16, 8, 8, 128, 32, True),
    "both ways": (16, 8, 8, 128, 32, False),
    "512": (4, 8, 8, 512, 32, True),
    "2048": (2, 8, 8, 2048, 64, True),
    "2048 both ways": (2, 8, 8, 2048, 64, False),
    "one head": (1, 1, 1, 1500, 48, True),
    "short": (64, 8, 8, 32, 32, True),
    "vit": (32, 3, 3, 65, 64, False),
    "grouped": (8, 8, 2, 300, 40, True),
    "4096": (1, 4, 4, 4096, 64, True),
}


def by_jax(causal):
    def form(q, k, v):
        q, k, v = (jnp.swapaxes(x, -3, -2) for x in (q, k, v))
        y = jax.nn.dot_product_attention(q, k, v, is_causal=causal)
        return jnp.swapaxes(y, -3, -2)

    return form


def at_once(causal):
    def form(q, k, v):
        allowed = near(distances(q.shape[-2], k.shape[-2]), None, 0 if causal else None)
        allowed = None if allowed is None else allowed[None, None]
        logits = logits_of(q, k, q.shape[-1] ** -0.5)
        return averages(masked_softmax(logits, allowed), v)

    return form


def by_fnn(causal):
    right = 0 if causal else None
    return lambda q, k, v: attention(q, k, v, scale=q.shape[-1] ** -0.5, right=right)


FORMS = {"jax.nn": by_jax, "at once": at_once, "fnn": by_fnn}


def with_gradient(form):
    def both(q, k, v, dy):
        y, pullback = jax.vjp(form, q, k, v)
        return y, pullback(dy)

    return both


def main(rounds: int = 9) -> None:
    print(describe())
    for name, (batch, heads, kv_heads, time, size, causal) in SHAPES.items():
        draw = np.random.default_rng(0).normal
        shapes = [(batch, h, time, size) for h in (heads, kv_heads, kv_heads, heads)]
        q, k, v, dy = (jnp.asarray(draw(size=s), jnp.float32) for s in shapes)
        print(name)
        for title, derived, arrays in (
            ("forward", lambda f: f, (q, k, v)),
            ("with gradient", with_gradient, (q, k, v, dy)),
        ):
            programs = {
                form: jax.jit(derived(f(causal))).lower(*arrays).compile()
                for form, f in FORMS.items()
            }
            runs = {
                form: seconds(program, arrays) for form, program in programs.items()
            }
            interleaved(runs, 1)
            times = interleaved(runs, rounds)
            line = f"  {title:14}"
            for form, program in programs.items():
                middle = 1e3 * statistics.median(times[form])
                analysis: Any = program.memory_analysis()
                memory = analysis.temp_size_in_bytes / 2**20
                line += f"  {form} {middle:8.2f} ms {memory:6.0f} MiB"
            print(line, f"  {ratio(times, 'fnn', 'jax.nn'):5.2f} x", flush=True)


if __name__ == "__main__":
    main()
