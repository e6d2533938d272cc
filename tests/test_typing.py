"""What a type checker tells of layers; it reads this file, and the tests run it."""

from __future__ import annotations

from typing import assert_type

import jax
import jax.numpy as jnp

import fnn
from fnn.forms import ApplyFn, InitFn, StatefulApplyFn, StatefulInitFn

X = jnp.ones((2, 3))


def test_a_layer_unpacks_into_its_two_functions():
    init, apply = fnn.sequential(fnn.dense(4), jax.nn.relu)
    assert_type(init, InitFn)
    assert_type(apply, ApplyFn)
    params = init(jax.random.key(0), X)
    assert apply(params, X).shape == (2, 4)


def test_state_is_contagious_in_types_as_well():
    plain = fnn.sequential(fnn.dense(4), jnp.tanh)
    normed = fnn.sequential(fnn.dense(4), fnn.batch_norm())
    assert_type(plain, fnn.Layer)
    assert_type(normed, fnn.StatefulLayer)
    assert_type(fnn.parallel(plain, normed), fnn.StatefulLayer)
    assert_type(fnn.residual(plain), fnn.Layer)
    assert_type(fnn.residual(normed), fnn.StatefulLayer)
    assert_type(fnn.with_state(plain), fnn.StatefulLayer)
    assert isinstance(plain, fnn.Layer)
    assert isinstance(normed, fnn.StatefulLayer)
    init, apply = normed
    assert_type(init, StatefulInitFn)
    assert_type(apply, StatefulApplyFn)
    params, state = init(jax.random.key(0), X)
    assert apply(params, state, X)[0].shape == (2, 4)


def test_constructors_and_transforms_keep_the_kind():
    @fnn.constructor
    def gain(factor: float):
        return lambda x: factor * x

    @fnn.transform
    def doubled(layer, params, state, *inputs, **named):
        y, state = layer.apply(params, state, *inputs, **named)
        return 2 * y, state

    assert_type(gain(2.0), fnn.Layer)
    assert_type(fnn.dense(3), fnn.Layer)
    assert_type(doubled(fnn.dense(3)), fnn.Layer)
    assert_type(doubled(fnn.batch_norm()), fnn.StatefulLayer)
    assert isinstance(doubled(fnn.batch_norm()), fnn.StatefulLayer)


def test_a_module_of_layers_without_state_is_one():
    @fnn.module(hidden=fnn.dense(4), out=None)
    def net(parts, x):
        return parts.hidden(x)

    assert_type(net, fnn.Layer)
    assert isinstance(net, fnn.Layer)
