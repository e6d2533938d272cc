"""Convolutions, a value at a time."""

import itertools
from typing import Any

import numpy as np

import fnn
from tests.proof.linear import affine
from tests.proof.rows import IMAGES, SEQUENCES, row, variant


def padded(x, rank, padding, window, stride, dilation):
    """The input with its padding, by the words of the documentation."""
    pads = [(0, 0)] * x.ndim
    for i in range(rank):
        size, axis = x.shape[x.ndim - 1 - rank + i], x.ndim - 1 - rank + i
        reach = dilation[i] * (window[i] - 1) + 1
        if padding == "SAME":
            outputs = -(-size // stride[i])
            total = max((outputs - 1) * stride[i] + reach - size, 0)
            pads[axis] = (total // 2, total - total // 2)
        elif padding == "CAUSAL":
            pads[axis] = (reach - 1, 0)
        elif padding in ("CIRCULAR", "REFLECT"):
            pads[axis] = ((reach - 1) // 2, reach // 2)
        elif padding != "VALID":
            pads[axis] = padding[i]
    mode: Any = {"CIRCULAR": "wrap", "REFLECT": "reflect"}.get(padding, "constant")
    return np.pad(x, pads, mode=mode)


def convolution(x, weight, bias, padding, stride, dilation, groups):
    """One batch axis; a loop over outputs and taps."""
    x, rank, window = x.astype(np.float64), weight.ndim - 2, weight.shape[:-2]
    x = padded(x, rank, padding, window, stride, dilation)
    channels, features = weight.shape[-2] * groups, weight.shape[-1]
    sizes = [
        (n - d * (w - 1) - 1) // s + 1
        for n, w, s, d in zip(x.shape[1:-1], window, stride, dilation, strict=True)
    ]
    y = np.zeros((x.shape[0], *sizes, features))
    for position in itertools.product(*map(range, sizes)):
        for tap in itertools.product(*map(range, window)):
            at = tuple(
                p * s + t * d
                for p, t, s, d in zip(position, tap, stride, dilation, strict=True)
            )
            for f in range(features):
                first = f // (features // groups) * (channels // groups)
                part = x[(slice(None), *at, slice(first, first + channels // groups))]
                y[(slice(None), *position, f)] += part @ weight[tap][:, f]
    return y + bias


def scattered(x, weight, bias, sizes, low, stride, dilation, groups):
    """The transpose, of one batch axis; each value spread over its window."""
    x = x.astype(np.float64)
    channels, features = x.shape[-1] // groups, weight.shape[-1]
    y = np.zeros((x.shape[0], *sizes, features))
    for position in itertools.product(*map(range, x.shape[1:-1])):
        for tap in itertools.product(*map(range, weight.shape[:-2])):
            at = tuple(
                s * p + d * t - pad
                for p, t, s, d, pad in zip(
                    position, tap, stride, dilation, low, strict=True
                )
            )
            if not all(0 <= a < n for a, n in zip(at, sizes, strict=True)):
                continue
            for f in range(features):
                first = f // (features // groups) * channels
                part = x[(slice(None), *position, slice(first, first + channels))]
                y[(slice(None), *at, f)] += part @ weight[tap][:, f]
    return y + bias


def conv(padding="SAME", stride=(1, 1), dilation=(1, 1), groups=1):
    def equation(params, x):
        weight, bias = params["weight"], params.get("bias", 0.0)
        return convolution(x, weight, bias, padding, stride, dilation, groups)

    return equation


def conv_transpose(sizes, low, stride, groups=1):
    def equation(params, x):
        ones = (1,) * len(stride)
        weight, bias = params["weight"], params["bias"]
        return scattered(x, weight, bias, sizes, low, stride, ones, groups)

    return equation


def separable(params, x):
    groups = x.shape[-1]
    depthwise = conv(stride=(2, 2), groups=groups)(params["depthwise"], x)
    mixing = params["pointwise"]["weight"][0, 0]
    return affine({"weight": mixing, "bias": params["pointwise"]["bias"]}, depthwise)


ROWS = {
    "conv": [
        row(fnn.conv(3, (3, 3), stride=2), IMAGES, equation=conv(stride=(2, 2))),
        variant(
            fnn.conv(3, (3,), padding="CAUSAL", dilation=2),
            SEQUENCES,
            equation=conv("CAUSAL", (1,), (2,)),
        ),
        variant(
            fnn.conv(4, (3, 2), padding="CIRCULAR", groups=2),
            IMAGES,
            equation=conv("CIRCULAR", groups=2),
        ),
    ],
    "conv_transpose": [
        row(
            fnn.conv_transpose(3, (3,), stride=2),
            SEQUENCES,
            equation=conv_transpose((10,), (0,), (2,)),
        ),
        variant(
            fnn.conv_transpose(4, (3, 2), stride=(1, 2), groups=2, padding=(1, 0)),
            IMAGES,
            equation=conv_transpose((4, 12), (1, 0), (1, 2), groups=2),
        ),
    ],
    "separable_conv": [
        row(
            fnn.separable_conv(3, (3, 3), stride=2, multiplier=2),
            IMAGES,
            equation=separable,
        )
    ],
}
