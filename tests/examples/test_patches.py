import pytest

from examples import patches


def test_it_learns_and_shows_what(tmp_path, capsys):
    picture = tmp_path / "patches.png"
    options = {"quick": True, "progress": False}
    found, normal, _ = patches.main(epochs=1, picture=picture, **options)
    assert found > normal + 0.5
    assert picture.read_bytes().startswith(b"\x89PNG")
    printed = capsys.readouterr().out
    assert f"test: {found:.2f} nats, a normal distribution {normal:.2f}" in printed


@pytest.mark.slow
def test_the_worst_of_three_seeds_has_learned_and_its_log_z_is_known():
    for seed in range(3):
        found, normal, gap = patches.main(seed=seed, quick=True, progress=False)
        assert found > normal + 2.5
        assert abs(gap) < 0.3
