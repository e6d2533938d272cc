"""What layers are made of, and what looks into them: compositions written out."""

import jax.numpy as jnp
import numpy as np

import fnn
from tests.proof.linear import affine
from tests.proof.normalization import batch_norm
from tests.proof.rows import VECTORS, composed, row


@fnn.module(first=fnn.dense(4), rest=[fnn.batch_norm(), jnp.tanh], none=None)
def wired(parts, x):
    for part in (parts.first, *parts.rest):
        x = part(x)
    return x + parts.first(x)


@fnn.transform
def doubled(layer, params, state, x, **named):
    y, state = layer.apply(params, state, x, **named)
    return 2 * y, state


@fnn.constructor
def scaled(factor):
    return lambda x: factor * x


BLOCK = fnn.sequential(fnn.dense(4), fnn.dropout(0.3), jnp.tanh)
NORMED = fnn.sequential(fnn.dense(4), fnn.batch_norm())
IN_TRAINING = {"train": (True,)}


def block(params, x, activation=np.tanh):
    """BLOCK, not in training."""
    return activation(affine(params[0], x))


def normed(params, state, x, train=False, between=lambda h: h):
    """NORMED, with what happens between its two layers."""
    h = between(affine(params[0], x))
    y, new = batch_norm(params[1], state[1], h, train)
    return y, ((), new)


def named(params, state, x, train=False):
    y, inner = normed(params["a"], state["a"], x, train)
    return np.sin(y), {"a": inner, "b": ()}


def summed(params, state, x, train=False):
    y, inner = normed(params[1], state[1], x, train)
    return block(params[0], x) + y, ((), inner)


def around_shortcut(params, state, x, train=False):
    y, inner = normed(params["shortcut"], state["shortcut"], x, train)
    return y + block(params["layer"], x), {"layer": (), "shortcut": inner}


def wired_by_hand(params, state, x, train=False):
    h = affine(params["first"], x)
    y, new = batch_norm(params["rest"][0], state["rest"][0], h, train)
    y = np.tanh(y)
    return y + affine(params["first"], y), state | {"rest": (new, ())}


def captured(params, state, x, train=False):
    y, state = normed(params, state, x, train)
    return (y, {"0": affine(params[0], x)}), state


def intercepted(params, state, x, train=False):
    return normed(params, state, x, train, between=np.sin)


def with_sine(params, x):
    return block(params, x, np.sin)


def sine_last(path, part):
    return jnp.sin if path == "2" else part


ROWS = {
    "sequential": [
        composed(BLOCK, VECTORS, equation=block),
        composed(
            fnn.sequential(a=NORMED, b=jnp.sin),
            VECTORS,
            equation=named,
            train=(False, True),
        ),
    ],
    "parallel": [
        composed(fnn.parallel(BLOCK, NORMED, combine=sum), VECTORS, equation=summed)
    ],
    "residual": [
        composed(fnn.residual(BLOCK), VECTORS, equation=lambda p, x: x + block(p, x)),
        composed(fnn.residual(BLOCK, NORMED), VECTORS, equation=around_shortcut),
    ],
    "module": [composed(wired, VECTORS, equation=wired_by_hand, **IN_TRAINING)],
    "constructor": [row(scaled(2.0), VECTORS, equation=lambda _, x: 2 * x)],
    "transform": [
        composed(doubled(BLOCK), VECTORS, equation=lambda p, x: 2 * block(p, x))
    ],
    "with_state": [
        composed(
            fnn.with_state(BLOCK),
            VECTORS,
            equation=lambda p, state, x: (block(p, x), state),
        )
    ],
    "capture": [
        composed(fnn.capture(NORMED, "0"), VECTORS, equation=captured, **IN_TRAINING)
    ],
    "intercept": [
        composed(
            fnn.intercept(NORMED, "0", jnp.sin),
            VECTORS,
            equation=intercepted,
            **IN_TRAINING,
        )
    ],
    "map_parts": [
        composed(fnn.map_parts(sine_last, BLOCK), VECTORS, equation=with_sine)
    ],
    "replace": [
        composed(fnn.replace(BLOCK, {"2": jnp.sin}), VECTORS, equation=with_sine)
    ],
}
