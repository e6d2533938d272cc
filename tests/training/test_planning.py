import pytest

from fnn.training import fit

LIST = "; pass a list or fnn.training.batches."


@pytest.mark.parametrize(
    "batches, options, kind, message",
    [
        (
            [1.0],
            {},
            ValueError,
            "fit: expected either steps or epochs, got neither.",
        ),
        (
            [1.0],
            {"steps": 1, "epochs": 1},
            ValueError,
            "fit: expected either steps or epochs, got both.",
        ),
        (
            [1.0],
            {"steps": 0},
            ValueError,
            "fit: expected steps to be a whole number of at least 1, got 0.",
        ),
        (
            [1.0],
            {"steps": 1e3},
            TypeError,
            "fit: expected steps to be a whole number of at least 1, got 1000.0.",
        ),
        (
            [1.0],
            {"epochs": -1},
            ValueError,
            "fit: expected epochs to be a whole number of at least 1, got -1.",
        ),
        (
            [1.0],
            {"steps": 1, "eval_every": 5},
            ValueError,
            "fit: expected evaluate, batches or a function of the state, with "
            "eval_every=5, got None.",
        ),
        (
            [1.0],
            {"steps": 1, "eval_every": 0, "evaluate": dict},
            ValueError,
            "fit: expected eval_every to be a whole number of at least 1, got 0.",
        ),
        (
            [1.0],
            {"steps": 1, "log_every": 0},
            ValueError,
            "fit: expected log_every to be a whole number of at least 1, got 0.",
        ),
        (
            [1.0],
            {"steps": 1, "evaluate": [1.0]},
            ValueError,
            "fit: expected evaluate to be a function of the state, as the trainer has "
            "no function evaluate(state, batch), got batches.",
        ),
        (
            [1.0],
            {"steps": 1, "evaluate": iter([1.0])},
            ValueError,
            "fit: expected evaluate to be batches that can be iterated more than once, "
            f"got an iterator{LIST}",
        ),
        (
            [1.0],
            {"steps": 1, "evaluate": 3},
            TypeError,
            "fit: expected evaluate to be batches or a function of the state, got 3.",
        ),
        (
            iter([1.0]),
            {"epochs": 2},
            ValueError,
            "fit: expected batches that can be iterated 2 times, got an iterator, "
            f"which ends after one{LIST}",
        ),
        (
            3,
            {"steps": 1},
            TypeError,
            "fit: expected batches that can be iterated, got 3.",
        ),
        (
            [1.0],
            {"steps": 1, "callbacks": [3]},
            TypeError,
            "fit: expected callbacks and count to be functions, got 3.",
        ),
        (
            [1.0],
            {"steps": 1, "count": 8},
            TypeError,
            "fit: expected callbacks and count to be functions, got 8.",
        ),
        (
            [1.0],
            {"steps": 1, "progress": 2},
            TypeError,
            "fit: expected progress to be a bool, got 2.",
        ),
        (
            [1.0],
            {"steps": 1, "rewind": -1},
            ValueError,
            "fit: expected rewind to be a whole number of at least 0, got -1.",
        ),
        (
            [1.0],
            {"steps": 1, "finite": "loss"},
            TypeError,
            "fit: expected finite to be a list of names, got 'loss'.",
        ),
    ],
)
def test_fit_says_what_it_expected(batches, options, kind, message, by_hand):
    calls = []
    trainer = by_hand(lambda total, batch: calls.append(1) or {"loss": 0.0})
    with pytest.raises(kind) as error:
        fit(trainer, 0.0, batches, **options)
    assert str(error.value) == message
    assert not calls  # before anything is computed
