"""Contractions and embeddings."""

import jax.numpy as jnp
import numpy as np

from tests.layers.wrong_calls.inputs import DENSE, ROW, SEQUENCE, fnn, init

CALLS = [
    # embed
    (
        lambda: fnn.embed(0, 3),
        ValueError,
        "embed: expected count of at least 1, got 0.",
    ),
    (
        lambda: fnn.embed(10, 0),
        ValueError,
        "embed: expected features of at least 1, got 0.",
    ),
    (
        lambda: fnn.embed(10.0, 3),
        TypeError,
        "embed: expected count to be an int, got 10.0.",
    ),
    (
        lambda: fnn.embed(10, 3, padding_id=10),
        ValueError,
        "embed: expected padding_id below count = 10, got 10.",
    ),
    (
        lambda: fnn.embed(10, 3, padding_id=-1),
        ValueError,
        "embed: expected padding_id of at least 0, got -1.",
    ),
    (
        lambda: fnn.embed(10, 3, padding_id="pad"),
        TypeError,
        "embed: expected padding_id to be an int, got 'pad'.",
    ),
    (
        lambda: fnn.embed(10, 3, scale=float("inf")),
        ValueError,
        "embed: expected scale to be finite, got inf.",
    ),
    (
        lambda: fnn.embed(10, 3, scale="sqrt"),
        TypeError,
        "embed: expected scale to be a number, got 'sqrt'.",
    ),
    (
        lambda: fnn.embed(10, 3, scale=jnp.ones(3)),
        TypeError,
        "embed: expected scale to be a number, got float32[3].",
    ),
    (
        lambda: init(fnn.embed(10, 3), jnp.ones(2)),
        TypeError,
        "embed: expected ids of integer dtype, got float32.",
    ),
    (
        lambda: init(fnn.embed(10, 3), 4),
        TypeError,
        "embed: expected ids to be an array, got int.",
    ),
    (
        lambda: fnn.embed(10, 3).apply({"weight": jnp.ones((10, 3))}, jnp.array([1.0])),
        TypeError,
        "embed: expected ids of integer dtype, got float32.",
    ),
    (
        lambda: fnn.embed(10, 3).apply(
            {"weight": jnp.ones((10, 3))}, jnp.array([True])
        ),
        TypeError,
        "embed: expected ids of integer dtype, got bool.",
    ),
    (
        lambda: fnn.embed(10, 3).apply(
            {"weight": jnp.ones((10, 3))}, jnp.array([3, 10])
        ),
        ValueError,
        "embed: expected ids in [0, 10), got 10.",
    ),
    (
        lambda: fnn.embed(10, 3).apply({"weight": jnp.ones((10, 3))}, np.array([-1])),
        ValueError,
        "embed: expected ids in [0, 10), got -1.",
    ),
    (
        lambda: fnn.embed(10, 3).apply({"weight": jnp.ones((9, 3))}, jnp.array([3])),
        ValueError,
        "embed: expected params {weight: (10, 3)}, got {weight: (9, 3)}.",
    ),
    (
        lambda: fnn.embed(10, 3).apply({"table": jnp.ones((10, 3))}, jnp.array([3])),
        ValueError,
        "embed: expected params {weight: (10, 3)}, got {table: (10, 3)}.",
    ),
    # einsum, bilinear
    (
        lambda: fnn.einsum(3),
        TypeError,
        "einsum: expected equation to be a string, got 3.",
    ),
    (
        lambda: fnn.einsum("...n->...m", {"m": 3}),
        ValueError,
        "einsum: expected equation of the form 'x,weight->y', such as "
        "'...n,nhd->...hd', got '...n->...m'.",
    ),
    (
        lambda: fnn.einsum("...n,nn->...n"),
        ValueError,
        "einsum: expected equation of the form 'x,weight->y', such as "
        "'...n,nhd->...hd', got '...n,nn->...n'.",
    ),
    (
        lambda: fnn.einsum("...n,nm->m", {"m": 3}),
        ValueError,
        "einsum: expected equation of the form 'x,weight->y', such as "
        "'...n,nhd->...hd', got '...n,nm->m'.",
    ),
    (
        lambda: fnn.einsum("...n,nmk->...m", {"m": 3, "k": 2}),
        ValueError,
        "einsum: expected equation of the form 'x,weight->y', such as "
        "'...n,nhd->...hd', got '...n,nmk->...m'.",
    ),
    (
        lambda: fnn.einsum("...n,nm->...m", 3),
        TypeError,
        "einsum: expected lengths to be a dict, got 3.",
    ),
    (
        lambda: fnn.einsum("...n,nm->...m", {"n": 4}),
        ValueError,
        "einsum: expected lengths of the axes (m), got (n).",
    ),
    (
        lambda: fnn.einsum("...n,nm->...m", {"m": 0}),
        ValueError,
        "einsum: expected length m of at least 1, got 0.",
    ),
    (
        lambda: init(fnn.einsum("...gn,gnm->...gm", {"m": 3}), jnp.ones(4)),
        ValueError,
        "einsum: expected x of shape (..., g, n), got (4,).",
    ),
    (
        lambda: fnn.einsum("...n,nm->...m", {"m": 3}).apply(DENSE, jnp.ones((2, 5))),
        ValueError,
        "einsum: expected x of shape (..., 4), got (2, 5).",
    ),
    (
        lambda: fnn.einsum("...n,nm->...m", {"m": 2}).apply(DENSE, ROW),
        ValueError,
        "einsum: expected params {weight: (n, 2), bias: (2,)}, got {weight: (4, 3), "
        "bias: (3,)}.",
    ),
    (
        lambda: fnn.einsum("...n,n->...n").apply(
            {"weight": jnp.ones(4), "bias": jnp.ones(3)}, ROW
        ),
        ValueError,
        "einsum: expected bias of shape (4,), got (3,).",
    ),
    (
        lambda: fnn.bilinear(0),
        ValueError,
        "bilinear: expected features of at least 1, got 0.",
    ),
    (
        lambda: fnn.bilinear(3, bias_init=0.0),
        TypeError,
        "bilinear: expected bias_init to be a function, got 0.0.",
    ),
    (
        lambda: init(fnn.bilinear(3), ROW),
        TypeError,
        "bilinear: expected 2 inputs, got 1.",
    ),
    (
        lambda: init(fnn.bilinear(3), ROW, SEQUENCE),
        ValueError,
        "bilinear: expected x and z with the same batch axes, got (2, 4) and (2, 5, "
        "4).",
    ),
    (
        lambda: init(fnn.bilinear(3), ROW, jnp.ones((2, 0))),
        ValueError,
        "bilinear: expected z of shape (..., m) with m of at least 1, got (2, 0).",
    ),
    (
        lambda: fnn.bilinear(3).apply(
            {"weight": jnp.ones((4, 5, 3)), "bias": jnp.ones(3)}, ROW, ROW
        ),
        ValueError,
        "bilinear: expected z of shape (..., 5), got (2, 4).",
    ),
]
