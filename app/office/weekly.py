"""The weekly summary (每周工作总结): three parts, reckoned from the event log, each number with a way to the issues it counts.

Weeks are Monday to Sunday in the area's own time zone. What was done is counted from events within the week; what remains, as it stood when the
week ended (or stands now). Part three answers part two by rule: what is overdue presses its unit, what comes back asks its authority for joint action, what
was handed over is asked for, a cell that nobody saw is walked, a street without a bin gets one.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from app.kit.access import Caller
from app.kit.db import Connection, Database
from app.kit.language import say
from app.kit.problems import Problem, invalid, not_found
from app.kit.times import now
from app.office import queries
from app.office.pictures import Pair, blocks
from app.office.written import Line, Paper, Sheet, day_told

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
MOST_CLAUSES = 6


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
            (queries.ACTED, week.area, week.monday),
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
    return {
        "done": done, "before": before, "before_until": until, "remains": dict(remains), "activities": {row["kind"]: dict(row) for row in acted},
        "cells": {"all": len(cells), "walked": sum(cell["walked"] for cell in cells), "unwalked": [cell["name"] for cell in cells if not cell["walked"]]},
    }  # fmt: skip


def _link(week: Week, **filters: Any) -> str:
    return "/app/issues?" + urlencode({"area": str(week.area), **filters}, doseq=True)


def _clauses(week: Week, found: dict[str, Any], names: dict[str, str], language: str) -> list[Clauses]:
    """The clauses of the three parts: `text`, and `href` of what it counts."""

    def t(key: str, **values: Any) -> str:
        return say(f"weekly-{key}", language, **values)

    done, before, cells, remains = found["done"], found["before"], found["cells"], found["remains"]
    comma = "、" if language == "zh-CN" else ", "

    def change(name: str) -> str:
        by = done[name] - before[name]
        than = t("whole" if found["before_until"] == week.begin else "so-far")
        return t("same" if by == 0 else "more" if by > 0 else "less", n=abs(by), than=than)

    within = _link(week, created_since=week.begin.isoformat(), created_until=week.end.isoformat())
    covered = f"/app/coverage?area={week.area}"

    def add(part: Clauses, text: str, href: str) -> None:
        part.append({"text": text, "href": href})

    one: Clauses = []
    if done["walks"]:
        people, walked = done["person_times"], cells["walked"]
        add(one, t("walked", people=people, change=change("person_times"), walked=walked, cells=cells["all"]), covered)
    if done["found"]:
        add(one, t("found", n=done["found"], change=change("found"), spot=done["mended_on_the_spot"]), within)
    if done["rectified"] or done["closed"] or done["sent_back"]:
        back = t("sent_back", n=done["sent_back"]) if done["sent_back"] else ""
        text = t("rectified", n=done["rectified"], in_time=done["in_time"]) if done["rectified"] else ""
        text += t("closed", closed=done["closed"], change=change("closed"))
        add(one, text + back, _link(week, state="closed", sort="-updated_at"))
    if done["handed_over"]:
        whom = comma.join(f"{row['authority']} {row['n']}" for row in remains["authorities"])
        text = t("handed", n=done["handed_over"], owed=remains["handed_over"], authorities=t("with", whom=whom) if whom else "")
        add(one, text, _link(week, state="handed_over"))
    acted, activities = found["activities"], f"/app/activities?area={week.area}&week={week.monday}"
    doors = "".join(t(f"act-{kind}", **acted[kind]) for kind in ("household_visit", "questionnaire", "leaflet") if kind in acted)
    if doors:
        add(one, t("doors", what=doors), activities)
    events = ""
    for kind in ("clean_up", "meeting"):
        if kind in acted:
            whom = comma.join(acted[kind]["places"] or [])
            events += t(f"act-{kind}", **acted[kind] | {"places": t("with", whom=whom) if whom else ""})
    if events:
        add(one, events, activities)
    if not one:
        add(one, t("nothing-done"), within)

    two: Clauses = []
    three: Clauses = []
    # How each place of part two is answered, by rule.
    answered: dict[str, list[tuple[str, str]]] = {"joint": [], "ask-bin": [], "speed": []}
    for place in remains["places"][: MOST_CLAUSES - 2]:
        kind, street = names.get(place["category"], place["category"]), place["street"] or t("elsewhere")
        details = "".join(t(f"of-{name}", n=place[name]) for name in ("recurring", "late") if place[name])
        href = _link(week, state="open", category=place["category"], **({"q": place["street"]} if place["street"] else {}))
        add(two, t("place", street=street, kind=kind, n=place["n"], details=details), href)
        answered["ask-bin" if place["category"] == "no_litter_bin" else "joint" if place["recurring"] >= 2 else "speed"].append(
            (place["category"], t("item", street=street, kind=kind) if place["category"] != "no_litter_bin" else street)
        )
    unseen = comma.join(cells["unwalked"][:6])
    if remains["overdue"]:
        units = comma.join(f"{row['name']} {row['n']}" for row in remains["units"])
        add(two, t("overdue", n=remains["overdue"], units=units or t("nobody")), _link(week, state="open", overdue="true"))
    if unseen:
        add(two, t("unwalked", n=len(cells["unwalked"]), cells=unseen), covered)
    if not two:
        add(two, t("nothing-remains"), _link(week, state="open"))

    for answer, items in answered.items():
        if items:
            kinds = sorted({category for category, _ in items})
            add(
                three,
                t(answer, what=comma.join(dict.fromkeys(text for _, text in items))),
                _link(week, state="open", category=kinds),
            )
    if remains["units"]:
        units = comma.join(t("unit-late", unit=row["name"], n=row["n"]) for row in remains["units"])
        add(three, t("press", units=units), _link(week, state="open", overdue="true"))
    if remains["replies_late"]:
        add(three, t("chase", n=remains["replies_late"]), "/app/handovers")
    if unseen:
        add(three, t("patrol", cells=unseen), covered)
    if len(three) < MOST_CLAUSES:
        add(three, t("keep-on"), _link(week, state="open"))
    return [one[:MOST_CLAUSES], two[:MOST_CLAUSES], three[:MOST_CLAUSES]]


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
            lines.append(Line(f"{n}{'、' if language == 'zh-CN' else '. '}{clause['text']}", href=clause.get("href")))
    zone = ZoneInfo(paper["time_zone"])
    signed = paper["issued"]["at"] if paper["issued"] else now()
    day = signed.astimezone(zone).date() if paper["issued"] else min(paper["until"], signed.astimezone(zone).date())
    appendix = [Sheet(), Line(say("paper-pictures", language), "head"), *blocks(pairs, zone, language)] if pairs else []
    return Paper(language, title, office, lines, [office, day_told(day, language)], appendix)
