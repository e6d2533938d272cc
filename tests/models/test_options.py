"""Options of models reach the parts that they are for."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest

import fnn

IDS, IMAGES = jnp.ones((1, 3), jnp.int32), jnp.ones((1, 28, 28, 1))
NORM = fnn.layer_norm(eps=0.5)
SMALL: dict[str, Any] = {"features": 8, "heads": 2, "layers": 2}
BLOCK = SMALL | {"hidden": 6, "activation": jnp.tanh, "remat": True, "unroll": 2}
# Of a block, what stands in its repr; dropout is of the weights and of what parts add.
SHOWN = [
    *("attention(8, 2,", "feed_forward(8, hidden=6, activation=tanh"),
    "), 2, remat=True, unroll=2)",
]
DROPPING = ["dropout=0.5"] * 2

# A model, and what stands in the repr of its parts, as often as in the list.
MODELS = {
    "gpt": (
        fnn.models.gpt(
            11,
            length=9,
            kv_heads=1,
            gated=True,
            norm=NORM,
            qk_norm=fnn.rms_norm(),
            rotary=fnn.rotary,
            position_bias=fnn.alibi(2),
            window=(2, 0),
            tied=False,
            dropout=0.5,
            **BLOCK,
        ),
        {
            "positions": ["learned_positions(9,"],
            "blocks": [
                *(*SHOWN, *DROPPING, "gated=True", " norm=layer_norm(eps=0.5)"),
                *("kv_heads=1", "window=(2, 0)", "rotary=rotary"),
                *("qk_norm=rms_norm()", "position_bias=alibi(2)"),
            ],
            "norm": ["layer_norm(eps=0.5)"],
            "dropout": ["dropout(0.5)"],
            "head": ["dense(11, use_bias=False,"],
        },
    ),
    "bert": (
        fnn.models.bert(11, length=9, types=3, eps=0.5, dropout=0.5, **BLOCK),
        {
            "positions": ["learned_positions(9,"],
            "types": ["embed(3, 8,"],
            "norm": ["layer_norm(eps=0.5,"],
            "dropout": ["dropout(0.5)"],
            "blocks": [*SHOWN, *DROPPING, " norm=layer_norm(eps=0.5,"],
        },
    ),
    "vit": (
        fnn.models.vit(5, patch=4, eps=0.5, dropout=0.5, **BLOCK),
        {
            "patches": ["conv(8, (4, 4), stride=4,"],
            "norm": ["layer_norm(eps=0.5,"],
            "dropout": ["dropout(0.5)"],
            "blocks": [*SHOWN, *DROPPING, " norm=layer_norm(eps=0.5,"],
        },
    ),
    "encoder_decoder": (
        fnn.models.encoder_decoder(11, dropout=0.5, **BLOCK),
        {
            "encoder": [*SHOWN, *DROPPING],
            # There, a second attention is to the memory.
            "decoder": [*SHOWN, *DROPPING, "attention(8, 2,", "dropout=0.5"],
            "dropout": ["dropout(0.5)"],
        },
    ),
    "lenet": (fnn.models.lenet(5), {"out": ["dense(5,"]}),
    "resnet": (
        fnn.models.resnet(5, depth=8, cifar=True, activation=jnp.tanh, norm=NORM),
        {
            "norm1": ["layer_norm(eps=0.5)"],
            "activation": ["tanh"],
            "stages": ["activation=tanh", " norm=layer_norm(eps=0.5)"] * 3,
        },
    ),
    "unet": (
        fnn.models.unet(2, channels=(3, 4), activation=jnp.tanh, dropout=0.5),
        {
            "dropout": ["dropout(0.5)"],
            **dict.fromkeys(("down", "bottom", "up"), ["activation=tanh"] * 2),
        },
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_options_reach_the_parts(name):
    net, expected = MODELS[name]
    for part, pieces in expected.items():
        shown = repr(net.parts[part])
        for piece in pieces:
            assert shown.count(piece) == pieces.count(piece), (part, piece)


@pytest.mark.parametrize("name", ["gpt", "bert", "vit", "encoder_decoder"])
def test_unroll_is_refused_by_name(name):
    with pytest.raises(
        ValueError, match=f"^{name}: expected unroll of at least 1, got"
    ):
        getattr(fnn.models, name)(11, **SMALL, unroll=0)


@pytest.mark.parametrize("name", ["gpt", "bert", "vit", "encoder_decoder"])
def test_attention_is_computed_as_asked(name):
    build = getattr(fnn.models, name)
    for implementation in (None, "xla"):
        net = build(11, dropout=0.0, implementation=implementation, **SMALL)
        shown = repr(net.parts["decoder" if name == "encoder_decoder" else "blocks"])
        assert "dropout=0.0" in shown
        assert ("implementation='xla'" in shown) == (implementation == "xla")


@pytest.mark.parametrize(
    "name, options, inputs",
    [
        ("gpt", {"length": 3, "tied": False, **SMALL}, (IDS,)),
        ("bert", {"pooled": True, **SMALL}, (IDS,)),
        ("vit", {"patch": 14, **SMALL}, (IMAGES,)),
        ("encoder_decoder", {"tied": False, "norm_first": True, **SMALL}, (IDS, IDS)),
        ("lenet", {}, (IMAGES,)),
        ("resnet", {"depth": 18, "features": 2, "norm": jnp.tanh}, (IMAGES,)),
        ("unet", {"channels": (3, 4), "norm": None}, (IMAGES,)),
        ("unet", {"channels": (3, 4), "norm": None, "transposed": False}, (IMAGES,)),
    ],
)
def test_all_params_have_their_dtype(name, options, inputs):
    for dtype in (jnp.float32, jnp.bfloat16):
        net = getattr(fnn.models, name)(11, param_dtype=dtype, **options)
        params = jax.eval_shape(net.init, jax.random.key(0), *inputs)
        assert {leaf.dtype for leaf in jax.tree.leaves(params)} == {jnp.dtype(dtype)}
