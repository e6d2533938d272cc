import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fnn.training import batches
from fnn.training.batching import ALIGNMENT, count_examples


def rows(iterable):
    return [batch.tolist() for batch in iterable]


def test_without_a_key_the_order_is_that_of_the_arrays():
    assert rows(batches(np.arange(5), 2)) == [[0, 1], [2, 3], [4]]


def test_each_epoch_has_every_example_once_in_an_order_of_its_own():
    made = batches(np.arange(100), 8, key=jax.random.key(0))
    epochs = [np.concatenate(rows(made)).tolist() for _ in range(5)]
    assert all(sorted(epoch) == list(range(100)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 5


def test_orders_follow_from_the_key():
    first, second, other = (
        batches(np.arange(20), 4, key=jax.random.key(seed)) for seed in (0, 0, 1)
    )
    again = [rows(first), rows(first)]
    assert again == [rows(second), rows(second)]
    assert again != [rows(other), rows(other)]
    assert [rows(first.epoch(0)), rows(first.epoch(1))] == again
    assert first.epochs == 2  # asking for an epoch by number begins none


def test_raw_keys_are_keys():
    typed = batches(np.arange(20), 4, key=jax.random.key(3))
    raw = batches(np.arange(20), 4, key=jax.random.PRNGKey(3))
    assert rows(typed) == rows(raw)


@pytest.mark.parametrize("drop_last, sizes", [(False, [4, 4, 2]), (True, [4, 4])])
def test_the_last_batch_may_be_smaller_or_left_out(drop_last, sizes):
    made = batches(np.arange(10), 4, drop_last=drop_last)
    assert [len(batch) for batch in made] == sizes
    assert len(made) == len(sizes)
    assert repr(made) == f"batches(10 examples, 4) of length {len(sizes)}"


def test_arrays_of_a_tree_stay_in_step():
    data = {"x": np.arange(6.0), "y": (jnp.arange(6), np.arange(12).reshape(6, 2))}
    for batch in batches(data, 4, key=jax.random.key(0)):
        assert all(isinstance(leaf, np.ndarray) for leaf in jax.tree.leaves(batch))
        np.testing.assert_array_equal(batch["x"], batch["y"][0])
        np.testing.assert_array_equal(batch["x"] * 2, batch["y"][1][:, 0])


DTYPES = ["bool", "uint8", "float16", "float32", "complex128", jnp.bfloat16, "S3", []]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(12,), (12, 5), (12, 3, 0)])
def test_rows_are_those_of_the_array_and_lie_where_a_cpu_reads_them(dtype, shape):
    random = np.random.default_rng(0).integers(100, size=shape)
    array = random.astype(dtype) if dtype != [] else np.empty(shape, dtype)
    made = batches({"x": array, "place": np.arange(12)}, 5, key=jax.random.key(0))
    for batch in made:
        np.testing.assert_array_equal(batch["x"], array[batch["place"]])
        assert batch["x"].dtype == array.dtype
        assert batch["place"].ctypes.data % ALIGNMENT == 0
        if array.dtype.itemsize in (1, 2, 4, 8, 16):
            assert batch["x"].ctypes.data % ALIGNMENT == 0 or not batch["x"].size


def test_keys_are_arrays_too():
    for order in (None, jax.random.key(1)):
        (batch,) = batches(jax.random.split(jax.random.key(0), 3), 3, key=order)
    assert batch.shape == (3,) and jnp.issubdtype(batch.dtype, jax.dtypes.prng_key)


@pytest.mark.parametrize(
    "arrays, size, options, kind, message",
    [
        (
            (np.zeros(3), np.zeros(4)),
            2,
            {},
            ValueError,
            "batches: expected arrays of one length, got 3 at 0, 4 at 1.",
        ),
        (
            ([1, 2, 3], [4, 5]),
            2,
            {},
            TypeError,
            "batches: expected arrays with the examples on their first axis, got 1 at "
            "0/0.",
        ),
        (
            {"x": np.float32(1)},
            1,
            {},
            TypeError,
            "batches: expected arrays with the examples on their first axis, got "
            "np.float32(1.0) at x.",
        ),
        (
            (),
            1,
            {},
            ValueError,
            "batches: expected at least one example, got none.",
        ),
        (
            np.zeros((0, 3)),
            1,
            {},
            ValueError,
            "batches: expected at least one example, got none.",
        ),
        (
            np.zeros(3),
            0,
            {},
            ValueError,
            "batches: expected size to be a whole number of at least 1, got 0.",
        ),
        (
            np.zeros(3),
            1.5,
            {},
            TypeError,
            "batches: expected size to be a whole number of at least 1, got 1.5.",
        ),
        (
            np.zeros(3),
            4,
            {},
            ValueError,
            "batches: expected a size of at most 3, the number of examples, got 4.",
        ),
        (
            np.zeros(3),
            1,
            {"key": 0},
            TypeError,
            "batches: batches(arrays, size, key=key): expected one key made by "
            "jax.random.key, got 0.",
        ),
        (
            np.zeros(3),
            1,
            {"drop_last": 1},
            TypeError,
            "batches: expected drop_last to be a bool, got 1.",
        ),
    ],
)
def test_batches_says_what_it_expected(arrays, size, options, kind, message):
    with pytest.raises(kind) as error:
        batches(arrays, size, **options)
    assert str(error.value) == message


@pytest.mark.parametrize(
    "batch, count",
    [
        ((np.zeros((5, 2)), np.zeros(5)), 5),
        ({"x": np.zeros((5, 2)), "temperature": 1.0}, 5),
        (1.0, 1),
        (jax.ShapeDtypeStruct((7,), jnp.float32), 7),
    ],
)
def test_examples_are_counted_on_the_first_axis(batch, count):
    assert count_examples(batch) == count


def test_examples_of_a_batch_of_several_lengths_are_not_guessed():
    message = (
        "fit: expected arrays of one length in a batch, got lengths [3, 4]; pass "
        "count=, a function that counts the examples."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        count_examples((np.zeros(3), np.zeros(4)))
