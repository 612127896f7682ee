"""The circulated findings of a month (督查通报): rates, cells and units beside each other, who is praised and who is pressed, by stated rules.

Everything is told as of the end of the month, or of now. Praised: the first three by rank, where at least six are ranked and
their score is above the middle. Pressed: the last three of as many; every unit with issues overdue; cells where three or more
issues came back; cells that were walked less than half as often as planned.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from app.kit.access import Caller
from app.kit.db import Connection
from app.kit.language import say
from app.kit.problems import invalid
from app.kit.times import now
from app.maps import summaries
from app.office import league, queries
from app.office.league import Span
from app.office.wording import in_order
from app.office.written import Block, Line, Paper, Table, day_told, month_told

_NAMED, _RANKED, _MOST_ROWS, _BACK = 3, 6, 40, 3


def _percent(rate: dict[str, Any]) -> str:
    """From part and whole: what was rounded already would be rounded twice."""
    part, whole = rate["part"], rate["whole"]
    return f"{Decimal(100 * part) / Decimal(whole):.1f}%" if whole else "—"


async def month_of(connection: Connection, caller: Caller, area: UUID, month: date | None) -> Span:
    """The month that holds a day (default: today), up to today while it goes on. Problems: 404; 422 a month that has not begun."""
    span = await league.span_of(connection, caller, area, None, None)
    asked = (month or span.last).replace(day=1)
    if asked > span.last or asked.year < 2000:
        raise invalid("/month", "month-ahead")
    return Span(
        area, span.name, span.issuer, span.zone, asked, min(asked.replace(day=monthrange(asked.year, asked.month)[1]), span.last)
    )


def _ranking(found: dict[str, Any], t: Any) -> list[Block]:
    """A league as a table: for each rate how many of how many."""
    rates = [name for name in ("on_time", "first_time", "lasting", "coverage") if name in found["overall"]]
    heads = [t("rank"), t(found["of"]), t("score"), *(t(name) for name in rates), t("open"), t("overdue-now")]
    rows = [
        [
            str(item["rank"] or "—"), item["name"], "—" if item["score"] is None else f"{item['score']:.2f}",
            *(f"{_percent(item[name])} ({item[name]['part']}/{item[name]['whole']})" for name in rates),
            str(item["open"]), str(item["overdue"]),
        ]
        for item in found["items"][:_MOST_ROWS]
    ]  # fmt: skip
    if not rows:
        return [Line(t("no-rows"))]
    widths: list[float] = [10, 21, 15, *(18 for _ in rates), 10, 10]
    more = len(found["items"]) - len(rows)
    return [Table(rows, widths, heads), *([Line(t("more-rows", n=more), "small")] if more > 0 else [])]


def _findings(cells: dict[str, Any], units: dict[str, Any], t: Any, comma: str) -> list[str]:
    said: list[str] = []
    ranked = [item for item in cells["items"] if item["rank"] is not None]
    middle = ranked[len(ranked) // 2]["score"] if ranked else 0
    if len(ranked) >= _RANKED:
        first = [item["name"] for item in ranked[:_NAMED] if item["score"] > middle]
        last = [item["name"] for item in ranked[-_NAMED:] if item["score"] < middle]
        said += [t(key, names=comma.join(names)) for key, names in (("praised", first), ("behind", last)) if names]
    late = sorted((item for item in units["items"] if item["overdue"]), key=lambda item: -item["overdue"])
    if late:
        said.append(t("press", units=comma.join(t("unit-late", name=item["name"], n=item["overdue"]) for item in late[:5])))
    back = sorted(
        (item for item in cells["items"] if item["recurrence"]["part"] >= _BACK), key=lambda item: -item["recurrence"]["part"]
    )
    if back:
        said.append(
            t("back", cells=comma.join(t("cell-back", name=item["name"], n=item["recurrence"]["part"]) for item in back[:5]))
        )
    unwalked = sorted(
        (item["name"] for item in cells["items"] if item["coverage"]["part"] * 2 < item["coverage"]["whole"]), key=in_order
    )
    if unwalked:
        said.append(t("walk", n=len(unwalked), cells=comma.join(unwalked[:8])))
    return said or [t("no-findings")]


async def paper(connection: Connection, span: Span, language: str) -> Paper:
    """The notice of a month."""

    def t(key: str, **values: Any) -> str:
        return say(f"circulation-{key}", language, **values)

    became = await summaries.became(connection, span.area, span.first, span.last, span.zone)
    cells, units = [await league.table(connection, span, of) for of in ("cells", "units")]
    inspected = {row["action"]: row["n"] for row in await connection.fetch(queries.INSPECTED, span.area, *span.instants)}
    comma, mark = ("、", "、") if language == "zh-CN" else (", ", ". ")
    told = {name: f"{rate['part']}" for name, rate in became.items()} | {
        f"{name}_rate": _percent(rate) for name, rate in became.items()
    }
    general = [t("found", n=became["filed"]["whole"], **told)] if became["filed"]["whole"] else [t("nothing")]
    if became["on_time"]["whole"]:
        extended = "" if became["on_time"] == became["on_time_extended"] else t("extended", **told)
        waiting = t("unchecked", **told) if became["unchecked"]["part"] else ""
        general.append(t("went", due=became["on_time"]["whole"], extended=extended, waiting=waiting, **told))
    if became["rework"]["part"]:
        general.append(t("sent-back", closed_all=became["rework"]["whole"], **told))
    if became["unresolved"]["part"]:
        general.append(t("unresolved", **told))
    if inspected:
        passed, failed = inspected.get("pass_inspection", 0), inspected.get("fail_inspection", 0)
        general.append(t("inspected", n=passed + failed, passed=passed, failed=failed))

    def numbered(texts: list[str]) -> list[Block]:
        return [Line(f"{n}{mark}{text}") for n, text in enumerate(texts, 1)]

    month = month_told(span.first, language)
    since, until = day_told(span.first, language), day_told(span.last, language)
    blocks: list[Block] = [
        Line(t("intro", area=span.name, month=month, since=since, until=until)),
        Line(t("part-1"), "head"), *numbered(general),
        Line(t("part-2"), "head"), *_ranking(cells, t),
        Line(t("part-3"), "head"), *_ranking(units, t), Line(t("method", prior=league.PRIOR, least=league.LEAST), "small"),
        Line(t("part-4"), "head"), *numbered(_findings(cells, units, t, comma)),
    ]  # fmt: skip
    today = now().astimezone(ZoneInfo(span.zone)).date()
    return Paper(language, t("title", area=span.name, month=month), span.issuer, blocks, [span.issuer, day_told(today, language)])
