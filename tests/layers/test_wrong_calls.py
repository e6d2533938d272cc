"""Wrong calls, each with the exact sentence that the user gets."""

import pytest

from tests.layers.wrong_calls import (
    cells,
    contraction,
    convolution,
    linear,
    normalization,
    over_time,
    pooling,
    state_spaces,
    stochastic,
)

FAMILIES = (
    linear,
    contraction,
    convolution,
    pooling,
    normalization,
    stochastic,
    cells,
    over_time,
    state_spaces,
)
CALLS = [call for family in FAMILIES for call in family.CALLS]


@pytest.mark.parametrize("call, kind, sentence", CALLS)
def test_a_wrong_call_says_what_is_wrong(call, kind, sentence):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == sentence
    assert type(caught.value) is kind


CONSTRUCTORS = [
    "adaptive_avg_pool",
    "adaptive_max_pool",
    "avg_pool",
    "batch_norm",
    "bidirectional",
    "bilinear",
    "conv",
    "conv_lstm_cell",
    "conv_transpose",
    "dense",
    "drop_path",
    "dropout",
    "einsum",
    "embed",
    "flatten",
    "gaussian_noise",
    "global_avg_pool",
    "global_max_pool",
    "group_norm",
    "gru_cell",
    "instance_norm",
    "layer_norm",
    "linear_recurrence",
    "lstm_cell",
    "max_pool",
    "parameter",
    "pixel_shuffle",
    "pixel_unshuffle",
    "random_fourier_features",
    "recurrent",
    "reshape",
    "rms_norm",
    "rnn_cell",
    "separable_conv",
    "state_space",
    "upsample",
]


@pytest.mark.parametrize("name", CONSTRUCTORS)
def test_each_constructor_has_several_wrong_calls(name):
    assert sum(sentence.startswith(f"{name}: ") for _, _, sentence in CALLS) >= 4
