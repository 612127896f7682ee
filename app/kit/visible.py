"""Which characters of a text can be seen, and which have no place in a name."""

from __future__ import annotations

import unicodedata

# Drawn as nothing, though they are letters, marks or symbols to Unicode: the Hangul fillers, the empty Braille pattern, the null
# notehead, the grapheme joiner and the inherent vowels of Khmer.
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0\U0001d159\u034f\u17b4\u17b5")
# They belong inside the words of some scripts, and inside emoji.
_JOINERS = frozenset("\u200c\u200d")
# Scripts in which they join nothing.
_UNJOINED = frozenset({"LATIN", "CYRILLIC", "GREEK", "CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"})
# Some are younger than Python's tables.
_IDEOGRAPHS = range(0x20000, 0x40000)
_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Cs", "Zl", "Zp", "Zs", "Mn", "Me"})
# What leaves no mark at the edge of a text that was copied from elsewhere.
_EDGES = " \t\r\n\u00a0\u3000\u00ad\u200b\u2060\ufeff"


def is_visible(text: str) -> bool:
    """Whether anything of a text can be seen."""
    return any(c not in _BLANK and (unicodedata.category(c) not in _UNSEEN or ord(c) in _IDEOGRAPHS) for c in text)


def trimmed(text: str) -> str:
    """A text composed (NFC), without what cannot be seen at its ends."""
    return unicodedata.normalize("NFC", text).strip(_EDGES)


def breaks(char: str) -> bool:
    """Whether a character ends a line, or is a tab."""
    return char in "\t\n\r" or unicodedata.category(char) in ("Zl", "Zp")


def hides(char: str) -> bool:
    """Whether a character cannot be seen and may turn the direction of what stands around it."""
    return char not in _JOINERS and unicodedata.category(char) == "Cf"


def is_blank(char: str) -> bool:
    """Whether a character is drawn as nothing."""
    return char in _BLANK


# Scripts whose letters look like each other's.
_ALIKE = ("LATIN", "CYRILLIC", "GREEK")
# More marks above and below one letter than any language writes run into the lines around it.
_MOST_MARKS = 4


def _script(char: str) -> str:
    return unicodedata.name(char, "").split(" ")[0]


def is_disguised(text: str) -> bool:
    """Whether a word of it is put together from scripts that look alike, hides a joiner where nothing joins, or piles up marks."""
    if text.isascii():
        return False
    scripts: set[str] = set()
    marks, before = 0, ""
    for char in text:
        kind = unicodedata.category(char)
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        if marks > _MOST_MARKS or (char in _JOINERS and (not before or before.isascii() or _script(before) in _UNJOINED)):
            return True
        if kind[0] == "L" or marks:
            scripts.update({_script(char)} & set(_ALIKE))
        else:
            scripts.clear()
        if len(scripts) > 1:
            return True
        before = char
    return False


def is_no_text(char: str) -> bool:
    """A control character, half a pair of UTF-16, or one that no text has."""
    kind = unicodedata.category(char)
    return kind == "Cs" or (kind == "Cc" and char not in "\t\n\r") or ord(char) & 0xFFFE == 0xFFFE


def fits_no_name(char: str) -> bool:
    """Whether a character would break a name, turn it or hide in it."""
    return breaks(char) or hides(char) or is_blank(char) or is_no_text(char)
