"""Text in the cells of CSV files: how it stays text in a spreadsheet, and what no cell may hold."""

from __future__ import annotations

import re
import unicodedata

from app.kit.visible import breaks, hides, is_blank, is_disguised, is_no_text, is_visible

# Not only ASCII: a spreadsheet set up for Chinese or Japanese reads the full and the half width
# alike, and NFKC folds them.
_FORMULA = ("=", "+", "-", "@", "\N{MINUS SIGN}")
_PLAIN_NUMBER = re.compile(r"0|[1-9][0-9]{0,10}")
# Numbers, dates and times in the ways a spreadsheet reads them: 3-5, 010-2, 1/2, 12:30, 1e5, 50%,
# 2026年3月5日.
_NUMERIC = re.compile(
    r"(?:[0-9.,:/+\-\s%()$¥年月日时時分秒]|(?<=[0-9])[eE](?=[0-9+\-]))*(?:[aApP]\.?[mM]\.?|上午|下午)?",
    re.ASCII,
)
_MONTH = (
    "(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    "|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_GAP = r"[\s.,/-]"
_WORDED_DATE = re.compile(
    rf"{_MONTH}{_GAP}*[0-9]+(?:{_GAP}+[0-9]+)?|[0-9]+{_GAP}*{_MONTH}(?:{_GAP}*[0-9]+)?",
    re.IGNORECASE,
)
_TRUTH = ("true", "false")
# What a decoder puts where bytes are no character.
LOST = "\ufffd"


def fault(text: str, longest: int) -> str | None:
    """Why a text cannot be kept as it is, or None."""
    for char in "" if text.isascii() and text.isprintable() else text:
        if char == LOST:
            return "has lost characters (U+FFFD)"
        if is_no_text(char):
            return f"has the character U+{ord(char):04X}, which no text has"
    return f"is longer than {longest} characters" if len(text) > longest else None


def name_fault(text: str, longest: int) -> str | None:
    """Why a text cannot be a name: as `fault`, and nothing in it may break a line, turn its
    direction or hide in it."""
    for char in text:
        if breaks(char):
            return "has a line break or a tab in it"
        if hides(char) or is_blank(char):
            return f"has the character U+{ord(char):04X}, which cannot be seen"
    if is_disguised(text):
        return "is put together from letters that look like others"
    return fault(text, longest)


def shown(text: str) -> str:
    """A text for people to mend: what no text has is drawn as a lost character."""
    return "".join(LOST if is_no_text(char) else char for char in text)


def as_text(text: str) -> str:
    """A cell that every spreadsheet takes for text: an apostrophe goes before whatever would be a
    formula, a number or a date; and before an apostrophe that already stands there.

    A whole number of up to eleven digits without a leading zero reads the same either way, and
    stays as it is.
    """
    return "'" + text if _is_more_than_text(text.lstrip("'")) else text


def bare(cell: str) -> str:
    """A cell without the apostrophe of `as_text`."""
    return cell[1:] if cell.startswith("'") and _is_more_than_text(cell.lstrip("'")) else cell


def _is_more_than_text(text: str) -> bool:
    if not text or _PLAIN_NUMBER.fullmatch(text):
        return False
    if "\u4e00" <= text[0] <= "\u9fff":
        return False
    if text[0] in "\t\r\n":
        return True
    # A spreadsheet passes over what cannot be seen before it looks for a formula.
    seen = next((n for n, char in enumerate(text) if is_visible(char)), len(text))
    folded = unicodedata.normalize("NFKC", text[seen : seen + 64]).strip()
    if folded.startswith(_FORMULA):
        return True
    whole = folded if len(text) - seen <= 64 else ""
    has_digit = any(char in "0123456789" for char in whole)
    return (
        (has_digit and _NUMERIC.fullmatch(whole) is not None)
        or _WORDED_DATE.fullmatch(whole) is not None
        or whole.lower() in _TRUTH
    )
