"""What transformers are made of: networks for each step, and whole blocks."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import torch
from torch.func import functional_call
from torch.nn import functional

import fnn
from torch_cases.attention import before, of_attention
from torch_cases.comparison import Case, floats
from torch_cases.layouts import Tensors, inside, kept, linear, of_linear, scoped

SEQUENCE, MEMORY = floats(2, 5, 8), floats(2, 4, 8)
LONG, LONG_MEMORY = floats(2, 160, 8), floats(2, 97, 8)
LENGTHS, MEMORY_LENGTHS = np.array([5, 2]), np.array([1, 4])
GELU = functools.partial(jax.nn.gelu, approximate=False)


# -------------------------------------------------------------------------- each step
def network(activation, gated=False):
    def theirs(tensors, x):
        h = activation(linear(tensors, "gate" if gated else "up", x))
        h = h * linear(tensors, "up", x) if gated else h
        return linear(tensors, "down", h)

    return theirs


# ------------------------------------------------------------------------------ blocks
def of_norm(tensors: Tensors, path: str) -> Tensors:
    weight, bias = {"weight": tensors[f"{path}/scale"]}, f"{path}/bias"
    return weight | ({"bias": tensors[bias]} if bias in tensors else {})


def of_block(tensors: Tensors) -> Tensors:
    """Those of `TransformerEncoderLayer`, or of a decoder's if attention crosses."""
    crossed = any(path.startswith("cross_attention/") for path in tensors)
    own = scoped("self_attn", of_attention(inside(tensors, "attention")))
    own |= scoped("linear1", of_linear(tensors, "feed_forward/up"))
    own |= scoped("linear2", of_linear(tensors, "feed_forward/down"))
    own |= scoped("norm1", of_norm(tensors, "attention_norm"))
    if crossed:
        cross = of_attention(inside(tensors, "cross_attention"))
        own |= scoped("multihead_attn", cross)
        own |= scoped("norm2", of_norm(tensors, "cross_attention_norm"))
    last = of_norm(tensors, "feed_forward_norm")
    return own | scoped("norm3" if crossed else "norm2", last)


def padded(block):
    """A block, and zeros where PyTorch, too, leaves what comes of padding."""

    @fnn.module(block=block)
    def masked(parts, x, *inputs, lengths, **named):
        y = parts.block(x, *inputs, lengths=lengths, **named)
        steps = jax.lax.broadcasted_iota(lengths.dtype, y.shape, 1)
        return jnp.where(steps < lengths[:, None, None], y, jnp.zeros_like(y))

    return masked


def future(steps):
    return torch.ones(steps, steps, dtype=torch.bool).triu(1)


def encoder(*, causal=False, copies=1, **options):
    """An encoder of so many layers."""
    layer = torch.nn.TransformerEncoderLayer(8, 2, 12, 0.0, batch_first=True, **options)
    # Nested tensors would leave padding out, and with it what is to be compared.
    module = torch.nn.TransformerEncoder(layer, copies, enable_nested_tensor=False)

    def theirs(tensors, x, *, lengths=None):
        named, own = {}, {}
        if causal:
            named["mask"] = future(x.shape[1])
        if lengths is not None:
            tensors = inside(tensors, "block")
            named["src_key_padding_mask"] = ~before(lengths, x.shape[1])
        for i in range(copies):
            each = {p: t[i] if copies > 1 else t for p, t in tensors.items()}
            own |= scoped(f"layers.{i}", of_block(each))
        y = functional_call(module, own, (x,), named)
        return y if lengths is None else kept(y, lengths)

    return theirs


def decoder(**options):
    module = torch.nn.TransformerDecoderLayer(
        8, 2, 12, 0.0, batch_first=True, **options
    )

    def theirs(tensors, x, memory, *, lengths=None, memory_lengths=None):
        named = {"tgt_mask": future(x.shape[1])}
        if lengths is not None:
            tensors = inside(tensors, "block")
            named["tgt_key_padding_mask"] = ~before(lengths, x.shape[1])
            named["memory_key_padding_mask"] = ~before(memory_lengths, memory.shape[1])
        y = functional_call(module, of_block(tensors), (x, memory), named)
        return y if lengths is None else kept(y, lengths)

    return theirs


def block(
    activation=jax.nn.relu,
    *,
    causal=False,
    cross=False,
    use_bias=True,
    eps=1e-5,
    **more,
):
    crossing = fnn.attention(8, 2, cross=True, use_bias=use_bias) if cross else None
    return fnn.transformer_block(
        fnn.attention(8, 2, causal=causal, use_bias=use_bias),
        fnn.feed_forward(8, hidden=12, activation=activation, use_bias=use_bias),
        cross_attention=crossing,
        norm=fnn.layer_norm(use_bias=use_bias, eps=eps),
        **more,
    )


decoder_block = functools.partial(block, causal=True, cross=True)
BOTH_LENGTHS = {"lengths": LENGTHS, "memory_lengths": MEMORY_LENGTHS}

CASES = {
    "feed_forward": [
        Case(
            "gelu, by tanh",
            fnn.feed_forward(8, hidden=12),
            network(functools.partial(functional.gelu, approximate="tanh")),
            (SEQUENCE,),
        ),
        Case(
            "gelu, exact, no bias",
            fnn.feed_forward(8, hidden=12, activation=GELU, use_bias=False),
            network(functional.gelu),
            (SEQUENCE,),
        ),
        Case(
            "gated by silu",
            fnn.feed_forward(8, hidden=12, activation=jax.nn.silu, gated=True),
            network(functional.silu, gated=True),
            (SEQUENCE,),
        ),
        Case(
            "gated by gelu, no bias",
            fnn.feed_forward(6, hidden=12, activation=GELU, gated=True, use_bias=False),
            network(functional.gelu, gated=True),
            (SEQUENCE,),
        ),
        Case(
            "relu, dropout, evaluation",
            fnn.feed_forward(8, activation=jax.nn.relu, dropout=0.5),
            network(functional.relu),
            (SEQUENCE,),
        ),
    ],
    "transformer_block": [
        Case(
            "norm first, relu",
            block(),
            encoder(norm_first=True),
            (SEQUENCE,),
        ),
        Case(
            "norm last, relu",
            block(norm_first=False),
            encoder(),
            (SEQUENCE,),
        ),
        Case(
            "norm first, gelu",
            block(GELU),
            encoder(norm_first=True, activation="gelu"),
            (SEQUENCE,),
        ),
        Case(
            "norm last, gelu, another eps",
            block(GELU, norm_first=False, eps=1e-2),
            encoder(activation="gelu", layer_norm_eps=1e-2),
            (SEQUENCE,),
        ),
        Case(
            "norm first, no bias",
            block(use_bias=False),
            encoder(norm_first=True, bias=False),
            (SEQUENCE,),
        ),
        Case(
            "norm first, causal",
            block(causal=True),
            encoder(norm_first=True, causal=True),
            (SEQUENCE,),
        ),
        Case(
            "norm first, padding",
            padded(block()),
            encoder(norm_first=True),
            (SEQUENCE,),
            {"lengths": LENGTHS},
        ),
        Case(
            "norm last, causal, padding",
            padded(block(causal=True, norm_first=False)),
            encoder(causal=True),
            (SEQUENCE,),
            {"lengths": LENGTHS},
        ),
        Case(
            "norm first, dropout, evaluation",
            block(dropout=0.3),
            encoder(norm_first=True),
            (SEQUENCE,),
        ),
        Case(
            "decoder, norm first",
            decoder_block(),
            decoder(norm_first=True),
            (SEQUENCE, MEMORY),
        ),
        Case(
            "decoder, norm last",
            decoder_block(norm_first=False),
            decoder(),
            (SEQUENCE, MEMORY),
        ),
        Case(
            "decoder, norm first, padding",
            padded(decoder_block(GELU)),
            decoder(norm_first=True, activation="gelu"),
            (SEQUENCE, MEMORY),
            BOTH_LENGTHS,
        ),
        Case(
            "decoder, norm last, padding",
            padded(decoder_block(norm_first=False)),
            decoder(),
            (SEQUENCE, MEMORY),
            BOTH_LENGTHS,
        ),
        Case(
            "encoder, norm last, 160 steps",
            block(norm_first=False),
            encoder(),
            (LONG,),
        ),
        Case(
            "decoder, norm first, 160 steps",
            decoder_block(GELU),
            decoder(norm_first=True, activation="gelu"),
            (LONG, LONG_MEMORY),
        ),
        Case(
            "decoder, norm last, 160 steps, float32",
            decoder_block(norm_first=False),
            decoder(),
            (LONG, LONG_MEMORY),
            dtype="float32",
        ),
        Case(
            "decoder, norm last, no bias",
            decoder_block(norm_first=False, use_bias=False),
            decoder(bias=False),
            (SEQUENCE, MEMORY),
        ),
    ],
    "repeat": [
        Case(
            "three blocks, norm first, causal",
            fnn.repeat(block(causal=True), 3),
            encoder(norm_first=True, causal=True, copies=3),
            (SEQUENCE,),
        ),
        Case(
            "three blocks, norm last, recomputed",
            fnn.repeat(block(norm_first=False), 3, remat=True),
            encoder(copies=3),
            (SEQUENCE,),
        ),
        Case(
            "two blocks, norm first, padding",
            padded(fnn.repeat(block(), 2)),
            encoder(norm_first=True, copies=2),
            (SEQUENCE,),
            {"lengths": LENGTHS},
        ),
    ],
}
