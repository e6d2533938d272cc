import pytest

from examples import gan


def test_it_learns_and_shows_what(tmp_path, capsys):
    picture = tmp_path / "gan.png"
    found = gan.main("ring", "original", steps=20, quick=True, picture=picture)
    assert set(found) == {"GAN", "PacGAN2"}
    assert picture.read_bytes().startswith(b"\x89PNG")
    said = capsys.readouterr().out
    assert "GAN, original: " in said and "of 8 modes, published 6.3 ± 0.5; " in said


@pytest.mark.parametrize("kind", ["spectral", "wasserstein"])
def test_other_games_are_played(kind):
    modes, deviation = gan.mixture("grid")
    options = {"pack": 4, "steps": 3, "seeds": 2, "seed": 0}
    assert gan.train(modes, deviation, kind=kind, **options).shape == (2, 2500, 2)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["spectral", "wasserstein"])
def test_games_of_bounded_slope_find_the_ring(kind):
    """Each seed: 8 of 8 modes when this was set, by one sample at a time or by two."""
    found = gan.main("ring", kind, quick=True)
    assert found["GAN"].min() >= 7 and found["PacGAN2"].min() >= 7


@pytest.mark.slow
def test_pairs_find_more_modes_than_single_samples():
    """Of ten seeds, 7.9 as published, and 6.3 of a GAN: 3 errors of the mean."""
    found = gan.main("ring", "non-saturating")
    assert found["PacGAN2"].mean() > max(7.0, found["GAN"].mean())
