"""Tables of the names that published weights have, by architecture."""

from __future__ import annotations

from collections.abc import Sequence

from fnn.interop.rows import Names, Row

LINEAR = (1, 0)  # theirs is (out, in)
CONVOLUTION = (2, 3, 1, 0)  # theirs is (out, in, height, width)
STAGES = 4


def linear(ours: str, theirs: str, axes: tuple[int, ...] = LINEAR) -> tuple[Row, ...]:
    weight = Row(f"{ours}/weight", f"{theirs}.weight", axes)
    return weight, Row(f"{ours}/bias", f"{theirs}.bias")


def norm(ours: str, theirs: str) -> tuple[Row, ...]:
    scale = Row(f"{ours}/scale", f"{theirs}.weight")
    return scale, Row(f"{ours}/bias", f"{theirs}.bias")


def batch_norm(ours: str, theirs: str) -> tuple[Row, ...]:
    """Of a net that keeps state: ``0`` has params, ``1`` has statistics."""
    return (
        *norm(f"0/{ours}", theirs),
        Row(f"1/{ours}/mean", f"{theirs}.running_mean"),
        Row(f"1/{ours}/var", f"{theirs}.running_var"),
    )


def convolution(ours: str, theirs: str) -> Row:
    return Row(f"0/{ours}/weight", f"{theirs}.weight", CONVOLUTION)


def resnet_names(
    *,
    head: str = "fc",
    shortcut: str = "downsample",
    prefix: str = "",
    unused: Sequence[str] = (),
) -> Names:
    """The names that `fnn.models.resnet` has in PyTorch, by default torchvision's.

    They are those of params and state in a tuple, as ``init`` returns them. The CIFAR
    networks of akamaster have ``head="linear", shortcut="shortcut"``.

    Args:
      head: Their name of the last layer.
      shortcut: Their name of a shortcut that is a convolution.
      prefix: What all names begin with, such as ``"module."``.
      unused: Globs of further names that are of no use.

    Example:
      >>> fnn.interop.resnet_names().rows[0]
      Row(ours='0/conv1/weight', theirs='conv1.weight', axes=(2, 3, 1, 0), ones=0)

    References:
      https://github.com/pytorch/vision, torchvision/models/resnet.py;
      https://github.com/akamaster/pytorch_resnet_cifar10, resnet.py.
    """
    rows = [
        convolution("conv1", f"{prefix}conv1"),
        *batch_norm("norm1", f"{prefix}bn1"),
        *linear("0/head", f"{prefix}{head}"),
    ]
    for i in range(STAGES):
        ours, theirs = f"stages/{i}/{{}}", f"{prefix}layer{i + 1}.{{}}"
        rows += [
            convolution(f"{ours}/conv{{}}", f"{theirs}.conv{{}}"),
            *batch_norm(f"{ours}/norm{{}}", f"{theirs}.bn{{}}"),
            convolution(f"{ours}/shortcut/conv", f"{theirs}.{shortcut}.0"),
            *batch_norm(f"{ours}/shortcut/norm", f"{theirs}.{shortcut}.1"),
        ]
    return Names(tuple(rows), ("*.num_batches_tracked", *unused))


def bert_names(*, prefix: str = "", unused: Sequence[str] = ()) -> Names:
    """The names that `fnn.models.bert` has in Hugging Face's ``BertModel``.

    Args:
      prefix: What all names begin with; ``"bert."`` where there is a head.
      unused: Globs of further names that are of no use, such as ``"pooler.*"`` to a
        net that is not ``pooled``, or ``"cls.*"``.

    Example:
      >>> fnn.interop.bert_names().rows[0].theirs
      'embeddings.word_embeddings.weight'

    References:
      https://github.com/huggingface/transformers, models/bert/modeling_bert.py.
    """
    embeddings, layer = f"{prefix}embeddings", f"{prefix}encoder.layer.{{}}"
    rows = [
        Row("embed/weight", f"{embeddings}.word_embeddings.weight"),
        Row("types/weight", f"{embeddings}.token_type_embeddings.weight"),
        Row("positions/weight", f"{embeddings}.position_embeddings.weight"),
        *norm("norm", f"{embeddings}.LayerNorm"),
        *linear("blocks/attention/out", f"{layer}.attention.output.dense"),
        *norm("blocks/attention_norm", f"{layer}.attention.output.LayerNorm"),
        *linear("blocks/feed_forward/up", f"{layer}.intermediate.dense"),
        *linear("blocks/feed_forward/down", f"{layer}.output.dense"),
        *norm("blocks/feed_forward_norm", f"{layer}.output.LayerNorm"),
        *linear("pooler", f"{prefix}pooler.dense"),
    ]
    for name in ("query", "key", "value"):
        rows += linear(f"blocks/attention/{name}", f"{layer}.attention.self.{name}")
    return Names(tuple(rows), (f"{embeddings}.position_ids", *unused))


def gpt_names(*, prefix: str = "transformer.", unused: Sequence[str] = ()) -> Names:
    """The names that `fnn.models.gpt` has in Hugging Face's ``GPT2LMHeadModel``.

    Their linear layers have ``(in, out)``, and one of them gives queries, keys and
    values.

    Args:
      prefix: What all names but the head's begin with; ``""`` in the files of GPT-2
        itself.
      unused: Globs of further names that are of no use.

    Example:
      >>> fnn.interop.gpt_names().rows[0]
      Row(ours='embed/weight', theirs='transformer.wte.weight', axes=(), ones=0)

    References:
      https://github.com/huggingface/transformers, models/gpt2/modeling_gpt2.py.
    """
    layer, embed = f"{prefix}h.{{}}", f"{prefix}wte.weight"
    rows = [
        Row("embed/weight", embed),
        Row("positions/weight", f"{prefix}wpe.weight"),
        *norm("blocks/attention_norm", f"{layer}.ln_1"),
        *linear("blocks/attention/out", f"{layer}.attn.c_proj", ()),
        *norm("blocks/feed_forward_norm", f"{layer}.ln_2"),
        *linear("blocks/feed_forward/up", f"{layer}.mlp.c_fc", ()),
        *linear("blocks/feed_forward/down", f"{layer}.mlp.c_proj", ()),
        *norm("norm", f"{prefix}ln_f"),
        Row("head/weight", "lm_head.weight", LINEAR),
    ]
    for kind in ("weight", "bias"):
        ours = tuple(f"blocks/attention/{n}/{kind}" for n in ("query", "key", "value"))
        rows.append(Row(ours, f"{layer}.attn.c_attn.{kind}"))
    masks = (f"{prefix}h.*.attn.bias", f"{prefix}h.*.attn.masked_bias")
    return Names(tuple(rows), (*masks, *unused), (("lm_head.weight", embed),))


def vit_names(*, prefix: str = "vit.", unused: Sequence[str] = ()) -> Names:
    """The names that `fnn.models.vit` has in ``ViTForImageClassification``.

    They are those of Hugging Face's files.

    Args:
      prefix: What all names but the head's begin with.
      unused: Globs of further names that are of no use.

    Example:
      >>> fnn.interop.vit_names().rows[0]
      Row(ours='class_token', theirs='vit.embeddings.cls_token', axes=(), ones=2)

    References:
      https://github.com/huggingface/transformers, models/vit/modeling_vit.py.
    """
    embeddings, layer = f"{prefix}embeddings", f"{prefix}encoder.layer.{{}}"
    patches = f"{embeddings}.patch_embeddings.projection"
    rows = [
        Row("class_token", f"{embeddings}.cls_token", ones=2),
        Row("positions/weight", f"{embeddings}.position_embeddings", ones=1),
        *linear("patches", patches, CONVOLUTION),
        *norm("blocks/attention_norm", f"{layer}.layernorm_before"),
        *linear("blocks/attention/out", f"{layer}.attention.output.dense"),
        *norm("blocks/feed_forward_norm", f"{layer}.layernorm_after"),
        *linear("blocks/feed_forward/up", f"{layer}.intermediate.dense"),
        *linear("blocks/feed_forward/down", f"{layer}.output.dense"),
        *norm("norm", f"{prefix}layernorm"),
        *linear("head", "classifier"),
    ]
    for name in ("query", "key", "value"):
        theirs = f"{layer}.attention.attention.{name}"
        rows += linear(f"blocks/attention/{name}", theirs)
    return Names(tuple(rows), tuple(unused))
