"""Weights in and out: files of tensors by name, and the names that others give them."""

from fnn.interop.architectures import bert_names as bert_names
from fnn.interop.architectures import gpt_names as gpt_names
from fnn.interop.architectures import resnet_names as resnet_names
from fnn.interop.architectures import vit_names as vit_names
from fnn.interop.naming import from_names as from_names
from fnn.interop.naming import to_names as to_names
from fnn.interop.rows import Names as Names
from fnn.interop.rows import Row as Row
from fnn.interop.tensor_files import SafeTensors as SafeTensors
from fnn.interop.tensor_files import read_safetensors as read_safetensors
from fnn.interop.tensor_files import write_safetensors as write_safetensors
from fnn.interop.torch_files import read_torch as read_torch
from fnn.interop.torch_files import write_torch as write_torch

__all__ = [
    "Names",
    "Row",
    "SafeTensors",
    "bert_names",
    "from_names",
    "gpt_names",
    "read_safetensors",
    "read_torch",
    "resnet_names",
    "to_names",
    "vit_names",
    "write_safetensors",
    "write_torch",
]
