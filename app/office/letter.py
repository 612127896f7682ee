"""The letter with which an issue is handed over to an authority outside (函): what is asked, by when, with a slip for the reply.

Each letter belongs to one handing over and says what was so then, whatever became of the issue.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from app.issues import reading
from app.kit.access import Caller
from app.kit.db import Connection, Database
from app.kit.language import say
from app.kit.problems import not_found
from app.kit.times import local, told_instant
from app.office import queries
from app.office.pictures import figure
from app.office.written import Block, Figure, Line, Paper, Pictures, Table, day_told
from app.photos import shown
from app.photos.shown import Shown
from app.photos.store import Store
from app.settings import settings

_MOST_PHOTOS = 4
# A place longer than this would fill the title.
_MOST_OF_TITLE = 30
_BLANK = "＿＿＿＿＿＿＿＿"


@dataclass(frozen=True, slots=True)
class Letter:
    """One handing over. `office` is the area's row (queries.OFFICE), `address` the authority's entry in the directory."""

    number: str
    note: str
    was: dict[str, Any]
    cell: str
    found_at: datetime
    at: datetime
    by: str
    request: str
    authority: str
    reply_by: datetime | None
    office: dict[str, Any]
    address: dict[str, Any]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.office["time_zone"])

    @property
    def issuer(self) -> str:
        return self.office["issuer"] or self.office["name"]


def _one_line(text: str) -> str:
    return " ".join(text.split())


async def _as_it_was(connection: Connection, issue: dict[str, Any], version: int) -> dict[str, Any]:
    """What the letter tells of the issue, as it was after an event: what later events changed is told by them."""
    was: dict[str, Any] = {
        "category": issue["category"], "place": issue["place"], "lat": issue["position"]["lat"], "lon": issue["position"]["lon"],
        "cell_id": issue["cell"] and issue["cell"]["id"], "area_id": issue["area"] and issue["area"]["id"],
    }  # fmt: skip
    for row in await connection.fetch(queries.CHANGED_SINCE, UUID(issue["id"]), version):
        was.update({name: value for name, value in row["was"].items() if name in was})
    return was


async def found(connection: Connection, caller: Caller, issue: dict[str, Any], version: int | None) -> Letter:
    """The letter of one handing over (None: the last); 404 without one, or for who may not hand this issue over."""
    area = UUID(issue["area"]["id"]) if issue["area"] else None
    cell = UUID(issue["cell"]["id"]) if issue["cell"] else None
    event = await connection.fetchrow(queries.HANDED_OVER, UUID(issue["id"]), version)
    if event is None or not (caller.is_admin or area in caller.staffs or cell in caller.leads):
        raise not_found()
    data, was = event["data"], await _as_it_was(connection, issue, event["version"])
    then = UUID(was["area_id"]) if was["area_id"] else None
    office = await connection.fetchrow(queries.OFFICE, then)
    authority = str(data.get("authority", ""))
    address = await connection.fetchrow(queries.ADDRESS_OF, then, authority)
    named: Any = await connection.fetchval(queries.CELL_NAME, UUID(was["cell_id"])) if was["cell_id"] else None
    until = data.get("reply_by")
    return Letter(
        issue["number"], issue["note"], was, named or "", issue["created_at"], event["at"], event["by"] or "",
        str(data.get("note", "")), _one_line(authority), told_instant(until),
        dict(office) if office else {"name": "", "issuer": "", "contact": "", "phone": "", "time_zone": settings().time_zone},
        dict(address) if address else {},
    )  # fmt: skip


async def _scenes(connection: Connection, token: bytes, issue: dict[str, Any], until: datetime) -> list[Shown]:
    """Photographs that were there when the issue was handed over, without those of it mended; of a merged issue, where they went."""
    id = UUID(issue["id"])
    photos = (await shown.of_issues(connection, [id])).get(issue["id"], [])
    survivor = await connection.fetchrow(queries.SURVIVORS, token, [id])
    if survivor is not None:
        gone: Any = await connection.fetchval(queries.MOVED_PHOTOS, id)
        moved = (await shown.of_issues(connection, [UUID(survivor["id"])])).get(survivor["id"], [])
        photos = [*photos, *(photo for photo in moved if photo.id in gone)]
    return [photo for photo in photos if photo.kind != "after" and photo.at <= until and photo.file]


def _paragraphs(label: str, text: str) -> list[Line]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return [Line(f"{label}{line}" if n == 0 else line) for n, line in enumerate(lines)]


def laid_out(letter: Letter, category: str, figures: list[Figure], language: str) -> Paper:
    """The letter as it is drawn: the letter itself, photographs of the scene, and the slip for the reply."""

    def t(key: str, **values: Any) -> str:
        return say(f"letter-{key}", language, **values)

    def day(at: datetime) -> str:
        return day_told(local(at, letter.zone).date(), language)

    was, issuer = letter.was, _one_line(letter.issuer)
    place = _one_line(was["place"])
    where = place or letter.cell or letter.office["name"]
    chinese = language == "zh-CN"
    kind = category.removesuffix("问题") if chinese else category[:1].lower() + category[1:]
    short = where if len(where) <= _MOST_OF_TITLE else letter.cell or letter.office["name"]
    title = t("title", where=short, kind=kind)
    until = t("until", day=day(letter.reply_by)) if letter.reply_by else t("soon")
    facts = [
        ("number", letter.number), ("category", category), ("area", letter.office["name"]), ("cell", letter.cell), ("place", place),
        ("position", f"{was['lat']:.6f}, {was['lon']:.6f} (WGS 84)"), ("found", day(letter.found_at)),
    ]  # fmt: skip
    request = letter.request.strip() or t("request-none", kind=kind)
    contact = t("contact", name=letter.office["contact"] or letter.by or _BLANK, phone=letter.office["phone"] or _BLANK)
    enclosed = [Line(line) for line in t("appendices" if figures else "appendix").splitlines()]
    blocks: list[Block] = [
        Line(t("to", authority=letter.authority), "flush"),
        Line(t("intro", issuer=issuer, found=day(letter.found_at), where=where, kind=kind, number=letter.number)),
        Table([[t(key), value] for key, value in facts if value], [22, 78]),
        *_paragraphs(t("note"), letter.note),
        *_paragraphs(t("request"), request),
        Line(t("reply", until=until)),
        *([Line(t("end")), *enclosed] if chinese else [*enclosed, Line(t("end"))]),
    ]
    address = t("sent", authority=letter.authority, at=_one_line(" ".join(filter(None, letter.address.values()))))
    slip = [
        ("slip-title", f"{title}（{letter.number}）" if chinese else f"{title} ({letter.number})"),
        ("slip-from", issuer), ("slip-authority", f"{letter.authority}\n\n"), ("slip-words", "\n" * 6),
        ("slip-result", t("slip-choices")), ("slip-person", ""), ("slip-phone", ""), ("slip-day", t("slip-blank-day")),
    ]  # fmt: skip
    after: list[Block] = [Line(contact)]
    if letter.address.get("phone") or letter.address.get("address"):
        after.append(Line(address, "small"))
    if figures:
        after += [Line(t("photographs"), "head", sheet=True), Pictures("", figures)]
    after += [
        Line(t("slip"), "head", sheet=True),
        Table([[t(key), value] for key, value in slip], [26, 74]),
        Line(t("slip-back", until=until, issuer=issuer), "small"),
        Line(contact, "small"),
    ]
    return Paper(language, title, issuer, blocks, (issuer, day(letter.at)), after)


async def paper(
    database: Database, token: bytes, caller: Caller, objects: Store, id: UUID, version: int | None,
    names: dict[str, str], language: str,
) -> Paper:  # fmt: skip
    """The letter of one handing over of an issue, with photographs inside. `names` are the categories' in `language`."""
    async with database.acquire() as connection:
        issue = await reading.one(connection, token, id)
        letter = await found(connection, caller, issue, version)
        scenes = await _scenes(connection, token, issue, letter.at)
    figures: list[Figure] = []
    for photo in scenes[:_MOST_PHOTOS]:
        content = await shown.content(objects, photo.file)
        figures.append(figure(photo.kind, photo.at, content, letter.zone, language, said=photo))
    code: str = letter.was["category"]
    return laid_out(letter, names.get(code, code), figures, language)
