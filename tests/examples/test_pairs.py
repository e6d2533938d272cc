import numpy as np
import pytest

from examples import pairs


def test_it_learns_and_shows_what(tmp_path, capsys):
    picture = tmp_path / "pairs.png"
    likelihoods, share = pairs.main(steps=15, quick=True, picture=picture)
    # All states alike would have -11.1.
    assert -5.6 < likelihoods["pixels alone"] < likelihoods["pairs"] < -5
    assert 0.4 < share < 0.7
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert f"of what pixels tell, pairs: {share:.1%}" in capsys.readouterr().out


@pytest.mark.slow
def test_pairs_are_together_as_often_as_in_images():
    """What makes data likeliest by a machine without hidden units, and it alone."""
    training, _ = pairs.load_data(quick=True)
    machine = pairs.machines()["pairs"]
    probabilities = np.exp(pairs.fit(machine, training, steps=150, seed=1))
    found, data = (
        pairs.STATES.T @ (shares[:, None] * pairs.STATES)
        for shares in (probabilities, training)
    )
    # To more than that for pairs that no image has: they ask for infinite weights.
    np.testing.assert_allclose(found, data, atol=1e-3)


@pytest.mark.slow
def test_the_worst_of_three_seeds_has_learned():
    for seed in range(3):
        likelihoods, share = pairs.main(seed=seed, quick=True)
        assert likelihoods["four hidden units"] > likelihoods["pairs"] > -5.06
        assert share > 0.59
