import jax
import numpy as np
import pytest

from examples import adding


def test_problems_have_a_mark_in_each_half_and_their_sums():
    x, y = adding.problems(np.random.default_rng(0), 500, 10)
    assert x.shape == (500, 10, 2) and y.shape == (500, 1)
    assert (x[:, :5, 1].sum(1) == 1).all() and (x[:, 5:, 1].sum(1) == 1).all()
    marked = x[x[..., 1] == 1][:, 0].reshape(500, 2)
    np.testing.assert_allclose(y[:, 0], marked.sum(1), rtol=1e-6)
    # Always saying 1 has the error that it is said to have: five standard errors.
    assert abs(((y - 1) ** 2).mean() - adding.BASELINE) < 5 * 0.2 / 500**0.5


def test_gates_begin_by_forgetting_after_so_many_steps():
    bias = adding.chrono(200)(jax.random.key(0), (40,), np.float32)
    entrance, forget, *others = np.split(bias, 4)
    assert np.array_equal(entrance, -forget) and not np.any(others)
    assert np.all(forget > 0) and forget.max() < np.log(199)
    assert np.ptp(np.exp(forget)) > 100


def test_it_learns_and_shows_what(tmp_path, capsys):
    picture = tmp_path / "adding.png"
    errors = adding.main(steps=20, quick=True, picture=picture, progress=False)
    # What both learn first is to say 1.
    assert max(errors.values()) < 0.4
    assert picture.read_bytes().startswith(b"\x89PNG")
    said = capsys.readouterr().out
    assert f"LSTM, 40 steps: {errors['LSTM']:.4f}, 0.167 by always saying 1" in said


@pytest.mark.slow
def test_the_worst_of_three_seeds_has_learned():
    found = [adding.main(seed=seed, quick=True, progress=False) for seed in range(3)]
    assert max(errors["LSTM"] for errors in found) < 0.06
    assert min(errors["tanh"] for errors in found) > 0.1
