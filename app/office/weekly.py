"""The weekly summary (每周工作总结): three parts, reckoned from the event log, each number with a way to the issues it counts.

Weeks are Monday to Sunday in the area's own time zone. What was done is counted from events within the week; what remains, as it stood when the
week ended (or stands now). Part three answers part two by rule: what is overdue presses its unit, what comes back asks its authority for joint action, what
was handed over is asked for, a cell that nobody saw is walked, a street without a bin gets one.
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

from app.kit.access import Caller
from app.kit.db import Connection, Database
from app.kit.language import say, trimmed
from app.kit.problems import Problem, invalid, not_found
from app.kit.times import now
from app.office import queries
from app.office.pictures import Pair, blocks
from app.office.written import Line, Paper, day_told

Clauses = list[dict[str, Any]]

DONE = (
    "found",
    "mended_on_the_spot",
    "rectified",
    "in_time",
    "closed",
    "handed_over",
    "sent_back",
    "came_back",
    "person_times",
    "walks",
)
MOST_CLAUSES, MOST_PLACES = 6, 3


@dataclass(frozen=True, slots=True)
class Week:
    """A week of an area: from `begin` up to, not including, `end`; `before` is the beginning of the week before."""

    area: UUID
    name: str
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
    return Week(area, row["name"], monday, row["time_zone"])


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
    before: dict[str, int] = dict.fromkeys((name for name in DONE if name != "in_time"), 0)
    for row in happened:
        into = done if row["this"] else before
        into[row["what"]] += row["n"]
        if row["what"] == "mended_on_the_spot":
            into["found"] += row["n"]
        if row["this"]:
            into["in_time"] += row["in_time"]
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


def _clauses(week: Week, found: dict[str, Any], names: dict[str, str], language: str) -> list[Clauses]:
    """The clauses of the three parts, each number with the way to the issues it counts."""

    def t(key: str, **values: Any) -> str:
        return say(f"weekly-{key}", language, **values)

    done, before, cells, remains = found["done"], found["before"], found["cells"], found["remains"]
    acted: dict[str, Any] = found["activities"]
    comma = "、" if language == "zh-CN" else ", "
    than = t("whole" if found["before_until"] == week.begin else "so-far")

    def compared(now: int, then: int) -> str:
        by = now - then
        return t("same" if by == 0 else "more" if by > 0 else "less", n=abs(by), than=than)

    def change(name: str) -> str:
        return compared(done[name], before[name])

    def happened(what: str) -> str:
        return _link(week, happened=what, happened_since=week.begin.isoformat(), happened_until=week.end.isoformat())

    # What remains is as it was when the week ended, or as it is.
    over = week.end <= now()
    still: dict[str, Any] = {"open_at": week.end.isoformat()} if over else {"state": "open"}
    late: dict[str, Any] = {"late_at": week.end.isoformat()} if over else {"state": "open", "overdue": "true"}
    covered = f"/app/coverage?area={week.area}&week={week.monday}"
    one, two, three = _Sentences(), _Sentences(), _Sentences()

    if done["walks"]:
        people, walked = one.n(done["person_times"], covered), one.n(cells["walked"], covered)
        one.add(t("walked", people=people, change=change("person_times"), walked=walked, cells=cells["all"]), covered)
    if done["found"]:
        spot = one.n(done["mended_on_the_spot"], happened("mended_on_the_spot"))
        one.add(t("found", n=one.n(done["found"], happened("found")), change=change("found"), spot=spot), happened("found"))
    if done["rectified"] or done["closed"] or done["sent_back"]:
        text = ""
        if done["rectified"]:
            rectified, in_time = one.n(done["rectified"], happened("rectified")), one.n(done["in_time"], happened("in_time"))
            text += t("rectified", n=rectified, change=change("rectified"), in_time=in_time)
        text += t("closed", closed=one.n(done["closed"], happened("closed")), change=change("closed"))
        if done["sent_back"]:
            text += t("sent_back", n=one.n(done["sent_back"], happened("sent_back")))
        one.add(text, happened("closed"))
    if done["handed_over"]:
        whom = comma.join(f"{row['authority']} {row['n']}" for row in remains["authorities"])
        owed = one.n(remains["handed_over"], _link(week, state="handed_over"))
        handed = one.n(done["handed_over"], happened("handed_over"))
        more = t("with", whom=whom) if whom else ""
        one.add(t("handed", n=handed, change=change("handed_over"), owed=owed, authorities=more), happened("handed_over"))
    activities = f"/app/activities?area={week.area}&week={week.monday}"

    def act(kind: str) -> str:
        it = acted[kind]
        where = comma.join(filter(None, map(trimmed, it["places"] or ())))
        told = {name: one.n(it[name], activities) for name in ("count", "collected", "people")}
        return t(f"act-{kind}", **told, places=t("at", where=where) if where else "", change=compared(it["count"], it["before"]))

    for head, kinds in (("doors", ("household_visit", "questionnaire", "leaflet")), ("events", ("clean_up", "meeting"))):
        if told := "".join(act(kind) for kind in kinds if kind in acted):
            one.add(t(head, what=told), activities)
    if not one.clauses:
        one.add(t("nothing-done"), happened("found"))

    # How each place of part two is answered, by rule.
    answered: dict[str, list[tuple[str, str]]] = {"joint": [], "ask-bin": [], "speed": []}
    for place in remains["places"][:MOST_PLACES]:
        kind, street = names.get(place["category"], place["category"]), trimmed(place["street"]) or t("elsewhere")
        where = {"category": place["category"]} | ({"street": place["street"]} if place["street"] else {})
        there = still | where
        ways = {"recurring": there | {"recurring": "true"}, "late": late | where}
        details = "".join(t(f"of-{name}", n=two.n(place[name], _link(week, **way))) for name, way in ways.items() if place[name])
        two.add(
            t("place", street=street, kind=kind, n=two.n(place["n"], _link(week, **there)), details=details), _link(week, **there)
        )
        asks_bin = place["category"] == "no_litter_bin"
        answered["ask-bin" if asks_bin else "joint" if place["recurring"] >= 2 else "speed"].append(
            (place["category"], street if asks_bin else t("item", street=street, kind=kind))
        )
    unseen = comma.join(cells["unwalked"][:6])
    if remains["overdue"]:
        units = comma.join(f"{row['name']} {two.n(row['n'], _link(week, **late, unit=row['id']))}" for row in remains["units"])
        number = two.n(remains["overdue"], _link(week, **late))
        two.add(t("overdue", n=number, units=units or t("nobody")), _link(week, **late))
    if unseen:
        two.add(t("unwalked", n=two.n(len(cells["unwalked"]), covered), cells=unseen), covered)
    if not two.clauses:
        two.add(t("nothing-remains"), _link(week, **still))

    for answer, items in answered.items():
        if items:
            ways = still | {"category": sorted({category for category, _ in items})}
            three.add(t(answer, what=comma.join(dict.fromkeys(text for _, text in items))), _link(week, **ways))
    if remains["units"]:
        units = comma.join(
            t("unit-late", unit=row["name"], n=three.n(row["n"], _link(week, **late, unit=row["id"]))) for row in remains["units"]
        )
        three.add(t("press", units=units), _link(week, **late))
    if remains["replies_late"]:
        three.add(t("chase", n=three.n(remains["replies_late"], "/app/handovers")), "/app/handovers")
    if unseen:
        three.add(t("patrol", cells=unseen), covered)
    # Not where there is enough to do: the paper has two pages.
    if len(three.clauses) < MOST_CLAUSES - 2:
        three.add(t("keep-on"), _link(week, **still))
    return [part.clauses[:MOST_CLAUSES] for part in (one, two, three)]


async def paper(database: Database, week: Week, names: dict[str, str], language: str, draft: bool) -> dict[str, Any]:
    """The paper of a week: as it was issued, else (or with `draft`) as it would be now."""
    last = week.monday + timedelta(days=6)
    head = {
        "area": {"id": str(week.area), "name": week.name},
        "week": week.monday,
        "until": last,
        "time_zone": week.zone,
        "language": language,
    }
    issued = None
    if not draft:
        async with database.acquire() as connection:
            issued = await connection.fetchrow(queries.ISSUED, week.area, week.monday, language)
    if issued is not None:
        return head | issued["paper"] | {"issued": {"by": issued["issued_by"], "at": issued["issued_at"]}}
    found = await figures(database, week)
    parts = [
        {"title": say(f"weekly-part-{n}", language), "clauses": clauses}
        for n, clauses in enumerate(_clauses(week, found, names, language), 1)
    ]
    span = say("weekly-span", language, since=day_told(week.monday, language), until=day_told(last, language))
    return head | {
        "title": say("weekly-title", language, area=week.name),
        "span": span,
        "parts": parts,
        "figures": found,
        "issued": None,
    }


async def issue(database: Database, caller: Caller, week: Week, language: str, wish: dict[str, Any]) -> None:
    """Keep an edited paper as it goes out, with the figures of this moment. Problem 409 when the week's was issued already."""
    found = await figures(database, week)
    last = week.monday + timedelta(days=6)
    span = say("weekly-span", language, since=day_told(week.monday, language), until=day_told(last, language))
    kept = {"title": wish["title"], "span": span, "parts": wish["parts"], "figures": found}
    text = orjson.loads(orjson.dumps(kept, default=str))
    async with database.transaction() as connection:
        if not await connection.fetchval(queries.ISSUE, week.area, week.monday, language, text, caller.account_id):
            raise Problem(409, "summary-issued")


def laid_out(paper: dict[str, Any], pairs: list[Pair]) -> Paper:
    """The paper as it is drawn; photographs before and after follow on sheets of their own."""
    language = paper["language"]
    office, title = paper["area"]["name"], paper["title"]
    lines = [Line(paper["span"] + ("" if paper["issued"] else say("weekly-draft", language)), "middle")]
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
