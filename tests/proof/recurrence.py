"""Recurrent cells, a unit at a time, and loops over time."""

import numpy as np

import fnn
from tests.proof.convolution import conv
from tests.proof.rows import IMAGES, SEQUENCES, VECTORS, composed, normal, row, variant


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def rnn_unit(params, h, x):
    """One step of one sequence, unit by unit."""
    w, b, u = params["input"]["weight"], params["input"]["bias"], _recurrent(params)
    return np.tanh(np.array([w[:, j] @ x + b[j] + u[:, j] @ h for j in range(len(h))]))


def lstm_unit(params, c, h, x):
    """One step of one sequence by PyTorch's equations, unit by unit."""
    w, b, u = params["input"]["weight"], params["input"]["bias"], _recurrent(params)
    size = len(h)

    def gate(k, j):
        at = k * size + j
        return w[:, at] @ x + b[at] + u[:, at] @ h

    new_c, new_h = np.zeros(size), np.zeros(size)
    for j in range(size):
        i, f, o = sigmoid(gate(0, j)), sigmoid(gate(1, j)), sigmoid(gate(3, j))
        new_c[j] = f * c[j] + i * np.tanh(gate(2, j))
        new_h[j] = o * np.tanh(new_c[j])
    return new_c, new_h


def gru_unit(params, h, x):
    """One step of one sequence by PyTorch's equations, unit by unit."""
    w, b, u = params["input"]["weight"], params["input"]["bias"], _recurrent(params)
    a, size = params["recurrent"]["bias"], len(h)
    new = np.zeros(size)
    for j in range(size):
        r, z = (sigmoid(w[:, k] @ x + b[k] + u[:, k] @ h) for k in (j, size + j))
        k = 2 * size + j
        g = np.tanh(w[:, k] @ x + b[k] + r * (u[:, k] @ h + a[j]))
        new[j] = (1 - z) * g + z * h[j]
    return new


def _recurrent(params):
    return params["recurrent"]["weight"]


def started(params, carry, x):
    """The carry, of zeros where there is none."""
    size = _recurrent(params).shape[0]
    return np.zeros((*x.shape[:-1], size)) if carry is None else carry


def rnn_cell(params, carry, x):
    carry = started(params, carry, x)
    h = np.array([rnn_unit(params, *pair) for pair in zip(carry, x, strict=True)])
    return h, h


def gru_cell(params, carry, x):
    carry = started(params, carry, x)
    h = np.array([gru_unit(params, *pair) for pair in zip(carry, x, strict=True)])
    return h, h


def lstm_cell(params, carry, x):
    carry = carry or dict.fromkeys(("cell", "hidden"), started(params, None, x))
    steps = zip(carry["cell"], carry["hidden"], x, strict=True)
    c, h = map(np.array, zip(*(lstm_unit(params, *s) for s in steps), strict=True))
    return {"cell": c, "hidden": h}, h


def conv_lstm_cell(params, carry, x):
    """Shi et al., 2015, equation 3, without peepholes."""
    sums = same(params["input"], x) + same(params["recurrent"], carry["hidden"])
    i, f, g, o = np.split(sums, 4, -1)
    c = sigmoid(f) * carry["cell"] + sigmoid(i) * np.tanh(g)
    h = sigmoid(o) * np.tanh(c)
    return {"cell": c, "hidden": h}, h


def over_time(cell, reverse=False):
    """A cell, step after step, of ``(batch, time, n)``."""

    def equation(params, x):
        carry, outputs = None, []
        for t in range(x.shape[1])[:: -1 if reverse else 1]:
            carry, y = cell(params, carry, x[:, t])
            outputs.append(y)
        return np.stack(outputs[:: -1 if reverse else 1], 1)

    return equation


def both_ways(params, x):
    forward = over_time(gru_cell)(params["forward"], x)
    backward = over_time(gru_cell, reverse=True)(params["backward"], x)
    return np.concatenate([forward, backward], -1)


def within_lengths(params, x, lengths):
    """Steps that are padding give zeros."""
    y = over_time(rnn_cell)(params, x)
    return y * (np.arange(x.shape[1]) < lengths[:, None])[..., None]


def diagonal(params, x, eigenvalues, gains):
    """``h[t] = eigenvalues * h[t - 1] + gains * (x[t] @ B)``, a step at a time."""
    b, c = (params[name]["real"] + 1j * params[name]["imag"] for name in ENDS)
    h, y = np.zeros((len(x), len(eigenvalues)), complex), np.zeros(x.shape)
    for t in range(x.shape[1]):
        h = eigenvalues * h + gains * (x[:, t] @ b)
        y[:, t] = (h @ c).real + params["skip"] * x[:, t]
    return y


def linear_recurrence(params, x):
    decay, angle = np.exp(params["log_decay"]), np.exp(params["log_phase"])
    return diagonal(params, x, np.exp(-decay + 1j * angle), np.exp(params["log_gain"]))


def state_space(params, x):
    """Input that is held for a step, through ``dh/ds = lam * h + x @ B``."""
    lam = -np.exp(params["log_decay"]) + 1j * params["frequency"]
    kept = np.exp(lam * np.exp(params["log_step"]))
    return diagonal(params, x, kept, (kept - 1) / lam)


ENDS = ("input", "output")
same = conv()  # a convolution that keeps the size
STATES = {"cell": normal(3, 3, 3), "hidden": normal(4, 3, 3)}

ROWS = {
    "rnn_cell": [row(fnn.rnn_cell(3), None, VECTORS, equation=rnn_cell)],
    "lstm_cell": [row(fnn.lstm_cell(3), STATES, VECTORS, equation=lstm_cell)],
    "gru_cell": [row(fnn.gru_cell(3), normal(3, 3, 3), VECTORS, equation=gru_cell)],
    "conv_lstm_cell": [
        row(
            fnn.conv_lstm_cell(3, (3, 3)),
            {"cell": normal(5, 2, 2, 3, 3), "hidden": normal(6, 2, 2, 3, 3)},
            IMAGES[:, :2, :3],
            equation=conv_lstm_cell,
        )
    ],
    "linear_recurrence": [
        row(fnn.linear_recurrence(3), SEQUENCES, equation=linear_recurrence)
    ],
    "state_space": [row(fnn.state_space(3), SEQUENCES, equation=state_space)],
    "recurrent": [
        row(
            fnn.recurrent(fnn.rnn_cell(3), reverse=True),
            SEQUENCES,
            equation=over_time(rnn_cell, reverse=True),
        ),
        variant(
            fnn.recurrent(fnn.rnn_cell(3)),
            SEQUENCES,
            equation=within_lengths,
            lengths=np.array([5, 2]),
            skip={"batch": "Lengths have the batch axes of the sequences."},
        ),
    ],
    "bidirectional": [
        composed(fnn.bidirectional(fnn.gru_cell(3)), SEQUENCES, equation=both_ways)
    ],
}
