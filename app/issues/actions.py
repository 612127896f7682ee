"""The one way in for change: every action on an issue passes through `act`.

An action reads the issue, checks the lifecycle table, reckons what changes, and writes state and event in one statement
that takes effect only if nobody changed the issue since (`issues.version`, with `events (issue_id, version)` unique
behind it). Of two at once one wins; the other is told the present state.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from app.duties import calendar, deadlines
from app.duties.planning import planned
from app.grid.locate import locate
from app.issues import queries
from app.issues.lifecycle import ACTIONS, DECIDING, OPEN, REOPEN_DAYS, Action, Who, acts_as, personal_obstacle
from app.issues.reading import etag, one, serves
from app.issues.schemas import ActionIn, wrong_fields
from app.kit.access import RECTIFIER, STAFF, Caller
from app.kit.datum import Datum
from app.kit.db import Connection, tell_after_commit
from app.kit.problems import Problem, from_validation, invalid, no_reach, not_found
from app.kit.times import MAX_DEADLINE, now, told_instant, within
from app.settings import settings

# Columns that say who sees an issue beside its reporters.
_AUDIENCES = ("area_id", "unit_id", "assignee_id")
_KEPT = (
    "unit_id", "assignee_id", "deadline", "deadline_left_s", "extension_until", "authority", "reply_by", "rectified_by",
    "rectified_at", "merged_into", "closed_at", "category", "category_version", "lon", "lat", "cell_id", "area_id", "place",
    "reports", "premises_id",
)  # fmt: skip
# Written after those, since they came later.
_KEPT_TOO = ("first_deadline", "first_left_s", "unresolved")

# Where nobody has been asked to mend it yet: there an issue may be without a clock.
_UNASKED = ("reported", "accepted")

# Events that add to an issue and conflict with nothing.
_ADDITIONS = [
    *(name for name, action in ACTIONS.items() if action.commutes),
    "report",
    "photo",
    "absorb",
    "remind",
    "remind_reply",
    "recur",
]


class Raced(Exception):
    """Somebody changed the issue between reading and writing."""

    def __init__(self, id: UUID, version: int) -> None:
        super().__init__(id, version)
        self.id, self.version = id, version


async def act(
    connection: Connection, caller: Caller, token: bytes, id: UUID, name: str, fields: dict[str, Any], if_match: str | None,
    datum: Datum = "wgs84",
) -> dict[str, Any]:  # fmt: skip
    """Take action `name` on issue `id`; the issue as it then is.

    Problems: 404 not for this caller; 412 stale If-Match; 409 not open now (with the issue as it is), or somebody acted at
    the same moment; 422 fields missing, unknown or impossible.
    """
    for _ in range(20):
        try:
            async with connection.transaction():
                return await _act_once(connection, caller, token, id, name, fields, if_match, datum)
        except Raced as raced:
            # A photograph that arrives, or a comment, is no reason to send a leader back: only a change that bears on theirs does.
            if not ACTIONS[name].commutes and not await connection.fetchval(
                queries.ONLY_ADDED, raced.id, raced.version, _ADDITIONS
            ):
                break
    issue = await one(connection, token, id, datum)
    raise Problem(409, "acted-at-once", extra={"issue": issue})


async def _act_once(
    connection: Connection, caller: Caller, token: bytes, id: UUID, name: str, fields: dict[str, Any], if_match: str | None,
    datum: Datum,
) -> dict[str, Any]:  # fmt: skip
    row = await connection.fetchrow(queries.FOR_CHANGE, token, id, settings().time_zone)
    if row is None:
        raise not_found()
    # Somebody's own old report, which they may read and no role of theirs reaches any more.
    if not row["reaches"] and not row["relation"] & ~RECTIFIER:
        raise no_reach()
    if if_match is not None and if_match.strip() != "*":
        tags = {tag.strip().removeprefix("W/") for tag in if_match.split(",")}
        if etag(row["version"]) not in tags:
            # Whether anything happened that bears on the action: a phone sends it again by itself when it was a picture or a comment only.
            seen = [int(tag[1:-1]) for tag in tags if re.fullmatch(r'"\d{1,9}"', tag)]
            added = bool(seen) and await connection.fetchval(queries.ONLY_ADDED, id, max(seen), _ADDITIONS)
            told = {"only_added": bool(added), "version": row["version"]}
            raise Problem(412, "stale", version=row["version"], headers={"etag": etag(row["version"])}, extra=told)
    action = ACTIONS.get(name)
    acting = acts_as(action, row["state"], row["relation"], row["ended_lately"]) if action else None
    if action is None or acting is None:
        issue = await one(connection, token, id, datum)
        told = {"issue": issue, "actions": issue["actions"]}
        raise _refused(action, name, row["state"], row["relation"], told)
    if action.proved and row["evidence_missing"]:
        raise await _unproved(connection, token, id, datum)
    try:
        wish = ActionIn.model_validate(fields)
    except ValidationError as error:
        raise from_validation(error.errors()) from None
    wrong = wrong_fields(action, wish)
    if wrong:
        raise Problem(422, "validation", fields=wrong)
    change = dict(row)
    data = wish.model_dump(mode="json", exclude_none=True)
    state = action.to[0] if action.to else row["state"]
    reckoning = _Reckoning(connection, caller, token, change, wish, data, action, acting)
    state = await reckoning.run() or state
    photos: Any = reckoning.photos
    if wish.photos:
        proof = name in ("rectify", "reply") or _brings_what_is_missing(row, caller, acting)
        kind = "after" if proof else "scene"
        at = change["rectified_at"] if name in ("rectify", "reply") else None
        photos = await connection.fetchval(queries.ADD_EVIDENCE, id, wish.photos, None, kind, caller.account_id, at)
    await _write(connection, row, state, change, action.name, caller.account_id, acting, data, photos, reckoning.departed)
    await _publish(connection, id, action.name, acting, wish.public_place)
    return await one(connection, token, id, datum, just_changed=True)


async def _publish(connection: Connection, id: UUID, action: str, acting: Who, place: str | None) -> None:
    """Whether everybody may see the issue, and its place by what name: as a leader or the office decides, never its reporter."""
    if action == "reject":
        await connection.execute(queries.REJECTED, id)
    elif action in DECIDING and acting in ("leader", "staff"):
        await connection.execute(queries.ACCEPTED, id)
    if action == "relocate":
        place = ""  # the name was of where it had been
    if place is not None:
        await connection.execute(queries.NAME_PLACE, id, place)


async def pass_on(connection: Connection, caller: Caller, token: bytes, ids: Iterable[UUID], person: UUID, to: UUID) -> int:
    """Open issues that `person` was to mend are `to`'s, state and deadline as they are; how many. No request of its own: it is part of
    handing somebody's work over.

    The rows are locked in the order of their ids, and what is no longer theirs is passed by. Problem 422 when `to` does not serve the
    area of one.
    """
    done = 0
    for id in sorted(ids):
        await connection.fetchrow(queries.LOCK_ISSUE, id)
        row = await connection.fetchrow(queries.FOR_CHANGE, token, id, settings().time_zone)
        if row is None or row["assignee_id"] != person or row["state"] not in OPEN:
            continue
        if row["area_id"] is not None and not await serves(connection, to, row["area_id"]):
            raise invalid("/to", "unknown-account")
        acting = "staff" if row["relation"] & STAFF else "leader"
        data = {"assignee": str(to), "before": str(person)}
        change = dict(row) | {"assignee_id": to}
        await _write(connection, row, row["state"], change, "pass_on", caller.account_id, acting, data)
        done += 1
    return done


def _refused(action: Action | None, name: str, state: str, relation: int, told: dict[str, Any]) -> Problem:
    """Why somebody may not: the state allows it to nobody, or it allows it to others."""
    obstacle = None if action is None else personal_obstacle(action, state, relation)
    if action is None or obstacle is None:
        extra = told | {"reason": "state"}
        return Problem(409, "not-open", state=state, action=name, extra=extra)
    who = tuple(f"as-{who}" for who in action.who)
    sentence, extra = f"not-yours-{obstacle}", told | {"reason": obstacle}
    days = REOPEN_DAYS
    return Problem(409, "not-open", sentence=sentence, action=name, who=who, days=days, extra=extra)


async def _unproved(connection: Connection, token: bytes, id: UUID, datum: Datum) -> Problem:
    """The refusal of a check while there is nothing to be checked, with the photographs that are missing and why."""
    lacking = [dict(row) for row in await connection.fetch(queries.LACKING, id)]
    issue = await one(connection, token, id, datum)
    bad = any(photo["state"] in ("damaged", "refused") for photo in lacking)
    extra = {"issue": issue, "actions": issue["actions"], "missing": lacking}
    return Problem(409, "evidence-damaged" if bad else "evidence-missing", extra=extra)


def _brings_what_is_missing(row: Any, caller: Caller, acting: Who) -> bool:
    """Whether photographs with a comment stand for those of the rectification that never arrived: sent by who mended it, or
    for an authority outside, by the office."""
    by = row["rectified_by"]
    return row["evidence_missing"] and (by == caller.account_id or (by is None and acting == "staff"))


async def _write(
    connection: Connection,
    row: Any,
    state: str,
    change: dict[str, Any],
    action: str,
    actor: UUID,
    acting: str,
    data: dict[str, Any],
    photos: int = 0,
    departed: Iterable[UUID] = (),
) -> None:
    """Write state and event. `departed` are accounts who may lose sight of the issue beside those whom the change itself shows."""
    gone = [row[name] for name in _AUDIENCES if row[name] is not None and row[name] != change[name]]
    was = {name: row[name] for name in (*_KEPT, *_KEPT_TOO) if row[name] != change[name]}
    # What the statement reckons itself.
    if photos:
        was["evidence"] = row["evidence"]
    if action in ("send_back", "fail_inspection"):
        was["rework"] = row["rework"]
    version = await connection.fetchval(
        queries.CHANGE, row["id"], row["version"], state, *(change[name] for name in _KEPT), photos, action, row["state"],
        actor, acting, data, [*gone, *departed], *planned(row, change, state, now()), was or None,
        *(change[name] for name in _KEPT_TOO),
    )  # fmt: skip
    if version is None:
        raise Raced(row["id"], row["version"])
    tell_after_commit(connection, (*(change[name] for name in _AUDIENCES), row["reporter_id"], *gone, *departed))


class _Reckoning:
    """What one action changes beside the state. `change` holds the issue's columns and is written back whole."""

    def __init__(
        self, connection: Connection, caller: Caller, token: bytes, change: dict[str, Any], wish: ActionIn,
        data: dict[str, Any], action: Action, acting: Who,
    ) -> None:  # fmt: skip
        self.connection, self.caller, self.token, self.acting = connection, caller, token, acting
        self.photos, self.departed = 0, set[UUID]()
        self.change, self.wish, self.data, self.action = change, wish, data, action

    async def run(self) -> str | None:
        """Changes `change` and `data` in place; the state, where the request decides it."""
        step = getattr(self, self.action.name, None)
        return await step() if step is not None else None

    def _future(self, field: str, value: datetime | None) -> None:
        """An instant that lies ahead, and no further than people plan."""
        if value is None:
            return
        if value <= now():
            raise invalid(f"/{field}", "past-time")
        if value > now() + MAX_DEADLINE:
            fields = [(f"/{field}", "too-far")]
            raise Problem(422, "validation", fields=fields, days=MAX_DEADLINE.days)

    async def _counting(self, of: Any = None) -> deadlines.Counting:
        """How the issue's time, or another's, is counted: by category, in the area's calendar."""
        row = of or self.change
        days = await calendar.exceptions(self.connection, row["area_id"])
        return deadlines.Counting(now(), row["deadline_clock"], row["time_zone"], days)

    async def _go_on(self, counting: deadlines.Counting) -> None:
        """What was handed over comes back: its clock goes on with the time that was left."""
        if self.change["state"] == "handed_over":
            row = await self.connection.fetchrow(queries.CLOCK_STOPPED, self.change["id"])
            stopped = deadlines.Stopped(row["at"], row["was"]) if row and row["was"] else None
            deadlines.go_on(self.change, counting, stopped)
        self.change.update(authority=None, reply_by=None)

    async def _needs_after_photo(self) -> None:
        if self.change["after_photo"] and not self.wish.photos:
            raise invalid("/photos", "after-photo")
        # Two that name one photograph at once may both pass here; who was later is found out by GIVEN.
        if self.wish.photos and await self.connection.fetchval(queries.USED, self.token, self.wish.photos):
            raise invalid("/photos", "photo-used")

    async def assign(self) -> None:
        wish, change = self.wish, self.change
        if wish.unit is not None and wish.assignee is not None:
            raise invalid("/assignee", "one-assignee")
        unit, person = wish.unit, wish.assignee
        if unit is None and person is None:
            unit = await self.connection.fetchval(queries.RULE, change["cell_id"], change["area_id"], change["category"])
            if unit is None:
                raise invalid("/unit", "no-rule")
        elif unit is not None and not await self.connection.fetchval(queries.UNIT_SERVES, unit, change["area_id"]):
            raise invalid("/unit", "unknown-unit")
        elif person is not None and not await serves(self.connection, person, change["area_id"]):
            raise invalid("/assignee", "unknown-account")
        self._future("deadline", wish.deadline)
        await self._put_deadline(wish.deadline)
        change.update(unit_id=unit, assignee_id=person, extension_until=None)
        deadline = change["deadline"].isoformat()
        self.data.update(deadline=deadline, **({"unit": str(unit)} if unit else {"assignee": str(person)}))

    async def _put_deadline(self, wished: datetime | None) -> None:
        """The first assignment of a round begins its clock, with the category's time unless less is
        named. Every other one keeps it: to name a later deadline is to extend it."""
        change = self.change
        counting = await self._counting()
        await self._go_on(counting)
        in_force = change["deadline"]
        if in_force is not None and wished is None:
            return
        default = counting.after(change["deadline_hours"] * 3600)
        base = default if in_force is None else within(in_force)
        until = wished or default
        if until > base:
            if self.wish.reason is None:
                raise invalid("/reason", "later-needs-reason")
            await self._check_limits(until, base)
        if deadlines.set_deadline(change, until, base):
            self.data["extended_from"] = base.isoformat()

    async def rectify(self) -> None:
        await self._needs_after_photo()
        self.change.update(rectified_by=self.caller.account_id, rectified_at=now(), extension_until=None)

    async def verify(self) -> None:
        self.change["closed_at"] = now()

    async def send_back(self) -> None:
        self.change.update(rectified_by=None, rectified_at=None)
        if self.change["unit_id"] is None and self.change["assignee_id"] is None:
            # Mended by its reporter: it goes back to him.
            self.change["assignee_id"] = self.change["reporter_id"]

    async def hand_over(self) -> None:
        self._future("reply_by", self.wish.reply_by)
        deadlines.stop(self.change, await self._counting())
        self.change.update(extension_until=None, authority=self.wish.authority, reply_by=self.wish.reply_by)

    async def reply(self) -> str:
        assert self.wish.to is not None
        self.data["authority"] = self.change["authority"]
        await self._go_on(await self._counting())
        if self.change["deadline"] is not None:
            self.data["deadline"] = self.change["deadline"].isoformat()
        if self.wish.to == "rectified":
            await self._needs_after_photo()
            # Mended by the authority outside: nobody here, so anybody who may verify can.
            self.change.update(rectified_by=None, rectified_at=now())
        return self.wish.to

    async def _check_extension(self, until: datetime) -> None:
        """Later than the deadline in force."""
        self._future("deadline", until)
        deadline = self.change["deadline"]
        if deadline is not None and until <= within(deadline):
            raise invalid("/deadline", "not-later")
        await self._check_limits(until, deadline or now())

    async def _check_limits(self, until: datetime, base: datetime) -> None:
        """By so many days, and so often, since the issue was reported or opened again."""
        if until > max(within(base), now()) + timedelta(days=settings().extension_days):
            raise Problem(422, "validation", fields=[("/deadline", "extension-too-long")], days=settings().extension_days)
        granted: Any = await self.connection.fetchval(queries.EXTENSIONS, self.change["id"])
        if granted >= settings().extensions:
            raise Problem(409, "extensions-used-up", times=settings().extensions)

    async def request_extension(self) -> None:
        assert self.wish.deadline is not None
        await self._check_extension(self.wish.deadline)
        self.change["extension_until"] = self.wish.deadline

    async def grant_extension(self) -> None:
        until = self.wish.deadline or self.change["extension_until"]
        if until is None:
            raise Problem(409, "no-extension")
        await self._check_extension(until)
        before = within(self.change["deadline"]) if self.change["deadline"] else None
        if deadlines.set_deadline(self.change, until, before) and before:
            self.data["extended_from"] = before.isoformat()
        self.change["extension_until"] = None
        self.data["deadline"] = until.isoformat()

    async def refuse_extension(self) -> None:
        if self.change["extension_until"] is None:
            raise Problem(409, "no-extension")
        self.change["extension_until"] = None

    async def close_unresolved(self) -> None:
        if deadlines.ran_out(self.change):
            await self._go_on(await self._counting())
        self.change.update(closed_at=now(), unresolved=self.wish.reason_code, extension_until=None)
        self.change.update(authority=None, reply_by=None, deadline_left_s=None, first_left_s=None)

    async def reopen(self) -> None:
        """A new round: who mends it is named anew, and the clock begins anew with that. What had run out
        and was never mended is as late as it was: to end it in another way is no way to be on time."""
        change = self.change
        ended = change["closed_at"] or now()
        mended = change["state"] == "closed" and change["unresolved"] is None
        late = not mended and deadlines.passed(change, ended)
        change.update(
            closed_at=None, rectified_by=None, rectified_at=None, unit_id=None, assignee_id=None,
            extension_until=None, authority=None, reply_by=None, unresolved=None, **({} if late else deadlines.NO_CLOCK),
        )  # fmt: skip

    fail_inspection = reopen

    async def name_premises(self) -> None:
        named, change = self.wish.premises, self.change
        if named is not None and not await self.connection.fetchval(queries.PREMISES_OF, named, change["area_id"]):
            raise invalid("/premises", "unknown-premises")
        self.data["before"] = _text(change["premises_id"])
        change["premises_id"] = named

    async def reclassify(self) -> None:
        kind = await self.connection.fetchrow(queries.KIND, self.wish.category, self.change["area_id"], self.change["cell_id"])
        if kind is None:
            raise invalid("/category", "unknown-category")
        self.data["before"] = self.change["category"]
        before = await self._counting()
        self.change.update(category=kind["code"], category_version=kind["version"])
        if kind["deadline_clock"] != before.clock:
            deadlines.recount(self.change, before, replace(before, clock=kind["deadline_clock"]))

    async def relocate(self) -> None:
        assert self.wish.position is not None
        lat, lon = self.wish.position.wgs84()
        cell, area = await locate(self.connection, lat, lon)
        self.data["before"] = {"lat": self.change["lat"], "lon": self.change["lon"], "cell": _text(self.change["cell_id"])}
        moved = area is not None and area != self.change["area_id"]
        self.change.update(lat=lat, lon=lon, cell_id=cell, area_id=area or self.change["area_id"])
        if moved:  # premises are those of a community
            self.change["premises_id"] = None
        if self.wish.place is not None:
            self.change["place"] = self.wish.place

    async def _both(self, other: UUID) -> Any:
        """The other issue of a merge, for change. Both rows are locked in the order of their ids, so that two merges that cross
        cannot deadlock."""
        for id in sorted((other, self.change["id"])):
            await self.connection.fetchrow(queries.LOCK_ISSUE, id)
        return await self.connection.fetchrow(queries.FOR_CHANGE, self.token, other, settings().time_zone)

    async def _move(self, source: UUID, target: UUID, only: dict[str, Any] | None) -> tuple[dict[str, list[str]], set[UUID]]:
        """Move reports and evidence (or `only` those of a merge); what was moved, and whose reports."""
        reports = None if only is None else [UUID(id) for id in only["reports"]]
        photos = None if only is None else [UUID(id) for id in only.get("photos", ())]
        moved = await self.connection.fetch(queries.MOVE_REPORTS, source, target, reports)
        shown = await self.connection.fetch(queries.MOVE_EVIDENCE, source, target, photos)
        what = {"reports": [str(r["id"]) for r in moved], "photos": [str(p["photo_id"]) for p in shown]}
        return what, {r["account_id"] for r in moved}

    async def _count(
        self,
        other: Any,
        by: int,
        what: dict[str, list[str]],
        action: str,
        side: str,
        gone: set[UUID],
        clock: dict[str, Any],
    ) -> None:
        """The other issue's side of a merge or its undo; `clock`: what of its clock changes."""
        reports = other["reports"] + by * len(what["reports"])
        change = dict(other) | {"reports": reports} | clock
        await _write(
            self.connection, other, other["state"], change, action, self.caller.account_id, self.acting,
            {side: str(self.change["id"]), **what}, by * len(what["photos"]), gone,
        )  # fmt: skip

    async def merge(self) -> None:
        target = self.wish.into
        if target == self.change["id"]:
            raise invalid("/into", "same-issue")
        assert target is not None
        survivor = await self._both(target)
        if survivor is None or acts_as(self.action, survivor["state"], survivor["relation"], False) is None:
            raise invalid("/into", "unknown-issue")
        what, reporters = await self._move(self.change["id"], target, None)
        clock = {name: survivor[name] for name in deadlines.NO_CLOCK}
        counting = await self._counting(survivor)
        deadlines.join(clock, self.change, survivor["state"] == "handed_over", counting)
        await self._count(survivor, 1, what, "absorb", "from", set(), clock)
        self.data.update(into=str(target), state=self.change["state"], **what)
        self.change.update(merged_into=target, reports=0)
        # Who had joined the merged issue now sees the survivor in its place, and its first reporter both.
        self.departed, self.photos = reporters, -len(what["photos"])

    async def unmerge(self) -> str:
        # The survivor may itself have been merged since: what was moved is where the chain ends.
        target: Any = await self.connection.fetchval(queries.SURVIVOR, self.change["merged_into"])
        survivor = await self._both(target)
        if survivor is None:
            raise not_found()
        if survivor["merged_into"] is not None:  # merged between the look and the lock
            raise Raced(survivor["id"], survivor["version"])
        merge: Any = await self.connection.fetchval(queries.MERGE_EVENT, self.change["id"])
        what, reporters = await self._move(target, self.change["id"], merge)
        clock = await self._given_back(survivor)
        await self._count(survivor, -1, what, "release", "to", reporters, clock)
        self.data.update(what)
        self.change.update(merged_into=None, reports=len(what["reports"]))
        self.photos = len(what["photos"])
        assert merge["state"] in OPEN
        return merge["state"]

    async def _given_back(self, survivor: Any) -> dict[str, Any]:
        """The survivor's own clock, where it took this issue's and nothing has moved it since."""
        taken = (survivor["id"], str(self.change["id"]))
        was: Any = await self.connection.fetchval(queries.CLOCK_TAKEN, *taken)
        if was is None:
            return {}
        own: dict[str, Any] = {name: was[name] for name in deadlines.NO_CLOCK if name in was}
        if own.get("deadline", ...) is None and survivor["state"] not in _UNASKED:
            return {}
        return {n: told_instant(v) if isinstance(v, str) else v for n, v in own.items()}


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
