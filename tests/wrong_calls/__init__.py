"""Wrong calls of all kinds: call, error, the exact sentence, and notes of the path."""
