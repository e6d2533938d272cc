import numpy as np

from examples import backpropagation


def test_by_hand_equals_jax_and_learns(tmp_path, capsys):
    picture = tmp_path / "picture.png"
    apart, losses, accuracies = backpropagation.main(picture=picture)
    assert set(apart) == {"hidden", "output", "fnn"}
    assert max(apart.values()) <= 1e-6
    assert np.all(np.diff(losses) < 0)
    assert accuracies[-1] >= 0.95
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "held-out accuracy" in capsys.readouterr().out


def test_the_held_out_quarter_takes_no_part_in_standardising():
    (x, y), (x_test, y_test) = backpropagation.load_data()
    assert (len(x), len(x_test)) == (427, 142)
    assert y.shape == (427, 1)
    assert y_test.shape == (142, 1)
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(x.std(axis=0), 1, rtol=1e-5)
    assert np.abs(x_test.mean(axis=0)).max() > 0.01
