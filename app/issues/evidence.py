"""What became of a photograph, told to the issues it is evidence of."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.issues import queries
from app.kit.db import Connection, tell_after_commit


async def photo_changed(connection: Connection, photo: UUID, account: UUID, state: str, reason: str | None = None) -> None:
    """One event `photo` on each issue that names the photograph. Locked in the order of their ids, so that two cannot deadlock."""
    for issue in await connection.fetch(queries.ISSUES_OF_PHOTO, photo, account):
        data: dict[str, Any] = {"photo": str(photo), "state": state} | ({"reason": reason} if reason else {})
        await connection.execute(
            queries.ADD, issue["id"], 0, 0, issue["state"], issue["rectified_by"], issue["rectified_at"], issue["closed_at"], "photo",
            issue["state"], account, "reporter" if issue["report_id"] else "assignee", None, data, None,
        )  # fmt: skip
        tell_after_commit(connection, (issue["area_id"], issue["unit_id"], issue["assignee_id"], issue["reporter_id"], account))
