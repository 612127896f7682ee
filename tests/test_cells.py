"""What stands in a CSV file reads in a spreadsheet as it was written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit import cells

FORMULAS = [
    "=1+1",
    "+86 138",
    "-2",
    "@SUM(A1)",
    "＝1+1",
    "＋1",
    "－2",
    "＠SUM(A1)",
    "﹦1",
    "﹢1",
    "﹣2",
    "﹫A1",
    "⁼1",
    "−2",
    " =1",
    "\t=1",
    "\r=1",
    "\n=1",
    "\u3000＝1",
    "\u200b=1",
    "\ufeff+1",
    "\u00ad@A1",
    "\u2060\u200d －1",
    "\u3164=1",
    "\tplain",
    "\rplain",
    "\nplain",
    "=",
    "-71.1227",
]
DATES_AND_NUMBERS = [
    "3-5",
    "3－5",
    " 3-5 ",
    "3/5",
    "1-2-3",
    "010-2",
    "08710012345",
    "0871",
    "00",
    "123456789012",
    "101001234567",
    "1.50",
    "1,234",
    "50%",
    "1e5",
    "1E+11",
    "(5)",
    "12:30",
    "9:30 AM",
    "9:30下午",
    "3.5",
    "１２",
    "2026-11-25",
    "2026/11/25",
    "2026年3月5日",
    "3月5日",
    "12时30分",
    "$5",
    "¥5",
    "Mar 5",
    "5 march",
    "5-Mar-26",
    "SEPT2",
    "dec1",
    "TRUE",
    "false",
]
TEXTS = [
    "",
    "东浦巷12号",
    "12号",
    "3-5号",
    "3号楼-5单元",
    "a-b",
    "A5",
    "E5",
    "Marketstreet 5",
    "may be",
    "may 3 people",
    "12",
    "0",
    "12345678901",
    "5 people",
    "'quoted",
    "’t",
    "a=b",
    "x@y.z",
    "→",
    "№5",
    "true story",
    "3#",
    "5E",
    "路灯不亮=坏",
    "x" * 4000,
]


@pytest.mark.parametrize("text", FORMULAS + DATES_AND_NUMBERS)
def test_what_a_spreadsheet_would_rewrite_has_an_apostrophe_before_it(text):
    assert cells.as_text(text) == f"'{text}" and cells.bare(f"'{text}") == text


@pytest.mark.parametrize("text", TEXTS)
def test_other_text_stays_as_it_is(text):
    assert cells.as_text(text) == text


@given(
    st.text(
        st.sampled_from("=+-@＝＋－＠'\t\r\n \u200b\ufeff0123456789.,:/%eE年月日amAMarchTUtrue号巷") | st.characters(),
        max_size=12,
    )
)
def test_a_cell_reads_back_as_it_was(text):
    cell = cells.as_text(text)
    first = cell.lstrip(" \u200b\ufeff\u3000")[:1]
    assert first not in tuple("=+-@＝＋－＠") or not first
    if cell != text:
        assert cells.bare(cell) == text
