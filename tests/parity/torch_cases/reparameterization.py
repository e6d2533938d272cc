"""Weights by direction and length, and divided by their largest singular value."""

import jax.numpy as jnp
import torch
from torch.func import functional_call
from torch.nn.utils import parametrizations
from torch.nn.utils import spectral_norm as normalized_in_place

import fnn
from torch_cases.comparison import Case, floats
from torch_cases.layouts import called, kernel, over_space

ROWS, IMAGE = floats(7, 4), floats(2, 5, 6, 4)


# ------------------------------------------------------------------- direction, length
def of_weight_norm(tensors, path=""):
    direction = kernel(tensors[f"{path}weight/direction"])
    length = tensors[f"{path}weight/scale"]
    ones = (1,) * (direction.dim() - 1)
    return {
        "parametrizations.weight.original0": length.reshape(-1, *ones),
        "parametrizations.weight.original1": direction,
        "bias": tensors[f"{path}bias"],
    }


def of_network(tensors):
    """Those of two linear layers, the first of which is normalised."""
    named = {f"0.{name}": t for name, t in of_weight_norm(tensors, "0/").items()}
    return named | {"2.weight": tensors["2/weight"].T, "2.bias": tensors["2/bias"]}


def weight_norm(module, names=of_weight_norm):
    return called(module, names)


# ---------------------------------------------------------------------- singular values
def spectral(module, names, train):
    """The module, by the names of its weight and of the vectors left and right of ours.

    PyTorch writes to the vectors, in place.
    """
    module.train(train)

    def theirs(tensors, x):
        weight, bias = kernel(tensors["weight"]), tensors["bias"]
        left = tensors["vectors/weight/left"]
        shape = tensors["weight"].shape[:-1]  # (*window, in), joined
        left = left.reshape(shape).movedim(-1, 0).flatten().clone()
        right = tensors["vectors/weight/right"].clone()
        own = {names[0]: weight, "bias": bias, names[1]: left, names[2]: right}
        y = over_space(lambda own, x: functional_call(module, own, (x,)))(own, x)
        left = left.reshape(shape[-1:] + shape[:-1]).movedim(0, -1).flatten()
        return y, {"vectors/weight/left": left, "vectors/weight/right": right}

    return theirs


# By PyTorch's hook, whose steps are in the order of the paper: left, then right.
IN_PLACE = ("weight_orig", "weight_v", "weight_u")
# By its parametrization, whose steps begin with what is right here: there they are
# compared by the transpose, whose left is that of ours.
PATH = "parametrizations.weight"
OUTPUTS = (f"{PATH}.original", f"{PATH}.0._v", f"{PATH}.0._u")
INPUTS = (f"{PATH}.original", f"{PATH}.0._u", f"{PATH}.0._v")


def hooked(module, train, steps=1):
    module = normalized_in_place(module, n_power_iterations=steps)
    return spectral(module, IN_PLACE, train)


def parametrized(module, train, names=OUTPUTS, **options):
    module = parametrizations.spectral_norm(module, **options)
    return spectral(module, names, train)


def linear():
    return torch.nn.Linear(4, 3)


def conv():
    return torch.nn.Conv2d(4, 3, (3, 2))


WINDOWS = fnn.conv(3, (3, 2), padding="VALID")

CASES = {
    "weight_norm": [
        Case(
            "dense",
            fnn.weight_norm(fnn.dense(3)),
            weight_norm(parametrizations.weight_norm(linear())),
            (ROWS,),
        ),
        Case(
            "convolution",
            fnn.weight_norm(WINDOWS),
            over_space(weight_norm(parametrizations.weight_norm(conv()))),
            (IMAGE,),
        ),
        Case(
            "one layer of two",
            fnn.weight_norm(
                fnn.sequential(fnn.dense(3), jnp.tanh, fnn.dense(2)), "0/weight"
            ),
            weight_norm(
                torch.nn.Sequential(
                    parametrizations.weight_norm(linear()),
                    torch.nn.Tanh(),
                    torch.nn.Linear(3, 2),
                ),
                of_network,
            ),
            (ROWS,),
        ),
    ],
    "spectral_norm": [
        Case(
            "dense, evaluation",
            fnn.spectral_norm(fnn.dense(3)),
            parametrized(linear(), False),
            (ROWS,),
        ),
        Case(
            "dense, training, by the transpose",
            fnn.spectral_norm(fnn.dense(3)),
            parametrized(linear(), True, INPUTS, dim=1),
            (ROWS,),
            train=True,
        ),
        Case(
            "dense, training, several steps",
            fnn.spectral_norm(fnn.dense(3), iterations=3),
            parametrized(linear(), True, INPUTS, dim=1, n_power_iterations=3),
            (ROWS,),
            train=True,
        ),
        Case(
            "dense, training, in the order of the paper",
            fnn.spectral_norm(fnn.dense(3)),
            hooked(linear(), True),
            (ROWS,),
            train=True,
        ),
        Case(
            "convolution, evaluation",
            fnn.spectral_norm(WINDOWS),
            parametrized(conv(), False),
            (IMAGE,),
        ),
        Case(
            "convolution, training, several steps",
            fnn.spectral_norm(WINDOWS, iterations=2),
            hooked(conv(), True, 2),
            (IMAGE,),
            train=True,
        ),
    ],
}
