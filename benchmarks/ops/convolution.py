"""Milliseconds of a convolution and of its two gradients: XLA's form by that of fnn.

Each row is one geometry; shapes under the line were not looked at when the forms and
their limits were chosen. Where fnn leaves a product to XLA, its ratio is 1.
"""

import functools
import math
import statistics
import time

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.timing import describe, interleaved, ratio
from fnn.ops.convolution import by_xla, convolve, geometry_of

# batch, side, channels, features, side of the window, stride, groups
TUNED = {
    "LeNet 1": (128, 28, 1, 32, 5, 1, 1),
    "LeNet 2": (128, 14, 32, 64, 5, 1, 1),
    "ResNet-18 0": (64, 32, 3, 64, 3, 1, 1),
    "ResNet-18 1": (64, 32, 64, 64, 3, 1, 1),
    "ResNet-18 2 down": (64, 32, 64, 128, 3, 2, 1),
    "ResNet-18 2": (64, 16, 128, 128, 3, 1, 1),
    "ResNet-18 3 down": (64, 16, 128, 256, 3, 2, 1),
    "ResNet-18 3": (64, 8, 256, 256, 3, 1, 1),
    "ResNet-18 4 down": (64, 8, 256, 512, 3, 2, 1),
    "ResNet-18 4": (64, 4, 512, 512, 3, 1, 1),
    "ResNet-18 shortcut": (64, 32, 64, 128, 1, 2, 1),
    "ResNet-20 1": (128, 32, 16, 16, 3, 1, 1),
    "ResNet-20 2 down": (128, 32, 16, 32, 3, 2, 1),
    "ResNet-20 2": (128, 16, 32, 32, 3, 1, 1),
    "ResNet-20 3": (128, 8, 64, 64, 3, 1, 1),
    "pointwise": (64, 16, 256, 256, 1, 1, 1),
    "depthwise": (64, 32, 64, 64, 3, 1, 64),
    "depthwise wide": (64, 14, 384, 384, 3, 1, 384),
    "depthwise down": (64, 32, 64, 64, 3, 2, 64),
}
HELD_OUT = {
    "one image": (1, 56, 48, 96, 3, 1, 1),
    "small": (8, 10, 8, 24, 3, 1, 1),
    "7x7 stem": (8, 112, 3, 64, 7, 2, 1),
    "middle": (32, 28, 96, 96, 3, 1, 1),
    "narrow": (32, 24, 24, 40, 5, 1, 1),
    "odd": (20, 19, 50, 70, 3, 2, 1),
    "pointwise small": (16, 12, 40, 24, 1, 1, 1),
    "pointwise down": (32, 28, 96, 192, 1, 2, 1),
    "depthwise 5x5": (32, 28, 120, 120, 5, 1, 120),
    "depthwise 7x7": (16, 28, 96, 96, 7, 1, 96),
    "depthwise small": (4, 12, 10, 10, 3, 1, 10),
    "depthwise 5x5 down": (32, 28, 72, 72, 5, 2, 72),
    "depthwise large": (4, 112, 32, 32, 3, 1, 32),
}


def products(shape):
    """Forward, input gradient and weight gradient, each of both forms."""
    batch, side, channels, features, window, stride, groups = shape
    draw = np.random.default_rng(0).normal
    x = jnp.asarray(draw(size=(batch, side, side, channels)), jnp.float32)
    weight = (window, window, channels // groups, features)
    weight = jnp.asarray(draw(size=weight), jnp.float32)
    pads = jax.lax.padtype_to_pads((side,) * 2, (window,) * 2, (stride,) * 2, "SAME")
    options = ((stride,) * 2, pads, (1, 1), groups)
    geometry = geometry_of(x, weight, *options)
    forms = {
        "XLA": lambda x, weight: by_xla(x, weight, geometry),
        "fnn": lambda x, weight: convolve(x, weight, *options),
    }
    dy = jnp.asarray(draw(size=geometry.shape_of_y(x, weight)), jnp.float32)

    def to_x(f):
        return lambda dy, weight: jax.linear_transpose(
            functools.partial(f, weight=weight), x
        )(dy)[0]

    def to_weight(f):
        return lambda x, dy: jax.linear_transpose(functools.partial(f, x), weight)(dy)[
            0
        ]

    named = {
        "forward": (lambda f: f, (x, weight)),
        "input": (to_x, (dy, weight)),
        "weight": (to_weight, (x, dy)),
    }
    return {
        name: ({form: jax.jit(derived(f)) for form, f in forms.items()}, arguments)
        for name, (derived, arguments) in named.items()
    }


def seconds(function, arguments):
    def run():
        began = time.perf_counter()
        jax.block_until_ready(function(*arguments))
        return time.perf_counter() - began

    return run


def measure(name: str, shape, rounds: int) -> list[float]:
    line, ratios = f"{name:20}", []
    for product, (forms, arguments) in products(shape).items():
        runs = {form: seconds(f, arguments) for form, f in forms.items()}
        interleaved(runs, 2)  # compiled here
        times = interleaved(runs, rounds)
        ratios.append(ratio(times, "fnn", "XLA"))
        xla, fnn = (1e3 * statistics.median(times[form]) for form in ("XLA", "fnn"))
        line += f"  {product} {xla:7.2f} {fnn:7.2f} {ratios[-1]:5.2f} x"
    print(line, flush=True)
    return ratios


def main(rounds: int = 15) -> None:
    print(describe())
    for title, shapes in (("tuned", TUNED), ("held out", HELD_OUT)):
        print(title)
        ratios = [
            r for name, shape in shapes.items() for r in measure(name, shape, rounds)
        ]
        mean = math.exp(statistics.fmean(map(math.log, ratios)))
        print(f"geometric mean of all ratios: {mean:.2f}; worst: {max(ratios):.2f}")


if __name__ == "__main__":
    main()
