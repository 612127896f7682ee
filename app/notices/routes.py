"""HTTP of notices: the inbox, and where else somebody wants to be told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from app.kit import paging
from app.kit.language import choose
from app.kit.problems import Problem, invalid, not_found
from app.kit.route import Route, Secret, TheCaller, TheDatabase, Transaction, hot, unauthorized
from app.kit.wire import Text, TimeOfDay, Wire, answer, page
from app.notices import push, queries
from app.notices.channels import mailable
from app.notices.keeping import Wanted, confirm, put
from app.notices.law import KINDS
from app.notices.schemas import Channel, Channels, Notices, PushKey, QuietHours
from app.notices.targets import NotNow, Undeliverable, check_target
from app.notices.telling import worded
from app.notices.work import names
from app.settings import settings

router = APIRouter(route_class=Route, tags=["notices"])


class ReadIn(Wire):
    """Which notices were read; without `ids` all of them."""

    ids: Annotated[list[UUID], Field(min_length=1, max_length=200)] | None = None


class PushKeys(Wire):
    """What a browser's PushSubscription gives, base64url: its P-256 public point (65 bytes) and its secret (16 bytes)."""

    p256dh: Annotated[Text, Field(max_length=200)]
    auth: Annotated[Text, Field(max_length=100)]


class ChannelIn(Wire):
    """`address` is a mail address, the https address of a chat robot, or a push subscription's endpoint; `secret` what DingTalk and
    Feishu sign with; `keys` those of the push subscription (RFC 8291). `daily`: one message a day with everything."""

    kind: Literal["mail", "wecom", "dingtalk", "feishu", "push"]
    address: Annotated[Text, Field(min_length=3, max_length=500)]
    secret: Annotated[Text, Field(max_length=200)] = ""
    keys: PushKeys | None = None
    kinds: Annotated[list[Text], Field(max_length=50, json_schema_extra={"items": {"enum": list(KINDS)}})] | None = None
    language: Literal["zh-CN", "en"] | None = None
    daily: bool = False


class CodeIn(Wire):
    """The digits of the mail; blanks between them do not matter."""

    code: Annotated[Text, Field(min_length=1, max_length=40)]


class QuietIn(Wire):
    """From when to when not to send, in the community's own time; over midnight when `starts` is later than `ends`."""

    starts: TimeOfDay
    ends: TimeOfDay


def _photo(data: Any) -> str | None:
    """The photograph that a notice names, if it is one."""
    photo = data.get("photo") if isinstance(data, dict) else None
    try:
        return str(UUID(photo))
    except (ValueError, TypeError, AttributeError):
        return None


@router.get("/v1/notices", responses={200: {"model": Notices}})
async def get_notices(
    request: Request,
    unread: bool = False,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=paging.MAX_LIMIT)] = paging.DEFAULT_LIMIT,
) -> Response:
    """The caller's inbox, newest first, in his language; `unread` counts what he has not read."""
    database, token, secret = hot(request)
    keys = paging.unseal(secret, "notices", cursor) if cursor else ["9999-01-01T00:00:00+00:00", str(UUID(int=2**128 - 1))]
    async with database.acquire() as connection:
        rows = await connection.fetch(queries.INBOX, token, datetime.fromisoformat(keys[0]), UUID(keys[1]), unread, limit + 1)
        categories = await names(connection)
    if not rows:
        raise unauthorized()
    language = choose(request.headers.get("accept-language", ""), settings().language)
    zone = ZoneInfo(settings().time_zone)
    items = [
        {
            "id": row["id"], "kind": row["kind"], "issue": row["issue"], "text": worded(row, categories, language, zone),
            "photo": _photo(row["data"]), "created_at": row["created_at"], "read_at": row["read_at"],
        }
        for row in rows[:limit] if row["id"] is not None
    ]  # fmt: skip
    following = None
    if len(rows) > limit:
        following = paging.seal(
            secret, "notices", [rows[limit - 1]["created_at"].astimezone(UTC).isoformat(), rows[limit - 1]["id"]]
        )
    return answer({"items": items, "next_cursor": following, "unread": rows[0]["unread"]})


@router.post("/v1/notices/read", status_code=204)
async def post_read(wish: ReadIn, caller: TheCaller, connection: Transaction) -> Response:
    """Mark notices as read; without `ids` all."""
    await connection.execute(queries.READ, caller.account_id, wish.ids)
    return Response(status_code=204)


@router.get("/v1/channels", responses={200: {"model": Channels}})
async def get_channels(caller: TheCaller, connection: Transaction) -> Response:
    """Where the caller is told beside the inbox; `failure` says why a channel stopped."""
    return page([dict(row) for row in await connection.fetch(queries.CHANNELS, caller.account_id)], None)


@router.put("/v1/channels/{id}", responses={200: {"model": Channel}})
async def put_channel(id: UUID, wish: ChannelIn, request: Request, caller: TheCaller, database: TheDatabase) -> Response:
    """Be told by mail, by a chat robot of WeCom, DingTalk or Feishu, or by web push; `kinds` narrows of what. To a mail address a code is
    sent first, and nothing else before it is confirmed; sent again, this asks for another code."""
    secret = wish.secret
    if wish.kinds is not None and set(wish.kinds) - set(KINDS):
        raise invalid("/kinds", "field-type")
    # Names are looked up before there is a transaction.
    try:
        if wish.kind == "mail":
            mailable(wish.address)
        else:
            await check_target(wish.address, caller.account_id)
    except Undeliverable as reason:
        raise invalid("/address", str(reason)) from None
    except NotNow:
        raise Problem(503, "busy", headers={"retry-after": "5"}) from None
    if wish.kind == "push":
        if wish.keys is None or not push.are_keys(wish.keys.p256dh, wish.keys.auth):
            raise invalid("/keys", "push-keys")
        secret = f"{wish.keys.p256dh} {wish.keys.auth}"
    language = wish.language or choose(request.headers.get("accept-language", ""), settings().language)
    wanted = Wanted(id, wish.kind, wish.address, secret, wish.kinds, language, wish.daily)
    async with database.transaction() as connection:
        return answer(await put(connection, caller.account_id, wanted))


@router.post("/v1/channels/{id}/confirm", responses={200: {"model": Channel}})
async def post_confirm(id: UUID, wish: CodeIn, caller: TheCaller, database: TheDatabase, secret: Secret) -> Response:
    """Enter the code that was sent to a mail address: from then on notices are sent there."""
    return answer(await confirm(database, secret, caller.account_id, id, wish.code))


@router.get("/v1/push-key", responses={200: {"model": PushKey}})
async def get_push_key(caller: TheCaller, secret: Secret) -> Response:
    """The server's VAPID key, base64url, for `PushManager.subscribe({applicationServerKey})`."""
    return answer({"key": push.public_key(secret)})


@router.delete("/v1/channels/{id}", status_code=204)
async def delete_channel(id: UUID, caller: TheCaller, connection: Transaction) -> Response:
    """Be told there no more."""
    if not await connection.fetchval(queries.DROP_CHANNEL, id, caller.account_id):
        raise not_found()
    return Response(status_code=204)


@router.get("/v1/me/quiet-hours", responses={200: {"model": QuietHours | None}})
async def get_quiet(caller: TheCaller, connection: Transaction) -> Response:
    """When the caller is not to be disturbed; null when always."""
    row = await connection.fetchrow(queries.QUIET, caller.account_id)
    return answer({"starts": row["starts"].isoformat("minutes"), "ends": row["ends"].isoformat("minutes")} if row else None)


@router.put("/v1/me/quiet-hours", status_code=204)
async def put_quiet(wish: QuietIn, caller: TheCaller, connection: Transaction) -> Response:
    """Messages wait until the quiet hours end; the inbox fills all the while. Equal times: no quiet hours."""
    if wish.starts == wish.ends:
        await connection.execute(queries.DROP_QUIET, caller.account_id)
    else:
        await connection.execute(queries.PUT_QUIET, caller.account_id, wish.starts, wish.ends)
    return Response(status_code=204)
