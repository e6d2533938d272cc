import jax.numpy as jnp
import numpy as np
import pytest

from fnn.training import accuracy


def test_accuracy_counts_the_largest_output():
    rng = np.random.default_rng(0)
    outputs, targets = rng.normal(size=(6, 7, 4)), rng.integers(0, 4, (6, 7))
    expected = outputs.argmax(-1) == targets
    got = accuracy(jnp.asarray(outputs, jnp.float32), targets)
    assert got.dtype == jnp.float32
    np.testing.assert_array_equal(got, expected)
    assert 0 < expected.sum() < expected.size


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64])
def test_accuracy_takes_labels_of_any_integers(dtype):
    outputs = jnp.eye(3)
    np.testing.assert_array_equal(accuracy(outputs, np.arange(3, dtype=dtype)), 1)


@pytest.mark.parametrize(
    "outputs, targets, kind, message",
    [
        (
            (4, 3),
            np.zeros(4, np.float32),
            TypeError,
            "accuracy: expected integer targets, got float32[4].",
        ),
        (
            (4, 3),
            np.zeros((4, 1), np.int32),
            ValueError,
            "accuracy: expected outputs (..., classes) and targets (...), "
            "got (4, 3) and (4, 1).",
        ),
        (
            (4,),
            np.zeros(4, np.int32),
            ValueError,
            "accuracy: expected outputs (..., classes) and targets (...), "
            "got (4,) and (4,).",
        ),
    ],
)
def test_accuracy_says_what_it_expected(outputs, targets, kind, message):
    with pytest.raises(kind) as error:
        accuracy(jnp.zeros(outputs), targets)
    assert str(error.value) == message
