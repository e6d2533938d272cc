import pytest

from examples import rows


def test_it_learns_and_shows_what(tmp_path, capsys):
    picture = tmp_path / "rows.png"
    options = {"epochs": 1, "quick": True, "progress": False}
    accuracy = rows.main("rnn", picture=picture, **options)
    assert accuracy > 0.6
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert f"rnn: {accuracy:.2%}, published 97%" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("network", ["irnn", "lstm"])
def test_the_worst_of_three_seeds_has_learned(network):
    options = {"network": network, "quick": True, "progress": False}
    worst = min(rows.main(seed=seed, **options) for seed in range(3))
    # Weights of a thousandth take a while to grow.
    assert worst > (0.8 if network == "irnn" else 0.9)


@pytest.mark.slow
def test_both_ways_it_learns_and_shows_what(tmp_path):
    picture = tmp_path / "rows.png"
    options = {"network": "gru", "quick": True, "progress": False}
    assert rows.main(bidirectional=True, picture=picture, **options) > 0.88
    assert picture.read_bytes().startswith(b"\x89PNG")
