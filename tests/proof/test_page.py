"""The page shows the table as it is, and the table has every public name."""

from tests.proof.page import PAGE, counted, page, shown
from tests.proof.table import NO_LAYERS, ROWS, TESTS, public_names


def test_each_public_name_has_a_row_or_makes_no_layer():
    assert {*ROWS} | {*NO_LAYERS} == public_names()
    assert not {*ROWS} & {*NO_LAYERS}


def test_what_makes_no_layer_is_tested_elsewhere():
    assert all((TESTS / where).exists() for _, where in NO_LAYERS.values())


def test_the_page_is_what_its_command_writes():
    text = PAGE.read_text()
    assert page(shown(text)) == text, (
        "docs/proof.md is out of date: run python -m tests.proof.write_table."
    )


def test_there_are_as_many_tests_as_the_page_says():
    text = PAGE.read_text()
    for column, counts in counted().items():
        missing = {
            name: (said, counts.get(name, 0))
            for name, said in shown(text)[column].items()
            if said > counts.get(name, 0)
        }
        assert not missing, f"{column}: (what docs/proof.md says, what there is)"
