"""The weekly summary (每周工作总结): three parts, reckoned from the event log, each number with a way to the issues it counts.

Weeks are Monday to Sunday in the area's own time zone. What was done is counted from events within the week; what remains, as it stood when the
week ended (or stands now). Part three answers part two by rule: what is overdue presses its unit, what comes back asks its authority for joint action, what
was handed over is asked for, a cell that nobody saw is walked, and each kind gets the step that helps against it (steps.toml).
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from app.kit import paging
from app.kit.access import Caller
from app.kit.audit import record
from app.kit.db import Connection, Database
from app.kit.language import say, trimmed
from app.kit.problems import Problem, invalid, not_found
from app.kit.times import now
from app.office import queries, ways
from app.office.pictures import Pair, blocks
from app.office.wording import JOINT, cause, in_order, step
from app.office.written import Line, Paper, day_told
from app.settings import settings

Clauses = list[dict[str, Any]]

DONE = (
    "found",
    "mended_on_the_spot",
    "rectified",
    "in_time",
    "in_time_extended",
    "closed",
    "closed_unresolved",
    "handed_over",
    "sent_back",
    "came_back",
    "person_times",
    "walks",
)
# Compared with nothing.
_ALONE = ("in_time", "in_time_extended")
MOST_CLAUSES, MOST_PLACES, MOST_CELLS = 6, 3, 6
# The name and the group of each category, by its code.
Kinds = dict[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Week:
    """A week of an area: from `begin` up to, not including, `end`; `before` is the beginning of the week before."""

    area: UUID
    name: str
    level: str
    issuer: str
    monday: date
    zone: str

    def _at(self, day: date) -> datetime:
        return datetime.combine(day, time(), ZoneInfo(self.zone)).astimezone(UTC)

    @property
    def before(self) -> datetime:
        return self._at(self.monday - timedelta(days=7))

    @property
    def begin(self) -> datetime:
        return self._at(self.monday)

    @property
    def end(self) -> datetime:
        return self._at(self.monday + timedelta(days=7))

    def day_before(self, until: datetime) -> date:
        """The last day of the week before that is compared when it is up to `until`."""
        return (until - timedelta(microseconds=1)).astimezone(ZoneInfo(self.zone)).date()

    def before_until(self, at: datetime) -> datetime:
        """Up to where the week before is compared: while this one goes on, to where that one was as far."""
        return min(self.before + (at - self.begin), self.begin)


async def week_of(connection: Connection, caller: Caller, area: UUID, day: date | None) -> Week:
    """The week that holds `day` (default: today). Problems: 404; 422 a week that has not begun."""
    row = await connection.fetchrow(queries.AREA, area)
    if row is None or not (caller.is_admin or area in caller.staffs or area in caller.inspects):
        raise not_found()
    today = now().astimezone(ZoneInfo(row["time_zone"])).date()
    asked = day or today
    monday = asked - timedelta(days=asked.weekday())
    if monday > today or monday.year < 2000:
        raise invalid("/week", "week-ahead")
    return Week(area, row["name"], row["level"], row["issuer"], monday, row["time_zone"])


async def figures(database: Database, week: Week) -> dict[str, Any]:
    """What the paper says in numbers: `done` this week, `before` the same of the week before, `cells`, and what `remains`.

    Half of the reading runs beside the other, on a connection of its own: the caller holds none.
    """
    until = week.before_until(now())
    span = (week.area, week.before, week.begin, week.end, until)

    async def read(*asked: tuple[Any, ...]) -> list[Any]:
        async with database.acquire() as connection:
            return [await connection.fetch(*statement) for statement in asked]

    (happened, walked, acted, seen), ((remains,),) = await asyncio.gather(
        read(
            (queries.HAPPENED, *span),
            (queries.WALKED, *span),
            (queries.ACTED, week.area, week.monday, week.day_before(until)),
            (queries.CELLS, week.area, week.begin, week.end),
        ),
        read((queries.REMAINS, week.area, week.end)),
    )
    done: dict[str, int] = dict.fromkeys(DONE, 0)
    before: dict[str, int] = dict.fromkeys((name for name in DONE if name not in _ALONE), 0)
    for row in happened:
        into = done if row["this"] else before
        into[row["what"]] += row["n"]
        if row["what"] == "mended_on_the_spot":
            into["found"] += row["n"]
        if row["this"]:
            for name in _ALONE:
                into[name] += row[name]
    for row in walked:
        into = done if row["this"] else before
        into["person_times"], into["walks"] = row["person_times"], row["walks"]
    cells = [dict(row) for row in seen]
    activities = {row["kind"]: dict(row) | {"before": 0} for row in acted if row["this"]}
    for row in acted:
        if not row["this"] and row["kind"] in activities:
            activities[row["kind"]]["before"] = row["count"]
    return {
        "done": done, "before": before, "before_until": until, "remains": dict(remains), "activities": activities,
        "cells": {"all": len(cells), "walked": sum(cell["walked"] for cell in cells), "unwalked": [cell["name"] for cell in cells if not cell["walked"]]},
    }  # fmt: skip


def _link(week: Week, **filters: Any) -> str:
    return "/app/issues?" + urlencode({"area": str(week.area), **filters}, doseq=True)


# A number within a sentence, and which of the links is its: private characters, which no sentence holds.
_NUMBER = re.compile("\ue000(\\d+)\ue001(.*?)\ue002")


class _Sentences:
    """The clauses of a part: each `text`, `href` of what it is about, and `spans`, the text in pieces of which those with an `href` lead to what they count."""

    def __init__(self) -> None:
        self.links: list[str] = []
        self.clauses: Clauses = []

    def n(self, number: Any, href: str) -> str:
        """A number that leads to what it counts."""
        self.links.append(href)
        return f"\ue000{len(self.links) - 1}\ue001{number}\ue002"

    def add(self, text: str, href: str) -> None:
        spans: list[dict[str, Any]] = []
        end = 0
        for found in _NUMBER.finditer(text):
            if found.start() > end:
                spans.append({"text": text[end : found.start()], "href": None})
            spans.append({"text": found[2], "href": self.links[int(found[1])]})
            end = found.end()
        if end < len(text):
            spans.append({"text": text[end:], "href": None})
        self.clauses.append({"text": "".join(span["text"] for span in spans), "href": href, "spans": spans})


class _Telling:
    """What the three parts are made from: the figures, their words, and the ways to the issues that they count."""

    def __init__(self, week: Week, found: dict[str, Any], kinds: Kinds, language: str) -> None:
        self.week, self.kinds, self.language = week, kinds, language
        self.done, self.before, self.cells, self.remains = found["done"], found["before"], found["cells"], found["remains"]
        self.acted: dict[str, Any] = found["activities"]
        self.comma = "、" if language == "zh-CN" else ", "
        self.than = self.t("whole" if found["before_until"] == week.begin else "so-far")
        # What remains is as it was when the week ended, or as it is.
        end = week.end.isoformat()
        self.over = week.end <= now()
        self.still: dict[str, Any] = {"open_at": end} if self.over else {"state": "open"}
        self.late: dict[str, Any] = {"late_at": end} if self.over else {"state": "open", "overdue": "true"}
        self.handed: dict[str, Any] = {"open_at": end, "state": "handed_over"} if self.over else {"state": "handed_over"}
        self.covered = f"/app/coverage?area={week.area}&week={week.monday}"

    def t(self, key: str, **values: Any) -> str:
        return say(f"weekly-{key}", self.language, **values)

    def said(self, words: dict[str, str], **values: Any) -> str:
        return words["zh" if self.language == "zh-CN" else "en"].format(**values)

    def kind(self, code: str) -> str:
        return self.kinds[code][0] if code in self.kinds else code

    def group(self, code: str) -> str:
        return self.kinds[code][1] if code in self.kinds else "other"

    def link(self, **filters: Any) -> str:
        return _link(self.week, **filters)

    def happened(self, what: str) -> str:
        span = {"happened_since": self.week.begin.isoformat(), "happened_until": self.week.end.isoformat()}
        return self.link(happened=what, **span)

    def compared(self, now: int, then: int, unit: str) -> str:
        by = now - then
        key = "same" if by == 0 else "more" if by > 0 else "less"
        return self.t(key, n=abs(by), than=self.than, unit=self.t(f"unit-{unit}"))

    def change(self, name: str, unit: str = "issue") -> str:
        return self.compared(self.done[name], self.before[name], unit)

    def parts(self, sentences: _Sentences, rows: list[dict[str, Any]], what: str, form: str = "part", **filters: Any) -> str:
        """The parts of a sum, whose numbers make it up: those named, the others together, and what is nobody's."""
        told: list[str] = []
        for row in rows:
            name = self.t(f"{what}-{row['rest']}") if row["rest"] else row["authority" if what == "authorities" else "name"]
            number = row["n"]
            if filters and row["id"] is not None:
                number = sentences.n(number, self.link(**filters, unit=row["id"]))
            told.append(self.t(form, name=name, n=number))
        return self.comma.join(told)


def _activities(tell: _Telling, one: _Sentences) -> None:
    href = f"/app/activities?area={tell.week.area}&week={tell.week.monday}"

    def act(kind: str) -> str:
        it = tell.acted[kind]
        where = tell.comma.join(filter(None, map(trimmed, it["places"] or ())))
        told = {name: one.n(it[name], href) for name in ("count", "collected", "people")}
        change = tell.compared(it["count"], it["before"], kind)
        return tell.t(f"act-{kind}", **told, places=tell.t("at", where=where) if where else "", change=change)

    for head, kinds in (("doors", ("household_visit", "questionnaire", "leaflet")), ("events", ("clean_up", "meeting"))):
        if told := "".join(act(kind) for kind in kinds if kind in tell.acted):
            one.add(tell.t(head, what=told), href)


def _mended(tell: _Telling, one: _Sentences) -> None:
    done, t, happened = tell.done, tell.t, tell.happened
    text = ""
    if done["rectified"]:
        rectified, in_time = one.n(done["rectified"], happened("rectified")), one.n(done["in_time"], happened("in_time"))
        extended = ""
        if done["in_time_extended"] != done["in_time"]:
            extended = t("extended", n=one.n(done["in_time_extended"], happened("in_time_extended")))
        text += t("rectified", n=rectified, change=tell.change("rectified"), in_time=in_time, extended=extended)
    text += t("closed", closed=one.n(done["closed"], happened("closed")), change=tell.change("closed"))
    if done["sent_back"]:
        text += t("sent_back", n=one.n(done["sent_back"], happened("sent_back")))
    one.add(text, happened("closed"))


def _part_one(tell: _Telling) -> Clauses:
    done, cells, t, happened = tell.done, tell.cells, tell.t, tell.happened
    one = _Sentences()
    if done["walks"]:
        people, walked = one.n(done["person_times"], tell.covered), one.n(cells["walked"], tell.covered)
        change = tell.change("person_times", "person_times")
        one.add(t("walked", people=people, change=change, walked=walked, cells=cells["all"]), tell.covered)
    if done["found"]:
        spot = one.n(done["mended_on_the_spot"], happened("mended_on_the_spot"))
        number = one.n(done["found"], happened("found"))
        one.add(t("found", n=number, change=tell.change("found"), spot=spot), happened("found"))
    if done["rectified"] or done["closed"] or done["sent_back"]:
        _mended(tell, one)
    if done["closed_unresolved"]:
        ended = happened("closed_unresolved")
        one.add(t("unresolved", n=one.n(done["closed_unresolved"], ended), change=tell.change("closed_unresolved")), ended)
    if done["handed_over"]:
        whom = tell.parts(one, tell.remains["authorities"], "authorities")
        owed = one.n(tell.remains["handed_over"], tell.link(**tell.handed))
        handed = one.n(done["handed_over"], happened("handed_over"))
        more = t("with", whom=whom) if whom else ""
        until = t("until" if tell.over else "until-now")
        text = t("handed", n=handed, change=tell.change("handed_over"), until=until, owed=owed, authorities=more)
        one.add(text, happened("handed_over"))
    _activities(tell, one)
    if not one.clauses:
        one.add(t("nothing-done"), happened("found"))
    return one.clauses


def _places(tell: _Telling) -> list[dict[str, Any]]:
    return [place for place in tell.remains["places"] if not place["rest"]][:MOST_PLACES]


def _place(tell: _Telling, two: _Sentences, place: dict[str, Any]) -> None:
    where = {"category": place["category"]} | ({"street": place["street"]} if place["street"] else {})
    there = tell.still | where
    ways = {"recurring": there | {"recurring": "true"}, "late": tell.late | where}
    details = ""
    for name, way in ways.items():
        if place[name] == place["n"]:
            details += tell.t(f"all-{name}" if place["n"] > 1 else f"one-{name}")
        elif place[name]:
            details += tell.t(f"of-{name}", n=two.n(place[name], tell.link(**way)))
    street, kind = trimmed(place["street"]) or tell.t("elsewhere"), tell.kind(place["category"])
    number = two.n(place["n"], tell.link(**there))
    two.add(tell.t("place", street=street, kind=kind, n=number, details=details), tell.link(**there))


def _unwalked(tell: _Telling) -> str:
    """The cells that nobody walked, by their numbers; the first of them where they are many."""
    names = sorted(tell.cells["unwalked"], key=in_order)
    told = tell.comma.join(names[:MOST_CELLS])
    return tell.t("and-more", what=told) if len(names) > MOST_CELLS else told


def _part_two(tell: _Telling) -> Clauses:
    t, two = tell.t, _Sentences()
    for place in _places(tell):
        _place(tell, two, place)
    groups = dict.fromkeys(tell.group(place["category"]) for place in _places(tell) if place["late"] or place["recurring"])
    causes = [tell.said(words) for group in groups if (words := cause(group))][:2]
    if causes:
        two.add(t("causes", what=t("and").join(causes)), tell.link(**tell.still))
    if tell.remains["overdue"]:
        units = tell.parts(two, tell.remains["units"], "units", **tell.late)
        number = two.n(tell.remains["overdue"], tell.link(**tell.late))
        two.add(t("overdue", n=number, units=units), tell.link(**tell.late))
    if tell.cells["unwalked"]:
        number = two.n(len(tell.cells["unwalked"]), tell.covered)
        two.add(t("unwalked", n=number, cells=_unwalked(tell)), tell.covered)
    if not two.clauses:
        two.add(t("nothing-remains" if tell.over else "nothing-remains-now"), tell.link(**tell.still))
    return two.clauses


def _steps(tell: _Telling, three: _Sentences) -> None:
    """How each place of part two is answered: what came back twice by joint action, the rest by what its kind asks for."""
    answered: dict[str, tuple[dict[str, str], list[str], set[str]]] = {}
    for place in _places(tell):
        code = place["category"]
        name, words = ("joint", JOINT) if place["recurring"] >= 2 else step(code, tell.group(code))
        _, items, codes = answered.setdefault(name, (words, [], set()))
        items.append(tell.t("item", street=trimmed(place["street"]) or tell.t("elsewhere"), kind=tell.kind(code)))
        codes.add(code)
    for words, items, codes in answered.values():
        ways = tell.still | {"category": sorted(codes)}
        three.add(tell.said(words, what=tell.comma.join(dict.fromkeys(items))), tell.link(**ways))


def _press(tell: _Telling, three: _Sentences) -> None:
    """Units with overdue issues: a bureau is not pressed by a community, whose own superior is asked to see to it."""
    for key, bureaus in (("press", False), ("press-bureaus", True)):
        units = [row for row in tell.remains["units"] if not row["rest"] and (row["kind"] == "bureau") == bureaus]
        if units:
            told = tell.parts(three, units, "units", "part-in-brackets", **tell.late)
            superior = tell.t(f"superior-{tell.week.level}")
            three.add(tell.t(key, units=told, superior=superior), tell.link(**tell.late))


def _part_three(tell: _Telling) -> Clauses:
    t, three = tell.t, _Sentences()
    _steps(tell, three)
    _press(tell, three)
    if tell.remains["replies_late"]:
        whom = tell.parts(three, tell.remains["authorities_late"], "authorities")
        href = tell.link(reply_late_at=tell.week.end.isoformat()) if tell.over else "/app/handovers"
        three.add(t("chase", n=three.n(tell.remains["replies_late"], href), whom=whom), href)
    if tell.cells["unwalked"]:
        three.add(t("patrol", cells=_unwalked(tell)), tell.covered)
    # Not where there is enough to do: the paper has two pages.
    if len(three.clauses) < MOST_CLAUSES - 2:
        three.add(t("keep-on"), tell.link(**tell.still))
    return three.clauses


def _clauses(week: Week, found: dict[str, Any], kinds: Kinds, language: str) -> list[Clauses]:
    """The clauses of the three parts, each number with the way to the issues it counts."""
    tell = _Telling(week, found, kinds, language)
    return [part[:MOST_CLAUSES] for part in (_part_one(tell), _part_two(tell), _part_three(tell))]


def _opening(week: Week, language: str) -> dict[str, str]:
    """To whom the paper goes, with what words it begins, and who signs it."""
    to = settings().addressee or say(f"weekly-to-{week.level}", language)
    return {"addressee": to, "opening": say("weekly-opening", language), "issuer": week.issuer}


async def paper(
    database: Database, week: Week, kinds: Kinds, language: str, draft: bool = False, version: int | None = None
) -> dict[str, Any]:
    """The paper of a week: as it was issued last (or as `version`), else, or with `draft`, as it would be now. Problem 404: no such version."""
    last = week.monday + timedelta(days=6)
    head: dict[str, Any] = {
        "area": {"id": str(week.area), "name": week.name},
        "week": week.monday,
        "until": last,
        "time_zone": week.zone,
        "language": language,
    }
    key = (week.area, week.monday, language)
    async with database.acquire() as connection:
        head["versions"] = [dict(row) for row in await connection.fetch(queries.VERSIONS, *key)]
        issued = None if draft else await connection.fetchrow(queries.ISSUED, *key, version)
    if not draft:
        if issued is not None:
            told = {
                "by": issued["issued_by"],
                "at": issued["issued_at"],
                "version": issued["version"],
                "reason": issued["reason"],
            }
            return head | _kept_ways(issued["paper"]) | {"issued": told}
        if version is not None:
            raise not_found()
    found = await figures(database, week)
    parts = [
        {"title": say(f"weekly-part-{n}", language), "clauses": clauses}
        for n, clauses in enumerate(_clauses(week, found, kinds, language), 1)
    ]
    span = say("weekly-span", language, since=day_told(week.monday, language), until=day_told(last, language))
    return (
        head
        | _opening(week, language)
        | {
            "title": say("weekly-title", language, area=week.name),
            "span": span,
            "parts": parts,
            "figures": found,
            "issued": None,
        }
    )


def _kept_ways(paper: dict[str, Any]) -> dict[str, Any]:
    """A paper as it was issued, without the ways to elsewhere that one may hold from before they were refused."""

    def kept(piece: dict[str, Any]) -> dict[str, Any]:
        return piece | {"href": ways.own(piece["href"]) if piece.get("href") else None}

    parts = [
        part | {"clauses": [kept(c) | {"spans": [kept(span) for span in c.get("spans") or []]} for c in part["clauses"]]}
        for part in paper["parts"]
    ]
    return paper | {"parts": parts}


async def issue(database: Database, caller: Caller, week: Week, language: str, wish: dict[str, Any]) -> None:
    """Keep an edited paper as it goes out, with the figures of this moment: the first, or with `corrects` the one after that version.

    Problem 409 when the week's was issued already, or when what is corrected is not the last.
    """
    found = await figures(database, week)
    last = week.monday + timedelta(days=6)
    span = say("weekly-span", language, since=day_told(week.monday, language), until=day_told(last, language))
    opening = _opening(week, language) | {name: wish[name] for name in ("addressee", "opening") if wish.get(name) is not None}
    kept = {"title": wish["title"], "span": span, **opening, "parts": wish["parts"], "figures": found}
    text = orjson.loads(orjson.dumps(kept, default=str))
    async with database.transaction() as connection:
        version = (wish["corrects"] or 0) + 1
        key = (week.area, week.monday, language, text, caller.account_id, version, wish["reason"])
        if not await connection.fetchval(queries.ISSUE, *key):
            raise Problem(409, "summary-corrected" if wish["corrects"] else "summary-issued")
        told = {"week": week.monday, "language": language, "version": version}
        await record(connection, caller, "paper_issued", None, week.area, told)


async def issued(
    connection: Connection, secret: bytes, caller: Caller, area: UUID | None, cursor: str | None, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of the papers that were issued, every version of each, the latest first, and the cursor of the next."""
    latest: list[Any] = ["9999-01-01T00:00:00+00:00", str(UUID(int=2**128 - 1)), "9999-01-01", "", 0]
    at, of, week, language, version = paging.unseal(secret, "summaries", cursor) if cursor else latest
    rows = await connection.fetch(
        queries.ALL_ISSUED, caller.is_admin, [*caller.staffs, *caller.inspects], area, limit + 1,
        datetime.fromisoformat(at), UUID(of), date.fromisoformat(week), language, version,
    )  # fmt: skip
    following = None
    if len(rows) > limit:
        last = rows[limit - 1]
        keys = [last["at"].isoformat(), str(last["area_id"]), last["week"].isoformat(), last["language"], last["version"]]
        following = paging.seal(secret, "summaries", keys)
    return [{name: row[name] for name in row if name != "area_id"} for row in map(dict, rows[:limit])], following


def laid_out(paper: dict[str, Any], pairs: list[Pair]) -> Paper:
    """The paper as it is drawn; photographs before and after follow on sheets of their own."""
    language = paper["language"]
    # Papers issued before they had these lack them.
    office, title = paper.get("issuer") or paper["area"]["name"], paper["title"]
    lines = [Line(paper["span"] + ("" if paper["issued"] else say("weekly-draft", language)), "middle")]
    if paper["issued"] and paper["issued"]["version"] > 1:
        told = {"n": paper["issued"]["version"] - 1, "reason": paper["issued"]["reason"]}
        lines.append(Line(say("weekly-correction", language, **told), "middle"))
    if paper.get("addressee"):
        lines.append(Line(paper["addressee"], "flush"))
    if paper.get("opening"):
        lines.append(Line(paper["opening"]))
    for part in paper["parts"]:
        lines.append(Line(part["title"], "head"))
        for n, clause in enumerate(part["clauses"], 1):
            mark = "、" if language == "zh-CN" else ". "
            spans = [(span["text"], span["href"]) for span in clause.get("spans") or [clause]]
            lines.append(Line(f"{n}{mark}{clause['text']}", spans=[(f"{n}{mark}", None), *spans]))
    zone = ZoneInfo(paper["time_zone"])
    signed = paper["issued"]["at"] if paper["issued"] else now()
    day = signed.astimezone(zone).date() if paper["issued"] else min(paper["until"], signed.astimezone(zone).date())
    appendix = [Line(say("paper-pictures", language), "head", sheet=True), *blocks(pairs, zone, language)] if pairs else []
    return Paper(language, title, office, lines, [office, day_told(day, language)], appendix)
