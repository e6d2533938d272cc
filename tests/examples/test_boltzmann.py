import pytest

from examples import boltzmann


def test_it_learns_and_shows_what(tmp_path, capsys):
    picture = tmp_path / "boltzmann.png"
    likelihood = boltzmann.main(epochs=4, quick=True, picture=picture, progress=False)
    # Independent pixels have -206.
    assert likelihood > -180
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert f"test: {likelihood:.2f} nats, published -142.56" in capsys.readouterr().out


@pytest.mark.slow
def test_the_worst_of_three_seeds_has_learned():
    found = [
        boltzmann.main(seed=seed, epochs=10, quick=True, progress=False)
        for seed in range(3)
    ]
    assert min(found) > -165
