import pytest

from examples import chorales


def test_it_learns_and_shows_what(tmp_path, capsys):
    picture = tmp_path / "chorales.png"
    options = {"quick": True, "progress": False}
    nats, marginal, first_order = chorales.main(epochs=2, picture=picture, **options)
    assert nats < first_order < marginal
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert f"lstm: {nats:.2f} nats" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("network", ["lstm", "rnn"])
def test_the_worst_of_three_seeds_has_learned(network):
    options = {"network": network, "quick": True, "progress": False}
    found = [chorales.main(seed=seed, **options) for seed in range(3)]
    assert max(nats for nats, *_ in found) < 4.8  # by each pixel's last state 5.55


@pytest.mark.slow
def test_layers_on_each_other_learn():
    nats, *_ = chorales.main(network="gru", layers=2, quick=True, progress=False)
    assert nats < 4.8
