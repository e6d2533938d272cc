import numpy as np
import pytest

from examples import random_features


def test_it_learns_and_shows_what(tmp_path, capsys):
    picture = tmp_path / "random_features.png"
    linear, waves = random_features.main(64, quick=True, picture=picture)
    assert 0.90 <= linear < 0.925 and waves > 0.5
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert f"{waves:.2%} by 64 features" in capsys.readouterr().out


@pytest.mark.slow
def test_random_features_read_more_than_pixels_do():
    found = [random_features.main(2048, seed=seed, quick=True) for seed in range(3)]
    # Of 1,000 images, where 512 features gain no more than chance does.
    linear, waves = np.min(found, axis=0)
    assert 0.90 <= linear < 0.925 and waves >= 0.935
