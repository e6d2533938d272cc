"""Layers, one file a family; `fnn` has their public names."""
