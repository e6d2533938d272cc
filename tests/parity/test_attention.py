"""What attention weighs, and how rotary positions turn: against PyTorch, by formula."""

import functools

import jax
import numpy as np
import pytest
import torch
from torch.func import functional_call
from torch_cases.attention import of_attention

import fnn

close = functools.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-5)


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


X = normal(0, 2, 5, 8)
LENGTHS = np.array([5, 2])


def to_torch(array):
    return torch.tensor(np.asarray(array))


@pytest.mark.parametrize("causal", [False, True])
def test_the_weights_are_those_that_pytorch_returns(causal):
    layer = fnn.attention(8, 2, causal=causal)
    params = layer.init(jax.random.key(0), X)
    _, found = fnn.capture(layer, "weights").apply(params, X, lengths=LENGTHS)
    module = torch.nn.MultiheadAttention(8, 2, batch_first=True)
    future = torch.ones(5, 5, dtype=torch.bool).triu(1)
    _, weights = functional_call(
        module,
        of_attention(fnn.paths(jax.tree.map(to_torch, params))),
        (to_torch(X),) * 3,
        {
            "attn_mask": future if causal else None,
            "key_padding_mask": to_torch(np.arange(5) >= LENGTHS[:, None]),
            "average_attn_weights": False,
        },
    )
    close(found["weights"], weights.detach())


def test_rotary_as_llama_does_it():
    q, base, positions = normal(0, 2, 3, 5, 8), 500.0, np.array([4, 0, 1, 7, 30])
    # transformers' modeling_llama.py: rotate_half, and apply_rotary_pos_emb.
    rates = 1.0 / base ** (torch.arange(0, 8, 2).float() / 8)
    angles = to_torch(positions).float()[:, None] * rates[None, :]
    both = torch.cat((angles, angles), dim=-1)
    x = to_torch(q)
    half = torch.cat((-x[..., 4:], x[..., :4]), dim=-1)
    y = x * both.cos() + half * both.sin()
    close(fnn.rotary(q, positions, base=base), y)


def test_rotary_as_roformer_does_it():
    q, positions = normal(0, 2, 3, 5, 8), np.array([4, 0, 1, 7, 30])
    rates = 1.0 / 10_000.0 ** (torch.arange(0, 8, 2).float() / 8)
    angles = to_torch(positions).float()[:, None] * rates[None, :]
    turned = torch.view_as_complex(to_torch(q).view(2, 3, 5, 4, 2)) * torch.polar(
        torch.ones_like(angles), angles
    )
    y = torch.view_as_real(turned).flatten(-2)
    close(fnn.rotary(q, positions, interleaved=True), y)
