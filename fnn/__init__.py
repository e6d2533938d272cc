"""fnn: functional neural networks for JAX."""

from fnn import datasets as datasets
from fnn import interop as interop
from fnn import models as models
from fnn import testing as testing
from fnn import training as training
from fnn.combinators import parallel as parallel
from fnn.combinators import residual as residual
from fnn.combinators import sequential as sequential
from fnn.contract import Layer as Layer
from fnn.contract import StatefulLayer as StatefulLayer
from fnn.contract import constructor as constructor
from fnn.contract import with_state as with_state
from fnn.inspection import summary as summary
from fnn.layers.adaptive_pooling import adaptive_avg_pool as adaptive_avg_pool
from fnn.layers.adaptive_pooling import adaptive_max_pool as adaptive_max_pool
from fnn.layers.batch_normalization import batch_norm as batch_norm
from fnn.layers.both_ways import bidirectional as bidirectional
from fnn.layers.contraction import bilinear as bilinear
from fnn.layers.contraction import einsum as einsum
from fnn.layers.convolution import conv as conv
from fnn.layers.convolutional_recurrence import conv_lstm_cell as conv_lstm_cell
from fnn.layers.embedding import embed as embed
from fnn.layers.experts import mixture_of_experts as mixture_of_experts
from fnn.layers.global_pooling import global_avg_pool as global_avg_pool
from fnn.layers.global_pooling import global_max_pool as global_max_pool
from fnn.layers.group_normalization import group_norm as group_norm
from fnn.layers.group_normalization import instance_norm as instance_norm
from fnn.layers.linear import dense as dense
from fnn.layers.linear import parameter as parameter
from fnn.layers.multi_head_attention import attention as attention
from fnn.layers.normalization import layer_norm as layer_norm
from fnn.layers.normalization import rms_norm as rms_norm
from fnn.layers.over_time import recurrent as recurrent
from fnn.layers.pooling import avg_pool as avg_pool
from fnn.layers.pooling import max_pool as max_pool
from fnn.layers.positions import learned_positions as learned_positions
from fnn.layers.positions import sinusoidal as sinusoidal
from fnn.layers.positions import sinusoidal_positions as sinusoidal_positions
from fnn.layers.random_features import (
    random_fourier_features as random_fourier_features,
)
from fnn.layers.recurrence import gru_cell as gru_cell
from fnn.layers.recurrence import lstm_cell as lstm_cell
from fnn.layers.recurrence import rnn_cell as rnn_cell
from fnn.layers.relative_positions import alibi as alibi
from fnn.layers.relative_positions import rotary as rotary
from fnn.layers.resizing import pixel_shuffle as pixel_shuffle
from fnn.layers.resizing import pixel_unshuffle as pixel_unshuffle
from fnn.layers.resizing import upsample as upsample
from fnn.layers.separable_convolution import separable_conv as separable_conv
from fnn.layers.shaping import flatten as flatten
from fnn.layers.shaping import reshape as reshape
from fnn.layers.state_spaces import linear_recurrence as linear_recurrence
from fnn.layers.state_spaces import state_space as state_space
from fnn.layers.stochastic import drop_path as drop_path
from fnn.layers.stochastic import dropout as dropout
from fnn.layers.stochastic import gaussian_noise as gaussian_noise
from fnn.layers.transformers import feed_forward as feed_forward
from fnn.layers.transformers import transformer_block as transformer_block
from fnn.layers.transposed_convolution import conv_transpose as conv_transpose
from fnn.transforms.capturing import capture as capture
from fnn.transforms.connections import drop_connect as drop_connect
from fnn.transforms.copies import ensemble as ensemble
from fnn.transforms.copies import repeat as repeat
from fnn.transforms.gradients import freeze as freeze
from fnn.transforms.gradients import remat as remat
from fnn.transforms.mixing import mixed_precision as mixed_precision
from fnn.transforms.parts import evaluating as evaluating
from fnn.transforms.parts import intercept as intercept
from fnn.transforms.parts import map_parts as map_parts
from fnn.transforms.parts import replace as replace
from fnn.transforms.reparameterization import lora as lora
from fnn.transforms.reparameterization import merge_lora as merge_lora
from fnn.transforms.reparameterization import weight_norm as weight_norm
from fnn.transforms.spectral import spectral_norm as spectral_norm
from fnn.transforms.stacking import stack_params as stack_params
from fnn.transforms.stacking import unstack_params as unstack_params
from fnn.transforms.stepping import decoding as decoding
from fnn.transforms.stepping import decoding_params as decoding_params
from fnn.transforms.stepping import steps_as as steps_as
from fnn.transforms.stepping import whole as whole
from fnn.transforms.wrapping import transform as transform
from fnn.tree import from_paths as from_paths
from fnn.tree import merge as merge
from fnn.tree import paths as paths
from fnn.tree import split as split
from fnn.wiring import module as module

__all__ = [
    "Layer",
    "StatefulLayer",
    "adaptive_avg_pool",
    "adaptive_max_pool",
    "alibi",
    "attention",
    "avg_pool",
    "batch_norm",
    "bidirectional",
    "bilinear",
    "capture",
    "constructor",
    "conv",
    "conv_lstm_cell",
    "conv_transpose",
    "datasets",
    "decoding",
    "decoding_params",
    "dense",
    "drop_connect",
    "drop_path",
    "dropout",
    "einsum",
    "embed",
    "ensemble",
    "evaluating",
    "feed_forward",
    "flatten",
    "freeze",
    "from_paths",
    "gaussian_noise",
    "global_avg_pool",
    "global_max_pool",
    "group_norm",
    "gru_cell",
    "instance_norm",
    "intercept",
    "interop",
    "layer_norm",
    "learned_positions",
    "linear_recurrence",
    "lora",
    "lstm_cell",
    "map_parts",
    "max_pool",
    "merge",
    "merge_lora",
    "mixed_precision",
    "mixture_of_experts",
    "models",
    "module",
    "parallel",
    "parameter",
    "paths",
    "pixel_shuffle",
    "pixel_unshuffle",
    "random_fourier_features",
    "recurrent",
    "remat",
    "repeat",
    "replace",
    "reshape",
    "residual",
    "rms_norm",
    "rnn_cell",
    "rotary",
    "separable_conv",
    "sequential",
    "sinusoidal",
    "sinusoidal_positions",
    "spectral_norm",
    "split",
    "stack_params",
    "state_space",
    "steps_as",
    "summary",
    "testing",
    "training",
    "transform",
    "transformer_block",
    "unstack_params",
    "upsample",
    "weight_norm",
    "whole",
    "with_state",
]
