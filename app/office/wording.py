"""How papers put things: names in the order of their numbers; what is proposed for a kind of issue."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

_FILE = Path(__file__).with_name("steps.toml")
_TABLE: dict[str, dict[str, dict[str, str]]] = tomllib.loads(_FILE.read_text("utf-8"))
_DIGITS = {"〇": 0, "两": 2} | {digit: n for n, digit in enumerate("零一二三四五六七八九")}
_UNITS = {"十": 10, "百": 100, "千": 1000}
_NUMBER = re.compile(r"\d+|[零〇一二两三四五六七八九十百千]+")


def number(text: str) -> int:
    """A number in digits, full width too, or in Chinese: 十二, 二〇三, 一百零五."""
    if text.isdecimal():
        return int(text)
    if not any(sign in _UNITS for sign in text):
        return int("".join(str(_DIGITS[sign]) for sign in text))
    whole, digit = 0, 0
    for sign in text:
        if sign in _UNITS:
            whole += (digit or (1 if not whole else 0)) * _UNITS[sign]
            digit = 0
        else:
            digit = _DIGITS[sign]
    return whole + digit


def in_order(name: str) -> tuple[tuple[int, int, str], ...]:
    """A key that sorts names by the numbers in them: 网格十, 网格十一, 网格十二."""
    parts: list[tuple[int, int, str]] = []
    end = 0
    for found in _NUMBER.finditer(name):
        parts += [(1, 0, name[end : found.start()]), (0, number(found[0]), found[0])]
        end = found.end()
    return (*parts, (1, 0, name[end:]))


def step(code: str, group: str) -> tuple[str, dict[str, str]]:
    """The next step for a category: its own, its group's, or any.

    It comes with the name that it stands under, so that kinds with one step share a sentence.
    """
    name = next(name for name in (code, group, "other") if name in _TABLE["steps"])
    return name, _TABLE["steps"][name]


JOINT = _TABLE["steps"]["joint"]


def cause(group: str) -> dict[str, str] | None:
    return _TABLE["causes"].get(group)
