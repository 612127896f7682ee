"""What is not documented does not pass."""

from tests import reference


def test_the_reference_is_what_the_program_says():
    assert reference.PATH.read_text("utf-8") == reference.text(), "run: .venv/bin/python -m tests.reference"
