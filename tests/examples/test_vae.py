import pytest

from examples import vae


def test_it_learns_and_shows_what(tmp_path, capsys):
    picture = tmp_path / "vae.png"
    nats = vae.main(epochs=3, quick=True, picture=picture, progress=False)
    # Independent pixels have -206.
    assert -190 < nats < -90
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert f"test: {nats:.2f} nats (± " in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("samples", [1, 5])
def test_the_worst_of_three_seeds_has_learned(samples):
    found = [
        vae.main(seed=seed, samples=samples, quick=True, progress=False)
        for seed in range(3)
    ]
    assert min(found) > -130
