"""Equations in float64 NumPy, for more options than the rows of `tests.proof` have."""

import functools
import math

import jax
import numpy as np

from tests.proof.convolution import padded, scattered
from tests.proof.linear import affine
from tests.proof.recurrence import sigmoid


# ------------------------------------------------------------------------- convolution
def over_batches(equation, rank):
    """An equation of one batch axis, for any number of them before ``rank`` others."""

    def whole(params, x):
        batch, own = x.shape[: x.ndim - rank], x.shape[x.ndim - rank :]
        y = equation(params, x.reshape(math.prod(batch), *own))
        return y.reshape(*batch, *y.shape[1:])

    return whole


def transposed_convolution(x, weight, bias, sizes, padding, stride, dilation, groups):
    """Each value spread over its window in the padded output, whose padding is folded.

    Padding of zeros is dropped; what continues the array goes where it came from.
    """
    rank, window = weight.ndim - 2, weight.shape[:-2]
    origins = []  # by axis, 1 + where a value of the padded output comes from, or 0
    for i, size in enumerate(sizes):
        numbers = np.arange(1, size + 1).reshape(1, size, 1)
        one = padding if isinstance(padding, str) else (padding[i],)
        options = one, window[i : i + 1], stride[i : i + 1], dilation[i : i + 1]
        origins.append(padded(numbers, 1, *options).ravel().astype(int))
    lengths, none = [len(origin) for origin in origins], (0,) * rank
    y = scattered(x, weight, 0.0, lengths, none, stride, dilation, groups)
    for axis, (origin, size) in enumerate(zip(origins, sizes, strict=True), 1):
        y = np.moveaxis(y, axis, 0)
        folded = np.zeros((size, *y.shape[1:]))
        for at, values in zip(origin, y, strict=True):
            if at:
                folded[at - 1] += values
        y = np.moveaxis(folded, 0, axis)
    return y + bias


# --------------------------------------------------------------------------- recurrence
def rnn_cell(params, carry, x):
    """``h = tanh(x @ W + b + h @ U)``."""
    h = np.tanh(affine(params["input"], x) + carry @ params["recurrent"]["weight"])
    return h, h


def lstm_cell(params, carry, x):
    """Gates i, f, g, o beside each other."""
    hidden = carry["hidden"] @ params["recurrent"]["weight"]
    return gated(affine(params["input"], x) + hidden, carry["cell"])


def gated(sums, cell):
    """What the sums of an LSTM's four gates make of its cell."""
    i, f, g, o = np.split(sums, 4, -1)
    cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
    hidden = sigmoid(o) * np.tanh(cell)
    return {"cell": cell, "hidden": hidden}, hidden


def gru_cell(params, carry, x):
    """Gates r, z, g beside each other; the second bias of g is within the reset."""
    from_x = np.split(affine(params["input"], x), 3, -1)
    from_h = np.split(carry @ params["recurrent"]["weight"], 3, -1)
    r, z = (sigmoid(from_x[i] + from_h[i]) for i in range(2))
    inner = from_h[2] + params["recurrent"].get("bias", 0.0)
    h = (1 - z) * np.tanh(from_x[2] + r * inner) + z * carry
    return h, h


def alone(h):
    """The carry of a cell that hands on its output and nothing else."""
    return h


def with_cell(h):
    return {"cell": h, "hidden": h}


def over_time(cell, start, hidden, reverse=False):
    """``(batch..., time, *step)`` a step after the other; the last carry and outputs.

    An output of a step has the axes ``hidden``, as many as an input. Padding leaves the
    carry as it is, and puts out zeros.
    """

    def equation(params, x, lengths=None, carry=None):
        axis = x.ndim - 1 - len(hidden)
        batch, time = x.shape[:axis], x.shape[axis]
        carry = start(np.zeros((*batch, *hidden))) if carry is None else carry
        y = np.zeros((time, *batch, *hidden))
        for t in reversed(range(time)) if reverse else range(time):
            new, output = cell(params, carry, np.take(x, t, axis))
            going = np.array(True if lengths is None else t < lengths)
            going = going.reshape(*going.shape, *[1] * len(hidden))
            carry = jax.tree.map(functools.partial(np.where, going), new, carry)
            y[t] = np.where(going, output, 0.0)
        return carry, np.moveaxis(y, 0, axis)

    return equation


def diagonal_cell(modes, groups):
    """``h = eigenvalues * h + gains * (x @ B)``, ``y = real(h @ C) + D * x``."""

    def cell(params, h, x):
        eigenvalues, gains = modes(params)
        b, c = (params[n]["real"] + 1j * params[n]["imag"] for n in ("input", "output"))
        h = eigenvalues * h + gains * by_group(x, b, groups)
        return h, by_group(h, c, groups).real + params.get("skip", 0.0) * x

    return cell


def by_group(x, weight, groups):
    """Each part of x by the columns of its own."""
    pairs = zip(np.split(x, groups, -1), np.split(weight, groups, -1), strict=True)
    return np.concatenate([part @ columns for part, columns in pairs], -1)


def ring(params):
    """Eigenvalues and gains of `fnn.linear_recurrence`."""
    decay, phase = np.exp(params["log_decay"]), np.exp(params["log_phase"])
    return np.exp(-decay + 1j * phase), np.exp(params["log_gain"])


def held(params):
    """Those of `fnn.state_space`, of an input that is constant over a step."""
    poles = -np.exp(params["log_decay"]) + 1j * params["frequency"]
    eigenvalues = np.exp(poles * np.exp(params["log_step"]))
    return eigenvalues, (eigenvalues - 1) / poles


# --------------------------------------------------------------------------- attention
def attention(params, inputs, kv_heads, allowed, bias, scale, positions, eps):
    """Of x, a memory and its values, by head.

    ``allowed`` and ``bias`` are of shape ``(batch..., heads, time, keys)``; vectors of
    two turn by their ``positions`` where there are any. With norms, `eps` is theirs.
    """
    names = ("query", "key", "value")
    q, k, v = (affine(params[name], x) for name, x in zip(names, inputs, strict=True))
    heads = allowed.shape[-3]
    q = np.split(q, heads, -1)
    k, v = (np.split(part, kv_heads, -1) for part in (k, v))
    if "query_norm" in params:
        q, k = (
            [p / np.sqrt((p**2).mean(-1, keepdims=True) + eps) for p in parts]
            for parts in (q, k)
        )
        q = [part * params["query_norm"]["scale"] for part in q]
        k = [part * params["key_norm"]["scale"] for part in k]
    if positions is not None:
        q, k = ([turned(part, positions) for part in parts] for parts in (q, k))
    outputs = []
    for h in range(heads):
        g = h // (heads // kv_heads)
        logits = scale * q[h] @ np.swapaxes(k[g], -1, -2) + bias[..., h, :, :]
        may = allowed[..., h, :, :]
        top = np.max(logits, -1, keepdims=True, initial=-np.inf, where=may)
        weights = np.exp(np.where(may, logits - np.where(may, top, 0.0), -np.inf))
        total = weights.sum(-1, keepdims=True)
        outputs.append(weights / np.where(total, total, 1.0) @ v[g])
    return affine(params["out"], np.concatenate(outputs, -1))


def turned(x, positions):
    """Halves of a vector as points of planes, turned by ever smaller angles."""
    m = x.shape[-1] // 2
    points = x[..., :m] + 1j * x[..., m:]
    angles = positions[..., None] * 10_000.0 ** (-np.arange(m) / m)
    points = points * np.exp(1j * angles)
    return np.concatenate([points.real, points.imag], -1)
