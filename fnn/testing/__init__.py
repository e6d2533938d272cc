"""Checks that a test can call on a function, a layer or a model."""

from fnn.testing.gradients import check_gradients as check_gradients

__all__ = ["check_gradients"]
