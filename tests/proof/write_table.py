"""Writes the page of the table: ``python -m tests.proof.write_table``."""

from tests.proof.page import PAGE, counted, page

if __name__ == "__main__":
    PAGE.write_text(page(counted()))
