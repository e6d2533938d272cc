import numpy as np
import pytest

import fnn
from examples import dcgan


@pytest.fixture
def fewer_samples(monkeypatch):
    monkeypatch.setattr(dcgan, "SAMPLES", 1000)


@pytest.mark.usefixtures("fewer_samples")
def test_it_learns_and_shows_what(tmp_path, capsys):
    picture = tmp_path / "dcgan.png"
    nats, shares = dcgan.main(epochs=1, quick=True, picture=picture, progress=False)
    assert abs(shares.sum() - 1) < 1e-6
    assert picture.read_bytes().startswith(b"\x89PNG")
    said = capsys.readouterr().out
    assert f"Parzen: {nats:.1f} nats (± " in said and "published 225" in said


@pytest.mark.usefixtures("fewer_samples")
def test_convolutions_play_too():
    images = fnn.datasets.small_mnist().train.images[:200] / np.float32(255)
    options = {"rate": 2e-4, "epochs": 1, "seed": 0, "progress": False}
    samples = dcgan.train(dcgan.conv_networks(), images, **options)
    assert samples.shape == (1000, 28, 28, 1)
    assert 0 < samples.min() < samples.max() < 1


@pytest.mark.slow
def test_the_worst_of_three_seeds_has_learned():
    found = [dcgan.main(seed=seed, quick=True, progress=False) for seed in range(3)]
    # Black images have -500 or so.
    assert min(nats for nats, _ in found) > 0
    assert min((shares > 0.01).sum() for _, shares in found) >= 9
