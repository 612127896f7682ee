"""One issue through its whole life in seconds: what the clock does comes when it would have come, and every notice is shown.

Time is let pass for this one issue: everything of it is moved into the past by so much. What then happens is done by the
program's own routes and pulses.
"""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from PIL import Image, ImageDraw

from app.demo.community import MISSING
from app.duties import running
from app.issues import recurrence
from app.kit.db import Database
from app.kit.language import say
from app.main import create_app
from app.notices.telling import follow
from app.people.sessions import add_session, mint

_TIMES = "('deadline', 'first_deadline', 'extension_until', 'reply_by', 'rectified_at', 'closed_at', 'extended_from', 'ends')"


def _earlier(column: str) -> str:
    """What an event keeps of instants, moved like the rest; other values stay as they are."""
    return f"""(select jsonb_object_agg(x.key, case when x.key in {_TIMES} and jsonb_typeof(x.value) = 'string'
  then to_jsonb((x.value #>> '{{}}')::timestamptz - $2::interval) else x.value end) from jsonb_each({column}) x)"""


_SHIFT = (
    """
update issues set created_at = created_at - $2::interval, updated_at = updated_at - $2, deadline = deadline - $2, duty_at = duty_at - $2,
  first_deadline = first_deadline - $2,
  reply_by = reply_by - $2, extension_until = extension_until - $2, rectified_at = rectified_at - $2, closed_at = closed_at - $2 where id = $1
""",
    f"""
update events set at = at - $2::interval, data = coalesce({_earlier("data")}, '{{}}'), was = {_earlier("was")} where issue_id = $1
""",
    "update evidence set at = at - $2::interval where issue_id = $1",
    """
update reports set observed_at = observed_at - $2::interval, received_at = received_at - $2, counted_at = counted_at - $2
where issue_id = $1
""",
)
_CAST = """
select c.id as cell, c.area_id as area, st_y(p.at) as lat, st_x(p.at) as lon, u.unit_id as unit, u.worker, l.account_id as leader,
  v.account_id as volunteer, s.account_id as staff
from cells c cross join lateral (select st_pointonsurface(c.geom) as at) p
cross join lateral (select g.account_id from role_grants g where g.role = 'leader' and g.cell_id = c.id order by g.id limit 1) l
cross join lateral (select g.account_id from role_grants g where g.role = 'volunteer' and g.cell_id = c.id order by g.id limit 1) v
cross join lateral (select g.account_id from role_grants g where g.role = 'staff' and g.area_id = c.area_id order by g.id limit 1) s
cross join lateral (select g.unit_id, g.account_id as worker from role_grants g where g.role = 'worker' and g.area_id = c.area_id order by g.id limit 1) u
where c.retired_at is null order by random() limit 1
"""
_DUTY_AT = "select duty, duty_at from issues where id = $1"
_NAME = "select name from accounts where id = $1"


class NoDemo(Exception):
    """There is nobody to play."""


@dataclass
class Step:
    """What was done or happened, and who heard what of it: (role, name, kind, text)."""

    title: str
    told: list[tuple[str, str, str, str]] = field(default_factory=list[tuple[str, str, str, str]])


class Play:
    """`people` maps roles to (name, client)."""

    def __init__(
        self, database: Database, people: dict[str, tuple[str, httpx.AsyncClient]], language: str, say: Callable[[str], None]
    ) -> None:
        self.database, self.people, self.language, self.say = database, people, language, say
        self.steps: list[Step] = []
        self.seen = {role: set[str]() for role in people}
        self.passed = timedelta()

    async def call(self, role: str, method: str, path: str, **options: Any) -> Any:
        answer = await self.people[role][1].request(method, path, **options)
        answer.raise_for_status()
        return answer.json()

    async def act(self, role: str, issue: str, action: str, **fields: Any) -> Any:
        body = await self.call(role, "POST", f"/v1/issues/{issue}/actions", json={"action": action, **fields})
        await self.told(f"{say('role-' + role, self.language)} {self.people[role][0]}: {say('action-' + action, self.language)}")
        return body

    async def told(self, title: str) -> None:
        """Have everybody told who is to be told, and show it."""
        await follow(self.database)
        step = Step(f"+{self.passed.total_seconds() / 3600:.0f} h  {title}")
        self.say(step.title)
        for role, (name, client) in self.people.items():
            items = (await client.get("/v1/notices", params={"limit": 50})).json()["items"]
            fresh = [item for item in items if item["id"] not in self.seen[role]]
            self.seen[role] |= {item["id"] for item in items}
            for item in reversed(fresh):
                step.told.append((role, name, item["kind"], item["text"]))
                self.say(f"        {say('role-' + role, self.language)} {name} <- {item['text']}")
        self.steps.append(step)

    async def let_pass(self, issue: str, time: timedelta) -> None:
        async with self.database.transaction() as connection:
            for statement in _SHIFT:
                await connection.execute(statement, uuid.UUID(issue), time)
        self.passed += time

    async def until_duty(self, issue: str) -> None:
        """Let time pass until the clock does what it has planned for the issue."""
        async with self.database.acquire() as connection:
            row: Any = await connection.fetchrow(_DUTY_AT, uuid.UUID(issue))
        await self.let_pass(issue, max(timedelta(), row["duty_at"] - datetime.now(UTC)) + timedelta(seconds=1))
        await running.run(self.database)
        await self.told(say(f"happened-{row['duty']}", self.language))

    async def photo(self, role: str, words: str) -> str:
        id, picture = str(uuid.uuid4()), Image.new("RGB", (640, 480), "#6b8e6b" if words == "after" else "#8e6b6b")
        ImageDraw.Draw(picture).text((260, 230), f"{words} {id[:8]}", fill="white")
        out = io.BytesIO()
        picture.save(out, "JPEG")
        await self.call(role, "PUT", f"/v1/photos/{id}", content=out.getvalue(), headers={"content-type": "image/jpeg"})
        return id

    async def report(self, lat: float, lon: float, place: str) -> str:
        body = {
            "category": "building_waste", "position": {"lat": lat, "lon": lon, "accuracy_m": 6}, "place": place,
            "observed_at": datetime.now(UTC).isoformat(), "photos": [await self.photo("volunteer", "before")],
        }  # fmt: skip
        return (await self.call("volunteer", "PUT", f"/v1/reports/{uuid.uuid4()}", json=body))["issue"]["id"]

    async def whole_life(self, lat: float, lon: float, area: uuid.UUID, unit: uuid.UUID, place: str) -> tuple[str, str]:
        """Reported, reminded, overdue, extended, handed over, replied, rectified, sent back, rectified, verified, and back again; the
        ids of both issues."""

        def ahead(**time: float) -> str:
            return (datetime.now(UTC) + timedelta(**time)).isoformat()

        issue = await self.report(lat, lon, place)
        await self.told(
            f"{say('role-volunteer', self.language)} {self.people['volunteer'][0]}: {say('happened-report', self.language)}"
        )
        await self.act("leader", issue, "accept")
        await self.act("leader", issue, "assign", unit=str(unit), deadline=ahead(hours=48))
        await self.act("worker", issue, "start")
        await self.until_duty(issue)
        await self.until_duty(issue)
        async with self.database.transaction() as connection:
            # Each play its own day, so that the office is told again when the play is repeated.
            await running.tell_office(
                connection, area, datetime.now(UTC).date() + timedelta(days=int(uuid.uuid4().int % 100_000))
            )
        await self.told(say("happened-digest", self.language))
        await self.act("worker", issue, "request_extension", deadline=ahead(days=4), reason=say("play-extension", self.language))
        await self.act("leader", issue, "grant_extension")
        await self.let_pass(issue, timedelta(hours=20))
        await self.act("leader", issue, "hand_over", authority=say("play-authority", self.language), reply_by=ahead(days=3))
        await self.until_duty(issue)
        await self.until_duty(issue)
        await self.act("staff", issue, "reply", to="accepted", note=say("play-reply", self.language))
        await self.act("leader", issue, "assign", unit=str(unit))
        await self.act("worker", issue, "start")
        await self.let_pass(issue, timedelta(hours=5))
        await self.act("worker", issue, "rectify", photos=[await self.photo("worker", "after")])
        await self.act("volunteer", issue, "send_back", reason=say("play-sent-back", self.language))
        await self.let_pass(issue, timedelta(hours=3))
        await self.act("worker", issue, "rectify", photos=[await self.photo("worker", "after")])
        await self.act("volunteer", issue, "verify")
        await self.let_pass(issue, timedelta(days=6))
        again = await self.report(lat, lon, place)
        await self.told(
            f"{say('role-volunteer', self.language)} {self.people['volunteer'][0]}: {say('happened-report', self.language)}"
        )
        await recurrence.follow(self.database)
        await self.told(say("happened-recur", self.language))
        return issue, again


async def play_alone(url: str, folder: Path, language: str, tell: Callable[[str], None]) -> None:
    """Play in the demo community at `url`. Raises NoDemo where nobody is to play."""
    app = create_app(url, folder)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(app.router.lifespan_context(app))
        database: Database = app.state.database
        async with database.acquire() as connection:
            cast: Any = await connection.fetchrow(_CAST)
        if cast is None:
            raise NoDemo(MISSING)
        people: dict[str, tuple[str, httpx.AsyncClient]] = {}
        for role in ("volunteer", "leader", "worker", "staff"):
            token = mint(b"")
            async with database.transaction() as connection:
                await add_session(connection, cast[role], token, "fast-forward")
                name: Any = await connection.fetchval(_NAME, cast[role])
            client = httpx.AsyncClient(
                transport=httpx.ASGITransport(app), base_url="http://fast-forward",
                headers={"authorization": f"Bearer {token}", "accept-language": language},
            )  # fmt: skip
            people[role] = (name, await stack.enter_async_context(client))
        play = Play(database, people, language, tell)
        for role, (_, client) in people.items():
            items = (await client.get("/v1/notices", params={"limit": 200})).json()["items"]
            play.seen[role] |= {item["id"] for item in items}
        await play.whole_life(cast["lat"], cast["lon"], cast["area"], cast["unit"], say("play-place", language))
        for _, client in people.values():
            await client.delete("/v1/sessions")
