import pytest

from examples import lenet


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_it_learns_and_shows_what(seed, tmp_path, capsys):
    picture = tmp_path / "lenet.png"
    accuracy = lenet.main(seed=seed, quick=True, picture=picture, progress=False)
    assert accuracy >= 0.92
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert f"LeNet-5: {accuracy:.2%}, published 99.05%" in capsys.readouterr().out
