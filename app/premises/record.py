"""Premises with their record: letter, visits, warnings, and what was found there again and again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from app.grid.locate import locate
from app.kit.access import Caller
from app.kit.db import Connection
from app.kit.language import day_told, say
from app.kit.problems import Problem, invalid, not_found
from app.kit.times import local, told_instant
from app.photos import shown
from app.premises import queries
from app.premises.schemas import PremisesIn, VisitIn

MOST_M = 2000


def _reach(caller: Caller) -> tuple[Any, ...]:
    return caller.is_admin, caller.staffs, caller.leads, *caller.scope


async def listed(
    connection: Connection, caller: Caller, after: UUID, area: UUID | None, cell: UUID | None, q: str | None, active: bool, rows: int
) -> list[dict[str, Any]]:  # fmt: skip
    found = await connection.fetch(queries.LIST, *_reach(caller), after, area, cell, q, active, rows)
    return [{key: value for key, value in row.items() if key != "manages"} for row in found]


async def _one(connection: Connection, caller: Caller, id: UUID) -> Any:
    row = await connection.fetchrow(queries.ONE, *_reach(caller), id)
    if row is None:
        raise not_found()
    return row


@dataclass(frozen=True, slots=True)
class Record:
    """Everything about premises, on one screen."""

    premises: dict[str, Any]
    visits: list[dict[str, Any]]
    issues: list[dict[str, Any]]

    def json(self) -> dict[str, Any]:
        return self.premises | {"record": {"visits": self.visits, "issues": self.issues}}


async def read(connection: Connection, caller: Caller, id: UUID) -> Record:
    """Problem 404 for whoever does not read the area."""
    row = dict(await _one(connection, caller, id))
    manages = row.pop("manages")
    visits = await connection.fetch(queries.VISITS, id, manages, caller.account_id)
    return Record(row, [dict(v) for v in visits], [dict(i) for i in await connection.fetch(queries.ISSUES, id, *caller.scope)])


async def put(connection: Connection, caller: Caller, id: UUID, wish: PremisesIn) -> bool:
    """Enter premises, or change them; True when they are new. The cell follows from the frontage's first point.

    Problems: 404 outside what the caller answers for; 422 a frontage that is too long, or lies in another area's cell.
    """
    text, (lat, lon) = wish.frontage.wkt()
    length: Any = await connection.fetchval(queries.LENGTH_M, text)
    if length > MOST_M:
        raise invalid("/frontage", "bad-frontage")
    cell, area = await locate(connection, lat, lon)
    held = await connection.fetchrow(queries.HELD, id, wish.area)
    before = held["cell_id"] if held else cell
    office = caller.is_admin or wish.area in caller.staffs
    if not (office or (cell in caller.leads and before in caller.leads)):
        raise not_found()
    if cell is not None and area != wish.area:
        raise invalid("/frontage", "other-area")
    letter = wish.letter
    fresh = await connection.fetchval(
        queries.PUT, id, wish.area, cell, wish.name, wish.kind, wish.owner, wish.phone, wish.address, text,
        letter.signed_on if letter else None, letter.photo if letter else None, wish.active,
        office, caller.leads,
    )  # fmt: skip
    if fresh is None:
        raise not_found()
    if letter and letter.photo:
        await shown.attach(connection, "premises", id, wish.area, [letter.photo], caller.account_id)
    return fresh


async def visit(connection: Connection, caller: Caller, id: UUID, visit: UUID, wish: VisitIn) -> bool:
    """Note a visit or a warning, once however often it is sent; True when it is new.

    Problems: 404, also where the id is of something else; 403 a warning by somebody who is neither the cell's leader nor staff; 409
    another visit to these premises has this id.
    """
    row = await _one(connection, caller, id)
    if wish.kind == "warning" and not row["manages"]:
        raise Problem(403, "warning-by-office")
    fresh = await connection.fetchval(queries.ADD_VISIT, visit, id, caller.account_id, wish.kind, wish.at, wish.note)
    if not fresh:
        there = await connection.fetchrow(queries.VISIT, visit, id)
        if there is None:
            raise not_found()
        if tuple(there) != (caller.account_id, wish.kind, wish.at, wish.note):
            raise Problem(409, "conflict")
    await shown.attach(connection, "visit", visit, UUID(row["area"]), wish.photos, caller.account_id)
    return bool(fresh)


_STYLE = """
body { font: 15px/1.7 "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif; max-width: 60em; margin: 1.5em auto; padding: 0 1em; color: #1a1a1a }
h1 { font-size: 22px; margin: 0 } h2 { font-size: 16px; margin: 1.5em 0 .4em; border-bottom: 1px solid #bbb }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2em 1em } dt { color: #555 } dd { margin: 0 }
.figures { display: flex; flex-wrap: wrap; gap: .6em; margin: 1em 0 } .figures div { border: 1px solid #ccc; border-radius: 6px; padding: .4em 1em }
.figures div { text-align: center }
.figures b { display: block; font-size: 22px } .bad b { color: #b3261e }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; border-bottom: 1px solid #ddd; padding: .25em .6em .25em 0; vertical-align: top }
th { font-weight: normal; color: #555 } .repeat { color: #b3261e }
@page { size: A4; margin: 18mm }
"""


def page(record: Record, categories: dict[str, str], zone: ZoneInfo, language: str) -> str:
    """HTML of the record: one screen, or one page to print. `categories` maps codes to names in `language`."""

    def t(key: str) -> str:
        return escape(say(f"premises-{key}", language))

    def day(at: datetime | None) -> str:
        return day_told(local(at, zone).date(), language) if at else "—"

    it = record.premises
    signed = told_instant(it["letter"]["signed_on"]) if it["letter"] else None
    letter = day_told(signed.date(), language) if signed else "—" if it["letter"] else t("unsigned")
    facts = [
        ("kind", t(it["kind"])), ("address", it["address"] or "—"), ("cell", it["cell"]["name"] if it["cell"] else "—"),
        *([("owner", it["owner"] or "—"), ("phone", it["phone"] or "—")] if it["owner"] is not None else []), ("letter", letter),
    ]  # fmt: skip
    figures = "".join(
        f'<div class="{"bad" if bad and it[key] else ""}"><b>{it[key]}</b>{t(key)}</div>'
        for key, bad in (("issues", False), ("open", True), ("repeats", True), ("visits", False), ("warnings", True))
    )
    visits = "".join(
        f"<tr><td>{day(v['at'])}<td>{t('did-' + v['kind'])}<td>{escape(v['note'])}<td>{escape(v['by'] or '')}</tr>"
        for v in record.visits
    )
    issues = "".join(
        f"<tr><td>{day(i['created_at'])}<td>{escape(i['number'])}<td>{escape(str(categories.get(i['category'], i['category'])))}"
        f"<td>{escape(say('state-' + i['state'], language))}<td class=repeat>{t('repeat') if i['repeat'] else ''}<td>{escape(i['note'])}</tr>"
        for i in record.issues
    )
    none = f"<p>{t('none')}</p>"
    return (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(it['name'])}</title><style>{_STYLE}</style><h1>{escape(it['name'])}</h1>"
        f"<dl>{''.join(f'<dt>{t(key)}<dd>{escape(str(value))}' for key, value in facts)}</dl><div class=figures>{figures}</div>"
        f"<h2>{t('found')}</h2>{f'<table>{issues}</table>' if issues else none}<h2>{t('visited')}</h2>"
        f"{f'<table>{visits}</table>' if visits else none}</html>"
    )
