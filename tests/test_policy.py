"""Every route × everybody × their own and another community, with things that are really there.

Two communities have one of each kind of thing. What somebody reaches of it stands in `REACH`, a route and a kind of thing a line; what lists
and exports hold, in `LISTS`. From everybody else a thing is hidden like one that there is not: 404. Every answer is looked through for words
and numbers of the other community.
"""

from __future__ import annotations

import base64
import io
import re
import uuid
import zipfile
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple

import httpx
import pytest

from app.kit.policy import ROLES, ROUTES
from app.maps import tally
from app.settings import settings
from tests.conftest import Person, Town, _run
from tests.pictures import JPEG

READERS = {"volunteer", "leader", "staff", "inspector", "admin"}
LEADERS = {"leader", "staff", "admin"}
INSPECTORS = {"staff", "inspector", "admin"}
OFFICE = {"staff", "admin"}
ADMIN = {"admin"}
# Whoever is signed in, of whichever community; and the account alone whose it is.
EVERYBODY, HOLDER = "everybody", "holder"


class Line(NamedTuple):
    """`who` reaches the thing in their own community (an admin in every one). `refused`: roles that read it, and are told of another
    problem than 404. `hidden`: the status in place of 404, where the thing is named in a body. `roleless`: what everybody without a
    role is told."""

    method: str
    path: str
    thing: str
    who: set[str] | str
    refused: dict[str, int] = {}
    hidden: int = 404
    roleless: int | None = None


REACH = [
    # --- people
    Line("DELETE", "/v1/sessions/{id}", "session", HOLDER),
    Line("DELETE", "/v1/roles/{id}", "volunteer's role", LEADERS),
    Line("DELETE", "/v1/roles/{id}", "inspector's role", OFFICE),
    Line("POST", "/v1/invitations", "to the cell", LEADERS),
    Line("POST", "/v1/invitations", "to the unit", OFFICE),
    Line("POST", "/v1/invitations", "to the area", OFFICE),
    Line("DELETE", "/v1/invitations/{id}", "invitation", HOLDER),
    Line("PUT", "/v1/stand-ins/{id}", "stand-in", OFFICE),
    Line("DELETE", "/v1/stand-ins/{id}", "stand-in", OFFICE),
    Line("PUT", "/v1/thanks/{id}", "new", LEADERS, hidden=422),
    Line("PUT", "/v1/thanks/{id}", "thanks", HOLDER, refused=dict.fromkeys(ROLES, 422)),
    # --- the grid is no secret
    Line("GET", "/v1/areas/{id}", "area", EVERYBODY),
    Line("GET", "/v1/areas/{id}", "cell", EVERYBODY),
    Line("GET", "/v1/areas/{id}/calendar", "area", READERS | {"worker"}),
    Line("PUT", "/v1/areas/{id}/calendar/{day}", "area", OFFICE),
    Line("DELETE", "/v1/areas/{id}/calendar/{day}", "area", OFFICE),
    Line("GET", "/v1/areas/{id}/office", "area", INSPECTORS),
    Line("PUT", "/v1/areas/{id}/office", "area", OFFICE),
    Line("GET", "/v1/areas/{id}/summary", "area", READERS),
    Line("PUT", "/v1/units/{id}", "unit", OFFICE),
    Line("PATCH", "/v1/cells/{id}", "cell", OFFICE),
    Line("PUT", "/v1/assignment-rules/{id}", "rule", OFFICE),
    Line("DELETE", "/v1/assignment-rules/{id}", "rule", OFFICE),
    Line("PUT", "/v1/authorities/{id}", "authority", OFFICE),
    # --- reports and issues
    Line("PUT", "/v1/reports/{id}", "issue", HOLDER),
    Line("GET", "/v1/reports/{id}", "issue", READERS),
    Line("GET", "/v1/issues/{id}", "issue", READERS),
    Line("GET", "/v1/issues/{id}", "number", READERS),
    Line("GET", "/v1/issues/{id}", "unit's issue", READERS | {"worker"}),
    Line("GET", "/v1/issues/{id}/timeline", "issue", READERS),
    Line("POST", "/v1/issues/{id}/actions", "issue", READERS - {"volunteer"}, refused={"volunteer": 409}),
    Line("POST", "/v1/issues/{id}/actions", "unit's issue", (READERS | {"worker"}) - {"volunteer"}, refused={"volunteer": 409}),
    Line("GET", "/v1/issues/{id}/dossier.html", "issue", READERS),
    Line("GET", "/v1/issues/{id}/dossier.docx", "issue", READERS),
    Line("GET", "/v1/issues/{id}/poster.html", "issue", READERS),
    Line("GET", "/v1/issues/{id}/handover-letter", "handed over", LEADERS),
    Line("GET", "/v1/issues/{id}/handover-letter.html", "handed over", LEADERS),
    Line("GET", "/v1/issues/{id}/handover-letter.docx", "handed over", LEADERS),
    Line("PUT", "/v1/black-spots/{id}", "black spot", LEADERS),
    # --- photographs
    Line("PUT", "/v1/photos/{id}", "photo", HOLDER),
    Line("GET", "/v1/photos/{id}", "photo", READERS),
    Line("GET", "/v1/photos/{id}", "visit's photo", READERS),
    Line("GET", "/v1/photos/{id}", "activity's photo", READERS),
    Line("GET", "/v1/photos/{id}/{variant}", "photo", OFFICE),
    Line("POST", "/v1/uploads", "upload", HOLDER),
    Line("HEAD", "/v1/uploads/{id}", "upload", HOLDER),
    Line("PATCH", "/v1/uploads/{id}", "upload", HOLDER),
    Line("DELETE", "/v1/uploads/{id}", "upload", HOLDER),
    # --- premises, patrols, activities, samples
    Line("PUT", "/v1/premises/{id}", "premises", LEADERS),
    Line("GET", "/v1/premises/{id}", "premises", READERS),
    Line("GET", "/v1/premises/{id}/record", "premises", READERS),
    Line("PUT", "/v1/premises/{id}/visits/{visit}", "premises", READERS),
    Line("PUT", "/v1/patrols/{id}", "patrol", HOLDER),
    Line("POST", "/v1/patrols/{id}/points", "patrol", HOLDER),
    Line("GET", "/v1/patrols/{id}", "patrol", LEADERS),
    Line("GET", "/v1/coverage", "area", READERS),
    Line("PUT", "/v1/activities/{id}", "new", LEADERS),
    Line("PUT", "/v1/activities/{id}", "activity", OFFICE),
    Line("DELETE", "/v1/activities/{id}", "taken back", OFFICE),
    Line("GET", "/v1/activities", "area", READERS),
    Line("PUT", "/v1/samples/{id}", "new", OFFICE),
    Line("PUT", "/v1/samples/{id}", "sample", OFFICE),
    Line("GET", "/v1/samples/{id}", "sample", INSPECTORS),
    # --- papers and the map
    Line("GET", "/v1/summaries/weekly.json", "area", INSPECTORS),
    Line("GET", "/v1/summaries/weekly.html", "area", INSPECTORS),
    Line("GET", "/v1/summaries/weekly.docx", "area", INSPECTORS),
    Line("PUT", "/v1/summaries/weekly", "area", OFFICE),
    Line("GET", "/v1/league", "area", READERS),
    Line("GET", "/v1/circulation.html", "area", INSPECTORS),
    Line("GET", "/v1/circulation.docx", "area", INSPECTORS),
    Line("GET", "/v1/hotspots", "area", READERS),
    # --- what is of one account, or of no community
    Line("PUT", "/v1/channels/{id}", "channel", HOLDER),
    Line("DELETE", "/v1/channels/{id}", "channel", HOLDER),
    Line("PUT", "/v1/categories/{code}", "category", EVERYBODY),
    Line("POST", "/v1/jobs/{id}/retry", "job", EVERYBODY),
]
# Lists and exports: who finds their own community's things there, and by what they are known: the word that stands in every text, or an id.
LISTS: dict[str, tuple[set[str], str]] = {
    "/v1/people": (LEADERS, "word"),
    "/v1/stand-ins": (OFFICE, "word"),
    "/v1/units": (READERS | {"worker"}, "word"),
    "/v1/assignment-rules": (OFFICE, "rule"),
    "/v1/authorities": (READERS, "word"),
    "/v1/issues": (READERS, "issue"),
    "/v1/issues/nearby": (READERS, "issue"),
    "/v1/changes": (READERS, "issue"),
    "/v1/black-spots": (READERS, "black spot"),
    "/v1/samples": (INSPECTORS, "sample"),
    "/v1/premises": (READERS, "premises"),
    "/v1/patrols": (LEADERS, "patrol"),
    "/v1/activities": (READERS, "activity"),
    "/v1/summaries": (INSPECTORS, "word"),
    "/v1/ledger.csv": (READERS, "number"),
    "/v1/ledger.xlsx": (READERS, "number"),
    "/v1/archive.zip": (READERS, "number"),
    "/v1/cells/summary": (READERS, "cell"),
    "/v1/tiles/issues/{z}/{x}/{y}.mvt": (READERS, "issue"),
    "/v1/tiles/cells/{z}/{x}/{y}.mvt": (READERS, "cell"),
}
# Whom the names of people are told: who answers for them. To other readers of these they are nameless.
NAMES = {
    "/v1/areas": LEADERS, "/v1/areas/{id}": LEADERS, "/v1/black-spots": LEADERS, "/v1/issues/{id}/timeline": LEADERS,
    "/v1/issues/{id}/dossier.html": LEADERS, "/v1/issues/{id}/dossier.docx": LEADERS, "/v1/premises/{id}": LEADERS, "/v1/premises": LEADERS,
    "/v1/premises/{id}/record": LEADERS,
}  # fmt: skip
# In these a worker finds the issues of their unit, and no others.
UNITS_TOO = {"/v1/issues", "/v1/changes", "/v1/tiles/issues/{z}/{x}/{y}.mvt"}
# A stream without end is listened to in test_live.
ENDLESS = ("GET", "/v1/events")
# It ends the caller's own session.
LAST = ("DELETE", "/v1/sessions")


class Somebody(NamedTuple):
    """`role`: what they are now, in `home`; `was`: what was taken back there, or in the other community."""

    role: str | None
    home: str = "own"
    was: str | None = None


EVERYONE = {
    **{str(role): Somebody(role) for role in (None, *ROLES)},
    "was staff": Somebody(None, was="staff"),
    "was leader, leads elsewhere": Somebody("leader", home="other", was="leader"),
    "was inspector, works elsewhere": Somebody("worker", home="other", was="inspector"),
    "stood in for a leader": Somebody("volunteer", was="stand-in"),
    "reported what was moved": Somebody(None, was="volunteer"),
}


# --- the two communities ----------------------------------------------------------------------------------------------
@dataclass
class Place:
    """A community with one of each kind of thing; `word` stands in every text of it."""

    town: Town
    word: str
    things: dict[str, str] = field(default_factory=dict)
    weeks: int = 0

    @property
    def secrets(self) -> list[str]:
        """What stands in no answer to somebody of elsewhere."""
        kinds = ("issue", "number", "unit's issue", "rule", "black spot", "sample", "session", "invitation", "channel", "awaited")
        return [self.word, *(self.things[name] for name in kinds), f'"{self.things["quiet"]}"']


@dataclass
class World:
    database: Any
    places: dict[str, Place]
    # Of the issue that was moved from the one into the other: word, number, id.
    moved: dict[str, str] = field(default_factory=dict)


async def _ok(person: Person, method: str, path: str, body: Any = None, **sent: Any) -> Any:
    answer = await person.call(method, path, **({"json": body} if body is not None else sent))
    assert answer.status_code in (200, 201, 204), f"{method} {path} {answer.status_code} {answer.text}"
    return answer.json() if answer.content and answer.headers["content-type"].endswith("json") else None


def _shop(place: Place) -> dict[str, Any]:
    town = place.town
    point = {"type": "Point", "coordinates": [town.lon + 0.005, town.lat + 0.005]}
    return {"area": str(town.area), "name": place.word, "owner": f"{place.word}的人", "frontage": point}


def _days() -> dict[str, str]:
    return {"starts_on": date.today().isoformat(), "ends_on": (date.today() + timedelta(days=9)).isoformat()}


async def _own_things(person: Person, place: Place, database: Any, category: str = "litter") -> dict[str, Any]:
    """What is of somebody's account, made while they are a volunteer of the place."""
    town, word = place.town, place.word
    things: dict[str, Any] = {
        name: str(uuid.uuid4())
        for name in ("issue", "awaited", "photo", "upload", "patrol", "channel", "session", "invitation", "thanks")
    }
    things |= {
        "account": str(person.id),
        "report": town.body(note=word, photos=[things["photo"], things["awaited"]], category=category),
    }
    await _ok(person, "PUT", f"/v1/reports/{things['issue']}", things["report"])
    await _ok(person, "PUT", f"/v1/photos/{things['photo']}", content=JPEG)
    await _ok(person, "PUT", f"/v1/patrols/{things['patrol']}", {"started_at": "2026-11-24T08:00:00Z", "note": word})
    at = {"at": "2026-11-24T08:00:00Z", "lat": town.lat + 0.005, "lon": town.lon + 0.005}
    await _ok(person, "POST", f"/v1/patrols/{things['patrol']}/points", {"points": [at]})
    async with database.transaction() as connection:
        await connection.execute(
            "insert into sessions (id, account_id, token_hash, device, expires_at) values ($1, $2, $3, $4, now() + interval '1 day')",
            uuid.UUID(things["session"]), person.id, uuid.uuid4().bytes, word,
        )  # fmt: skip
        await connection.execute(
            """insert into invitations (id, code_hash, inviter_id, role, area_id, cell_id, uses, expires_at)
            values ($1, $2, $3, 'volunteer', $4, $5, 1, now() + interval '1 day')""",
            uuid.UUID(things["invitation"]), uuid.uuid4().bytes, person.id, town.area, town.cells[0],
        )  # fmt: skip
        await connection.execute(
            "insert into thanks (id, account_id, by_id, text) values ($1, $2, $2, $3)",
            uuid.UUID(things["thanks"]),
            person.id,
            word,
        )
        await connection.execute(
            "insert into notices (account_id, kind, key, data) values ($1, 'thanked', 'x', $2)", person.id, {"reason": word}
        )
        for restored in ("channel", "upload"):
            await connection.execute(_RESTORED[restored], *_restored(restored, things))
    return things


# What a DELETE has taken is put back under its id before the next one.
_RESTORED = {
    "session": "update sessions set revoked_at = null where id = $1",
    "invitation": "update invitations set revoked_at = null where id = $1",
    "channel": """insert into channels (id, account_id, kind, address) values ($1, $2, 'mail', $1::uuid::text || '@example.org')
        on conflict do nothing""",
    "upload": """insert into uploads (photo_id, account_id, bytes, expires_at) values ($1, $2, 10, now() + interval '1 day')
        on conflict (photo_id) do update set received = 0""",
    "volunteer's role": "insert into role_grants (id, account_id, role, area_id, cell_id) values ($1, $2, 'volunteer', $3, $4) on conflict do nothing",
    "inspector's role": """insert into role_grants (id, account_id, role, area_id) select $1, $2, 'inspector', $3 where $4::uuid is not null
        on conflict do nothing""",
    "rule": "insert into assignment_rules (id, area_id, unit_id, category) values ($1, $2, $3, 'litter') on conflict do nothing",
    "authority": "insert into authorities (id, area_id, name) values ($1, $2, $3) on conflict do nothing",
    "taken back": """with s as (insert into subjects values ($1, 'activity') on conflict do nothing)
        insert into activities (id, area_id, account_id, note, kind, on_day, count) values ($1, $2, $3, $4, 'clean_up', '2026-11-20', 1) on conflict do nothing""",
    "stand-in": """with s as (
        insert into stand_ins (id, leader_id, deputy_id, starts_on, ends_on, by_id) values ($1, $2, $3, current_date, current_date + 9, $2)
        on conflict do nothing returning id)
      insert into role_grants (account_id, role, area_id, cell_id, stand_in_id, starts_at, ends_at)
      select $3, 'leader', $4, $5, s.id, now(), now() + interval '9 days' from s""",
    "area": "insert into calendar_days (area_id, day, working, name) values ($1, '2026-10-01', true, $2) on conflict do nothing",
    "job": """insert into procrastinate_jobs (id, queue_name, task_name, args, status) overriding system value
        values ($1, 'nobody', 'nothing', '{}', 'failed') on conflict (id) do update set status = 'failed'""",
}  # fmt: skip
_NAMED = {
    "session": ("session",), "invitation": ("invitation",), "channel": ("channel", "account"), "upload": ("upload", "account"),
    "volunteer's role": ("volunteer's role", "friend", "area", "cell"), "inspector's role": ("inspector's role", "friend", "area", "cell"),
    "rule": ("rule", "area", "unit"), "authority": ("authority", "area", "word"), "taken back": ("taken back", "area", "author", "word"),
    "stand-in": ("stand-in", "absent", "account", "area", "second cell"), "area": ("area", "word"), "job": ("job",),
}  # fmt: skip


def _restored(thing: str, things: dict[str, Any]) -> list[Any]:
    values = [things[name] for name in _NAMED[thing]]
    return [uuid.UUID(v) if len(v) == 36 else int(v) if v.isdigit() else v for v in values]


async def _build(place: Place, database: Any, app: Any) -> None:
    town, word = place.town, place.word
    await town.build()
    staff, leader, absent, volunteer, friend = [await town.person(r) for r in ("staff", "leader", "leader", "volunteer", None)]
    things: dict[str, Any] = await _own_things(volunteer, place, database)
    place.things = things
    new = (
        "premises",
        "activity",
        "taken back",
        "authority",
        "rule",
        "sample",
        "stand-in",
        "visit",
        "visit's photo",
        "activity's photo",
    )
    things |= {name: str(uuid.uuid4()) for name in (*new, "volunteer's role", "inspector's role")}
    things |= {
        "word": word, "area": str(town.area), "cell": str(town.cells[0]), "second cell": str(town.cells[1]), "unit": str(town.unit),
        "absent": str(absent.id), "author": str(staff.id), "friend": str(friend.id), "assignee": str(volunteer.id), "parent": str(town.area),
    }  # fmt: skip
    issue = await volunteer.get(f"/v1/issues/{things['issue']}")
    things["number"] = issue["number"]
    things["quiet"] = f"0{1 + len(word) % 2}:{17 + len(word)}"
    await _ok(volunteer, "PUT", "/v1/me/quiet-hours", {"starts": things["quiet"], "ends": "05:00"})
    for name in ("unit's issue", "handed over"):
        things[name] = (await volunteer.report(**town.body(note=word, category="flooding")))["issue"]["id"]
    await leader.act(things["unit's issue"], "assign", unit=str(town.unit))
    until = (date.today() + timedelta(days=5)).isoformat() + "T08:00:00Z"
    await leader.act(things["handed over"], "accept")
    await leader.act(things["handed over"], "hand_over", authority=word, reply_by=until)
    await _ok(staff, "PUT", f"/v1/units/{town.unit}", {"area": str(town.area), "name": word, "kind": "bureau"})
    await _ok(staff, "PUT", f"/v1/premises/{things['premises']}", _shop(place))
    visit = {"at": "2026-11-20T02:00:00Z", "note": word, "photos": [things["visit's photo"]]}
    await _ok(volunteer, "PUT", f"/v1/premises/{things['premises']}/visits/{things['visit']}", visit)
    activity = {
        "area": str(town.area),
        "kind": "clean_up",
        "on_day": "2026-11-20",
        "note": word,
        "photos": [things["activity's photo"]],
    }
    await _ok(staff, "PUT", f"/v1/activities/{things['activity']}", activity)
    for person, photo in ((volunteer, "visit's photo"), (staff, "activity's photo")):
        await _ok(person, "PUT", f"/v1/photos/{things[photo]}", content=JPEG)
    sample = {"area": str(town.area), "week": "2025-12-29", "percent": 10}
    await _ok(staff, "PUT", f"/v1/samples/{things['sample']}", sample)
    paper = {
        "area": str(town.area),
        "week": "2025-12-29",
        "language": "en",
        "title": word,
        "parts": [{"title": "x", "clauses": []}],
    }
    await _ok(staff, "PUT", "/v1/summaries/weekly", paper)
    async with database.transaction() as connection:
        for thing in ("volunteer's role", "inspector's role", "rule", "authority", "stand-in", "area"):
            await connection.execute(_RESTORED[thing], *_restored(thing, things))
        spot = """insert into black_spots (area_id, cell_id, category, position, mercator, latest_issue_id, recurrences, last_seen_at, plan)
            select area_id, cell_id, category, position, mercator, id, 3, now(), $2 from issues where id = $1 returning id::text"""
        things["black spot"] = await connection.fetchval(spot, uuid.UUID(things["issue"]), word)
        await connection.execute(
            "insert into sample_issues values ($1, $2)", uuid.UUID(things["sample"]), uuid.UUID(things["issue"])
        )
        people = [person.id for person in (staff, leader, absent, volunteer, friend)]
        things["name"] = f"{word}的人"
        await connection.execute("update accounts set name = $2 where id = any($1)", people, things["name"])
        await connection.execute(
            "update black_spots set owner_id = $2 where id = $1::text::uuid", things["black spot"], volunteer.id
        )


_ROLE = "insert into role_grants (account_id, role, area_id, cell_id, unit_id) values ($1, $2, $3, $4, $5)"


async def _become(world: World, person: Person, who: Somebody) -> None:
    """The account's roles as they are now: those of before were taken back, or have ended."""
    town = world.places[who.home].town
    held = {
        "volunteer": (town.area, town.cells[0], None), "leader": (town.area, town.cells[0], None), "worker": (town.area, None, town.unit),
        "staff": (town.area, None, None), "inspector": (town.area, None, None), "admin": (None, None, None),
    }  # fmt: skip
    async with world.database.transaction() as connection:
        await connection.execute("delete from role_grants where account_id = $1", person.id)
        if who.role:
            await connection.execute(_ROLE, person.id, who.role, *held[who.role])
        if who.was == "stand-in":
            absent, id = uuid.UUID(world.places["own"].things["absent"]), uuid.uuid4()
            await connection.execute(
                """insert into stand_ins (id, leader_id, deputy_id, starts_on, ends_on, by_id)
                values ($1, $2, $3, current_date - 9, current_date - 2, $2)""", id, absent, person.id,
            )  # fmt: skip
            await connection.execute(
                """insert into role_grants (account_id, role, area_id, cell_id, stand_in_id, starts_at, ends_at)
                values ($1, 'leader', $2, $3, $4, now() - interval '9 days', now() - interval '1 day')""",
                person.id, town.area, town.cells[0], id,
            )  # fmt: skip


@pytest.fixture(scope="module")
def world(app: Any, database: Any) -> Any:
    # Apart from the places of other tests' towns.
    own, other = Town(app, database, lon=-40.0, lat=-30.0), Town(app, database, lon=-39.8, lat=-30.0)
    made = World(database, {"own": Place(own, "我处的词"), "other": Place(other, "别处的话语")})

    async def build() -> None:
        for place in made.places.values():
            await _build(place, database, app)
        await _move(made)
        await tally.follow(database)

    _run(build())
    yield made
    for town in (own, other):
        for client in town.people:
            _run(client.aclose())


async def _move(world: World) -> None:
    """An issue of the one community, with premises and in a sample, is moved into the other; its survivor takes another along."""
    own, other = world.places["own"], world.places["other"]
    mover = await own.town.person("admin")
    reporter = await own.town.person("volunteer")
    world.moved["reporter"] = reporter  # type: ignore[assignment]
    told = await reporter.report(**own.town.body(note="移走的词", premises=own.things["premises"]))
    id, number = told["issue"]["id"], told["issue"]["number"]
    async with world.database.transaction() as connection:
        await connection.execute("insert into sample_issues values ($1, $2)", uuid.UUID(own.things["sample"]), uuid.UUID(id))
    await mover.act(id, "relocate", position={"lat": other.town.lat + 0.005, "lon": other.town.lon + 0.005})
    async with world.database.transaction() as connection:  # as it was before premises were left behind
        await connection.execute(
            "update issues set premises_id = $2 where id = $1", uuid.UUID(id), uuid.UUID(own.things["premises"])
        )
    world.moved |= {"word": "移走的词", "number": number, "id": id}


# --- what is asked ----------------------------------------------------------------------------------------------------
def _tile(place: Place, zoom: int = 14) -> str:
    from app.issues.intake import mercator

    x, y, _ = mercator(place.town.lat + 0.005, place.town.lon + 0.005)
    whole = 40075016.685578488
    return f"{zoom}/{int((x / whole + 0.5) * 2**zoom)}/{int((0.5 - y / whole) * 2**zoom)}"


def _body(line: Line, place: Place, things: dict[str, Any]) -> Any:
    """A well-formed body for a line's route, aimed at a place."""
    town, area = place.town, str(place.town.area)
    place.weeks += line.path in ("/v1/samples/{id}", "/v1/summaries/weekly") and line.thing != "sample"
    week = (date(2025, 12, 29) - timedelta(weeks=0 if line.thing == "sample" else place.weeks)).isoformat()
    return {
        "/v1/stand-ins/{id}": {"leader": things.get("absent"), "deputy": things["account"], **_days()},
        "/v1/thanks/{id}": {"account": things["account"], "text": "谢谢"},
        "/v1/areas/{id}/calendar/{day}": {"working": True, "name": place.word},
        "/v1/areas/{id}/office": {"phone": "0877-6600110"},
        "/v1/units/{id}": {"area": area, "name": place.word, "kind": "bureau"},
        "/v1/cells/{id}": {"unit": str(town.unit)},
        "/v1/assignment-rules/{id}": {"area": area, "unit": str(town.unit), "category": "litter"},
        "/v1/authorities/{id}": {"area": area, "name": place.word},
        "/v1/reports/{id}": things.get("report"),
        "/v1/issues/{id}/actions": {"action": "comment", "note": "x"},
        "/v1/black-spots/{id}": {"plan": place.word, "owner": things.get("account")},
        "/v1/premises/{id}": _shop(place),
        "/v1/premises/{id}/visits/{visit}": {"at": "2026-11-20T02:00:00Z"},
        "/v1/patrols/{id}": {"started_at": "2026-11-24T08:00:00Z", "note": place.word},
        "/v1/patrols/{id}/points": {"points": [{"at": "2026-11-24T08:00:00Z", "lat": town.lat, "lon": town.lon}]},
        "/v1/activities/{id}": {
            "area": area, "kind": "clean_up", "on_day": "2026-11-20", "note": place.word, "photos": [things.get("activity's photo", things["photo"])]},
        "/v1/samples/{id}": {"area": area, "week": week, "percent": 10},
        "/v1/summaries/weekly": {"area": area, "week": week, "language": "en", "title": "x", "parts": [{"title": "x", "clauses": []}]},
        "/v1/channels/{id}": {"kind": "mail", "address": f"{things['channel']}@example.org"},
        "/v1/categories/{code}": {"group": "other", "name": {"zh-CN": "类", "en": "Kind"}, "deadline_hours": 8, "deadline_clock": "working"},
        "/v1/invitations": {
            "to the cell": {"role": "volunteer", "cell": things.get("cell")}, "to the unit": {"role": "worker", "unit": things.get("unit")},
            "to the area": {"role": "inspector", "area": things.get("area")}}.get(line.thing),
    }.get(line.path)  # fmt: skip


def _raw(line: Line, things: dict[str, Any]) -> dict[str, Any] | None:
    """What is sent to routes that take bytes."""
    named = "photo " + base64.b64encode(things["upload"].encode()).decode()
    return {
        ("PUT", "/v1/photos/{id}"): {"content": JPEG, "headers": {"content-type": "image/jpeg"}},
        ("POST", "/v1/uploads"): {"headers": {"upload-length": "10", "upload-metadata": named}},
        ("PATCH", "/v1/uploads/{id}"): {
            "content": b"x", "headers": {"upload-offset": "0", "content-type": "application/offset+octet-stream"}},
    }.get((line.method, line.path))  # fmt: skip


_QUERIES = {
    "/v1/activities": {"since": "2026-11-01", "until": "2026-11-30"}, "/v1/areas/{id}/calendar": {"year": 2026},
    "/v1/issues/nearby": {"category": "litter", "lat": 1, "lon": 1},
}  # fmt: skip


def _asked(line: Line, place: Place, things: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    id = things.get(line.thing) or ("c" + uuid.uuid4().hex[:8] if line.thing == "category" else str(uuid.uuid4()))
    fixed = {"day": "2026-10-01", "variant": "original", "visit": str(uuid.uuid4())}
    path = re.sub(r"\{(\w+)\}", lambda found: fixed.get(found[1], id), line.path)
    params = dict(_QUERIES.get(line.path, {}))
    if line.thing == "area" and "{" not in line.path and line.method == "GET":
        params["area"] = id
    body = _body(line, place, things) if line.method in ("PUT", "POST", "PATCH") else None
    sent = _raw(line, things) or ({"json": body} if body is not None else {})
    return line.method, path, sent | {"params": params}


def _told(answer: httpx.Response) -> str:
    """Everything that an answer says, also what is packed in it."""
    if not answer.content.startswith(b"PK"):
        return answer.content.decode("utf-8", "replace")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        return "\n".join(packed.read(name).decode("utf-8", "replace") for name in packed.namelist())


# --- the law is whole -------------------------------------------------------------------------------------------------
def test_every_route_has_a_rule_and_every_rule_a_route(app):
    paths = {(method.upper(), path) for path, item in app.openapi()["paths"].items() for method in item}
    assert paths == set(ROUTES)


def test_a_route_without_a_rule_cannot_be_made():
    from fastapi import APIRouter

    from app.kit.route import Route

    with pytest.raises(KeyError):
        APIRouter(route_class=Route).add_api_route("/v1/forgotten", lambda: None, methods=["GET"])


def test_whatever_names_a_thing_is_walked(app):
    """A route with an id, or with an id among its parameters, has a line; whoever it is for."""
    walked = {(line.method, line.path) for line in REACH}
    for (method, path), rule in ROUTES.items():
        if rule.anyone or (method, path) in walked:
            continue
        asked = app.openapi()["paths"][path][method.lower()].get("parameters", [])
        needed = [p["name"] for p in asked if p["in"] == "query" and p.get("required")]
        assert set(re.findall(r"\{(\w+)\}", path)) <= {"z", "x", "y"} and "area" not in needed, (method, path)
        assert method == "GET" or (method, path) in PLAIN, (method, path)
    assert set(LISTS) <= {path for _, path in ROUTES} and walked <= set(ROUTES)


async def test_nobody_is_nobody(app):
    """Without a good token every route that is not for anyone says 401, whatever it is asked."""
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://test")
    # Its statement reads the token, so it is asked for something that it can read.
    report = {"category": "litter", "position": {"lat": 1, "lon": 1}, "observed_at": "2026-11-24T08:00:00Z"}
    for (method, path), rule in ROUTES.items():
        target = re.sub(
            r"\{\w+\}",
            str(uuid.UUID(int=7)),
            path.replace("{z}/{x}/{y}", "3/1/1").replace("{layer}", "public").replace("{variant}", "thumb"),
        )
        for authorization in ({}, {"authorization": "Bearer nonsense"}, {"authorization": "Basic eA=="}):
            reads = {"json": report} if rule.in_query and method == "PUT" else {}
            answer = await client.request(method, target, headers=authorization, params=_QUERIES.get(path), **reads)
            where = f"{method} {target} {answer.status_code} {answer.text[:200]}"
            if rule.anyone:
                assert answer.status_code < 500 and answer.status_code not in (401, 403), where
            else:
                assert answer.status_code == 401 and (method == "HEAD" or answer.json()["type"] == "/problems/sign-in"), where
    await client.aclose()


# Routes that name nothing: for whomever their rule lets in.
PLAIN: dict[tuple[str, str], Any] = {
    ("PUT", "/v1/me/credentials"): lambda: {"account": f"x{uuid.uuid4().hex[:8]}", "password": "correct horse 12"},
    ("POST", "/v1/reports/batch"): lambda: {"items": [{"id": "none"}]},
    ("POST", "/v1/notices/read"): lambda: {},
    ("PUT", "/v1/me/quiet-hours"): lambda: {"starts": "22:00", "ends": "07:00"},
    ("DELETE", "/v1/sessions"): lambda: None,
}


# --- the walk ---------------------------------------------------------------------------------------------------------
@dataclass
class Walker:
    world: World
    person: Person
    who: Somebody
    # What is of their own account.
    things: dict[str, Any]
    wrong: list[str] = field(default_factory=list)

    @property
    def home(self) -> Place:
        return self.world.places[self.who.home]

    def expected(self, line: Line, whose: str) -> tuple[int, ...]:
        good, role, rule = (200, 201, 204), self.who.role, ROUTES[line.method, line.path]
        if rule.roles is not None and role not in rule.roles:
            return (403,)
        if role is None and line.roleless is not None:
            return (line.roleless,)
        if line.who == EVERYBODY or whose == "mine":
            return good
        at_home = whose == self.who.home
        if role in line.refused and (at_home or role == "admin"):
            return (line.refused[role],) if line.who != HOLDER else (404, line.refused[role])
        if line.who == HOLDER:
            return (404, 422) if line.refused else (404,)
        return good if role == "admin" or (at_home and role in line.who) else (line.hidden,)

    def secrets(self) -> list[str]:
        """What stands in no answer to them."""
        if self.who.role == "admin":
            return []
        away = self.world.places["other" if self.who.home == "own" else "own"]
        moved = [self.world.moved[name] for name in ("word", "number", "id")]
        return [*away.secrets, *(moved if self.who.home == "own" and self.who.was != "volunteer" else [])]

    async def ask(self, line: Line, place: Place, things: dict[str, Any], whose: str) -> None:
        if line.method == "DELETE" or line.thing in ("job", "upload"):
            async with self.world.database.transaction() as connection:
                await connection.execute(_RESTORED[line.thing], *_restored(line.thing, things | {"job": "990001"}))
        method, path, sent = _asked(line, place, things | {"job": "990001"})
        answer = await self.person.call(method, path, **sent)
        where = f"{method} {path} ({line.thing}, {whose}): {answer.status_code} {answer.text[:300]}"
        if answer.status_code not in self.expected(line, whose):
            self.wrong.append(f"{where} instead of {self.expected(line, whose)}")
        if whose != "mine":
            self.tells_nothing(answer, where)
        if line.path in NAMES and line.thing in ("issue", "cell", "premises") and answer.status_code == 200:
            self.names(line.path, place, _told(answer), where)

    async def look(self, path: str, places: list[Place], params: dict[str, Any]) -> None:
        """A list, a tile or an export: it holds what is theirs to see of some places, and nothing from elsewhere."""
        target = path.replace("{z}/{x}/{y}", _tile(places[0]))
        answer = await self.person.call("GET", target, params=params)
        rule, role = ROUTES["GET", path], self.who.role
        where = f"GET {target} {params}: {answer.status_code} {answer.text[:200]}"
        refused = rule.roles is not None and role not in rule.roles
        if answer.status_code not in ((403,) if refused else (200, 204)):
            self.wrong.append(where)
        self.tells_nothing(answer, where)
        # An admin's first page is of every community there is. Whoever stood in sees that they did.
        if (
            path not in {**LISTS, **NAMES}
            or refused
            or role == "admin"
            or (path == "/v1/stand-ins" and self.who.was == "stand-in")
        ):
            return
        (who, thing), told = LISTS.get(path, (set[str](), "job")), _told(answer)
        for place in places:
            if path in NAMES and path != "/v1/areas":  # of that a first page is of all communities
                self.names(path, place, told, where)
            for seen, sees in ((thing, role in who), ("unit's issue", role in who or role == "worker")):
                if (
                    (seen == thing or path in UNITS_TOO)
                    and path in LISTS
                    and (place.things[seen] in told) != (sees and place is self.home)
                ):
                    self.wrong.append(f"{where} has {seen} of {place.word}: {place.things[seen] in told}")

    def names(self, path: str, place: Place, told: str, where: str) -> None:
        sees = self.who.role == "admin" or (place is self.home and self.who.role in NAMES[path])
        if (place.things["name"] in told) != sees:
            self.wrong.append(f"{where} names people of {place.word}: {place.things['name'] in told}")

    async def filtered(self, path: str, place: Place, filter: str) -> None:
        """Narrowed to something of a place, a list says nothing of it to who does not see it, and does not say that it is there."""
        answer = await self.person.call("GET", path, params={filter: place.things[filter]})
        if answer.status_code not in (200, 403):
            self.wrong.append(f"GET {path} {filter}: {answer.status_code} {answer.text[:200]}")
        self.tells_nothing(answer, f"GET {path} by {filter}")
        if filter == "parent":
            self.names(path, place, _told(answer), f"GET {path} by {filter}")

    def tells_nothing(self, answer: httpx.Response, where: str) -> None:
        if answer.status_code < 300 and answer.content:
            told = _told(answer)
            self.wrong += [f"{where} tells of elsewhere: {secret}" for secret in self.secrets() if secret in told]


async def _walker(world: World, name: str) -> Walker:
    who = EVERYONE[name]
    own = world.places["own"]
    moved = name == "reported what was moved"
    person: Any = world.moved["reporter"] if moved else await own.town.person("volunteer")
    if moved:  # their things are told of elsewhere by their own number
        await _become(world, person, who)
        return Walker(world, person, who, {})
    quiet = Place(own.town, "自己的词")
    things = await _own_things(person, quiet, world.database, "flooding")
    await _become(world, person, who)
    return Walker(world, person, who, things)


_AT = ("/v1/issues/nearby", "/v1/areas/locate")


def _at(path: str, place: Place) -> dict[str, float]:
    return {"lat": place.town.lat + 0.005, "lon": place.town.lon + 0.005} if path in _AT else {}


def _named(app: Any) -> dict[str, list[str]]:
    """The parameters of each GET route that name a thing by its id."""
    found: dict[str, list[str]] = {}
    for path, item in app.openapi()["paths"].items():
        for asked in item.get("get", {}).get("parameters", []):
            schemas = [asked["schema"], *asked["schema"].get("anyOf", [])]
            if asked["in"] == "query" and any(schema.get("format") == "uuid" for schema in schemas):
                found.setdefault(path, []).append(asked["name"])
    return found


@pytest.mark.parametrize("name", EVERYONE)
async def test_lists(world, app, name):
    """Whatever names no thing, or a thing in a filter: it holds what is of the caller's own scope."""
    walker, named = await _walker(world, name), _named(app)
    walked, places = {(line.method, line.path) for line in REACH}, list(world.places.values())
    for place in places:
        async with world.database.transaction() as connection:
            for thing in ("volunteer's role", "rule", "authority", "stand-in"):
                await connection.execute(_RESTORED[thing], *_restored(thing, place.things))
    for (method, path), rule in ROUTES.items():
        if rule.anyone or (method, path) in (LAST, ENDLESS) or ((method, path) in walked and path not in LISTS):
            continue
        if method != "GET":
            answer = await walker.person.call(method, path, json=PLAIN[method, path]())
            assert answer.status_code in (200, 201, 204), f"{method} {path} {answer.status_code} {answer.text[:200]}"
            continue
        params, home = _QUERIES.get(path, {}), walker.home
        if (method, path) in walked:
            if walker.who.role in LISTS[path][0]:
                await walker.look(path, [home], params | {"area": home.things["area"]})
            continue
        if path in _AT or "{z}" in path:
            for place in places:
                await walker.look(path, [place], params | _at(path, place))
        else:
            await walker.look(path, places, params)
        # The exports have the filters of the list.
        for filter in [] if path in ("/v1/ledger.xlsx", "/v1/archive.zip") else named.get(path, []):
            for place in places:
                await walker.filtered(path, place, filter)
    assert not walker.wrong, "\n".join(walker.wrong)
    if walker.things:  # the other's account is that of the walk as well
        assert (await walker.person.call(*LAST)).status_code == 204


@pytest.mark.parametrize("name", EVERYONE)
async def test_walk(world, monkeypatch, name):
    monkeypatch.setattr(settings(), "public", True)  # posters are of what is published
    walker = await _walker(world, name)
    for line in REACH:
        for whose, place in world.places.items():
            await walker.ask(line, place, place.things, whose)
        if (
            line.who == HOLDER
            and walker.things
            and (ROUTES[line.method, line.path].roles is None or line.path.startswith("/v1/inv"))
        ):
            await walker.ask(line, world.places["own"], walker.things, "mine")
    assert not walker.wrong, "\n".join(walker.wrong)
