"""Milliseconds of batch normalisation with its gradient: step by step, and fnn's.

Shapes from "wide" on were not looked at when the form was written.
"""

import statistics

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.ops.convolution import seconds
from benchmarks.timing import describe, interleaved, ratio
from fnn.ops.normalization import normalized

SHAPES = {
    "small": (32, 64),
    "middle": (2048, 256),
    "ResNet-20": (128, 16, 16, 32),
    "ResNet-18": (64, 32, 32, 64),
    "wide": (512, 1000),
    "images": (8, 56, 56, 48),
    "few channels": (64, 28, 28, 3),
}
EPS = 1e-5


def step_by_step(x, scale, bias):
    axes = tuple(range(x.ndim - 1))

    def along(vector):
        return lax.broadcast_in_dim(vector, x.shape, (x.ndim - 1,))

    mean = jnp.mean(x, axes)
    var = jnp.mean(jnp.square(x - along(mean)), axes)
    y = (x - along(mean)) * along(lax.rsqrt(var + EPS) * scale) + along(bias)
    return y, mean, var


def by_fnn(x, scale, bias):
    return normalized(x, scale, bias, EPS, None)


def with_gradient(form):
    def both(x, scale, bias, dy):
        def run(*arrays):
            y, *statistics = form(*arrays)
            return y, lax.stop_gradient(statistics)

        y, pullback, kept = jax.vjp(run, x, scale, bias, has_aux=True)
        return y, kept, pullback(dy)

    return both


def main(rounds: int = 15) -> None:
    print(describe())
    for name, shape in SHAPES.items():
        draw = np.random.default_rng(0).normal
        x, dy = (jnp.asarray(draw(size=shape), jnp.float32) for _ in range(2))
        scale, bias = (jnp.asarray(draw(size=shape[-1:]), jnp.float32) for _ in "ab")
        line = f"{name:14}"
        for title, derived, arrays in (
            ("forward", lambda f: f, (x, scale, bias)),
            ("with gradient", with_gradient, (x, scale, bias, dy)),
        ):
            forms = {"step by step": step_by_step, "fnn": by_fnn}
            runs = {
                form: seconds(jax.jit(derived(f)), arrays) for form, f in forms.items()
            }
            interleaved(runs, 2)  # compiled here
            times = interleaved(runs, rounds)
            plain, ours = (1e3 * statistics.median(times[form]) for form in forms)
            share = ratio(times, "fnn", "step by step")
            line += f"  {title} {plain:7.3f} {ours:7.3f} {share:5.2f} x"
        print(line, flush=True)


if __name__ == "__main__":
    main()
