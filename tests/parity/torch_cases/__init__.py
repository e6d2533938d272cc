"""What is compared with PyTorch: `CASES`, by public name.

The folder above must be in ``sys.path``; then ``agreements(CASES)`` runs all of them.
"""

from torch_cases import (
    attention,
    convolution,
    linear,
    networks,
    normalization,
    pooling,
    recurrence,
    reparameterization,
    resizing,
    transformers,
)
from torch_cases.comparison import Case

FAMILIES = (
    linear,
    convolution,
    pooling,
    resizing,
    normalization,
    recurrence,
    attention,
    transformers,
    reparameterization,
    networks,
)
CASES: dict[str, list[Case]] = {}
for family in FAMILIES:
    CASES |= family.CASES

# Public layers that can't be compared.
NO_COUNTERPART = {
    "alibi": "PyTorch has none",
    "conv_lstm_cell": "PyTorch has none",
    "drop_path": "PyTorch has none",
    "gaussian_noise": "PyTorch has none",
    "linear_recurrence": "PyTorch has none",
    "mixture_of_experts": "PyTorch has none",
    "parameter": "an array, with nothing to compute",
    "random_fourier_features": "PyTorch has none",
    "rotary": "PyTorch has none; test_attention.py has that of Llama and of RoFormer",
    "state_space": "PyTorch has none",
}
