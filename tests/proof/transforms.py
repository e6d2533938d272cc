"""Transforms: the equation of what they wrap, and what they do to it."""

import functools
import zlib

import jax
import jax.numpy as jnp
import numpy as np

import fnn
from fnn.transforms.mixing import cast
from tests.proof.attention import attention
from tests.proof.composition import BLOCK, IN_TRAINING, NORMED, block, normed
from tests.proof.rows import CARRIES, JOINS, SEQUENCES, VECTORS, Errors, composed, row
from tests.proof.stochastic import zeroed

ATTENTION = fnn.attention(4, 2, causal=True)
attend = functools.partial(attention, causal=True)


# ------------------------------------------------------------------------------ copies
def copies(tree):
    """Stacked params or states, one after the other."""
    n = len(jax.tree.leaves(tree)[0])
    return [jax.tree.map(lambda leaf, i=i: leaf[i], tree) for i in range(n)]


def stacked(trees):
    return jax.tree.map(lambda *leaves: np.stack(leaves), *trees)


def one_after_another(params, x):
    for own in copies(params):
        x = block(own, x)
    return x


def normed_one_after_another(params, state, x, train=False):
    states = []
    for own, before in zip(copies(params), copies(state), strict=True):
        x, after = normed(own, before, x, train)
        states.append(after)
    return x, stacked(states)


def side_by_side(params, state, x, train=False):
    pairs = zip(copies(params), copies(state), strict=True)
    return stacked([normed(own, before, x, train) for own, before in pairs])


# ----------------------------------------------------------------------- other weights
def with_weight(params, weight):
    """The params of NORMED with another weight."""
    return ({"weight": weight, "bias": params[0]["bias"]}, params[1])


def adapted(params, state, x, train=False):
    """Hu et al., 2022, equation 3, with a gain of alpha / rank = 2."""
    small = params["lora"][0]["weight"]
    weight = params["base"][0]["weight"] + 2 * small["down"] @ small["up"]
    return normed(with_weight(params["base"], weight), state, x, train)


def of_unit_directions(params, state, x, train=False):
    """Salimans and Kingma, 2016, equation 2, for each output."""
    direction, scale = (params[0]["weight"][n] for n in ("direction", "scale"))
    columns = [s * v / np.sqrt(v @ v) for s, v in zip(scale, direction.T, strict=True)]
    return normed(with_weight(params, np.stack(columns, 1)), state, x, train)


def of_unit_spectrum(params, state, x, train=False):
    """Miyato et al., 2018, algorithm 1."""
    weight, vectors = params[0]["weight"], state["vectors"]
    left, right = (vectors[0]["weight"][side] for side in ("left", "right"))
    if train:
        left = weight @ right / np.linalg.norm(weight @ right)
        right = left @ weight / np.linalg.norm(left @ weight)
        weights = {"weight": {"left": left, "right": right}}
        vectors = (vectors[0] | weights, vectors[1])
    params = with_weight(params, weight / (left @ weight @ right))
    y, inner = normed(params, state["inner"], x, train)
    return y, {"inner": inner, "vectors": vectors}


def thinned(params, state, x, train=False, key=None):
    """Merity et al., 2018, section 2: of a rate of 0.25, for all rows at once."""
    weight = params[0]["weight"]
    if train:
        for name in ("/kept", "0/weight"):
            key = jax.random.fold_in(key, zlib.crc32(name.encode()))
        weight = zeroed(weight, weight.shape, key)
    return normed(with_weight(params, weight), state, x, train)


# ---------------------------------------------------------------------- a step at once
@fnn.constructor
def in_two_calls(layer):
    """The layer of five steps: the first three by its decoder, then the others."""
    decoder = fnn.decoding(layer, 5)

    def apply(params, x):
        _, state = decoder.init(jax.random.key(0), x)
        # Caches are of the dtype of params that are drawn; these may be of another.
        state = cast(state, jax.eval_shape(layer.apply, params, x).dtype)
        first, state = decoder.apply(params, state, x[..., :3, :])
        others, _ = decoder.apply(params, state, x[..., 3:, :])
        return jnp.concatenate([first, others], -2)

    return fnn.Layer(layer.init, apply)


def total_so_far(x):
    return jnp.cumsum(x, -2)


def total_init(key, x):
    return (), jnp.zeros((*x.shape[:-2], 1, x.shape[-1]), x.dtype)


def total_apply(params, total, x):
    y = jnp.broadcast_to(total, x.shape) + jnp.cumsum(x, -2)
    return y, y[..., -1:, :]


def total_by_steps(length):
    return fnn.StatefulLayer(total_init, total_apply)


TOTAL = fnn.steps_as(total_so_far, total_by_steps)

BOTH_ORDERS = ("gradients", "second order")
STOPPED = dict.fromkeys(
    BOTH_ORDERS, "They stop at the vectors in training, as in the paper."
)
COARSE = dict.fromkeys(
    BOTH_ORDERS, "It computes in bfloat16, too coarse for differences."
)

ROWS = {
    "remat": [row(fnn.remat(NORMED), VECTORS, equation=normed, **IN_TRAINING)],
    "freeze": [
        row(fnn.freeze(BLOCK, "0/bias"), VECTORS, equation=block, frozen="0/bias")
    ],
    "evaluating": [
        # Its equation is told, and takes no notice, that this is training.
        composed(
            fnn.evaluating(NORMED),
            VECTORS,
            equation=lambda p, state, x, train: normed(p, state, x),
            **IN_TRAINING,
        )
    ],
    "repeat": [
        row(fnn.repeat(BLOCK, 3), VECTORS, equation=one_after_another, skip=CARRIES),
        composed(
            fnn.repeat(NORMED, 2, remat=True),
            VECTORS,
            equation=normed_one_after_another,
            skip=CARRIES,
            **IN_TRAINING,
        ),
    ],
    "ensemble": [
        composed(
            fnn.ensemble(NORMED, 2),
            VECTORS,
            equation=side_by_side,
            skip=JOINS,
            **IN_TRAINING,
        )
    ],
    "mixed_precision": [
        row(
            fnn.mixed_precision(BLOCK),
            VECTORS,
            equation=block,
            errors=Errors(0.02, 0.02, 0.02),
            skip=COARSE | {"dtypes": "Outputs are float32, whatever the inputs are."},
        )
    ],
    "lora": [
        row(
            fnn.lora(NORMED, 2, alpha=4.0),
            VECTORS,
            equation=adapted,
            frozen="base/**",
        )
    ],
    "weight_norm": [
        row(
            fnn.weight_norm(NORMED),
            VECTORS,
            equation=of_unit_directions,
        )
    ],
    "spectral_norm": [
        row(fnn.spectral_norm(NORMED), VECTORS, equation=of_unit_spectrum),
        row(
            fnn.spectral_norm(NORMED),
            VECTORS,
            equation=of_unit_spectrum,
            skip=STOPPED,
            **IN_TRAINING,
        ),
    ],
    "drop_connect": [
        row(
            fnn.drop_connect(NORMED, 0.25),
            VECTORS,
            equation=thinned,
            train=(False, True),
        )
    ],
    "whole": [composed(fnn.whole(ATTENTION), SEQUENCES, equation=attend)],
    "decoding": [composed(in_two_calls(ATTENTION), SEQUENCES, equation=attend)],
    "steps_as": [
        row(
            in_two_calls(TOTAL),
            SEQUENCES,
            equation=lambda _, x: np.array([np.add.accumulate(a) for a in x]),
            skip={"strangers": "What it does by steps looks at no params."},
        )
    ],
}
