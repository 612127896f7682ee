"""Datum, calendar, language, cursors."""

import math
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.duties import calendar
from app.kit.datum import from_wgs84, to_wgs84
from app.kit.language import TEXTS, choose
from app.kit.paging import seal, unseal
from app.kit.problems import Problem
from tests.conftest import data


def metres(a, b):
    return math.hypot((a[0] - b[0]) * 111_320, (a[1] - b[1]) * 111_320 * math.cos(math.radians(a[0])))


def test_reference_points_of_the_datums():
    vectors = data("datum-vectors.json")
    for v in vectors["wgs84_to_gcj02"]:
        assert metres(from_wgs84(*v["wgs84"], "gcj02"), v["gcj02"]) < 0.1
        assert metres(to_wgs84(*v["gcj02"], "gcj02"), v["wgs84"]) < 0.5
    for v in vectors["bd09_to_wgs84"]:
        assert metres(to_wgs84(*v["bd09"], "bd09"), v["wgs84"]) < 2


@given(st.floats(18, 54), st.floats(74, 135), st.sampled_from(["gcj02", "bd09"]))
def test_there_and_back_within_half_a_metre(lat, lon, datum):
    assert metres(to_wgs84(*from_wgs84(lat, lon, datum), datum), (lat, lon)) < 0.5


def test_outside_china_the_datums_agree():
    assert from_wgs84(51.5, -0.12, "gcj02") == (51.5, -0.12) == to_wgs84(51.5, -0.12, "gcj02")


def test_working_hours_know_the_statutory_days():
    zone = "Asia/Shanghai"
    friday = datetime(2025, 9, 26, 9, 0, tzinfo=UTC)  # 17:00 on the Friday before a make-up Sunday
    # Half an hour on Friday; Sunday 28 September is a make-up working day.
    assert calendar.add(friday, 3600, "working", zone) == datetime(2025, 9, 28, 1, 0, tzinfo=UTC)
    # From 30 September across the holiday of 1 to 8 October.
    tuesday = datetime(2025, 9, 30, 9, 30, tzinfo=UTC)
    assert calendar.add(tuesday, 60, "working", zone) == datetime(2025, 10, 9, 0, 31, tzinfo=UTC)
    assert calendar.add(friday, 3600, "calendar", zone) == friday + timedelta(hours=1)


@given(
    st.integers(0, 200 * 3600), st.datetimes(datetime(2025, 1, 1), datetime(2026, 6, 1)), st.sampled_from(["working", "calendar"])
)
def test_time_left_is_what_was_added(seconds, start, clock):
    start = start.replace(tzinfo=UTC, microsecond=0)
    end = calendar.add(start, seconds, clock, "Asia/Shanghai")
    assert calendar.between(start, end, clock, "Asia/Shanghai") == seconds


def test_language():
    assert choose("en-GB,zh;q=0.5", "zh-CN") == "en" and choose("fr", "zh-CN") == "zh-CN"
    assert choose("zh-Hans;q=0.9, en;q=0.1", "en") == "zh-CN" and choose("en;q=x", "zh-CN") == "zh-CN"
    for key, texts in TEXTS.items():
        assert set(texts) == {"zh", "en"}, key
        zh, en = (set(re.findall(r"\{\w+\}", texts[name])) for name in ("zh", "en"))
        # Each Chinese number has the word for what it counts.
        assert zh - {"{unit}"} == en - {"{unit}"}, key


def test_every_sentence_that_the_code_names_exists():
    named = set()
    for path in Path("app").rglob("*.py"):
        text = path.read_text()
        named |= set(re.findall(r'Problem\(\s*\d+, "([\w-]+)"', text)) | set(re.findall(r'invalid\("[^"]*", "([\w-]+)"', text))
        named |= set(re.findall(r'ValueError\("([\w-]+)"\)', text))
    assert named <= set(TEXTS) and len(named) > 20


@given(st.text(max_size=60))
def test_a_cursor_made_up_is_refused(text):
    with pytest.raises(Problem):
        unseal(b"secret", "list", text)


def test_a_cursor_fits_its_own_list_alone():
    cursor = seal(b"secret", "list", ["a", 1])
    assert unseal(b"secret", "list", cursor) == ["a", 1]
    for secret, kind in ((b"other", "list"), (b"secret", "people")):
        with pytest.raises(Problem):
            unseal(secret, kind, cursor)
