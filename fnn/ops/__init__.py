"""Numerics below layers: other forms of an operation where XLA's own is slow."""
