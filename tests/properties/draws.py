"""What the cases of all families draw from; the simplest first.

Cases are drawn from a `random.Random` of hypothesis, which shrinks what it gives. Of
strategies in strategies it would for the most part repeat values that it had drawn, to
five in six cases, and cases alike are what takes time to compile and finds nothing.
"""

import math
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.properties.cases import Call, Case

FEW = (1, 2, 3)  # lengths of axes
FLAGS = (False, True)
RANKS = (1, 2, 3, 1, 2)  # of space
TIMES = (0, 1, 2, 3, 4, 5, 3, 4)
BATCHES = ((), (1,), (2,), (3,), (2, 2), (1, 3), (2,), (0,), (2, 0))


@st.composite
def cases(draw: Any, *kinds: Callable[[Random], Case]) -> tuple[Case, Call]:
    """A case of one of the kinds, and how its layer is called."""
    random = draw(st.randoms(use_true_random=False))
    case = random.choice(kinds)(random)
    dtype = random.choice(case.dtypes)
    call = Call(
        seed=random.randint(0, 2**32 - 1),
        dtype=dtype,
        param_dtype=dtype if dtype == "complex64" else random.choice(case.dtypes[:3]),
        form=random.choice(("array", "view", "weak")),
    )
    return case, call


def several(random: Random, count: int, values: tuple) -> tuple:
    """One of the values for each of so many axes."""
    return tuple(random.choice(values) for _ in range(count))


def lengths_of(
    random: Random, batch: tuple[int, ...], time: int, name: str = "lengths"
) -> dict[str, np.ndarray]:
    """The number of steps of each sequence by this name, or nothing."""
    if random.choice(FLAGS):
        return {}
    lengths = [random.randint(0, time) for _ in range(math.prod(batch))]
    return {name: np.array(lengths, "int32").reshape(batch)}
