"""Schemathesis against the running service: a community for it, how it is run, and what it found as a table."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from app.kit.policy import ROLES
from app.people.sessions import add_session, mint
from tests.conftest import PICTURE
from tests.pictures import JPEG

# Beside what schemathesis takes for an answer to a well-formed request: a cursor that is over, an issue that has changed since, bytes
# that are too many, or not those of their checksum.
_CONFIGURATION = """
continue-on-failure = true
request-timeout = 60
suppress-health-check = ["all"]
warnings = false
[generation]
no-shrink = true
allow-x00 = false
database = "none"
with-security-parameters = false
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", 401, 403, 404, 409, 410, 412, 413, 429, 460, 503]
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 409, 410, 412, 413, 415, 422, 429, 460]
[cache]
enabled = false
[[operations]]
include-path = "/v1/events"  # without end: test_live listens to it
enabled = false
"""


async def world(town: Any) -> dict[str, Any]:
    """A community in which something stands behind every kind of id, and somebody in every role."""
    people = {role: await town.person(role) for role in ROLES}
    volunteer, leader, staff = (people[role] for role in ("volunteer", "leader", "staff"))
    area, cell, unit = str(town.area), str(town.cells[0]), str(town.unit)
    known: dict[str, list[str]] = {
        "area": [area], "cell": [str(c) for c in town.cells], "unit": [unit], "parent": [area], "/areas": [area, cell], "/units": [unit],
        "/cells": [str(c) for c in town.cells], "category": ["litter", "parking", "graffiti"], "layer": ["issues", "cells", "public"],
        "sheet": ["sprite.json", "sprite.png", "sprite@2x.json", "sprite@2x.png"], "slug": ["stale", "not-found"],
        "account": [str(p.id) for p in people.values()],
    }  # fmt: skip
    for name in ("assignee", "owner", "deputy", "leader"):
        known[name] = known["account"]
    issues, photos, reports = [], [], []
    for number in range(6):
        photo = str(uuid.uuid4())
        told = await (volunteer if number % 2 else leader).report(**town.body(cell=number % 2, photos=[photo]))
        assert (
            await (volunteer if number % 2 else leader).call("PUT", f"/v1/photos/{photo}", content=PICTURE)
        ).status_code == 201
        issues.append(told["issue"]["id"])
        reports.append(told["report"]["id"])
        photos.append(photo)
        known.setdefault("number", []).append(told["issue"]["number"])
    await staff.act(issues[0], "accept")
    await staff.act(issues[1], "assign", unit=unit)
    await staff.act(issues[2], "accept")
    await staff.act(issues[2], "hand_over", authority="交警", reply_by="2027-06-01T00:00:00Z")
    await staff.act(issues[3], "assign", unit=unit)
    worker = people["worker"]
    after = str(uuid.uuid4())
    await worker.act(issues[3], "start")
    await worker.act(issues[3], "rectify", photos=[after])
    made: dict[str, list[str]] = {}

    async def put(person: Any, path: str, body: dict[str, Any]) -> str:
        id = str(uuid.uuid4())
        answer = await person.call("PUT", f"/v1/{path}/{id}", json=body)
        assert answer.status_code < 300, (path, answer.text)
        made.setdefault(f"/{path}", []).append(id)
        return id

    now = datetime.now(UTC).isoformat()
    front = {"type": "Point", "coordinates": [town.lon + 0.005, town.lat + 0.005]}
    for number in range(3):
        shop = await put(leader, "premises", {"area": area, "name": f"店{number}", "frontage": front})
        await put(volunteer, "patrols", {"started_at": now})
        await put(staff, "authorities", {"area": area, "name": f"交警{number}"})
        await put(leader, "activities", {"area": area, "kind": "leaflet", "on_day": "2026-11-24"})
        await put(volunteer, "channels", {"kind": "mail", "address": f"a{number}{uuid.uuid4().hex}@example.org"})
    await put(staff, "assignment-rules", {"area": area, "unit": unit, "category": "litter"})
    await put(staff, "samples", {"area": area, "week": "2026-01-05", "percent": 10})
    visit = str(uuid.uuid4())
    assert (await leader.call("PUT", f"/v1/premises/{shop}/visits/{visit}", json={"at": now})).status_code == 201
    invited = [
        (await staff.call("POST", "/v1/invitations", json={"role": "volunteer", "cell": cell, "uses": 500})).json()
        for _ in range(2)
    ]
    spot = str(uuid.uuid4())
    async with town.database.transaction() as connection:
        await connection.execute(
            "insert into black_spots (id, area_id, cell_id, category, position, mercator, latest_issue_id, recurrences, last_seen_at) "
            "select $1, area_id, cell_id, category, position, st_transform(position, 3857), id, 3, now() from issues where id = $2",
            uuid.UUID(spot), uuid.UUID(issues[0]),
        )  # fmt: skip
    begun = str(uuid.uuid4())
    named = base64.b64encode(begun.encode()).decode()
    for person in people.values():
        await person.call("POST", "/v1/uploads", headers={"upload-length": "9", "upload-metadata": f"photo {named}"})
    today = datetime.now(UTC).date()
    known |= made | {
        "week": ["2026-01-05", "2025-12-29"], "month": ["2026-01-05"], "group": ["sanitation", "green"],
        "deadline": [(datetime.now(UTC) + timedelta(days=days)).isoformat() for days in (1, 20)],
        "reply_by": [(datetime.now(UTC) + timedelta(days=days)).isoformat() for days in (1, 20)],
        "starts_on": [today.isoformat()], "ends_on": [(today + timedelta(days=3)).isoformat()],
        "/black-spots": [spot], "/uploads": [begun],
        "/issues": issues, "/reports": reports, "/photos": photos, "/invitations": [each["id"] for each in invited],
        "invited": [each["code"] for each in invited], "issue": issues, "issue_id": issues, "into": issues, "photos": photos,
        "photo": photos, "premises": made["/premises"], "visit": [visit],
    }  # fmt: skip
    tokens = [p.client.headers["authorization"].removeprefix("Bearer ") for p in people.values()]
    spare = []
    async with town.database.transaction() as connection:
        for role in ROLES:
            other = await town.person(role)
            for _ in range(30):
                token = mint(b"")
                await add_session(connection, other.id, token, "spare")
                spare.append(token)
    return {"known": known, "tokens": tokens, "spare": spare, "roles": list(ROLES), "pictures": [PICTURE.hex(), JPEG.hex()]}


@dataclass
class Found:
    """What a run found: its report, and what it wrote."""

    report: dict[str, Any]
    text: str
    failed: bool

    @property
    def reached(self) -> int:
        """Operations of which a well-formed request was carried out."""
        rates: dict[str, dict[str, dict[str, int]]] = self.report.get("valid_rates", {})
        return sum(1 for phases in rates.values() if any(rate["accepted"] for rate in phases.values()))

    @property
    def cases(self) -> int:
        return self.report["test_cases"]["generated"]

    def table(self, role: str) -> str:
        if not self.report:
            return self.text
        lines = [f"{role}: {self.cases} requests, {self.reached} operations carried out, {self.report['running_time']:.0f} s"]
        lines += [
            f"  {each['title']:45} {each['count']:5} in {len(each['operations'])} operations" for each in self.report["failures"]
        ]
        lines += [f"  {each['title']:45} {each['count']:5}" for each in self.report["errors"]]
        return "\n".join(lines if len(lines) > 1 else [*lines, "  nothing found"])


async def run(address: str, told: dict[str, Any], folder: Path, seed: int, *options: str) -> Found:
    """Every check on every operation, in the name of each of the world's tokens in turn."""
    world, configuration, report = folder / "world.json", folder / "schemathesis.toml", folder / "report.json"
    world.write_text(json.dumps(told), "utf-8")
    configuration.write_text(_CONFIGURATION, "utf-8")
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(configuration), "run",
        f"http://{address}/openapi.json", "--checks", "all", "--seed", str(seed), "--no-color", "--report", "json",
        "--report-json-path", str(report), *options,
        env=os.environ | {"SCHEMATHESIS_HOOKS": "tests.fuzz_hooks", "GRIDPATROL_FUZZ_WORLD": str(world), "PYTHONPATH": "."},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return Found(json.loads(report.read_text("utf-8")) if report.exists() else {}, output.decode(), process.returncode != 0)
