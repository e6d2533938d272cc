"""A frozen backbone under a new head: its parameters and its batch statistics stay.

Training the head on the frozen backbone equals training it alone, on features computed
beforehand, to the last digit that rounding leaves.

Kornblith, Shlens and Le, Do better ImageNet models transfer better?, 2019.
"""

import chex
import jax
import jax.numpy as jnp
import optax
from jax import lax
from sklearn.datasets import load_digits

import fnn

net = fnn.sequential(
    backbone=fnn.sequential(
        fnn.dense(64, use_bias=False), fnn.batch_norm(), jax.nn.relu, fnn.dense(32)
    ),
    head=fnn.dense(5),
)


def train(net, params, state, x, labels, steps=150):
    optimizer = optax.adam(1e-2)

    def step(carry, _):
        params, state, opt_state = carry

        def loss(params):
            logits, after = fnn.with_state(net).apply(params, state, x, train=True)
            losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
            return jnp.mean(losses), after

        grads, state = jax.grad(loss, has_aux=True)(params)
        updates, opt_state = optimizer.update(grads, opt_state)
        return (optax.apply_updates(params, updates), state, opt_state), None

    carry = params, state, optimizer.init(params)
    run = jax.jit(lambda carry: lax.scan(step, carry, length=steps)[0])
    return run(carry)[:2]


def test_backbone_stays_and_the_head_learns_as_if_alone():
    x, labels = load_digits(return_X_y=True)
    x, labels = jnp.asarray(x, "float32") / 16, jnp.asarray(labels, "int32")
    low, high = labels < 5, labels >= 5
    params, state = net.init(jax.random.key(0), x)
    params, state = train(net, params, state, x[low], labels[low])

    frozen = fnn.evaluating(fnn.freeze(net, "backbone/**"), "backbone")
    head = fnn.dense(5)
    features = net.parts["backbone"].apply(
        params["backbone"], state["backbone"], x[high]
    )[0]
    fresh = head.init(jax.random.key(1), features)
    new, after = train(
        frozen, params | {"head": fresh}, state, x[high], labels[high] - 5
    )
    chex.assert_trees_all_equal(after, state)
    chex.assert_trees_all_equal(new["backbone"], params["backbone"])
    alone, _ = train(head, fresh, (), features, labels[high] - 5)
    chex.assert_trees_all_close(new["head"], alone, atol=1e-5)
    logits, _ = net.apply(new, state, x[high])
    assert jnp.mean(jnp.argmax(logits, axis=-1) == labels[high] - 5) > 0.85
