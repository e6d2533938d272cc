import pytest

from examples.autoencoder import load_data, principal_components

pytestmark = pytest.mark.slow


def test_thirty_principal_components_have_the_published_error():
    training, test, _ = load_data(quick=False)
    made = principal_components(training, test, 30)
    assert round(float(((made - test) ** 2).sum(axis=1).mean()), 2) == 13.87
