"""Models against those of Hugging Face's transformers, weights shared."""

import functools

import jax
import numpy as np
import torch
import transformers

import fnn
from fnn.layers.relative_positions import rotary
from fnn.models.bert import bert
from fnn.models.gpt import gpt
from fnn.models.vit import vit

close = functools.partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-5)
IDS = np.array([[3, 1, 4, 1, 5], [9, 2, 6, 0, 0]])
LENGTHS = np.array([5, 3])
KEPT = np.arange(5) < LENGTHS[:, None]


def built(kind, config):
    """Their model, with no parameter at zero or one."""
    torch.manual_seed(0)
    theirs = kind(config).eval()
    for parameter in theirs.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return theirs


def from_theirs(net, theirs, names, *inputs):
    """Our params with their values: `names` gives theirs, and whether it is turned."""
    values = {n: p.detach().numpy() for n, p in theirs.named_parameters()}
    like = jax.eval_shape(net.init, jax.random.key(0), *inputs)

    def value(name, shape):
        if not name.startswith("blocks/"):
            return names(name, values)
        return np.stack([names(name, values, i) for i in range(shape[0])])

    flat = {name: value(name, leaf.shape) for name, leaf in fnn.paths(like).items()}
    params = fnn.from_paths(flat, like=like)
    assert jax.tree.map(np.shape, params) == jax.tree.map(np.shape, like)
    return params


def renamed(table, name, values, block=None):
    """The array whose name the table gives for the start of ours."""
    for ours, theirs in table.items():
        if name.startswith(ours):
            end = name[len(ours) :].replace("/scale", ".weight").replace("/", ".")
            array = values[theirs.format(block) + end]
            linear = end == ".weight" and name.endswith("/weight")
            return array.T if linear and "mbed" not in theirs else array
    raise KeyError(name)


def test_gpt2():
    config = transformers.GPT2Config(
        vocab_size=11, n_positions=8, n_embd=8, n_layer=2, n_head=2
    )
    theirs = built(transformers.GPT2LMHeadModel, config)
    net = gpt(11, length=8, features=8, heads=2, layers=2)
    outside = {"embed/weight": "wte.weight", "positions/weight": "wpe.weight"}
    outside |= {"norm/scale": "ln_f.weight", "norm/bias": "ln_f.bias"}
    inside = {"attention_norm": "ln_1", "feed_forward_norm": "ln_2"}
    inside |= {"attention/out": "attn.c_proj", "feed_forward/up": "mlp.c_fc"}
    inside |= {"feed_forward/down": "mlp.c_proj"}

    def names(name, values, block=None):  # their linear layers are (in, out)
        if block is None:
            return values[f"transformer.{outside[name]}"]
        name = name.removeprefix("blocks/")
        part, leaf = name.rsplit("/", 1)
        where, leaf = f"transformer.h.{block}", leaf.replace("scale", "weight")
        if part in inside:
            return values[f"{where}.{inside[part]}.{leaf}"]
        third = ("query", "key", "value").index(part.split("/")[1])
        return np.split(values[f"{where}.attn.c_attn.{leaf}"], 3, -1)[third]

    params = from_theirs(net, theirs, names, IDS)
    logits = theirs(torch.tensor(IDS)).logits.detach()
    close(net.apply(params, IDS), logits)


def test_llama():
    config = transformers.LlamaConfig(
        vocab_size=11,
        hidden_size=8,
        intermediate_size=12,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        rms_norm_eps=1e-6,
        tie_word_embeddings=False,
    )
    theirs = built(transformers.LlamaForCausalLM, config)
    net = gpt(
        11,
        features=8,
        heads=4,
        kv_heads=2,
        hidden=12,
        layers=2,
        activation=jax.nn.silu,
        gated=True,
        norm=fnn.rms_norm(),
        rotary=rotary,
        use_bias=False,
        tied=False,
    )
    table = {"embed": "model.embed_tokens", "norm": "model.norm", "head": "lm_head"}
    layer = "model.layers.{}."
    table |= {"blocks/attention_norm": layer + "input_layernorm"}
    table |= {"blocks/feed_forward_norm": layer + "post_attention_layernorm"}
    for ours, name in (("query", "q"), ("key", "k"), ("value", "v"), ("out", "o")):
        table[f"blocks/attention/{ours}"] = f"{layer}self_attn.{name}_proj"
    for name in ("up", "gate", "down"):
        table[f"blocks/feed_forward/{name}"] = f"{layer}mlp.{name}_proj"
    names = functools.partial(renamed, table)
    params = from_theirs(net, theirs, names, IDS)
    logits = theirs(torch.tensor(IDS)).logits.detach()
    close(net.apply(params, IDS), logits)


def test_bert():
    config = transformers.BertConfig(
        vocab_size=11,
        hidden_size=8,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=12,
        max_position_embeddings=8,
    )
    theirs = built(transformers.BertModel, config)
    net = bert(11, length=8, features=8, heads=2, layers=2, hidden=12, pooled=True)
    table = {
        "embed": "embeddings.word_embeddings",
        "types": "embeddings.token_type_embeddings",
        "positions": "embeddings.position_embeddings",
        "norm": "embeddings.LayerNorm",
        "pooler": "pooler.dense",
    }
    layer = "encoder.layer.{}."
    table |= {
        "blocks/attention_norm": layer + "attention.output.LayerNorm",
        "blocks/feed_forward_norm": layer + "output.LayerNorm",
        "blocks/attention/out": layer + "attention.output.dense",
        "blocks/feed_forward/up": layer + "intermediate.dense",
        "blocks/feed_forward/down": layer + "output.dense",
    }
    for name in ("query", "key", "value"):
        table[f"blocks/attention/{name}"] = f"{layer}attention.self.{name}"
    params = from_theirs(net, theirs, functools.partial(renamed, table), IDS)
    types = (np.arange(5) > 2).astype(int)[None].repeat(2, 0)
    found = theirs(
        torch.tensor(IDS),
        attention_mask=torch.tensor(KEPT.astype(int)),
        token_type_ids=torch.tensor(types),
    )
    y, pooled = net.apply(params, IDS, types, lengths=LENGTHS)
    close(np.asarray(y)[KEPT], found.last_hidden_state.detach().numpy()[KEPT])
    close(pooled, found.pooler_output.detach())


def test_vit():
    config = transformers.ViTConfig(
        hidden_size=8,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=12,
        image_size=(4, 6),
        patch_size=2,
        num_labels=5,
        layer_norm_eps=1e-6,
    )
    theirs = built(transformers.ViTForImageClassification, config)
    net = vit(5, patch=2, features=8, heads=2, layers=2, hidden=12)
    layer = "vit.layers.{}."
    table = {"norm": "vit.layernorm", "head": "classifier"}
    table |= {
        "blocks/attention_norm": layer + "layernorm_before",
        "blocks/feed_forward_norm": layer + "layernorm_after",
        "blocks/feed_forward/up": layer + "mlp.fc1",
        "blocks/feed_forward/down": layer + "mlp.fc2",
    }
    for ours, name in (("query", "q"), ("key", "k"), ("value", "v"), ("out", "o")):
        table[f"blocks/attention/{ours}"] = f"{layer}attention.{name}_proj"
    patches = "vit.embeddings.patch_embeddings.projection"

    def names(name, values, block=None):
        if name == "patches/weight":  # theirs is (out, in, height, width)
            return values[f"{patches}.weight"].transpose(2, 3, 1, 0)
        if name == "class_token":
            return values["vit.embeddings.cls_token"][0, 0]
        if name == "positions/weight":
            return values["vit.embeddings.position_embeddings"][0]
        rest = table | {"patches": patches}
        return renamed(rest, name, values, block)

    images = np.random.default_rng(0).normal(size=(2, 4, 6, 3)).astype(np.float32)
    params = from_theirs(net, theirs, names, images)
    logits = theirs(torch.tensor(images.transpose(0, 3, 1, 2))).logits.detach()
    close(net.apply(params, images), logits)
