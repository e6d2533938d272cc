"""Linear layers, embeddings, and what only changes the shape."""

import functools

import numpy as np
import torch
from torch.nn import functional

import fnn
from torch_cases.comparison import Case, floats
from torch_cases.layouts import kept

SEQUENCE = floats(2, 5, 4)
IDS = np.array([[3, 1, 0, 3], [0, 6, 2, 3]])


def affine(tensors, x):
    return functional.linear(x, tensors["weight"].T, tensors.get("bias"))


def bilinear(tensors, x, z):
    weight = tensors["weight"].movedim(-1, 0)
    return functional.bilinear(x, z, weight, tensors.get("bias"))


def contraction(equation, bias_axes=()):
    """`torch.einsum`, with a bias that has these axes of the output."""

    def theirs(tensors, x):
        y = torch.einsum(equation, x, tensors["weight"])
        if not bias_axes:
            return y
        missing = [axis for axis in range(y.dim()) if axis not in bias_axes]
        return y + functools.reduce(torch.unsqueeze, missing, tensors["bias"])

    return theirs


def embedding(scale=1.0, padding_idx=None):
    def theirs(tensors, ids):
        weight = tensors["weight"]
        if padding_idx is not None:
            # PyTorch hands the row out as it is, and keeps it zero by its gradient.
            weight = weight.index_fill(0, torch.tensor([padding_idx]), 0.0)
        return scale * functional.embedding(ids, weight, padding_idx)

    return theirs


def learned(tensors, x, positions=None, lengths=None):
    at = torch.arange(x.shape[1]) if positions is None else positions
    rows = functional.embedding(at, tensors["weight"]).expand(x.shape)
    return x + (rows if lengths is None else kept(rows, lengths))


def wave(positions, features, base=10_000.0):
    """Positions as PyTorch's tutorial of transformers encodes them, in float32."""
    table = torch.zeros(*positions.shape, features)
    rates = torch.exp(torch.arange(0, features, 2) * (-np.log(base) / features))
    table[..., 0::2] = torch.sin(positions[..., None] * rates)
    table[..., 1::2] = torch.cos(positions[..., None] * rates)[..., : features // 2]
    return table


def sinusoidal(base=10_000.0):
    def theirs(tensors, x, positions=None, lengths=None):
        at = torch.arange(x.shape[1]) if positions is None else positions
        rows = wave(at, x.shape[-1], base).expand(x.shape)
        return x + (rows if lengths is None else kept(rows, lengths))

    return theirs


def of_times(tensors, x, times):
    return x + wave(times, x.shape[-1])


@fnn.constructor
def adds_sinusoidal():
    return lambda x, times: x + fnn.sinusoidal(times, x.shape[-1])


CASES = {
    "dense": [
        Case("weight and bias", fnn.dense(3), affine, (SEQUENCE,)),
        Case("no bias", fnn.dense(3, use_bias=False), affine, (SEQUENCE,)),
        Case("one vector", fnn.dense(5), affine, (floats(4),)),
        Case("float32", fnn.dense(3), affine, (floats(7, 64),), dtype="float32"),
    ],
    "bilinear": [
        Case("sequences", fnn.bilinear(3), bilinear, (SEQUENCE, floats(2, 5, 6))),
        Case(
            "no bias",
            fnn.bilinear(3, use_bias=False),
            bilinear,
            (floats(7, 4), floats(7, 2)),
        ),
    ],
    "einsum": [
        Case(
            "into heads",
            fnn.einsum("...n,nhd->...hd", {"h": 2, "d": 3}),
            contraction("...n,nhd->...hd", (2, 3)),
            (SEQUENCE,),
        ),
        Case(
            "out of heads",
            fnn.einsum("...hd,hdn->...n", {"n": 5}),
            contraction("...hd,hdn->...n", (2,)),
            (floats(3, 6, 2, 4),),
        ),
        Case(
            "each step by a weight of its own",
            fnn.einsum("btn,tnk->btk", {"k": 3}),
            contraction("btn,tnk->btk", (1, 2)),
            (SEQUENCE,),
        ),
        Case(
            "along the first axis, no bias",
            fnn.einsum("t...,ts->s...", {"s": 3}, use_bias=False),
            contraction("t...,ts->s..."),
            (SEQUENCE,),
        ),
    ],
    "embed": [
        Case("ids", fnn.embed(7, 3), embedding(), (IDS,)),
        Case("one id", fnn.embed(7, 3), embedding(), (np.array(2),)),
        Case("scale", fnn.embed(7, 3, scale=3**0.5), embedding(3**0.5), (IDS,)),
        Case("padding", fnn.embed(7, 3, padding_id=3), embedding(1, 3), (IDS,)),
    ],
    "flatten": [
        Case(
            "all but the first",
            fnn.flatten(),
            lambda tensors, x: torch.flatten(x, 1),
            (SEQUENCE,),
        ),
        Case(
            "the last two",
            fnn.flatten(2),
            lambda tensors, x: torch.flatten(x, -2),
            (floats(2, 3, 4, 5),),
        ),
    ],
    "reshape": [
        Case(
            "the last axis",
            fnn.reshape((2, -1), 1),
            lambda tensors, x: torch.unflatten(x, -1, (2, -1)),
            (SEQUENCE,),
        ),
    ],
    "learned_positions": [
        Case("all", fnn.learned_positions(), learned, (SEQUENCE,)),
        Case(
            "places and padding",
            fnn.learned_positions(9),
            learned,
            (SEQUENCE,),
            {"positions": np.array([4, 8, 0, 0, 1]), "lengths": np.array([5, 2])},
        ),
    ],
    # Of integers, in float32 always.
    "sinusoidal_positions": [
        Case(
            "all",
            fnn.sinusoidal_positions(),
            sinusoidal(),
            (SEQUENCE,),
            dtype="float32",
        ),
        Case(
            "places, padding, an odd number of features and another base",
            fnn.sinusoidal_positions(base=100.0),
            sinusoidal(100.0),
            (floats(2, 5, 7),),
            {"positions": np.array([4, 90, 0, 0, 1]), "lengths": np.array([5, 2])},
            dtype="float32",
        ),
    ],
    "sinusoidal": [
        Case(
            "integers",
            adds_sinusoidal(),
            of_times,
            (floats(3, 6), np.array([0, 5, 17])),
            dtype="float32",
        ),
        Case(
            "of times",
            adds_sinusoidal(),
            of_times,
            (floats(3, 6), np.array([0.25, 3.5, 40.0])),
            dtype="float32",
        ),
    ],
}
