"""What became of a photograph, told to the issues it is evidence of."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.issues import queries
from app.kit.db import Connection, tell_after_commit
from app.kit.times import now
from app.notices.telling import tell


async def photo_changed(connection: Connection, photo: UUID, account: UUID, state: str, reason: str | None = None) -> None:
    """One event `photo` on each issue that names the photograph. Locked in the order of their ids, so that two cannot deadlock.

    What was mended on the spot, where its reporter may close it, is closed by the photograph that proves it: once, since the
    lock orders this among all changes of the issue and its state is read behind it. When that photograph proves damaged, the
    issue waits to be checked again.
    """
    for issue in await connection.fetch(queries.ISSUES_OF_PHOTO, photo, account):
        data: dict[str, Any] = {"photo": str(photo), "state": state}
        data |= {"reason": reason} if reason else {}
        led_to, closed_at = issue["state"], issue["closed_at"]
        if state == "stored" and issue["proves"]:
            led_to, closed_at = "closed", now()
        elif state == "damaged" and issue["unproves"]:
            led_to, closed_at = "rectified", None
        await connection.execute(
            queries.ADD,
            issue["id"],
            0,
            0,
            led_to,
            issue["rectified_by"],
            issue["rectified_at"],
            closed_at,
            "photo",
            issue["state"],
            account,
            "reporter" if issue["report_id"] else "assignee",
            None,
            data,
            None,
        )
        if state == "damaged" or (state == "refused" and issue["kind"] == "after"):
            await _tell_owner(connection, photo, account, issue)
        readers = ("area_id", "unit_id", "assignee_id", "reporter_id")
        tell_after_commit(connection, (*(issue[name] for name in readers), account))


async def _tell_owner(connection: Connection, photo: UUID, account: UUID, issue: Any) -> None:
    """Whoever took it is told at once: they may still stand where it can be taken again."""
    told = {name: issue[name] for name in ("number", "category", "place")} | {"photo": str(photo)}
    key = f"photo-damaged:{issue['id']}:{photo}"
    await tell(connection, [account], "photo_damaged", key, issue["id"], told)
