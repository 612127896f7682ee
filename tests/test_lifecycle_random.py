"""Random actions by random people, thousands of steps: whatever they try, an issue never gets into a state that cannot be."""

import random
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from app.duties import running
from app.issues.lifecycle import ACTIONS, OPEN, STATES
from app.settings import settings as service

ROLES = ("volunteer", "second", "leader", "worker", "staff", "inspector")
_RUNNING = ("reported", "accepted", "assigned", "in_progress")


def fields(action, dice, town, others):
    """Fields for an action, now and then not quite what it needs."""
    ahead = (datetime.now(UTC) + timedelta(hours=dice.randint(1, 200))).isoformat()
    every = {
        "reason": "缘由", "note": "备注", "into": dice.choice(others), "unit": str(town.unit), "deadline": ahead, "photos": [str(uuid.uuid4())],
        "authority": "交警大队", "reply_by": ahead, "to": dice.choice(["rectified", "accepted"]), "reason_code": "gone",
        "category": dice.choice(["litter", "black_spot", "graffiti"]), "position": {"lat": town.lat + 0.004, "lon": town.lon + 0.014},
    }  # fmt: skip
    wish = {name: every[name] for name in action.needs if name in every}
    wish |= {name: every[name] for name in action.may if name in every and dice.random() < 0.5}
    if wish and dice.random() < 0.05:
        wish.pop(dice.choice(sorted(wish)))
    return wish


async def check(database, id):
    """What must hold of an issue at any time, from its columns and its log."""
    async with database.acquire() as connection:
        i = await connection.fetchrow("select * from issues where id = $1", uuid.UUID(id))
        log = await connection.fetch("select * from events where issue_id = $1 order by version", uuid.UUID(id))
        reports = await connection.fetchval("select count(*) from reports where issue_id = $1", uuid.UUID(id))
        evidence = await connection.fetchval("select count(*) from evidence where issue_id = $1", uuid.UUID(id))
    assert i["state"] in STATES and [e["version"] for e in log] == list(range(1, i["version"] + 1))
    assert log[-1]["to_state"] == i["state"] and all(b["from_state"] == a["to_state"] for a, b in pairwise(log))
    assert (i["reports"], i["evidence"]) == (reports, evidence)
    assert (i["closed_at"] is not None) == (i["state"] == "closed")
    assert (i["merged_into"] is not None) == (i["state"] == "merged")
    if i["state"] != "merged":  # which keeps what its undo gives back
        assert (i["authority"] is not None) == (i["state"] == "handed_over") == (i["reply_by"] is not None)
    assert i["duty"] is None or (i["state"] in _RUNNING and i["deadline"]) or i["state"] == "handed_over"
    assert not (i["state"] == "handed_over" and i["deadline"])
    assert i["state"] not in ("assigned", "in_progress") or i["unit_id"] or i["assignee_id"]
    rectifier = None
    for e in log:
        allowed = ACTIONS.get(e["action"])
        assert allowed is None or e["from_state"] in allowed.sources
        assert allowed is None or allowed.to is None or e["to_state"] in allowed.to
        if e["action"] in ("verify", "send_back"):
            assert e["actor_id"] != rectifier
        if e["action"] in ("rectify", "report_mended"):
            rectifier = e["actor_id"]
        elif e["action"] in ("reply", "reopen", "send_back", "fail_inspection"):
            rectifier = None


# What an issue is, without what every change moves, what the database derives, and the clock's own plan.
_COLUMNS = """
select (to_jsonb(i) - array['version', 'updated_at', 'tx', 'duty', 'duty_at', 'state', 'position', 'mercator', 'is_open', 'street'])
  || jsonb_build_object('lat', st_y(i.position), 'lon', st_x(i.position)) as columns, i.version, i.state
from issues i where i.id = $1
"""


def plain(value):
    """Instants as such, however they are spelt."""
    if isinstance(value, str) and value[4:5] == "-" and "T" in value:
        return datetime.fromisoformat(value)
    return value


class Watched:
    """What each issue was after each of its versions, as seen at that time, and its first clock."""

    def __init__(self, database):
        self.database, self.seen, self.first = database, {}, {}

    async def look(self, id):
        """Keep what the issue is now; the first clock has not moved to later since the last look."""
        async with self.database.acquire() as connection:
            row = await connection.fetchrow(_COLUMNS, uuid.UUID(id))
            versions = self.seen.setdefault(id, {})
            before = max(versions, default=0)
            since = await connection.fetch(
                "select action, data, was from events where issue_id = $1 and version > $2 order by version",
                uuid.UUID(id),
                before,
            )
        now = {name: plain(value) for name, value in row["columns"].items()}
        versions[row["version"]] = now
        # A new round has a new clock, and a survivor gets its own back.
        if {e["action"] for e in since} & {"reopen", "fail_inspection", "release"}:
            self.first.pop(id, None)
        clock = now["first_deadline"] or now["deadline"]
        if clock is not None:
            # Handed over for no more than this test takes.
            assert clock <= self.first.get(id, clock) + timedelta(seconds=1), [e["action"] for e in since]
            self.first[id] = clock
        assert now["first_deadline"] is None or now["first_deadline"] < now["deadline"]
        for e in since:
            later = e["action"] in ("assign", "grant_extension") and "deadline" in (e["was"] or {}) and e["was"]["deadline"]
            if later and plain(e["data"]["deadline"]) > plain(e["was"]["deadline"]):
                assert e["data"]["extended_from"] and (e["data"].get("reason") or e["action"] == "grant_extension")

    def moved(self, id):
        """Time was let pass for an issue: nothing that was seen of its clock is comparable."""
        for columns in self.seen.get(id, {}).values():
            columns.pop("deadline", None)
            columns.pop("first_deadline", None)
        self.first.pop(id, None)

    async def replay(self, id):
        """What the log says of every version is what was seen then."""
        async with self.database.acquire() as connection:
            present = {n: plain(v) for n, v in (await connection.fetchval(_COLUMNS, uuid.UUID(id))).items()}
            log = await connection.fetch("select version, was from events where issue_id = $1 order by version", uuid.UUID(id))
        told = dict(present)
        for e in reversed(log):
            for name, value in self.seen[id].get(e["version"], {}).items():
                assert told[name] == value, (e["version"], name)
            told |= {name: plain(value) for name, value in (e["was"] or {}).items()}


async def extensions(database, id):
    """How often the deadline was extended in each round."""
    async with database.acquire() as connection:
        log = await connection.fetch("select action, data from events where issue_id = $1 order by version", uuid.UUID(id))
    rounds = [0]
    for e in log:
        if e["action"] in ("reopen", "fail_inspection"):
            rounds.append(0)
        rounds[-1] += e["action"] == "grant_extension" or (e["action"] == "assign" and "extended_from" in e["data"])
    return rounds


# What ends an issue or leads nowhere is tried less often, so that the walks get far.
_WEIGHTS = {
    "comment": 0.05,
    "withdraw": 0.1,
    "reject": 0.1,
    "close_unresolved": 0.1,
    "merge": 0.3,
    "relocate": 0.2,
    "reclassify": 0.2,
    "name_premises": 0.2,
    "pass_inspection": 0.2,
    "fail_inspection": 0.5,
}
_taken: Counter[str] = Counter()


@settings(max_examples=30, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_random_actions_by_random_people(town, run, database, seed):
    """Forty steps a seed; a failing seed plays the same again."""

    async def walk():
        dice = random.Random(seed)
        people = {role: await town.person("volunteer" if role == "second" else role) for role in ROLES}
        issues = [(await people["volunteer"].report(**town.body()))["issue"]["id"] for _ in range(3)]
        watched = Watched(database)
        for _ in range(40):
            role, issue = dice.choice(ROLES), dice.choice(issues)
            open_now = (await people[role].call("GET", f"/v1/issues/{issue}")).json().get("actions", [])
            # Three steps in four take what is open; the rest tries anything.
            names = open_now if open_now and dice.random() < 0.75 else sorted(ACTIONS)
            name = dice.choices(names, [_WEIGHTS.get(n, 1) for n in names])[0]
            wish = fields(ACTIONS[name], dice, town, issues)
            answer = await people[role].call("POST", f"/v1/issues/{issue}/actions", json={"action": name, **wish})
            assert answer.status_code in (200, 404, 409, 422), answer.text
            assert answer.status_code != 200 or name in open_now
            _taken[name] += answer.status_code == 200
            if dice.random() < 0.1:
                body = town.body(issue_id=issue, mended_on_the_spot=dice.random() < 0.5)
                joined = await people["second"].call("PUT", f"/v1/reports/{uuid.uuid4()}", json=body)
                assert joined.status_code in (201, 422)
            if dice.random() < 0.1:
                async with database.acquire() as connection:
                    await connection.execute(
                        "update issues set duty_at = now(), first_deadline = null, deadline = case when deadline is null then null else now() end where id = $1 "
                        "and duty is not null", uuid.UUID(issue),
                    )  # fmt: skip
                watched.moved(issue)
                await running.run(database)
            for id in {issue, *([wish["into"]] if "into" in wish else [])}:
                await check(database, id)
                await watched.look(id)
            if name == "unmerge":
                for id in issues:
                    await watched.look(id)
        for id in issues:
            await check(database, id)
            await watched.replay(id)
            assert max(await extensions(database, id)) <= service().extensions
        # What the list calls open equals a recount from the log.
        listed = (await people["staff"].get("/v1/issues", state="open", limit=200))["items"]
        async with database.acquire() as connection:
            last = await connection.fetch(
                "select distinct on (issue_id) issue_id::text, to_state from events where issue_id = any($1::uuid[]) order by issue_id, version desc",
                [uuid.UUID(i) for i in issues],
            )  # fmt: skip
        assert {r["issue_id"] for r in last if r["to_state"] in OPEN} == {i["id"] for i in listed} & set(issues)

    run(walk())


def test_the_walks_went_everywhere():
    """The walks before this took nearly every action there is, so what they showed was shown of something."""
    assert len([name for name, times in _taken.items() if times]) >= len(ACTIONS) - 3, dict(_taken)
