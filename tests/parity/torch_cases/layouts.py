"""How params of layers are laid out for PyTorch, and its functions and modules called.

Tensors are a layer's params and state by path: ``{"query/weight": ...}``.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional

Tensors = Mapping[str, Tensor]


def kernel(weight: Tensor) -> Tensor:
    """A weight ``(*window, in, out)``, of a dense layer also, as ``(out, in, ...)``."""
    return weight.movedim((-1, -2), (0, 1))


def linear(tensors: Tensors, path: str, x: Tensor) -> Tensor:
    """The dense layer at a path."""
    weight, bias = tensors[f"{path}/weight"], tensors.get(f"{path}/bias")
    return functional.linear(x, weight.T, bias)


def of_linear(tensors: Tensors, path: str) -> Tensors:
    """Those of `torch.nn.Linear`."""
    weight, bias = {"weight": tensors[f"{path}/weight"].T}, f"{path}/bias"
    return weight | ({"bias": tensors[bias]} if bias in tensors else {})


def inside(tensors: Tensors, path: str) -> Tensors:
    """The tensors of the part at a path, by their paths within it."""
    start = f"{path}/"
    return {n.removeprefix(start): t for n, t in tensors.items() if n.startswith(start)}


def scoped(path: str, tensors: Tensors) -> Tensors:
    """Tensors of a module by their names in a module that has it."""
    return {f"{path}.{name}": tensor for name, tensor in tensors.items()}


def called(
    module: torch.nn.Module, names: Callable[[Tensors], Tensors], **options: Any
) -> Callable[..., Any]:
    """The module, called with the tensors that `names` lays out in place of its own."""

    def theirs(tensors, *inputs):
        own = names(tensors)
        missing = {name for name, _ in module.named_parameters()} ^ {*own}
        if missing:
            raise ValueError(f"called: expected its parameters, not {sorted(missing)}.")
        return functional_call(module, own, inputs, options)

    return theirs


def over_space(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A function of tensors and images, channels first, made one of channels last."""

    def theirs(tensors, x):
        return function(tensors, x.movedim(-1, 1)).movedim(1, -1)

    return theirs


def kept(y: Tensor, lengths: Tensor) -> Tensor:
    """The sequences with zeros for the steps that are padding."""
    steps = torch.arange(y.shape[1])
    return y * (steps < lengths[:, None])[..., None]
