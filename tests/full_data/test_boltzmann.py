import pytest

from examples import annealing, boltzmann

pytestmark = pytest.mark.slow


def test_annealing_finds_the_published_log_z():
    """451.3 by runs of 14,501 temperatures; test images have -86.3 nats."""
    # With 3,501 temperatures it may miss by a half.
    log_z, likelihood = annealing.main(load=True, temperatures=7001)
    assert abs(log_z - 451.3) < 0.5
    assert abs(likelihood + 86.34) < 0.6


def test_exact_likelihoods_of_16_hidden_units():
    """-142.56 is published for the centred machine; plain ones are some nats behind."""
    centred = boltzmann.main(progress=False)
    assert centred > -143.6
    assert boltzmann.main(progress=False, centered=False) < centred - 1.5
