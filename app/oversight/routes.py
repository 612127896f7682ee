"""HTTP of what the office did."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from app.kit import housekeeping, paging
from app.kit.asking import Asked, described, read
from app.kit.audit import Kind
from app.kit.language import choose, say
from app.kit.route import Route, Secret, TheCaller, Transaction
from app.kit.times import LATEST
from app.kit.wire import Instant, page
from app.oversight import queries
from app.oversight.schemas import Audit, Terms
from app.settings import settings

router = APIRouter(route_class=Route, tags=["oversight"])


class AuditAsked(Asked):
    kind: list[Kind] = Field([], description="Repeatable.")
    account: UUID | None = Field(None, description="Who acted.")
    area: UUID | None = Field(None, description="The area and everything below it.")
    since: Instant | None = None
    until: Instant | None = Field(None, description="Up to, not including.")
    cursor: str | None = Field(None, max_length=500)
    limit: int = Field(paging.DEFAULT_LIMIT, ge=1, le=paging.MAX_LIMIT)


def _deed(row: Any) -> dict[str, Any]:
    told = {name: row[name] for name in ("id", "at", "kind", "by", "device", "area", "details")}
    return told | {"subject": {"id": row["subject_id"], "code": row["subject"] or None, "name": row["subject_name"]}}


@router.get("/v1/audit", responses={200: {"model": Audit}}, openapi_extra=described(AuditAsked))
async def get_audit(request: Request, caller: TheCaller, connection: Transaction, secret: Secret) -> Response:
    """Who did what: roles, settings, papers, exports, originals and lists of people looked at. The office of its areas, an admin all; latest first."""
    asked = read(AuditAsked, request)
    latest: list[Any] = [LATEST.isoformat(), 2**63 - 1]
    at, id = paging.unseal(secret, "audit", asked.cursor) if asked.cursor else latest
    rows = await connection.fetch(
        queries.AUDIT[paging.rows_for(asked.limit)], caller.is_admin, caller.staffs, asked.kind or None, asked.account, asked.area,
        asked.since, asked.until, datetime.fromisoformat(at), id,
    )  # fmt: skip
    items = [_deed(row) for row in rows[: asked.limit]]
    more = len(rows) > asked.limit
    return page(items, paging.seal(secret, "audit", [items[-1]["at"].isoformat(), items[-1]["id"]]) if more else None)


@router.get("/v1/retention", responses={200: {"model": Terms}})
async def get_retention(request: Request, caller: TheCaller, connection: Transaction) -> Response:
    """What is kept for a time only: each kind with its term, when it was last carried out, and how much was removed."""
    language = choose(request.headers.get("accept-language", ""), settings().language)
    done = {row["kind"]: row for row in await connection.fetch(housekeeping.RETENTION)}
    items: list[dict[str, Any]] = []
    for rule in housekeeping.RULES:
        row = done.get(rule.kind)
        ran = (
            {name: row[name] for name in ("ran_at", "removed", "removed_in_all")}
            if row
            else {"ran_at": None, "removed": 0, "removed_in_all": 0}
        )
        setting = f"GRIDPATROL_{rule.setting.upper()}" if rule.setting else None
        items.append(
            {"kind": rule.kind, "what": say(f"kept-{rule.kind}", language), "days": rule.term(), "setting": setting, **ran}
        )
    return page(items, None)
