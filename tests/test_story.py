"""One issue from its first report until it comes back, with the time between let pass, and everything that everybody is told."""

import uuid

from app.demo.fast_forward import Play


async def test_a_whole_life_with_every_notice(town, database):
    people = {role: await town.person(role) for role in ("volunteer", "leader", "worker", "staff")}
    lines = []
    play = Play(database, {role: (role, person.client) for role, person in people.items()}, "en", lines.append)
    issue, again = await play.whole_life(town.lat + 0.005, town.lon + 0.005, town.area, town.unit, "东浦巷12号")
    assert [
        (step.title.split("  ", 1)[1].split(": ")[-1], [(role, kind) for role, _, kind, _ in step.told]) for step in play.steps
    ] == [
        ("reported", [("leader", "new")]),
        ("accept", [("volunteer", "accepted")]),
        ("assign", [("worker", "assigned")]),
        ("start", []),
        ("reminded before the deadline", [("worker", "due_soon")]),
        ("became overdue", [("leader", "overdue"), ("worker", "overdue")]),
        ("the office's daily digest", [("staff", "digest")]),
        ("ask for an extension", [("leader", "extension_asked")]),
        ("grant the extension", [("worker", "extension_granted")]),
        ("hand over", [("staff", "handed_over")]),
        ("asked for the reply", [("leader", "reply_due_soon")]),
        ("the reply became overdue", [("leader", "reply_overdue"), ("staff", "reply_overdue")]),
        ("enter the reply", [("leader", "replied")]),
        ("assign", [("worker", "assigned")]),
        ("start", []),
        ("rectify", [("volunteer", "mended"), ("leader", "to_verify")]),
        ("send back", [("worker", "sent_back")]),
        ("rectify", [("volunteer", "mended"), ("leader", "to_verify")]),
        ("verify", [("worker", "closed")]),
        ("reported", [("leader", "new")]),
        ("came back", [("leader", "came_back")]),
    ]
    timeline = (await people["leader"].get(f"/v1/issues/{issue}/timeline"))["items"]
    assert [e["action"] for e in timeline] == [
        "report", "accept", "assign", "start", "remind", "overdue", "request_extension", "grant_extension", "hand_over",
        "remind_reply", "reply_overdue", "reply", "assign", "start", "rectify", "send_back", "rectify", "verify",
    ]  # fmt: skip
    assert [e["version"] for e in timeline] == list(range(1, 19)) and timeline == sorted(timeline, key=lambda e: e["at"])
    came = await people["leader"].get(f"/v1/issues/{again}")
    assert (came["recurrence_of"], came["recurrences"]) == (issue, 1)
    mended = next(t for step in play.steps for t in step.told if t[2] == "mended")
    assert "东浦巷12号" in mended[3]


async def test_what_events_keep_of_deadlines_moves_with_the_time(town, database):
    """The limit that had fallen when the issue was extended is before the extension, also where time was let pass since."""
    people = {role: await town.person(role) for role in ("volunteer", "leader", "worker", "staff")}
    play = Play(database, {role: (role, person.client) for role, person in people.items()}, "en", lambda line: None)
    issue, _ = await play.whole_life(town.lat + 0.005, town.lon + 0.005, town.area, town.unit, "东浦巷12号")
    async with database.acquire() as connection:
        row = await connection.fetchrow(
            "select at, (was ->> 'deadline')::timestamptz as before from events where issue_id = $1 and action = 'grant_extension'",
            uuid.UUID(issue),
        )
    assert row["before"] <= row["at"]
