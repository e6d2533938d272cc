"""Linear layers, embeddings, and what only changes the shape."""

import numpy as np

import fnn
from tests.proof.rows import (
    EXACT,
    IDS,
    IMAGES,
    JOINS,
    NO_INPUT,
    SEQUENCES,
    VECTORS,
    row,
    variant,
)


def affine(params, x):
    return x @ params["weight"] + params.get("bias", 0.0)


def onto_heads(params, x):
    """``...n,nhd->...hd``, a product at a time."""
    weight = params["weight"]
    y = np.zeros((*x.shape[:-1], *weight.shape[1:]))
    for *at, h, d in np.ndindex(y.shape):
        products = [a * weight[n, h, d] for n, a in enumerate(x[tuple(at)])]
        y[(*at, h, d)] = sum(products) + params["bias"][h, d]
    return y


def by_group(params, x):
    """``...gn,gnm->...gm``: each group of features by itself."""
    groups = [x[..., g, :] @ weight for g, weight in enumerate(params["weight"])]
    return np.stack(groups, -2) + params["bias"]


def bilinear(params, x, z):
    weight, bias = params["weight"], params["bias"]
    y = np.zeros((*x.shape[:-1], len(bias)))
    for *at, k in np.ndindex(y.shape):
        pairs = np.ndindex(weight.shape[:-1])
        at = tuple(at)
        total = sum(x[at][i] * weight[i, j, k] * z[at][j] for i, j in pairs)
        y[(*at, k)] = total + bias[k]
    return y


def rows(params, ids):
    return params["weight"][ids]


def padded_rows(params, ids):
    return 2 * params["weight"][ids] * (ids != 0)[..., None]


def waves(params, x):
    """Cosines of all angles, then their sines: 3 of each, for a gamma of 0.25."""
    angles = 0.5**0.5 * x @ params["weight"]
    return np.concatenate([np.cos(angles), np.sin(angles)], -1) / 3**0.5


ROWS = {
    "dense": [row(fnn.dense(3), SEQUENCES, equation=affine)],
    "einsum": [
        row(
            fnn.einsum("...n,nhd->...hd", {"h": 2, "d": 3}),
            SEQUENCES,
            equation=onto_heads,
        ),
        variant(fnn.einsum("...gn,gnm->...gm", {"m": 3}), SEQUENCES, equation=by_group),
    ],
    "bilinear": [row(fnn.bilinear(3), VECTORS, VECTORS[:, :2], equation=bilinear)],
    "parameter": [
        row(fnn.parameter((2, 3)), equation=lambda p: p, errors=EXACT, skip=NO_INPUT)
    ],
    "random_fourier_features": [
        row(fnn.random_fourier_features(6, gamma=0.25), SEQUENCES, equation=waves)
    ],
    "embed": [
        row(fnn.embed(5, 3), IDS, equation=rows, errors=EXACT),
        variant(
            fnn.embed(5, 3, padding_id=0, scale=2.0),
            IDS,
            equation=padded_rows,
            errors=EXACT,
        ),
    ],
    "flatten": [
        row(
            fnn.flatten(),
            IMAGES,
            equation=lambda _, x: np.array([image.ravel() for image in x]),
            errors=EXACT,
            skip=JOINS,
        ),
        variant(
            fnn.flatten(2),
            IMAGES,
            equation=lambda _, x: np.array([[a.ravel() for a in b] for b in x]),
            errors=EXACT,
        ),
    ],
    "reshape": [
        row(
            fnn.reshape((2, 2), 1),
            SEQUENCES,
            equation=lambda _, x: np.stack([x[..., :2], x[..., 2:]], -2),
            errors=EXACT,
        )
    ],
}
