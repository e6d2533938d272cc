"""A language model whose output layer is its embedding, transposed.

One array is read twice, so its gradient is the sum of two: those by the tables of an
untied model in the same place.

Press and Wolf, Using the output embedding to improve language models, 2017; Inan,
Khosravi and Socher, Tying word vectors and word classifiers, 2017.
"""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

import fnn

TEXT = "how much wood would a woodchuck chuck if a woodchuck could chuck wood? "
SYMBOLS = sorted(set(TEXT))
IDS = np.array([SYMBOLS.index(symbol) for symbol in TEXT], "int32")
WIDTH = 32


def block(step):
    """Looks ``step`` symbols back, and never ahead."""
    look = fnn.conv(WIDTH, (2,), padding="CAUSAL", dilation=step)
    return fnn.residual(
        fnn.sequential(fnn.layer_norm(), look, jax.nn.gelu, fnn.dense(WIDTH))
    )


body = fnn.sequential(*map(block, (1, 2, 4, 8)), fnn.layer_norm())


@fnn.module(embed=fnn.embed(len(SYMBOLS), WIDTH), body=body)
def tied(parts, ids):
    x = parts.body(parts.embed(ids))
    return x @ parts.embed.params["weight"].T


@fnn.module(
    embed=fnn.embed(len(SYMBOLS), WIDTH),
    body=body,
    head=fnn.dense(len(SYMBOLS), use_bias=False),
)
def untied(parts, ids):
    return parts.head(parts.body(parts.embed(ids)))


def loss(model, params, ids):
    logits = model.apply(params, ids[:, :-1])
    losses = optax.softmax_cross_entropy_with_integer_labels(logits, ids[:, 1:])
    return jnp.mean(losses)


def test_gradient_is_the_sum_of_both_uses():
    ids = IDS[:40].reshape(2, 20)
    params = tied.init(jax.random.key(0), ids)
    table = params["embed"]["weight"]
    apart = params | {"head": {"weight": table.T}}
    grads = jax.grad(loss, argnums=1)(tied, params, ids)["embed"]["weight"]
    both = jax.grad(loss, argnums=1)(untied, apart, ids)
    expected = both["embed"]["weight"] + both["head"]["weight"].T
    chex.assert_trees_all_close(grads, expected, rtol=0, atol=1e-6)

    frozen = fnn.replace(tied, {"embed": fnn.freeze(tied.parts["embed"])})
    grads = jax.grad(loss, argnums=1)(frozen, params, ids)
    assert optax.tree.norm(grads["embed"]) == 0 < optax.tree.norm(grads["body"])


def test_learns_the_rhyme_by_heart():
    windows = np.stack([np.roll(IDS, -i)[:17] for i in range(len(IDS))])
    params = tied.init(jax.random.key(0), windows)
    optimizer = optax.adam(1e-2)

    @jax.jit
    def train(params):
        def step(carry, _):
            params, opt_state = carry
            grads = jax.grad(loss, argnums=1)(tied, params, windows)
            updates, opt_state = optimizer.update(grads, opt_state)
            return (optax.apply_updates(params, updates), opt_state), None

        return lax.scan(step, (params, optimizer.init(params)), length=100)[0][0]

    params = train(params)

    def extend(ids, _):
        chosen = jnp.argmax(tied.apply(params, ids)[-1])
        return jnp.append(ids[1:], chosen), chosen

    start = jnp.asarray(IDS[:16])
    said = lax.scan(extend, start, length=len(IDS) - 16)[1]
    assert "".join(SYMBOLS[i] for i in said.tolist()) == TEXT[16:]
