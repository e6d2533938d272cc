"""Weights in and out: files and models of PyTorch and transformers."""

import functools

import jax
import numpy as np
import pytest
import safetensors.torch
import torch
import transformers
from test_resnet import ResNet

import fnn
from fnn import interop

close = functools.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-5)
IDS = np.array([[3, 1, 4, 1, 5], [9, 2, 6, 0, 0]])
SIZES = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2}
SIZES |= {"intermediate_size": 12}
OURS = {"features": 8, "heads": 2, "layers": 2}
PICTURES = np.random.default_rng(0).normal(size=(2, 4, 6, 3)).astype(np.float32)
PT = {"format": "pt"}


def turned(images):
    return torch.tensor(images.transpose(0, 3, 1, 2))


def drawn(theirs):
    """The model with no parameter at zero or one."""
    torch.manual_seed(0)
    for parameter in theirs.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return theirs.eval()


def bert():
    config = transformers.BertConfig(vocab_size=11, max_position_embeddings=8, **SIZES)
    net = fnn.models.bert(11, length=8, hidden=12, pooled=True, **OURS)
    return transformers.BertModel, config, net, interop.bert_names(), IDS


def gpt(tied=True):
    config = transformers.GPT2Config(
        vocab_size=11,
        n_positions=8,
        n_embd=8,
        n_layer=2,
        n_head=2,
        tie_word_embeddings=tied,
        bos_token_id=0,
        eos_token_id=0,
    )
    net = fnn.models.gpt(11, length=8, tied=tied, **OURS)
    return transformers.GPT2LMHeadModel, config, net, interop.gpt_names(), IDS


def vit():
    config = transformers.ViTConfig(
        image_size=(4, 6), patch_size=2, num_labels=5, layer_norm_eps=1e-6, **SIZES
    )
    net = fnn.models.vit(5, patch=2, hidden=12, **OURS)
    kind = transformers.ViTForImageClassification
    return kind, config, net, interop.vit_names(), PICTURES


MODELS = {"bert": bert, "gpt": gpt, "vit": vit}
MODELS["gpt with a head"] = functools.partial(gpt, tied=False)


def outputs(theirs, x):
    """What their model puts out, by an array of ours."""
    tensor = torch.tensor(x) if x.ndim == 2 else turned(x)
    with torch.no_grad():
        found = theirs(tensor)
    if "pooler_output" in found:
        return found.last_hidden_state.numpy(), found.pooler_output.numpy()
    return found.logits.numpy()


@pytest.mark.parametrize("name", MODELS)
def test_what_transformers_saves_is_read(name, tmp_path):
    kind, config, net, names, x = MODELS[name]()
    theirs = drawn(kind(config))
    theirs.save_pretrained(tmp_path)
    tensors = interop.read_safetensors(tmp_path / "model.safetensors")
    like = jax.eval_shape(net.init, jax.random.key(0), x)
    params = interop.from_names(tensors, names, like=like)
    jax.tree.map(close, net.apply(params, x), outputs(theirs, x))


@pytest.mark.parametrize("name", MODELS)
def test_what_is_written_transformers_reads(name, tmp_path):
    kind, config, net, names, x = MODELS[name]()
    config.save_pretrained(tmp_path)
    rng = np.random.default_rng(0)
    params = jax.tree.map(
        lambda leaf: rng.normal(size=leaf.shape, scale=0.3).astype(np.float32),
        jax.eval_shape(net.init, jax.random.key(0), x),
    )
    written = interop.to_names(params, names)
    interop.write_safetensors(tmp_path / "model.safetensors", written, metadata=PT)
    theirs, report = kind.from_pretrained(tmp_path, output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"]
    jax.tree.map(close, net.apply(params, x), outputs(theirs.eval(), x))


# ------------------------------------------------- with the names that torchvision has
@pytest.mark.parametrize("depth", [18, 50])
def test_resnets_there_and_back(depth, tmp_path):
    theirs = drawn(ResNet(5, depth=depth, features=2))
    for name, buffer in theirs.named_buffers():
        if name.endswith(("mean", "var")):
            torch.nn.init.uniform_(buffer, 0.5, 1.5)
    path = tmp_path / "resnet.safetensors"
    safetensors.torch.save_file(theirs.state_dict(), path)
    images = np.random.default_rng(0).normal(size=(2, 64, 64, 3)).astype(np.float32)
    net, names = fnn.models.resnet(5, depth=depth, features=2), interop.resnet_names()
    like = jax.eval_shape(net.init, jax.random.key(0), images)
    found = interop.from_names(interop.read_safetensors(path), names, like=like)
    logits, _ = jax.jit(net.apply)(*found, images)
    with torch.no_grad():
        close(logits, theirs(turned(images)))

    again = tmp_path / "again.safetensors"
    interop.write_safetensors(again, interop.to_names(found, names))
    other = ResNet(5, depth=depth, features=2)
    other.load_state_dict(safetensors.torch.load_file(again))  # strict
    for name, tensor in theirs.state_dict().items():
        assert torch.equal(other.state_dict()[name], tensor), name


# ---------------------------------------------------------------------------- dtypes
DTYPES = ("float64", "float32", "float16", "bfloat16", "int64", "int32", "int16")
DTYPES = (*DTYPES, "int8", "uint8", "bool")
TENSORS = {
    name: torch.arange(12).reshape(3, 4).to(getattr(torch, name)) for name in DTYPES
}


def equal(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name, tensor in theirs.items():
        array, dtype = ours[name], str(tensor.dtype).removeprefix("torch.")
        assert (array.dtype.name, array.shape) == (dtype, tuple(tensor.shape))
        np.testing.assert_array_equal(
            array.astype(np.float64), tensor.double().numpy(), strict=True
        )


def test_safetensors_of_every_dtype_there_and_back(tmp_path):
    path = tmp_path / "some.safetensors"
    safetensors.torch.save_file(TENSORS, path)
    found = interop.read_safetensors(path)
    equal(found, TENSORS)
    interop.write_safetensors(path, found)
    equal(found, safetensors.torch.load_file(path))


# ------------------------------------------------------------------- torch.save's own
def views():
    base = torch.arange(60, dtype=torch.float32)
    table = base[5:45].reshape(5, 8)
    return {
        "base": base,
        "offset": base[7:],
        "turned": table.T,
        "of every other": table[::2, 1::3],
        "one column": table[:, 3:4],
        "nothing": torch.zeros(0, 4),
        "scalar": torch.tensor(1.5, dtype=torch.float64),
        "half": torch.ones(3, dtype=torch.bfloat16),
        "parameter": torch.nn.Parameter(torch.ones(2, 3)),
    }


def test_torch_files_are_read(tmp_path):
    path = tmp_path / "model.pt"
    module = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3))
    for saved in (TENSORS, views(), module.state_dict()):
        torch.save(saved, path)
        equal(interop.read_torch(path), {n: t.detach() for n, t in saved.items()})
        equal(
            interop.read_torch(path.read_bytes()),
            {n: t.detach() for n, t in saved.items()},
        )


def test_a_checkpoint_of_more_than_tensors(tmp_path):
    path = tmp_path / "checkpoint.pt"
    optimizer = torch.optim.Adam(torch.nn.Linear(4, 3).parameters())
    saved = {"model": views(), "epoch": 3, "best": 0.5, "done": False, "note": None}
    torch.save(saved | {"optimizer": optimizer.state_dict()}, path)
    found = interop.read_torch(path)
    equal(found["model"], {n: t.detach() for n, t in views().items()})
    assert found["optimizer"] == optimizer.state_dict()
    rest = {name: found[name] for name in ("epoch", "best", "done", "note")}
    assert rest == {"epoch": 3, "best": 0.5, "done": False, "note": None}


def test_a_whole_module_is_refused(tmp_path):
    path = tmp_path / "module.pt"
    torch.save(torch.nn.Linear(4, 3), path)
    with pytest.raises(ValueError, match=r"got the name 'torch\.nn\.modules\.linear"):
        interop.read_torch(path)


def test_torch_reads_what_is_written(tmp_path):
    path, arrays = tmp_path / "model.pt", {}
    for name, tensor in (TENSORS | views()).items():
        wide = tensor.detach().to(torch.float64).numpy()
        dtype = str(tensor.dtype).removeprefix("torch.")
        arrays[name] = wide.astype(np.dtype(getattr(jax.numpy, dtype)))
    interop.write_torch(path, arrays)
    equal(arrays, torch.load(path, weights_only=True))
    equal(arrays, torch.load(path, weights_only=True, mmap=True))
    equal(interop.read_torch(path), torch.load(path))
