"""Wrong calls of layers by family: call, error, and the exact sentence."""
