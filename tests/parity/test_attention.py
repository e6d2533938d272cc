"""Attention, blocks and rotary positions against PyTorch, weights shared."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import fnn
from fnn.layers.multi_head_attention import attention
from fnn.layers.relative_positions import rotary
from fnn.layers.transformers import feed_forward, transformer_block

close = functools.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-5)


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


X, MEMORY = normal(0, 2, 5, 8), normal(1, 2, 4, 6)
LENGTHS = np.array([5, 2])
PADDED = np.arange(5) >= LENGTHS[:, None]


def to_torch(array):
    return torch.tensor(np.asarray(array))


def of(linear):
    """The params of a dense layer from those of a linear one."""
    weight = linear.weight.detach().numpy().T
    return {"weight": weight, "bias": linear.bias.detach().numpy()}


def of_norm(norm):
    return {"scale": norm.weight.detach().numpy(), "bias": norm.bias.detach().numpy()}


def of_attention(theirs):
    """The params of attention from those of a `MultiheadAttention`."""
    packed = theirs.in_proj_weight
    weights = (
        (theirs.q_proj_weight, theirs.k_proj_weight, theirs.v_proj_weight)
        if packed is None
        else packed.chunk(3)
    )
    params = {
        name: {"weight": w.detach().numpy().T, "bias": b.detach().numpy()}
        for name, w, b in zip(
            ("query", "key", "value"),
            weights,
            theirs.in_proj_bias.chunk(3),
            strict=True,
        )
    }
    return params | {"cache": (), "weights": (), "out": of(theirs.out_proj)}


def shaken(theirs):
    """Their module with no parameter left at zero or one."""
    torch.manual_seed(0)
    for parameter in theirs.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return theirs


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("padded", [False, True])
def test_self_attention_its_weights_and_its_gradients(causal, padded):
    theirs = shaken(torch.nn.MultiheadAttention(8, 2, batch_first=True))
    layer, params = attention(8, 2, causal=causal), of_attention(theirs)
    x = to_torch(X).requires_grad_()
    future = torch.ones(5, 5, dtype=torch.bool).triu(1)
    y, weights = theirs(
        x,
        x,
        x,
        attn_mask=future if causal else None,
        key_padding_mask=to_torch(PADDED) if padded else None,
        average_attn_weights=False,
    )
    kept = to_torch(~PADDED)[..., None] if padded else 1.0
    (y * kept).square().sum().backward()
    named = {"lengths": LENGTHS} if padded else {}

    def loss(params, x):
        y = layer.apply(params, x, **named)
        return jnp.sum(y**2), y

    grads, mine = jax.grad(loss, (0, 1), has_aux=True)(params, X)
    close(mine, (y * kept).detach())
    close(grads[1], x.grad, rtol=1e-4, atol=1e-4)
    in_grads = theirs.in_proj_weight.grad.chunk(3)
    for name, theirs_grad in zip(("query", "key", "value"), in_grads, strict=True):
        close(grads[0][name]["weight"], theirs_grad.T, rtol=1e-4, atol=1e-4)
    _, found = fnn.capture(layer, "weights").apply(params, X, **named)
    close(found["weights"], weights.detach())


def test_cross_attention_of_another_width():
    theirs = torch.nn.MultiheadAttention(8, 2, kdim=6, vdim=6, batch_first=True)
    theirs = shaken(theirs)
    y, _ = theirs(to_torch(X), to_torch(MEMORY), to_torch(MEMORY))
    layer = attention(8, 2, cross=True)
    close(layer.apply(of_attention(theirs), X, MEMORY), y.detach())


def of_block(theirs, crossed):
    params = {
        "attention": of_attention(theirs.self_attn),
        "attention_norm": of_norm(theirs.norm1),
        "feed_forward": {
            "up": of(theirs.linear1),
            "down": of(theirs.linear2),
            "dropout": (),
        },
        "feed_forward_norm": of_norm(theirs.norm3 if crossed else theirs.norm2),
        "dropout": (),
    }
    if crossed:
        params["cross_attention"] = of_attention(theirs.multihead_attn)
        params["cross_attention_norm"] = of_norm(theirs.norm2)
    return params


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_encoder_layer(norm_first, activation):
    theirs = torch.nn.TransformerEncoderLayer(
        8, 2, 12, norm_first=norm_first, activation=activation, batch_first=True
    )
    theirs = shaken(theirs).eval()
    functions = {
        "relu": jax.nn.relu,
        "gelu": functools.partial(jax.nn.gelu, approximate=False),
    }
    block = transformer_block(
        attention(8, 2),
        feed_forward(8, hidden=12, activation=functions[activation]),
        norm_first=norm_first,
    )
    params = of_block(theirs, crossed=False)
    y = theirs(to_torch(X), src_key_padding_mask=to_torch(PADDED)).detach().numpy()
    mine = np.asarray(block.apply(params, X, lengths=LENGTHS))
    close(mine[~PADDED], y[~PADDED])
    same = block.init(jax.random.key(0), X)
    assert jax.tree.map(jnp.shape, same) == jax.tree.map(np.shape, params)


@pytest.mark.parametrize("norm_first", [False, True])
def test_decoder_layer(norm_first):
    theirs = torch.nn.TransformerDecoderLayer(
        8, 2, 12, norm_first=norm_first, batch_first=True
    )
    theirs, memory = shaken(theirs).eval(), normal(2, 2, 4, 8)
    block = transformer_block(
        attention(8, 2, causal=True),
        feed_forward(8, hidden=12, activation=jax.nn.relu),
        cross_attention=attention(8, 2, cross=True),
        norm_first=norm_first,
    )
    future = torch.ones(5, 5, dtype=torch.bool).triu(1)
    y = theirs(to_torch(X), to_torch(memory), tgt_mask=future)
    close(block.apply(of_block(theirs, crossed=True), X, memory), y.detach())


@pytest.mark.parametrize("kv_heads", [2, 1])
@pytest.mark.parametrize("causal", [False, True])
def test_grouped_queries(kv_heads, causal):
    layer = attention(8, 4, kv_heads=kv_heads, causal=causal)
    params = layer.init(jax.random.key(0), X)

    def heads(name, count):
        y = to_torch(X) @ to_torch(params[name]["weight"])
        return (y + to_torch(params[name]["bias"])).view(2, 5, count, 2).transpose(1, 2)

    y = torch.nn.functional.scaled_dot_product_attention(
        heads("query", 4),
        heads("key", kv_heads),
        heads("value", kv_heads),
        is_causal=causal,
        enable_gqa=True,
    )
    y = y.transpose(1, 2).reshape(2, 5, 8) @ to_torch(params["out"]["weight"])
    close(layer.apply(params, X), y + to_torch(params["out"]["bias"]))


def test_rotary_as_llama_does_it():
    q, base, positions = normal(0, 2, 3, 5, 8), 500.0, np.array([4, 0, 1, 7, 30])
    # transformers' modeling_llama.py: rotate_half, and apply_rotary_pos_emb.
    rates = 1.0 / base ** (torch.arange(0, 8, 2).float() / 8)
    angles = to_torch(positions).float()[:, None] * rates[None, :]
    both = torch.cat((angles, angles), dim=-1)
    x = to_torch(q)
    half = torch.cat((-x[..., 4:], x[..., :4]), dim=-1)
    y = x * both.cos() + half * both.sin()
    close(rotary(q, positions, base=base), y)


def test_rotary_as_roformer_does_it():
    q, positions = normal(0, 2, 3, 5, 8), np.array([4, 0, 1, 7, 30])
    rates = 1.0 / 10_000.0 ** (torch.arange(0, 8, 2).float() / 8)
    angles = to_torch(positions).float()[:, None] * rates[None, :]
    turned = torch.view_as_complex(to_torch(q).view(2, 3, 5, 4, 2)) * torch.polar(
        torch.ones_like(angles), angles
    )
    y = torch.view_as_real(turned).flatten(-2)
    close(rotary(q, positions, interleaved=True), y)
