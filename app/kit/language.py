"""The one catalogue of sentences for people, `texts.toml`, in zh-CN and en."""

from __future__ import annotations

import tomllib
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from app.kit.times import local

TEXTS: dict[str, dict[str, str]] = tomllib.loads(Path(__file__).with_name("texts.toml").read_text("utf-8"))


@lru_cache(maxsize=512)
def choose(accept_language: str, default: str) -> str:
    """`zh-CN` or `en`, by the weights of an Accept-Language header (RFC 9110, 12.5.4); `default` when it names neither."""
    best, best_weight = default, 0.0
    for part in accept_language.split(","):
        tag, _, parameters = part.strip().partition(";")
        try:
            weight = float(parameters.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        primary = tag.strip().lower().split("-")[0]
        language = {"zh": "zh-CN", "en": "en"}.get(primary)
        if language and weight > best_weight:
            best, best_weight = language, weight
    return best


def say(key: str, language: str, **values: Any) -> str:
    """The sentence `key` in `language`, filled in. Raises KeyError for a sentence that does not exist."""
    return TEXTS[key]["zh" if language == "zh-CN" else "en"].format(**values)


def day_told(day: date, language: str) -> str:
    return f"{day.year}年{day.month}月{day.day}日" if language == "zh-CN" else f"{day.day} {day:%B %Y}"


def moment_told(at: datetime, zone: ZoneInfo, language: str) -> str:
    """An instant as a place's clock shows it."""
    there = local(at, zone)
    return f"{day_told(there.date(), language)} {there:%H:%M}"


def month_told(day: date, language: str) -> str:
    return f"{day.year}年{day.month}月" if language == "zh-CN" else f"{day:%B %Y}"


# What stands between a sentence and something that it mentions by the way.
_BEFORE = ("（{}）", " ({})", "，{}", ", {}", "：{}", ": {}")
_MARKS = "，。、；：！？,.;:!? "


def say_known(key: str, language: str, values: dict[str, Any]) -> str:
    """The sentence `key` without what is empty among `values`, and without the mark that leads to it."""
    template = TEXTS[key]["zh" if language == "zh-CN" else "en"]
    for name in (name for name, value in values.items() if value in ("", None)):
        for form in _BEFORE:
            template = template.replace(form.format(f"{{{name}}}"), "")
    return template.format(**values).strip()


def trimmed(text: str | None) -> str:
    """Words of a person on one line and without the marks at their ends, to stand within a sentence."""
    return " ".join((text or "").split()).strip(_MARKS)
