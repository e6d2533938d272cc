import pytest

from examples import autoencoder


def errors(**options):
    """Those of test images, which have 53 if all pixels are predicted by their mean."""
    return autoencoder.main(quick=True, progress=False, **options)


def test_it_learns_and_shows_what(tmp_path, capsys):
    picture = tmp_path / "autoencoder.png"
    found = errors(epochs=2, picture=picture)
    assert list(found) == ["PCA", *autoencoder.RECIPES]
    assert found["deep"] < 45
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert f"deep: {found['deep']:.2f}, published 3.00" in capsys.readouterr().out


@pytest.mark.slow
def test_the_worst_of_three_seeds_has_learned():
    found = [errors(seed=seed) for seed in range(3)]
    worst = {name: max(error[name] for error in found) for name in found[0]}
    assert worst["deep"] < 13 < worst["PCA"]
    assert worst["tied"] < 20 and worst["denoising"] < 18
    assert worst["sparse"] < 26
    assert worst["deep, two numbers"] < 42
