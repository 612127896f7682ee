"""Random histories, played through the service with time that passes between the steps, and what the issues were after each step."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from app.issues import recurrence
from tests.conftest import PICTURE

_COLUMNS = (
    "created_at",
    "updated_at",
    "deadline",
    "first_deadline",
    "extension_until",
    "reply_by",
    "rectified_at",
    "closed_at",
    "duty_at",
)
_ISSUES = "update issues set " + ", ".join(f"{name} = {name} - $2::interval" for name in _COLUMNS)
_TIMES = "('deadline', 'first_deadline', 'extension_until', 'reply_by', 'rectified_at', 'closed_at', 'ends')"


def _earlier(column: str) -> str:
    return f"""(select jsonb_object_agg(x.key, case when x.key in {_TIMES} and jsonb_typeof(x.value) = 'string'
      then to_jsonb((x.value #>> '{{}}')::timestamptz - $2::interval) else x.value end) from jsonb_each({column}) x)"""


_PASSES = (
    f"{_ISSUES} where id = any($1::uuid[])",
    f"update events set at = at - $2::interval, was = {_earlier('was')}, data = coalesce({_earlier('data')}, '{{}}')"
    " where issue_id = any($1::uuid[])",
)
AUTHORITIES = ("交警大队", "住建局", "供电所", "水务局", "林草局", "电信公司")
KINDS = ("litter", "fly_posting", "street_vending", "no_litter_bin")
PLACES = ("东浦巷12号", "东浦巷3号", "人民东路", "")


@dataclass
class Step:
    """A moment of a history: the issues' rows as they were after it, and what had been done up to it."""

    at: datetime
    rows: dict[uuid.UUID, dict[str, Any]]


@dataclass
class Deed:
    action: str
    issue: uuid.UUID
    at: datetime
    area: uuid.UUID | None
    version: int
    limit: datetime | None
    deadline: datetime | None
    state: str


@dataclass
class History:
    town: Any
    database: Any
    dice: random.Random
    people: dict[str, Any]
    neighbour: uuid.UUID
    issues: list[uuid.UUID] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    deeds: list[Deed] = field(default_factory=list)

    async def _rows(self) -> dict[uuid.UUID, dict[str, Any]]:
        async with self.database.acquire() as connection:
            rows = await connection.fetch(
                "select i.*, c.name as cell from issues i left join cells c on c.id = i.cell_id where i.id = any($1)", self.issues
            )
        return {row["id"]: dict(row) for row in rows}

    def _position(self) -> dict[str, float]:
        """One of a few spots in the two cells and next door, so that things come back."""
        east = self.dice.choice([0.003, 0.006, 0.013, 0.016, 0.023])
        return {"lat": self.town.lat + 0.005, "lon": self.town.lon + east}

    async def _report(self) -> None:
        body = self.town.body(
            category=self.dice.choice(KINDS), position=self._position(), place=self.dice.choice(PLACES),
            observed_at=datetime.now(UTC).isoformat(),
        )  # fmt: skip
        if self.dice.random() < 0.15 and body["category"] == "litter":
            body["mended_on_the_spot"] = True
        answer = await self.people["volunteer"].report(**body)
        self.issues.append(uuid.UUID(answer["issue"]["id"]))

    def _soon(self) -> str:
        days = self.dice.choice([0.2, 1, 2, 3, 8])
        return (datetime.now(UTC) + timedelta(days=days)).isoformat()

    async def _wish(self, action: str, units: list[uuid.UUID], others: list[str]) -> dict[str, Any] | None:
        dice = self.dice
        wishes: dict[str, Any] = {
            "accept": {}, "start": {}, "verify": {}, "withdraw": {}, "unmerge": {}, "reject": {"reason": "x"}, "send_back": {"reason": "x"},
            "reopen": {"reason": "x"}, "fail_inspection": {"reason": "x"}, "refuse_extension": {"reason": "x"},
            "assign": {"unit": str(dice.choice(units)), "deadline": self._soon(), "reason": "x"} if dice.random() < 0.85
            else {"assignee": str(self.people["worker"].id), "deadline": self._soon(), "reason": "x"},
            "rectify": {"photos": [str(uuid.uuid4())]},
            "hand_over": {"authority": dice.choice(AUTHORITIES), "reply_by": self._soon()},
            "reply": {"to": dice.choice(["rectified", "accepted"]), "note": "x", "photos": [str(uuid.uuid4())]},
            "request_extension": {"deadline": self._soon(), "reason": "x"},
            "grant_extension": {"deadline": self._soon(), "reason": "x"},
            "close_unresolved": {"reason_code": dice.choice(["cannot_be_mended", "not_our_matter", "gone", "duplicate", "other"])},
            "merge": {"into": dice.choice(others)} if others else None,
            "reclassify": {"category": dice.choice(KINDS)},
            "relocate": {"position": self._position(), "place": dice.choice(PLACES)},
        }  # fmt: skip
        return wishes.get(action)

    async def _act(self, id: uuid.UUID, units: list[uuid.UUID]) -> None:
        actor = self.people[self.dice.choice(["leader", "staff", "worker", "staff"])]
        seen = await actor.call("GET", f"/v1/issues/{id}")
        if seen.status_code != 200:
            return
        issue = seen.json()
        likely = [name for name in issue["actions"] if name not in ("comment", "pass_inspection", "name_premises", "name_place")]
        rare = {"merge", "reject", "withdraw", "close_unresolved", "reopen", "fail_inspection", "unmerge"}
        likely = [name for name in likely if name not in rare or self.dice.random() < 0.3]
        if not likely:
            return
        # What carries an issue on is done more often than what turns it about.
        action = self.dice.choice(likely + 3 * [name for name in likely if name in ("assign", "start", "rectify", "verify")])
        others = [str(other) for other in self.issues if other != id]
        wish = await self._wish(action, units, others)
        if wish is None:
            return
        before = (await self._rows())[id]
        # Now and then a photograph never arrives, and its issue waits for it.
        for photo in wish.get("photos", ()):
            if self.dice.random() < 0.9:
                await actor.call("PUT", f"/v1/photos/{photo}", content=PICTURE)
        answer = await actor.call("POST", f"/v1/issues/{id}/actions", json={"action": action, **wish})
        assert answer.status_code < 500, answer.text
        if answer.status_code == 200:
            row = (await self._rows())[id]
            limit = before["first_deadline"] or before["deadline"]
            self.deeds.append(
                Deed(action, id, row["updated_at"], row["area_id"], row["version"], limit, before["deadline"], row["state"])
            )

    async def play(self, steps: int, units: list[uuid.UUID]) -> None:
        """Steps some days apart; in each a few reports and actions."""
        for _ in range(steps):
            fresh = len(self.issues)
            for _ in range(self.dice.randrange(2, 5)):
                await self._report()
            rows = await self._rows()
            for id in self.issues[fresh:]:
                row, action = rows[id], "report"
                if row["closed_at"] or row["rectified_at"]:
                    action = "report_mended"
                self.deeds.append(Deed(action, id, row["updated_at"], row["area_id"], 1, None, None, row["state"]))
            for id in self.dice.sample(self.issues, min(len(self.issues), 14)):
                await self._act(id, units)
            await recurrence.follow(self.database)
            self.steps.append(Step(datetime.now(UTC), await self._rows()))
            await self._pass(timedelta(days=self.dice.uniform(0.8, 4.5)))

    async def _pass(self, by: timedelta) -> None:
        """Let time pass: everything that has happened lies so much further back, what was seen of it too."""
        async with self.database.transaction() as connection:
            for statement in _PASSES:
                await connection.execute(statement, self.issues, by)
        for step in self.steps:
            step.at -= by
            for row in step.rows.values():
                row.update({name: row[name] - by for name in _COLUMNS if row[name] is not None})
        for deed in self.deeds:
            deed.at -= by
            deed.limit = None if deed.limit is None else deed.limit - by
            deed.deadline = None if deed.deadline is None else deed.deadline - by

    async def move_all(self) -> None:
        """Whatever is open comes to lie in the other community: today's columns say nothing of then."""
        for id, row in (await self._rows()).items():
            at_home = row["area_id"] == self.town.area
            position = {"lat": self.town.lat + 0.005, "lon": self.town.lon + (0.023 if at_home else 0.006)}
            wish = {"action": "relocate", "position": position}
            await self.people["staff"].call("POST", f"/v1/issues/{id}/actions", json=wish)
        self.steps.append(Step(datetime.now(UTC), await self._rows()))

    def at(self, instant: datetime) -> dict[uuid.UUID, dict[str, Any]]:
        """What the issues were at an instant, as it was seen then."""
        seen = [step.rows for step in self.steps if step.at < instant]
        return seen[-1] if seen else {}


async def played(town: Any, database: Any, seed: int, steps: int = 11) -> tuple[History, list[uuid.UUID]]:
    """A history in a town and the community next to it, and the units that work there."""
    dice = random.Random(seed)
    neighbour, cell, units = uuid.uuid4(), uuid.uuid4(), [town.unit, *(uuid.uuid4() for _ in range(4))]
    west = town.lon + 0.02
    corners = [(0, 0), (0.01, 0), (0.01, 0.01), (0, 0.01), (0, 0)]
    ring = ",".join(f"{west + x} {town.lat + y}" for x, y in corners)
    async with database.transaction() as connection:
        shape = f"MULTIPOLYGON((({ring})))"
        await connection.execute(
            # Next door anybody may report.
            "insert into areas (id, level, name, geom, time_zone, open_reports)"
            " values ($1, 'community', $2, st_geomfromtext($3, 4326), 'Asia/Shanghai', true)",
            neighbour, f"邻社区 {neighbour.hex[:8]}", shape,
        )  # fmt: skip
        await connection.execute("insert into area_tree values ($1, $1)", neighbour)
        await connection.execute(
            "insert into cells (id, area_id, name, geom) values ($1, $2, '邻网格', st_geomfromtext($3, 4326))",
            cell,
            neighbour,
            shape,
        )
        for n, unit in enumerate(units[1:]):
            await connection.execute("insert into units values ($1, $2, $3, 'school', '')", unit, town.area, f"单位{n}")
    people = {role: await town.person(role) for role in ("volunteer", "leader", "worker")}
    # Whoever takes the office's part sees both communities.
    people["staff"] = await town.person("admin", language="zh-CN")
    history = History(town, database, dice, people, neighbour)
    await history.play(steps, units)
    return history, units
