"""Generation: a model of the next token, drawn from again and again."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.core import Tracer

from fnn.checks import check_key
from fnn.contract import StatefulLayer, as_layer
from fnn.layers.checks import check_array, check_count, check_number
from fnn.layers.dtypes import at_least_float32
from fnn.ops.random_bits import swift
from fnn.shapes import word
from fnn.transforms.stepping import decoding, decoding_params


def generate(
    net: Any,
    params: Any,
    prompt: Any,
    key: Any = None,
    *,
    tokens: int,
    temperature: float | Array = 1.0,
    top_k: int | None = None,
    top_p: float | Array | None = None,
) -> Array:
    """Tokens that go on from a prompt, ``(batch..., time) -> (batch..., tokens)``.

    The prompt goes through the network as a whole, each further token alone, by
    `decoding`: whatever can be decoded generates, such as `gpt`, or a `recurrent` layer
    between `embed` and `dense`. It is compiled once for a network, a shape of prompts
    and a number of tokens. All prompts of a batch are of one length.

    Args:
      net: A layer from integer ids ``(batch..., time)`` to logits of the next one,
        ``(batch..., time, vocabulary)``; it keeps no state.
      params: Its params.
      prompt: What to go on from: integers ``(batch..., time)``, at least one step.
      key: What tokens are drawn by; not needed where the temperature is 0.
      tokens: How many to add; at least 1.
      temperature: As of `sample_logits`.
      top_k: As of `sample_logits`.
      top_p: As of `sample_logits`.

    Returns:
      The tokens that were added, of the prompt's dtype.

    Raises:
      TypeError: If an argument is of the wrong kind, there is no key, or the network
        keeps state.
      ValueError: If the prompt has no steps, a token is out of the vocabulary, an
        option out of range, or the network has no part that looks back or no room for
        so many steps.

    Example:
      >>> net = fnn.models.gpt(11, length=16, features=8, heads=2, layers=2)
      >>> prompt = jnp.array([[3, 1, 4]])
      >>> params = net.init(jax.random.key(0), prompt)
      >>> fnn.models.generate(net, params, prompt, jax.random.key(1), tokens=5).shape
      (1, 5)

    References:
      Pope et al., Efficiently scaling transformer inference, 2022, section 2, for
      prefill and decoding.
    """
    net = as_layer(net, "generate")
    if isinstance(net, StatefulLayer):
        raise TypeError(
            f"generate: expected a network that keeps no state, got {word(net)}."
        )
    check_count("generate", "tokens", tokens)
    _check_options("generate", temperature, top_k, top_p)
    check_array("generate", prompt, "integer", "prompt")
    if not prompt.ndim or not prompt.shape[-1]:
        raise ValueError(
            "generate: expected a prompt of at least one step, "
            f"got one of shape {prompt.shape}."
        )
    key = _key_of("generate", key, temperature)
    decoder = decoding(net, prompt.shape[-1] + tokens - 1)  # nothing follows the last
    added, vocabulary = _generated(
        decoder,
        tokens,
        top_k,
        _greedy(temperature),
        params,
        prompt,
        key,
        temperature,
        top_p,
    )
    _check_tokens(prompt, vocabulary)
    return added


def sample_logits(
    logits: Any,
    key: Any = None,
    *,
    temperature: float | Array = 1.0,
    top_k: int | None = None,
    top_p: float | Array | None = None,
) -> Array:
    """Draws from a categorical distribution, ``(..., n) -> (...)``.

    Logits are divided by the temperature; of the ``top_k`` largest, the first ones are
    left that have a probability of ``top_p`` together; of these one is drawn.

    Args:
      logits: Logarithms of probabilities up to a constant, floating.
      key: What is drawn by; not needed where the temperature is 0.
      temperature: At least 0. Below 1 the likely becomes likelier; 0 takes the most
        likely, and of equals the first. One that is traced must be above 0.
      top_k: How many are possible; at least 1. None is all.
      top_p: In (0, 1]. The one that reaches it is among those that are left, so that
        there is always one. None is 1.

    Returns:
      int32 indices into the last axis.

    Raises:
      TypeError: If an argument is of the wrong kind, or there is no key.
      ValueError: If there is nothing to draw from, or an option is out of range.

    Example:
      >>> logits = jnp.log(jnp.array([0.1, 0.2, 0.3, 0.4]))
      >>> many = jnp.broadcast_to(logits, (1000, 4))
      >>> drawn = fnn.models.sample_logits(many, jax.random.key(0), top_p=0.6)
      >>> np.unique(drawn).tolist()
      [2, 3]

    References:
      Fan et al., Hierarchical neural story generation, 2018, section 5.1, for
      ``top_k``; Holtzman et al., The curious case of neural text degeneration, 2020,
      section 3.1, for ``top_p``.
    """
    _check_options("sample_logits", temperature, top_k, top_p)
    check_array("sample_logits", logits, "floating", "logits")
    if not logits.ndim or not logits.shape[-1]:
        raise ValueError(
            "sample_logits: expected logits of shape (..., n), n of at least 1, "
            f"got {logits.shape}."
        )
    key = _key_of("sample_logits", key, temperature)
    logits = jnp.asarray(logits)
    return _drawn(logits, key, temperature, top_p, top_k, _greedy(temperature))


@functools.partial(jax.jit, static_argnums=(0, 1, 2, 3))
def _generated(decoder, tokens, top_k, greedy, params, prompt, key, temperature, top_p):
    draw = functools.partial(
        _drawn, temperature=temperature, top_p=top_p, top_k=top_k, greedy=greedy
    )
    prompt = jnp.asarray(prompt)
    # Of the state only shapes and zeros are taken: XLA leaves the draw of params out.
    _, state = decoder.init(jax.random.key(0), prompt[..., :1])
    params = decoding_params(decoder, params)
    keys = jax.random.split(key, tokens)

    def step(state, ids, key):
        logits, state = decoder.apply(params, state, ids)
        return logits, state, draw(logits[..., -1, :], key).astype(prompt.dtype)

    def next_step(carry, key):
        state, ids = carry
        _, state, drawn = step(state, ids[..., None], key)
        return (state, drawn), drawn

    logits, state, first = step(state, prompt, keys[0])
    _, others = lax.scan(next_step, (state, first), keys[1:])
    added = jnp.concatenate([first[None], others])
    return jnp.moveaxis(added, 0, -1), jnp.asarray(logits.shape[-1], jnp.int32)


@functools.partial(jax.jit, static_argnames=("top_k", "greedy"))
def _drawn(logits, key, temperature, top_p, top_k, greedy):
    """An index, by `jax.random.categorical` of those that are left."""
    if greedy:
        return jnp.argmax(logits, -1).astype(jnp.int32)
    logits = logits.astype(at_least_float32(logits.dtype))
    logits = logits / jnp.asarray(temperature, logits.dtype)
    if top_k is None and top_p is None:
        return jax.random.categorical(swift(key), logits).astype(jnp.int32)
    count = logits.shape[-1]
    largest, ids = lax.top_k(logits, count if top_k is None else min(top_k, count))
    if top_p is not None:
        largest = nucleus(largest, top_p)
    rank = jax.random.categorical(swift(key), largest)
    return jnp.take_along_axis(ids, rank[..., None], -1)[..., 0].astype(jnp.int32)


def nucleus(logits: Array, top_p: Any) -> Array:
    """Falling logits, without those that come after a probability of ``top_p``."""
    # Of each and those less likely, so that 1 loses none of many to rounding.
    rest = lax.cumsum(jax.nn.softmax(logits, -1), logits.ndim - 1, reverse=True)
    kept = rest > 1 - jnp.asarray(top_p, rest.dtype)
    return jnp.where(kept.at[..., 0].set(True), logits, -jnp.inf)


# ------------------------------------------------------------------------------ checks
def _greedy(temperature: Any) -> bool:
    """Whether it is 0, where its value is known."""
    return not isinstance(temperature, Tracer) and float(temperature) == 0


def _key_of(who: str, key: Any, temperature: Any) -> Any:
    if key is None and _greedy(temperature):
        return jax.random.key(0)  # which nothing is drawn by
    return check_key(key, f"{who}(..., key) where temperature is not 0")


def _check_options(who: str, temperature: Any, top_k: Any, top_p: Any) -> None:
    within = "of at least 0 and finite"
    check_number(who, "temperature", temperature, within, lambda t: 0 <= t < np.inf)
    if top_k is not None:
        check_count(who, "top_k", top_k)
    if top_p is not None:
        check_number(who, "top_p", top_p, "in (0, 1]", lambda p: 0 < p <= 1)


def _check_tokens(prompt: Any, vocabulary: Array) -> None:
    """Where their values are known."""
    if isinstance(prompt, Tracer) or isinstance(vocabulary, Tracer):
        return
    ids, count = np.asarray(prompt), int(vocabulary)
    wrong = ids[(ids < 0) | (ids >= count)]
    if wrong.size:
        raise ValueError(
            f"generate: expected tokens from 0 to {count - 1}, got {wrong[0]}."
        )
