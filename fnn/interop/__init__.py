"""Weights in and out: files of tensors by name, and the names that others give them."""

from fnn.interop.tensor_files import SafeTensors as SafeTensors
from fnn.interop.tensor_files import read_safetensors as read_safetensors
from fnn.interop.tensor_files import write_safetensors as write_safetensors

__all__ = ["SafeTensors", "read_safetensors", "write_safetensors"]
