"""What is measured: networks by size, their data, and the weights that all begin with.

NumPy alone, since every process of every library reads it. Arrays have canonical names
and layouts, which each peer maps to its own: weights ``(..., in, out)``, images
channels-last, the gates of an LSTM in the order input, forget, cell, output.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

Shapes = dict[str, tuple[int, ...]]
Arrays = dict[str, np.ndarray]

MOMENTUM, EPS = 0.9, 1e-5  # of the running statistics that are kept; of all norms


@dataclass(frozen=True)
class Workload:
    """A network of a family, a batch, and what is done with both.

    `task` is one of `OPTIMIZERS` for a training step, "inference" for logits of one
    batch, each waited for, and "dispatch" for a call that only scales each array.
    With `half` networks compute in bfloat16, of weights and with losses in float32:
    work for an accelerator, that a CPU does when it is asked for by name.
    """

    name: str
    family: str
    task: str
    batch: int
    size: dict[str, Any]
    half: bool = False

    @property
    def trains(self) -> bool:
        return self.task in OPTIMIZERS


# Every optimiser in the form that all libraries share: Adam's with eps outside the
# root, weight decay of all arrays apart from the gradient, momentum without Nesterov.
OPTIMIZERS: dict[str, dict[str, float]] = {
    "adam": {"rate": 1e-3},
    "adamw": {"rate": 3e-4, "decay": 0.1},
    "sgd": {"rate": 0.01, "momentum": 0.9},
    "slow sgd": {"rate": 0.003, "momentum": 0.9},  # where that one multiplies rounding
}
ADAM = {"b1": 0.9, "b2": 0.999, "eps": 1e-8}
DECAY = 0.999  # what "dispatch" multiplies arrays by

MLP = {"inputs": 784, "hidden": (512, 512), "classes": 10}
LENET = {"side": 28, "channels": (1, 32, 64), "window": 5, "hidden": 128, "classes": 10}
SEPARABLE = {
    "side": 32,
    "stem": 32,
    "blocks": ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1)),
    "classes": 10,
}
RESNET18 = {"side": 32, "width": 64, "stages": (2, 2, 2, 2), "classes": 10}
RESNET20 = {"side": 32, "width": 16, "stages": (3, 3, 3), "classes": 10}
LSTM = {"vocabulary": 2000, "length": 64, "features": 256, "layers": 2}
GPT = {"vocabulary": 4096, "length": 128, "features": 256, "heads": 8, "layers": 4}
GPT2 = {
    "vocabulary": 50304,  # a multiple of 128, as is usual
    "length": 1024,
    "features": 768,
    "heads": 12,
    "layers": 12,
}
VIT = {"side": 32, "patch": 4, "features": 192, "heads": 3, "layers": 12, "classes": 10}
VAE = {"inputs": 784, "hidden": 400, "code": 20}


def stack(arrays: int, width: int = 8) -> dict[str, Any]:
    """A perceptron of so many arrays."""
    hidden = (width,) * (arrays // 2 - 1)
    return {"inputs": width, "hidden": hidden, "classes": width}


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("mlp", "mlp", "adam", 128, MLP),
        Workload("lenet", "cnn", "adam", 128, LENET),
        Workload("lstm", "lstm", "adam", 32, LSTM),
        Workload("separable", "separable", "sgd", 64, SEPARABLE),
        Workload("gpt-4", "gpt", "adamw", 16, GPT),
        Workload("resnet-20", "resnet", "sgd", 128, RESNET20),
        Workload("resnet-18", "resnet", "slow sgd", 64, RESNET18),
        Workload("vit-tiny", "vit", "adamw", 32, VIT),
        Workload("vae", "vae", "adam", 128, VAE),
        Workload("gpt-12", "gpt", "adamw", 8, GPT | {"layers": 12}),
        Workload("inference-1", "resnet", "inference", 1, RESNET20),
        Workload("inference-256", "resnet", "inference", 256, RESNET20),
        Workload("dispatch-100", "mlp", "dispatch", 2, stack(100)),
        Workload("dispatch-1000", "mlp", "dispatch", 2, stack(1000)),
        Workload("gpt-2-half", "gpt", "adamw", 4, GPT2, half=True),
        Workload("resnet-18-half", "resnet", "sgd", 1024, RESNET18, half=True),
    )
}

# What `--quick` changes of each family, so that each step takes milliseconds.
SMALL: dict[str, dict[str, Any]] = {
    "mlp": {"inputs": 16, "hidden": (32, 32)},
    "cnn": {"side": 8, "channels": (1, 4, 8), "hidden": 16},
    "separable": {"side": 8, "stem": 8, "blocks": ((16, 1), (16, 2))},
    "resnet": {"side": 8, "width": 8, "stages": (1, 2)},
    "lstm": {"vocabulary": 50, "length": 8, "features": 16},
    "gpt": {"vocabulary": 50, "length": 16, "features": 32, "heads": 2, "layers": 2},
    "vit": {"side": 8, "features": 32, "heads": 2, "layers": 2},
    "vae": {"inputs": 36, "hidden": 32, "code": 4},
}


def workload(name: str, quick: bool = False) -> Workload:
    """The workload of a name; small for a quick look."""
    full = WORKLOADS[name]
    if not quick or full.task == "dispatch":
        return full
    return replace(full, batch=min(full.batch, 4), size=full.size | SMALL[full.family])


# --------------------------------------------------------------------------- the data
def batch(work: Workload) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """The inputs of the network, and the targets of its loss."""
    rng, size, n = np.random.default_rng(1), work.size, work.batch

    def normal(*shape):
        return rng.standard_normal((n, *shape)).astype(np.float32)

    def below(most, *shape):
        return rng.integers(0, most, (n, *shape)).astype(np.int32)

    if work.family == "vae":
        # The noise is data: libraries draw differently, and PyTorch not as JAX does.
        images = rng.random((n, size["inputs"])).astype(np.float32)
        return (images, normal(size["code"])), images
    if work.family in ("gpt", "lstm"):
        ids = below(size["vocabulary"], size["length"] + 1)
        return (ids[:, :-1].copy(),), ids[:, 1:].copy()
    if work.family == "mlp":
        return (normal(size["inputs"]),), below(size["classes"])
    channels = size["channels"][0] if work.family == "cnn" else 3
    images = normal(size["side"], size["side"], channels)
    return (images,), below(size["classes"])


def fingerprint(logits: Any) -> float:
    """A number that would be another if outputs were others, or in another order."""
    values = np.asarray(logits, np.float64)
    order = np.linspace(1, 2, values.size).reshape(values.shape)
    return float(np.mean(np.square(values) * order))


def total(arrays: Any) -> float:
    """The sum of all numbers: what "dispatch" leaves to compare."""
    return float(sum(np.asarray(array, np.float64).sum() for array in arrays))


# ------------------------------------------------------------------------ the weights
def shapes(work: Workload) -> Shapes:
    """Every array of a network, running statistics among them, by canonical name."""
    return FAMILIES[work.family](work.size)


def weights(work: Workload) -> Arrays:
    """Numbers to begin with; no array is constant, lest two be mixed up unseen."""
    rng, drawn = np.random.default_rng(0), {}
    for name, shape in shapes(work).items():
        noise = rng.standard_normal(shape)
        last = name.rpartition("/")[2]
        if last in ("scale", "var"):
            value = 1 + 0.1 * np.tanh(noise)
        elif last in ("bias", "mean"):
            value = 0.1 * noise
        elif name.startswith(("embed/", "positions/", "token/")):
            value = noise if work.family == "lstm" else 0.1 * noise
        else:
            value = noise / np.prod(shape[:-1]) ** 0.5
        drawn[name] = value.astype(np.float32)
    return drawn


def under(prefix: str, inner: Shapes) -> Shapes:
    return {f"{prefix}/{name}": shape for name, shape in inner.items()}


def dense(name: str, *shape: int) -> Shapes:
    return under(name, {"weight": shape, "bias": shape[-1:]})


def norm(name: str, n: int) -> Shapes:
    return under(name, {"scale": (n,), "bias": (n,)})


def batch_norm(name: str, n: int) -> Shapes:
    return norm(name, n) | under(name, {"mean": (n,), "var": (n,)})


def mlp(size: dict[str, Any]) -> Shapes:
    found, n = {}, size["inputs"]
    for i, m in enumerate((*size["hidden"], size["classes"])):
        found |= dense(f"dense{i}", n, m)
        n = m
    return found


def cnn(size: dict[str, Any]) -> Shapes:
    window, found = size["window"], {}
    for i, (n, m) in enumerate(
        zip(size["channels"], size["channels"][1:], strict=False)
    ):
        found |= dense(f"conv{i}", window, window, n, m)
    found |= dense("dense0", flattened(size), size["hidden"])
    return found | dense("dense1", size["hidden"], size["classes"])


def flattened(size: dict[str, Any]) -> int:
    return (size["side"] // 4) ** 2 * size["channels"][-1]


def separable(size: dict[str, Any]) -> Shapes:
    n = size["stem"]
    found: Shapes = {"conv/weight": (3, 3, 3, n)} | batch_norm("norm", n)
    for i, (m, _) in enumerate(size["blocks"]):
        block: Shapes = {"depthwise/weight": (3, 3, 1, n)} | batch_norm("norm0", n)
        block |= {"pointwise/weight": (1, 1, n, m)} | batch_norm("norm1", m)
        found |= under(f"block{i}", block)
        n = m
    return found | dense("dense", n, size["classes"])


def residual_blocks(size: dict[str, Any]) -> list[tuple[int, int, int]]:
    """Channels in, channels out and stride of each block."""
    found, n = [], size["width"]
    for stage, count in enumerate(size["stages"]):
        m = size["width"] * 2**stage
        for i in range(count):
            found.append((n, m, 2 if stage and not i else 1))
            n = m
    return found


def resnet(size: dict[str, Any]) -> Shapes:
    n = size["width"]
    found: Shapes = {"conv/weight": (3, 3, 3, n)} | batch_norm("norm", n)
    for i, (n, m, stride) in enumerate(residual_blocks(size)):
        block: Shapes = {"conv1/weight": (3, 3, n, m)} | batch_norm("norm1", m)
        block |= {"conv2/weight": (3, 3, m, m)} | batch_norm("norm2", m)
        if stride > 1:
            block |= {"shortcut/weight": (1, 1, n, m)} | batch_norm("shortcut_norm", m)
        found |= under(f"block{i}", block)
    return found | dense(
        "dense", size["width"] * 2 ** (len(size["stages"]) - 1), size["classes"]
    )


def lstm(size: dict[str, Any]) -> Shapes:
    n = size["features"]
    found: Shapes = {"embed/weight": (size["vocabulary"], n)}
    for i in range(size["layers"]):
        found |= dense(f"lstm{i}/input", n, 4 * n)
        found[f"lstm{i}/recurrent/weight"] = (n, 4 * n)
    return found | dense("dense", n, size["vocabulary"])


def transformer(size: dict[str, Any]) -> Shapes:
    n, found = size["features"], {}
    for i in range(size["layers"]):
        block = norm("attention_norm", n) | norm("feed_forward_norm", n)
        for name in ("query", "key", "value", "out"):
            block |= dense(f"attention/{name}", n, n)
        block |= dense("feed_forward/up", n, 4 * n) | dense(
            "feed_forward/down", 4 * n, n
        )
        found |= under(f"block{i}", block)
    return found | norm("norm", n)


def gpt(size: dict[str, Any]) -> Shapes:
    tables: Shapes = {
        "embed/weight": (size["vocabulary"], size["features"]),
        "positions/weight": (size["length"], size["features"]),
    }
    return tables | transformer(size)


def vit(size: dict[str, Any]) -> Shapes:
    n, patch = size["features"], size["patch"]
    found = dense("patches", patch, patch, 3, n) | {"token/weight": (n,)}
    found["positions/weight"] = ((size["side"] // patch) ** 2 + 1, n)
    return found | transformer(size) | dense("dense", n, size["classes"])


def vae(size: dict[str, Any]) -> Shapes:
    n, m, code = size["inputs"], size["hidden"], size["code"]
    return (
        dense("encoder", n, m)
        | dense("mean", m, code)
        | dense("log_variance", m, code)
        | dense("decoder", code, m)
        | dense("out", m, n)
    )


FAMILIES: dict[str, Callable[[dict[str, Any]], Shapes]] = {
    "mlp": mlp,
    "cnn": cnn,
    "separable": separable,
    "resnet": resnet,
    "lstm": lstm,
    "gpt": gpt,
    "vit": vit,
    "vae": vae,
}
