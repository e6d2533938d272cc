import jax
import numpy as np

from examples import digits


def test_it_learns_and_shows_what(tmp_path, capsys):
    picture = tmp_path / "digits.png"
    accuracy, history = digits.main(steps=80, picture=picture)
    assert accuracy >= 0.95
    assert history.train.rows == 80 and history.evaluation.rows == 10
    assert history.train["loss"][-10:].mean() < 0.2 * history.train["loss"][:10].mean()
    assert picture.read_bytes().startswith(b"\x89PNG")
    shown = capsys.readouterr()
    assert f"held-out accuracy {accuracy:.2%}" in shown.out
    assert "step 80/80" in shown.err
    np.testing.assert_allclose(history.evaluation["accuracy"][-1], accuracy, rtol=1e-6)


def test_a_quarter_is_held_out():
    training, held_out = digits.load_data()
    images, labels = (
        np.concatenate(pair) for pair in zip(training, held_out, strict=True)
    )
    assert len(held_out[0]) == 449 and len(images) == len(labels) == 1797
    assert len(np.unique(images.reshape(1797, -1), axis=0)) == 1797  # none in both
    assert images.min() == 0 and images.max() == 1


def test_the_network_is_small():
    params, _ = digits.network().init(jax.random.key(0), np.ones((1, 8, 8, 1), "f"))
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) < 25_000
