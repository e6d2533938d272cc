"""Models, each a short file composed of layers."""
