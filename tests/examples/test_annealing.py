import pytest

from examples import annealing


def learned(seed, **options):
    """Log Z, and the likelihood of test images, by a machine of 50 units."""
    return annealing.main(
        50, epochs=5, temperatures=500, seed=seed, quick=True, progress=False, **options
    )


def test_it_learns_and_shows_what(tmp_path, capsys):
    picture = tmp_path / "annealing.png"
    log_z, likelihood = learned(0, picture=picture)
    # Independent pixels have -206.
    assert -200 < likelihood < -100
    assert picture.read_bytes().startswith(b"\x89PNG")
    printed = capsys.readouterr().out
    assert f"log Z: {log_z:.2f} (" in printed
    assert f"test: {likelihood:.2f} nats, published -105.5" in printed


@pytest.mark.slow
def test_the_worst_of_three_seeds_has_learned():
    assert min(learned(seed)[1] for seed in range(3)) > -190
