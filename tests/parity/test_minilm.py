"""MiniLM-L6 against PyTorch, collected where its weights are in the data folder."""

import jax
import numpy as np
import torch
import transformers

import fnn
from examples import sentences
from fnn import interop


def test_embeddings(tmp_path):
    config = transformers.BertConfig(
        vocab_size=30_522,
        hidden_size=384,
        num_hidden_layers=6,
        num_attention_heads=12,
        intermediate_size=1536,
    )
    weights = fnn.datasets.read("minilm/model.safetensors")
    (tmp_path / "model.safetensors").write_bytes(weights)
    config.save_pretrained(tmp_path)
    theirs = transformers.BertModel.from_pretrained(tmp_path).eval()
    net, params, tokenizer = sentences.minilm()
    ids, lengths = sentences.tokens(tokenizer, sentences.SENTENCES)
    there = torch.tensor(np.arange(ids.shape[1]) < lengths[:, None])
    with torch.inference_mode():
        mask = there.long()
        vectors = theirs(torch.tensor(ids), attention_mask=mask).last_hidden_state
        total = (vectors * there[..., None]).sum(1)
        expected = torch.nn.functional.normalize(total, dim=1).numpy()
    found = jax.device_get(sentences.embed(net, params, ids, lengths))
    assert np.abs(found - expected).max() <= 1e-5
    written = interop.to_names(params, interop.bert_names())
    for name, array in written.items():
        np.testing.assert_array_equal(array, theirs.state_dict()[name])
