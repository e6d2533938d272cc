"""Attention: several heads, masks, padding, memories, and groups of queries."""

import functools

import numpy as np
import torch
from torch.func import functional_call
from torch.nn import functional

import fnn
from torch_cases.comparison import Case, floats
from torch_cases.layouts import Tensors, kept, linear, of_linear, scoped

SEQUENCE, MEMORY = floats(2, 5, 8), floats(2, 4, 8)
LENGTHS, MEMORY_LENGTHS = np.array([5, 2]), np.array([1, 4])
RANDOM = np.random.default_rng(0)
# Which keys a query sees, at least itself: of (time, keys), and for each head.
MASK = (RANDOM.random((5, 5)) < 0.5) | np.eye(5, dtype=bool)
MASKS = (RANDOM.random((2, 2, 5, 5)) < 0.5) | np.eye(5, dtype=bool)
MEMORY_MASK = RANDOM.random((5, 4)) < 0.5
MEMORY_MASK[:, 1] = True


def of_attention(tensors: Tensors, apart: bool = False) -> Tensors:
    """Those of `MultiheadAttention`, whose weights are apart where widths differ."""
    weights = [tensors[f"{name}/weight"].T for name in ("query", "key", "value")]
    if apart:
        names = [f"{name}_proj_weight" for name in "qkv"]
        named = dict(zip(names, weights, strict=True))
    else:
        named = {"in_proj_weight": torch.cat(weights)}
    if "query/bias" in tensors:
        biases = [tensors[f"{name}/bias"] for name in ("query", "key", "value")]
        named["in_proj_bias"] = torch.cat(biases)
    return named | scoped("out_proj", of_linear(tensors, "out"))


def before(lengths, steps):
    return torch.arange(steps) < lengths[:, None]


def multi_head(heads, *, causal=False, need_weights=False, **options):
    """`MultiheadAttention`: of x, or of a memory, or of keys and values apart."""
    module = torch.nn.MultiheadAttention(8, heads, batch_first=True, **options)

    def theirs(
        tensors,
        x,
        memory=None,
        values=None,
        *,
        mask=None,
        bias=None,
        lengths=None,
        memory_mask=None,
        memory_bias=None,
        memory_lengths=None,
    ):
        keys = x if memory is None else memory
        values = keys if values is None else values
        allowed = mask if memory is None else memory_mask
        added = bias if memory is None else memory_bias
        padded = lengths if memory is None else memory_lengths
        if causal:
            past = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril()
            allowed = past if allowed is None else allowed & past
        blocked = added if allowed is None else ~allowed
        if blocked is not None and blocked.dim() == 4:
            blocked = blocked.flatten(0, 1)
        y, _ = functional_call(
            module,
            of_attention(tensors, apart="kdim" in options),
            (x, keys, values),
            {
                "attn_mask": blocked,
                "key_padding_mask": (
                    None if padded is None else ~before(padded, keys.shape[1])
                ),
                "need_weights": need_weights,
            },
        )
        return y if lengths is None else kept(y, lengths)

    return theirs


def heads_of(tensors, name, x, heads):
    return linear(tensors, name, x).unflatten(-1, (heads, -1)).transpose(1, 2)


def scaled(heads, kv_heads=None, norm=None, **options):
    """`scaled_dot_product_attention` between the projections."""

    def theirs(tensors, x, memory=None, *, mask=None, bias=None, memory_mask=None):
        keys = x if memory is None else memory
        q = heads_of(tensors, "query", x, heads)
        k = heads_of(tensors, "key", keys, kv_heads or heads)
        v = heads_of(tensors, "value", keys, kv_heads or heads)
        if norm is not None:
            q = norm(q, q.shape[-1:], tensors["query_norm/scale"])
            k = norm(k, k.shape[-1:], tensors["key_norm/scale"])
        masks = [m for m in (mask, bias, memory_mask) if m is not None]
        y = functional.scaled_dot_product_attention(
            q, k, v, *masks, enable_gqa=kv_heads is not None, **options
        )
        return linear(tensors, "out", y.transpose(1, 2).flatten(-2))

    return theirs


def band(left, right):
    distance = torch.arange(5) - torch.arange(5)[:, None]
    return (-left <= distance) & (distance <= right)


CASES = {
    "attention": [
        Case("one head", fnn.attention(8, 1), multi_head(1), (SEQUENCE,)),
        Case("two heads", fnn.attention(8, 2), multi_head(2), (SEQUENCE,)),
        Case(
            "four heads, weights asked for",
            fnn.attention(8, 4),
            multi_head(4, need_weights=True),
            (SEQUENCE,),
        ),
        Case(
            "no bias",
            fnn.attention(8, 2, use_bias=False),
            multi_head(2, bias=False),
            (SEQUENCE,),
        ),
        Case(
            "causal",
            fnn.attention(8, 2, causal=True),
            multi_head(2, causal=True),
            (SEQUENCE,),
        ),
        Case(
            "padding",
            fnn.attention(8, 2),
            multi_head(2),
            (SEQUENCE,),
            {"lengths": LENGTHS},
        ),
        Case(
            "causal, padding",
            fnn.attention(8, 2, causal=True),
            multi_head(2, causal=True),
            (SEQUENCE,),
            {"lengths": LENGTHS},
        ),
        Case("mask", fnn.attention(8, 2), multi_head(2), (SEQUENCE,), {"mask": MASK}),
        Case(
            "mask for each head, causal",
            fnn.attention(8, 2, causal=True),
            multi_head(2, causal=True),
            (SEQUENCE,),
            {"mask": MASKS},
        ),
        Case(
            "bias",
            fnn.attention(8, 2),
            multi_head(2),
            (SEQUENCE,),
            {"bias": floats(5, 5)},
        ),
        Case(
            "bias for each head",
            fnn.attention(8, 2),
            multi_head(2),
            (SEQUENCE,),
            {"bias": floats(2, 2, 5, 5)},
        ),
        Case(
            "memory",
            fnn.attention(8, 2, cross=True),
            multi_head(2),
            (SEQUENCE, MEMORY),
        ),
        Case(
            "memory of another width",
            fnn.attention(8, 2, cross=True),
            multi_head(2, kdim=6, vdim=6),
            (SEQUENCE, floats(2, 4, 6)),
        ),
        Case(
            "keys and values of different widths",
            fnn.attention(8, 4, cross=True),
            multi_head(4, kdim=6, vdim=3),
            (SEQUENCE, floats(2, 4, 6), floats(2, 4, 3)),
        ),
        Case(
            "padding, also of the memory",
            fnn.attention(8, 2, cross=True),
            multi_head(2),
            (SEQUENCE, MEMORY),
            {"lengths": LENGTHS, "memory_lengths": MEMORY_LENGTHS},
        ),
        Case(
            "mask of the memory",
            fnn.attention(8, 2, cross=True),
            multi_head(2),
            (SEQUENCE, MEMORY),
            {"memory_mask": MEMORY_MASK},
        ),
        Case(
            "bias of the memory",
            fnn.attention(8, 2, cross=True),
            multi_head(2),
            (SEQUENCE, MEMORY),
            {"memory_bias": floats(2, 2, 5, 4)},
        ),
        Case(
            "weights dropped, evaluation",
            fnn.attention(8, 2, dropout=0.5),
            multi_head(2),
            (SEQUENCE,),
        ),
        Case(
            "two queries to a key",
            fnn.attention(8, 4, kv_heads=2),
            scaled(4, 2),
            (SEQUENCE,),
        ),
        Case(
            "two queries to a key, causal",
            fnn.attention(8, 4, kv_heads=2, causal=True),
            scaled(4, 2, is_causal=True),
            (SEQUENCE,),
        ),
        Case(
            "all queries to a key, mask",
            fnn.attention(8, 4, kv_heads=1),
            scaled(4, 1),
            (SEQUENCE,),
            {"mask": MASK},
        ),
        Case(
            "two queries to a key, memory and its mask",
            fnn.attention(8, 4, kv_heads=2, cross=True),
            scaled(4, 2),
            (SEQUENCE, MEMORY),
            {"memory_mask": MEMORY_MASK},
        ),
        Case(
            "two queries to a key, bias",
            fnn.attention(8, 4, kv_heads=2),
            scaled(4, 2),
            (SEQUENCE,),
            {"bias": floats(1, 4, 5, 5)},
        ),
        Case(
            "heads of another width",
            fnn.attention(8, 2, head_features=3),
            scaled(2),
            (SEQUENCE,),
        ),
        Case(
            "scale", fnn.attention(8, 2, scale=0.7), scaled(2, scale=0.7), (SEQUENCE,)
        ),
        Case(
            "a window",
            fnn.attention(8, 2, window=1),
            functools.partial(scaled(2), mask=band(1, 1)),
            (SEQUENCE,),
        ),
        Case(
            "a window to the left",
            fnn.attention(8, 2, window=(2, 0)),
            functools.partial(scaled(2), mask=band(2, 0)),
            (SEQUENCE,),
        ),
        Case(
            "queries and keys normalised",
            fnn.attention(8, 2, qk_norm=fnn.rms_norm(eps=1e-5)),
            scaled(2, norm=functools.partial(functional.rms_norm, eps=1e-5)),
            (SEQUENCE,),
        ),
        Case(
            "causal, by JAX's own",
            fnn.attention(8, 2, causal=True, implementation="xla"),
            scaled(2, is_causal=True),
            (SEQUENCE,),
            dtype="float32",
        ),
        Case(
            "causal, padding, float32",
            fnn.attention(8, 2, causal=True),
            multi_head(2, causal=True),
            (SEQUENCE,),
            {"lengths": LENGTHS},
            dtype="float32",
        ),
    ],
}
