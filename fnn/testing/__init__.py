"""Checks that a test can call on a function, a layer or a model."""

from fnn.testing.gradients import check_gradients as check_gradients
from fnn.testing.layers import check_layer as check_layer

__all__ = ["check_gradients", "check_layer"]
