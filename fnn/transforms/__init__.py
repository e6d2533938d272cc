"""Layer to layer: `wrapping` is the general transform, `parts` the map over parts."""
