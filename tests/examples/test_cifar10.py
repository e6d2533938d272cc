import jax
import numpy as np
import pytest

from examples import cifar10


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_it_learns_and_shows_what(seed, tmp_path, capsys):
    picture = tmp_path / "cifar10.png"
    options = {"seed": seed, "quick": True, "progress": False}
    accuracy, loss = cifar10.main(picture=picture, **options)
    assert accuracy >= 0.3
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert f"loss {loss:.4f} nats" in capsys.readouterr().out


def test_pixels_are_scaled_by_channel():
    images = np.full((1, 1, 1, 3), 255, np.uint8)
    scaled = cifar10.scaled(images)
    np.testing.assert_allclose(
        scaled[0, 0, 0], (1 - cifar10.MEAN) / cifar10.DEVIATION, rtol=1e-6
    )
    assert scaled.dtype == np.float32


def test_the_network_is_that_of_the_paper():
    shapes = jax.eval_shape(
        cifar10.network().init, jax.random.key(0), np.ones((1, 32, 32, 3), "f")
    )
    assert sum(leaf.size for leaf in jax.tree.leaves(shapes[0])) == 269_722
