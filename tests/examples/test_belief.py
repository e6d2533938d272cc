import pytest

from examples import belief


def learned(**options):
    """The likelihood of test images by one machine, and its bound by two."""
    return belief.main(quick=True, progress=False, **options)


def test_it_learns_and_shows_what(tmp_path, capsys):
    picture = tmp_path / "belief.png"
    likelihood, bound = learned(epochs=5, picture=picture)
    # Independent pixels have -206.
    assert -190 < likelihood < -130 and -190 < bound < -130
    assert picture.read_bytes().startswith(b"\x89PNG")
    printed = capsys.readouterr().out
    assert f"{likelihood:.2f} nats by one machine, at least {bound:.2f} by" in printed


@pytest.mark.slow
def test_the_second_machine_raises_the_worst_of_three_seeds():
    found = [learned(seed=seed, epochs=20) for seed in range(3)]
    assert min(likelihood for likelihood, _ in found) > -155
    assert min(bound - likelihood for likelihood, bound in found) > 0.3
