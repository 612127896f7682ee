"""What events changed before they kept it is filled in from their own data, where that says it."""

from __future__ import annotations

import uuid
from datetime import datetime
from pathlib import Path

from tests.histories import played

_SQL = Path(__file__).parent.parent / "migrations" / "versions" / "0012_papers.sql"
# What the data of old events does not say.
_UNKNOWN = {"area_id", "place", "lat", "lon", "reports", "merged_into", "rectified_by", "extension_until", "category_version"}
_UNKNOWN |= {"deadline_left_s", "first_deadline", "first_left_s", "rework", "evidence"}


def _statement():
    return next(text for text in _SQL.read_text("utf-8").split("\n\n") if "update events e set was" in text)


def _same(kept, filled):
    if isinstance(kept, str) and isinstance(filled, str) and "T" in kept:
        # An event is dated by its transaction, what it changed by the moment within it.
        return abs((datetime.fromisoformat(kept) - datetime.fromisoformat(filled)).total_seconds()) < 5
    return kept == filled


async def test_old_events_get_what_they_changed_from_their_data(town, database):
    history, _ = await played(town, database, 30, steps=11)
    async with database.transaction() as connection:
        rows = await connection.fetch(
            "select id, issue_id, version, action, was from events where issue_id = any($1)", history.issues
        )
        kept = {row["id"]: row["was"] or {} for row in rows}
        await connection.execute("update events set was = null where issue_id = any($1)", history.issues)
        await connection.execute(_statement())
        filled = {
            row["id"]: row["was"] or {}
            for row in await connection.fetch("select id, was from events where issue_id = any($1)", history.issues)
        }
        after_reply = {
            (row["issue_id"], row["version"])
            for row in await connection.fetch(
                "select issue_id, version from events where action = 'reply' and issue_id = any($1)", history.issues
            )
        }
    replied = {issue: version for issue, version in after_reply}
    told = 0
    for row in rows:
        for name, value in kept[row["id"]].items():
            # A deadline that went on after a reply, or when it ended elsewhere, stands in no event.
            went_on = row["action"] == "close_unresolved" or row["version"] >= replied.get(row["issue_id"], 10**6)
            if name in _UNKNOWN or (name == "deadline" and went_on):
                continue
            assert name in filled[row["id"]] and _same(value, filled[row["id"]][name]), (row, filled[row["id"]])
            told += 1
    assert told > 40


async def test_an_event_without_anything_to_tell_stays_as_it_is(town, database):
    volunteer = await town.person("volunteer")
    issue = (await volunteer.report(**town.body()))["issue"]["id"]
    await volunteer.act(issue, "comment", note="x")
    async with database.transaction() as connection:
        await connection.execute(_statement())
        found = await connection.fetch("select was from events where issue_id = $1", uuid.UUID(issue))
    assert [row["was"] for row in found] == [None, None]
