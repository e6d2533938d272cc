"""Recurrent cells, and cells run over time: many steps, layers, both ways, padding."""

import jax
import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import fnn
from torch_cases.comparison import Case, floats
from torch_cases.layouts import Tensors, inside

N, FEATURES, STEPS = 4, 3, 160
ROW, CARRY = floats(2, N), floats(2, FEATURES)
SEQUENCE = floats(3, STEPS, N)
LENGTHS = np.array([STEPS, 1, 97])
LSTM_CARRY = {"cell": CARRY, "hidden": CARRY}


# ------------------------------------------------------------------ params, both ways
def weights(tensors: Tensors, suffix: str = "") -> dict[str, Tensor]:
    """Those of a cell, by PyTorch's names; its two biases are one, save in a GRU."""
    into, again = tensors["input/weight"].T, tensors["recurrent/weight"].T
    named = {"weight_ih": into, "weight_hh": again}
    if "input/bias" in tensors:
        bias = tensors["input/bias"]
        inner = bias.new_zeros(bias.shape)
        if "recurrent/bias" in tensors:
            last = tensors["recurrent/bias"]
            inner = torch.cat([inner[: -len(last)], last])
        named |= {"bias_ih": bias, "bias_hh": inner}
    return {f"{name}{suffix}": tensor for name, tensor in named.items()}


def to_theirs(carry, join=lambda arrays: arrays[0]):
    """A carry, or several joined, as PyTorch has it: (hidden, cell) of an LSTM."""
    if isinstance(carry[0], dict):
        return tuple(join([c[name] for c in carry]) for name in ("hidden", "cell"))
    return join(carry)


def to_ours(hidden):
    if isinstance(hidden, tuple):
        return {"cell": hidden[1], "hidden": hidden[0]}
    return hidden


# ------------------------------------------------------------------------------- cells
def cell(kind, **options):
    module = kind(N, FEATURES, **options)

    def theirs(tensors, carry, x):
        carry = () if carry is None else (to_theirs([carry]),)
        after = functional_call(module, weights(tensors), (x, *carry))
        after = to_ours(after)
        return after, after["hidden"] if isinstance(after, dict) else after

    return theirs


# --------------------------------------------------------------------------- over time
def layers(kind, paths=("",), return_carry=False, **options):
    """A network of several layers, each at a path, or in both directions."""
    both = options.get("bidirectional", False)
    module = kind(N, FEATURES, len(paths) // (1 + both), batch_first=True, **options)
    suffixes = [
        f"_l{layer}{way}"
        for layer in range(module.num_layers)
        for way in ("", "_reverse")[: 1 + both]
    ]

    def theirs(tensors, x, carry=None, lengths=None):
        own = {}
        for path, suffix in zip(paths, suffixes, strict=True):
            part = inside(tensors, path) if path else tensors
            own |= weights(part, suffix)
        start = ()
        if carry is not None:
            each = [carry[path] for path in paths] if both else [carry]
            start = (to_theirs(each, torch.stack),)
        if lengths is None:
            y, last = functional_call(module, own, (x, *start))
        else:
            x = pack_padded_sequence(x, lengths, True, enforce_sorted=False)
            y, last = functional_call(module, own, (x, *start))
            y, _ = pad_packed_sequence(y, True, total_length=STEPS)
        if not return_carry:
            return y
        each = jax.tree.map(lambda a: a.unbind(0), last)
        each = [*zip(*each, strict=True)] if isinstance(last, tuple) else [*each]
        named = {path: to_ours(h) for path, h in zip(paths, each, strict=True)}
        return named if both else named[""], y

    return theirs


def backwards(kind):
    """From the last step to the first."""
    run = layers(kind)
    return lambda tensors, x: run(tensors, x.flip(1)).flip(1)


BOTH = {"paths": ("forward", "backward"), "bidirectional": True}
KINDS = {
    "rnn": (fnn.rnn_cell(FEATURES), torch.nn.RNN, CARRY),
    "lstm": (fnn.lstm_cell(FEATURES), torch.nn.LSTM, LSTM_CARRY),
    "gru": (fnn.gru_cell(FEATURES), torch.nn.GRU, CARRY),
}


def over_time(name, own, kind, carry):
    """The same cases for each cell."""
    return [
        Case(f"{name}, 160 steps", fnn.recurrent(own), layers(kind), (SEQUENCE,)),
        Case(
            f"{name}, 160 steps, float32",
            fnn.recurrent(own),
            layers(kind),
            (SEQUENCE,),
            dtype="float32",
        ),
        Case(
            f"{name}, lengths, from a carry to a carry",
            fnn.recurrent(own, return_carry=True),
            layers(kind, return_carry=True),
            (SEQUENCE,),
            {"lengths": LENGTHS, "carry": stacked(carry)},
        ),
        Case(
            f"{name}, three layers with lengths",
            fnn.sequential(*[fnn.recurrent(own)] * 3),
            layers(kind, ("0", "1", "2")),
            (SEQUENCE,),
            {"lengths": LENGTHS},
        ),
        Case(
            f"{name}, backwards",
            fnn.recurrent(own, reverse=True, unroll=4),
            backwards(kind),
            (SEQUENCE,),
        ),
    ]


def both_ways(name, own, kind, carry):
    start = {"forward": stacked(carry), "backward": stacked(carry)}
    return [
        Case(
            f"{name}, 160 steps",
            fnn.bidirectional(own),
            layers(kind, **BOTH),
            (SEQUENCE,),
        ),
        Case(
            f"{name}, lengths, from a carry to a carry",
            fnn.bidirectional(own, return_carry=True),
            layers(kind, return_carry=True, **BOTH),
            (SEQUENCE,),
            {"lengths": LENGTHS, "carry": start},
        ),
        Case(
            f"{name}, two layers with lengths",
            fnn.sequential(*[fnn.bidirectional(own)] * 2),
            layers(
                kind,
                ("0/forward", "0/backward", "1/forward", "1/backward"),
                bidirectional=True,
            ),
            (SEQUENCE,),
            {"lengths": LENGTHS},
        ),
    ]


def stacked(carry):
    return jax.tree.map(lambda leaf: floats(3, *leaf.shape[1:]), carry)


CASES = {
    "rnn_cell": [
        Case("tanh", KINDS["rnn"][0], cell(torch.nn.RNNCell), (CARRY, ROW)),
        Case("from zeros", KINDS["rnn"][0], cell(torch.nn.RNNCell), (None, ROW)),
        Case(
            "relu",
            fnn.rnn_cell(FEATURES, activation=jax.nn.relu),
            cell(torch.nn.RNNCell, nonlinearity="relu"),
            (CARRY, ROW),
        ),
        Case(
            "no bias",
            fnn.rnn_cell(FEATURES, use_bias=False),
            cell(torch.nn.RNNCell, bias=False),
            (CARRY, ROW),
        ),
    ],
    "lstm_cell": [
        Case("one step", KINDS["lstm"][0], cell(torch.nn.LSTMCell), (LSTM_CARRY, ROW)),
        Case("from zeros", KINDS["lstm"][0], cell(torch.nn.LSTMCell), (None, ROW)),
        Case(
            "no bias",
            fnn.lstm_cell(FEATURES, use_bias=False),
            cell(torch.nn.LSTMCell, bias=False),
            (LSTM_CARRY, ROW),
        ),
    ],
    "gru_cell": [
        Case("one step", KINDS["gru"][0], cell(torch.nn.GRUCell), (CARRY, ROW)),
        Case("from zeros", KINDS["gru"][0], cell(torch.nn.GRUCell), (None, ROW)),
        Case(
            "no bias",
            fnn.gru_cell(FEATURES, use_bias=False),
            cell(torch.nn.GRUCell, bias=False),
            (CARRY, ROW),
        ),
    ],
    "recurrent": [
        case for name, kinds in KINDS.items() for case in over_time(name, *kinds)
    ],
    "bidirectional": [
        case for name, kinds in KINDS.items() for case in both_ways(name, *kinds)
    ],
}
