"""The network of `benchmarks.nottingham` by Flax Linen."""

import numpy as np
from flax import linen


class Linen(linen.Module):
    units: int

    @linen.compact
    def __call__(self, x):
        x = linen.RNN(linen.OptimizedLSTMCell(self.units, name="lstm"))(x)
        return linen.Dense(88, name="head")(x)


def as_linen(params):
    """The same weights by Linen's names: a kernel for each gate, i, f, g and o."""
    lstm, head = params
    gates = {}
    for i, gate in enumerate("ifgo"):
        kernels = (lstm[part]["weight"] for part in ("input", "recurrent"))
        into, again = (np.split(kernel, 4, -1)[i] for kernel in kernels)
        gates[f"i{gate}"] = {"kernel": into}
        bias = np.split(lstm["input"]["bias"], 4)[i]
        gates[f"h{gate}"] = {"kernel": again, "bias": bias}
    dense = {"kernel": head["weight"], "bias": head["bias"]}
    return {"params": {"lstm": gates, "head": dense}}
