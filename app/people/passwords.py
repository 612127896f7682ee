"""Which passwords and account names may be chosen, and the one form in which both are compared."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from app.kit import visible

SHORTEST, LONGEST = 8, 256
_SHORTEST_DIGITS = 12
_FEWEST_DIFFERENT = 5
# So much of a password must be left when what everybody guesses is taken out of it.
_LEFT = 6
_ROWS = ("0123456789", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm", "1qaz2wsx3edc4rfv5tgb")
_ROW = 4
_EDGES = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_LEET = str.maketrans("@4310$5!7", "aaeiossit")
# Letters a to z, digits, Chinese characters: no two names of them look the same. Beside them, what addresses of mail have.
ACCOUNT = re.compile(r"[a-z0-9._@+\-〇\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U000323af]{2,100}")


def normal(password: str) -> str:
    """As it is hashed: full-width letters, typed with a Chinese keyboard, are the usual ones."""
    return unicodedata.normalize("NFKC", password)


def canonical_account(text: str) -> str:
    """The one form of an account's name: whatever the width and case of its letters."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).strip()


def as_kept_before(text: str) -> str:
    """As a name was kept before names had one form."""
    return visible.trimmed(text).lower()


@lru_cache
def _common() -> frozenset[str]:
    lines = Path(__file__).with_name("common_passwords.txt").read_text("utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))


def _is_common(password: str) -> bool:
    """Whether it is a common one, with anything but letters before or after it, or with figures for letters."""
    core = _EDGES.sub("", password)
    forms = {password, core, password.translate(_LEET), core.translate(_LEET), _EDGES.sub("", password.translate(_LEET))}
    return any(form in _common() or form[::-1] in _common() for form in forms)


def _is_simple(password: str) -> bool:
    """Few different characters, or one piece again and again, or rows of the keyboard."""
    if len(set(password)) < _FEWEST_DIFFERENT:
        return True
    if password in (password * 2)[1:-1]:
        return True
    left = password
    for row in _ROWS:
        for line in (row, row[::-1]):
            for size in range(len(line), _ROW - 1, -1):
                for start in range(len(line) - size + 1):
                    left = left.replace(line[start : start + size], "")
    return len(left) < _LEFT and left != password


def _words(own: Iterable[str | None]) -> set[str]:
    """What of a person's own data makes a password guessable: each name and its parts, forwards and backwards."""
    words: set[str] = set()
    for text in own:
        folded = canonical_account(text or "")
        parts = [folded, *re.split(r"[\W\d_]+", folded), *re.findall(r"\d{4,}", folded)]
        words |= {part for part in parts if len(part) > (2 if part.isascii() else 1)}
    return words | {word[::-1] for word in words}


def fault(password: str, own: Iterable[str | None] = ()) -> str | None:
    """The sentence that says why a password cannot be chosen by somebody whose names and numbers are `own`; None when it can."""
    typed = normal(password)
    if len(typed) < SHORTEST or not visible.is_visible(typed):
        return "password-short"
    if typed.isdecimal() and len(typed) < _SHORTEST_DIGITS:
        return "password-digits"
    folded = typed.casefold()
    if _is_common(folded):
        return "password-common"
    if _is_simple(folded):
        return "password-simple"
    left = folded
    for word in sorted(_words([*own, "gridpatrol"]), key=len, reverse=True):
        left = left.replace(word, "")
    return "password-own" if left != folded and len(left) < _LEFT else None
