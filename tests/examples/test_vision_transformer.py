import jax
import jax.numpy as jnp
import pytest

import fnn
from examples import vision_transformer


def test_it_learns_and_shows_what(tmp_path, capsys):
    picture = tmp_path / "vision_transformer.png"
    options = {"quick": True, "picture": picture, "progress": False}
    accuracy = vision_transformer.main(epochs=1, **options)
    assert accuracy > 0.3
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert f"parameters: {accuracy:.2%}, published" in capsys.readouterr().out


@pytest.mark.slow
def test_the_worst_of_three_seeds_has_learned():
    found = [
        vision_transformer.main(seed=seed, quick=True, progress=False)
        for seed in range(3)
    ]
    assert min(found) > 0.65


def test_the_network_has_the_size_that_is_told():
    images = jax.ShapeDtypeStruct((1, 28, 28, 1), jnp.float32)
    shown = fnn.summary(vision_transformer.network(4), images)
    assert shown.parameters == 139_018
