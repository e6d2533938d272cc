import numpy as np
import pytest

from fnn import datasets

pytestmark = pytest.mark.slow

# Pieces and steps of each split.
COUNTS = {
    "jsb_chorales": ((229, 76, 77), (13807, 4602, 4725)),
    "nottingham": ((694, 173, 170), (176561, 45513, 44463)),
}


@pytest.mark.parametrize("name", COUNTS)
def test_rolls(name: str):
    data = getattr(datasets, name)()
    pieces, steps = COUNTS[name]
    assert tuple(map(len, data)) == pieces
    assert tuple(sum(map(len, part)) for part in data) == steps
    for roll in (roll for part in data for roll in part):
        assert roll.dtype == np.uint8 and roll.shape == (len(roll), 88)
        assert roll.max() == 1


def test_the_marginal_baseline_of_jsb():
    # Each key by how often it sounds, as published: 11.09 nats a step.
    data = datasets.jsb_chorales()
    train, test = (np.concatenate(part) for part in (data.train, data.test))
    p = (train.sum(0) + 1) / (len(train) + 2)
    nats = -np.where(test == 1, np.log(p), np.log1p(-p)).sum(1).mean()
    assert abs(nats - 11.09) < 0.03
