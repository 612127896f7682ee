"""The dossier of one issue (一事一档): what it is, before and after, who did what, and what happened, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from app.issues import reading
from app.issues.lifecycle import ACTIONS
from app.kit.db import Connection, Database
from app.kit.language import TEXTS, say
from app.kit.times import now, told_instant
from app.office import queries
from app.office.ledger import Manner
from app.office.ledger import state as told_state
from app.office.pictures import figure
from app.office.written import Block, Figure, Line, Paper, Pictures, Table, day_told, moment_told
from app.photos import shown
from app.photos.shown import Shown
from app.photos.store import Store

_WORDS = ("note", "reason", "authority", "place")


@dataclass(frozen=True, slots=True)
class Dossier:
    """An issue, its history as the caller may know it, its photographs, names of what the history refers to by id, and of a merged issue the
    number of the one that it belongs to in the end."""

    issue: dict[str, Any]
    events: list[dict[str, Any]]
    photos: list[Shown]
    names: dict[str, str]
    survivor: str | None = None


async def gathered(connection: Connection, token: bytes, issues: list[dict[str, Any]]) -> list[Dossier]:
    """The dossiers of issues that the caller may see, in a few statements however many they are."""
    ids = [UUID(issue["id"]) for issue in issues]
    events = await reading.timelines(connection, token, ids)
    photos = await shown.of_issues(connection, ids)
    units = {UUID(unit) for happened in events.values() for event in happened if (unit := event["data"].get("unit"))}
    names = {row["id"]: row["name"] for row in await connection.fetch(queries.UNIT_NAMES, list(units))}
    for happened in events.values():
        names.update({event["by"]["id"]: event["by"]["name"] for event in happened if event["by"]["id"]})
    survivors: dict[str, str] = {}
    if any(issue["merged_into"] for issue in issues):
        survivors = {row["merged"]: row["number"] for row in await connection.fetch(queries.SURVIVORS, token, ids)}
    return [
        Dossier(issue, events.get(issue["id"], []), photos.get(issue["id"], []), names, survivors.get(issue["id"]))
        for issue in issues
    ]


def _did(action: str, language: str) -> str:
    for key in (f"happened-{action}", f"action-{action}"):
        if key in TEXTS:
            return say(key, language)
    return action


def _steps(dossier: Dossier, language: str) -> list[tuple[dict[str, Any], str]]:
    """What people and the clock did, each with as what: of a unit that was asked its name. Photographs that arrive are not steps."""
    steps: list[tuple[dict[str, Any], str]] = []
    unit = ""
    for event in dossier.events:
        data, acted = event["data"], event["by"]["as"]
        role = say(f"as-{acted}", language) if f"as-{acted}" in TEXTS else acted
        if event["action"] != "photo":
            steps.append((event, unit if acted == "assignee" and unit else role))
        if event["action"] in ("assign", "import_assign"):
            unit = dossier.names.get(data.get("unit") or "", "")
    return steps


def _step(event: dict[str, Any], language: str) -> str:
    """What was done; and the state that it led to, where the deed alone does not say it."""
    did = _did(event["action"], language)
    action = ACTIONS.get(event["action"])
    told = len(action.to or ()) > 1 if action else event["action"] == "report_mended"
    if told and event["to"] and event["to"] != event["from"]:
        did = say("dossier-step", language, did=did, state=say(f"state-{event['to']}", language))
    return did


def _words(dossier: Dossier, event: dict[str, Any], zone: ZoneInfo, language: str) -> str:
    """What was said with a step: reasons and notes, to whom, until when."""
    data = event["data"]
    words = [data[name] for name in _WORDS if isinstance(data.get(name), str) and data[name]]
    if isinstance(code := data.get("reason_code"), str) and f"reason-{code}" in TEXTS:
        words.append(say(f"reason-{code}", language))
    words += [dossier.names[data[name]] for name in ("unit", "assignee") if data.get(name) in dossier.names]
    if until := told_instant(data.get("deadline") or data.get("reply_by")):
        words.append(say("dossier-until", language, at=moment_told(until, zone, language)))
    # A sentence that somebody ended with a mark is not given a second one.
    told = [*(word.rstrip(" 。；，、;.,") for word in words[:-1]), *words[-1:]]
    return "；".join(told) if language == "zh-CN" else "; ".join(told)


def _facts(issue: dict[str, Any], manner: Manner) -> list[list[str]]:
    language = manner.language

    def name(ref: Any) -> str:
        return str(ref["name"] or "—") if ref else "—"

    def at(value: datetime | None) -> str:
        return moment_told(value, manner.zone, language) if value else "—"

    more = [
        say("dossier-reports-n", language, n=issue["reports"]) if issue["reports"] > 1 else "",
        say("dossier-recurrence", language, n=issue["recurrences"]) if issue["recurrences"] else "",
    ]
    state = " ".join([told_state(issue, language), *filter(None, more)])
    position = f"{issue['position']['lat']:.6f}, {issue['position']['lon']:.6f}"
    rows: list[tuple[str | None, str]] = [
        ("category", manner.category(issue["category"])), ("state", state), ("area", name(issue["area"])),
        ("cell", name(issue["cell"])), ("place", issue["place"] or "—"), (None, position), ("note", issue["note"] or "—"),
        ("unit", name(issue["unit"])), ("created_at", at(issue["created_at"])), ("deadline", at(issue["deadline"])), ("closed_at", at(issue["closed_at"])),
    ]  # fmt: skip
    return [[say(f"ledger-{key}" if key else "dossier-position", language), value] for key, value in rows]


def laid_out(dossier: Dossier, figures: list[Figure], manner: Manner) -> Paper:
    """The dossier as it is drawn."""
    language, issue = manner.language, dossier.issue

    def t(key: str, **values: Any) -> str:
        return say(f"dossier-{key}", language, **values)

    def head(*keys: str) -> list[str]:
        return [t(key) for key in keys]

    today = day_told(now().astimezone(manner.zone).date(), language)
    blocks: list[Block] = [
        Line(t("subtitle", number=issue["number"], day=today), "middle"),
        Table(_facts(issue, manner), [22, 78]),
    ]
    if dossier.survivor:
        blocks.append(Line(t("merged", number=dossier.survivor)))
    blocks.append(Line(t("pictures"), "head"))
    blocks.append(Pictures("", figures) if figures else Line(t("no-pictures")))
    done = _steps(dossier, language)
    people: dict[tuple[str, str], dict[str, None]] = {}
    for event, role in done:
        if event["by"]["as"] not in ("clock", "system"):
            people.setdefault((role, event["by"]["name"] or t("nameless")), {})[_did(event["action"], language)] = None
    comma = "、" if language == "zh-CN" else ", "
    blocks.append(Line(t("people"), "head"))
    blocks.append(
        Table(
            [[role, who, comma.join(did)] for (role, who), did in people.items()],
            [22, 26, 52],
            head("people-as", "people-name", "people-did"),
        )
    )
    steps: list[list[str]] = []
    for event, role in done:
        who = " ".join(part for part in (role, event["by"]["name"] or "") if part)
        words = _words(dossier, event, manner.zone, language)
        steps.append([moment_told(event["at"], manner.zone, language), _step(event, language), who, words])
    blocks.append(Line(t("timeline"), "head"))
    blocks.append(Table(steps, [26, 22, 22, 30], head("when", "what", "who", "words")))
    return Paper(language, t("title"), issue["area"]["name"] if issue["area"] else "", blocks)


def figures(dossier: Dossier, contents: dict[str, bytes], sources: dict[str, str], manner: Manner) -> list[Figure]:
    """Its photographs, by their ids the bytes or the addresses; what is in neither is said to be missing."""
    return [
        figure(photo.kind, photo.at, contents.get(photo.id), manner.zone, manner.language, sources.get(photo.id), photo)
        for photo in dossier.photos
    ]


async def paper(database: Database, token: bytes, objects: Store, id: UUID, manner: Manner) -> Paper:
    """The dossier of one issue with its photographs inside; 404 when there is none for this caller."""
    async with database.acquire() as connection:
        issue = await reading.one(connection, token, id)
        (found,) = await gathered(connection, token, [issue])
    contents = {photo.id: content for photo in found.photos if (content := await shown.content(objects, photo.file))}
    return laid_out(found, figures(found, contents, {}, manner), manner)
