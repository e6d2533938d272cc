"""Wrong calls of all kinds, each with the exact sentence that the user gets."""

import pytest

from tests.wrong_calls import (
    inputs,
    keys_and_training,
    no_layers,
    options,
    params_and_state,
    sequences,
    states,
    what_functions_return,
)

FILES = (
    inputs,
    keys_and_training,
    params_and_state,
    sequences,
    states,
    options,
    no_layers,
    what_functions_return,
)
KINDS = {kind: rows for file in FILES for kind, rows in file.KINDS.items()}
CALLS = [(kind, *row) for kind, rows in KINDS.items() for row in rows]


@pytest.mark.parametrize(
    "call, error, sentence, notes",
    [(call, error, sentence, notes) for _, call, error, sentence, *notes in CALLS],
    ids=[f"{kind}-{i}" for kind, rows in KINDS.items() for i in range(len(rows))],
)
def test_wrong_call(call, error, sentence, notes):
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error
    assert caught.value.args == (sentence,)
    found = getattr(caught.value, "__notes__", [])
    assert [note for note in found if note in notes or note.startswith("in ")] == notes


def test_the_table_is_long_and_has_every_kind():
    assert len(CALLS) >= 200
    assert all(len(rows) >= 5 for rows in KINDS.values())


def test_every_message_is_one_sentence():
    for kind, _, _, sentence, *_ in CALLS:
        assert sentence.endswith(".") and ": expected " in sentence, kind
        assert "\n" not in sentence and "Tracer" not in sentence, sentence
        assert "dot_general" not in sentence and "broadcastable" not in sentence
