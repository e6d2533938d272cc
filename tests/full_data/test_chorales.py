import pytest

from examples import chorales

pytestmark = pytest.mark.slow


def test_it_comes_near_what_is_published_of_chorales():
    """8.45 nats; by each key's last state 10.49."""
    nats, marginal, first_order = chorales.main(progress=False)
    assert abs(marginal - 11.09) < 0.01 and abs(first_order - 10.49) < 0.01
    assert nats < 8.7


def test_two_epochs_of_tunes_are_better_than_each_key_by_its_last_state():
    nats, _, first_order = chorales.main("nottingham", epochs=2, progress=False)
    assert nats < first_order - 0.3
