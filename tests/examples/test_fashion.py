import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fnn
from examples import fashion


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_it_learns_and_shows_what(seed, tmp_path, capsys):
    picture = tmp_path / "fashion.png"
    accuracy = fashion.main(seed=seed, quick=True, picture=picture, progress=False)
    assert accuracy >= 0.78
    assert picture.read_bytes().startswith(b"\x89PNG")
    shown = capsys.readouterr().out
    assert f"70,330 parameters: {accuracy:.2%}, published 92.50%" in shown


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_the_residual_network_learns(seed):
    found = fashion.main(deep=True, seed=seed, quick=True, progress=False)
    assert found >= 0.6


def test_networks_have_the_sizes_that_are_told():
    images = jax.ShapeDtypeStruct((1, 28, 28, 1), jnp.float32)
    for network, size in ((fashion.convolutional, 70_330), (fashion.residual, 172_218)):
        assert fnn.summary(network(), images).parameters == size


def test_images_are_moved_and_flipped_in_training_alone():
    images = np.full((64, 28, 28, 1), fashion.BLACK, "float32")
    images[:, 10, 5] = 1.0
    key = jax.random.key(0)
    assert fashion.augment(images, key=key, train=False) is images
    moved = np.asarray(fashion.augment(images, key=key, train=True))
    assert np.all((moved == 1).sum((1, 2, 3)) == 1)
    assert np.all((moved == 1) | (moved == np.float32(fashion.BLACK)))
    rows, columns = np.argwhere(moved[..., 0] == 1)[:, 1:].T
    assert set(rows) == set(range(8, 13))
    assert set(columns) == {*range(3, 8), *range(20, 25)}  # 22 is where 5 is flipped to
