"""Linear layers, contractions and embeddings, drawn."""

import math

import numpy as np
import pytest
from hypothesis import given

import fnn
from tests.proof.linear import affine
from tests.properties.cases import FLOATS, Case, floats
from tests.properties.checks import check
from tests.properties.draws import BATCHES, FEW, FLAGS, cases

WITH_COMPLEX = (*FLOATS, "complex64")
EQUATIONS = (
    ("...n", "nhd", "...hd"),
    ("...gn", "gnm", "...gm"),
    ("...hd", "hdm", "...m"),
    ("...tn", "ts", "...sn"),
    ("n...", "nm", "m..."),
    ("...n", "n", "..."),
    ("...n", "n", "...n"),
    ("bn", "mn", "mb"),
)


def dense(random):
    layer = fnn.dense(random.choice(FEW), use_bias=random.choice(FLAGS))
    x = floats(*random.choice(BATCHES), random.choice(FEW))
    return Case(layer, affine, (x,), dtypes=WITH_COMPLEX)


def einsum(random):
    x, weight, y = random.choice(EQUATIONS)
    own = x.replace("...", "")
    lengths = {n: random.choice(FEW) for n in own + weight}
    shape = tuple(lengths[n] for n in own)
    batch = random.choice(BATCHES) if "..." in x else ()
    shape = shape + batch if x.endswith("...") else batch + shape
    new = {n: lengths[n] for n in weight if n not in x}
    use_bias = random.choice(FLAGS)
    bias = "".join(n for n in y if n in weight)

    def equation(params, inputs):
        z = np.einsum(f"{x},{weight}->{y}", inputs, params["weight"])
        if use_bias:
            z = z + np.einsum(f"{y},{bias}->{y}", np.ones(z.shape), params["bias"])
        return z

    layer = fnn.einsum(f"{x},{weight}->{y}", new, use_bias=use_bias)
    return Case(layer, equation, (floats(*shape),), dtypes=WITH_COMPLEX)


def bilinear(random):
    def equation(params, x, z):
        y = np.einsum("...i,ijk,...j->...k", x, params["weight"], z)
        return y + params.get("bias", 0.0)

    batch = random.choice(BATCHES)
    inputs = tuple(floats(*batch, random.choice(FEW)) for _ in range(2))
    layer = fnn.bilinear(random.choice(FEW), use_bias=random.choice(FLAGS))
    return Case(layer, equation, inputs, dtypes=WITH_COMPLEX)


def embed(random):
    count, shape = random.choice(FEW), random.choice(BATCHES)
    padding_id = random.choice([None, *range(count)])
    scale = random.choice([1.0, 2.5, 0.0])
    ids = [random.randrange(count) for _ in range(math.prod(shape))]
    ids = np.array(ids, random.choice(["int32", "uint8"])).reshape(shape)

    def equation(params, ids):
        return scale * params["weight"][ids] * (ids != padding_id)[..., None]

    layer = fnn.embed(count, random.choice(FEW), padding_id=padding_id, scale=scale)
    return Case(layer, equation, (ids,))


@pytest.mark.slow
@given(cases(dense, einsum, bilinear, embed))
def test_linear(drawn):
    check(*drawn)
