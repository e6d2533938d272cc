"""Embeddings of sentences by PyTorch and Hugging Face's transformers."""

import numpy as np
import torch
import transformers

import fnn

VERSIONS = (
    f"torch {torch.__version__}, transformers {transformers.__version__}, "
    f"{torch.get_num_threads()} threads"
)


def by_torch(params, work):
    """Their BertModel with these params, and the pooling of sentence-transformers."""
    config = transformers.BertConfig(
        vocab_size=30_522,
        hidden_size=384,
        num_hidden_layers=6,
        num_attention_heads=12,
        intermediate_size=1536,
    )
    model = transformers.BertModel(config, add_pooling_layer=False).eval()
    names = fnn.interop.to_names(params, fnn.interop.bert_names())
    model.load_state_dict({n: torch.tensor(array) for n, array in names.items()})
    tensors = [
        (torch.tensor(ids), torch.tensor(np.arange(ids.shape[1]) < lengths[:, None]))
        for ids, lengths in work
    ]

    def run():
        found = []
        with torch.inference_mode():
            for ids, there in tensors:
                mask = there.long()
                vectors = model(ids, attention_mask=mask).last_hidden_state
                total = (vectors * there[..., None]).sum(1)
                found.append(torch.nn.functional.normalize(total, dim=1))
        return torch.cat(found).numpy()

    return run
