"""HTTP of people: sign in, who am I, invite, accept, revoke."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Header, Query, Request
from pydantic import Field
from starlette.responses import Response

from app.issues import reading
from app.kit import paging
from app.kit.access import CALLER
from app.kit.problems import Problem, invalid, not_found
from app.kit.route import COOKIE, Route, Secret, TheCaller, TheDatabase, Token, Transaction, base_url
from app.kit.wire import Day, Reason, Wire, answer, page
from app.notices.telling import tell
from app.patrols import walking
from app.people import credentials, invitations, limits, places, queries, sessions, standing_in
from app.people.schemas import AcceptIn, Credentials, Devices, Invitation, InvitationIn, Me, MyRecord, People, SignedIn, SignIn
from app.settings import settings

router = APIRouter(route_class=Route, tags=["people"])
AsCookie = Annotated[bool, Query(description="The session as a cookie, for pages of this server.")]
Key = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=200)]


@router.post("/v1/sessions", responses={201: {"model": SignedIn}}, status_code=201)
async def post_session(
    wish: SignIn, request: Request, database: TheDatabase, connection_secret: Secret, key: Key = None, cookie: AsCookie = False
) -> Response:
    """Sign in with account and password. The answer's `token` goes into `Authorization: Bearer …`; with `cookie=true` the session is a
    cookie instead, that no script can read."""
    place = _place(request, connection_secret)
    account_id = await sessions.sign_in(database, wish.account, wish.password, place)
    seed = ("session", str(account_id), key, wish.device) if key else ()
    token = sessions.mint(connection_secret, *seed)
    device = (place.device or places.new_device()) if cookie else place.device
    async with database.transaction() as connection:
        await sessions.remember(connection, account_id, place, places.mark(connection_secret, device))
        session = await sessions.add_session(connection, account_id, token, wish.device)
        row: Any = await connection.fetchrow("select name, account from accounts where id = $1", account_id)
        profile = await sessions.profile(connection, account_id, row["name"], row["account"])
    return _signed_in(request, connection_secret, token, session["expires_at"], profile, cookie, device)


def _place(request: Request, secret: bytes) -> places.Place:
    """From where a request comes: the peer, or whom a trusted proxy names (GRIDPATROL_TRUST_PROXY; see cli.py)."""
    return places.place(secret, request.client.host if request.client else "", request.cookies.get(places.DEVICE_COOKIE))


def _signed_in(
    request: Request, secret: bytes, token: str, expires_at: Any, profile: dict[str, Any], cookie: bool, device: str | None
) -> Response:
    response = answer({"token": None if cookie else token, "expires_at": expires_at, "account": profile}, 201)
    if cookie:
        secure = request.scope["scheme"] == "https" or settings().public_url.startswith("https:")
        response.set_cookie(
            COOKIE, token, max_age=settings().session_days * 86_400, httponly=True, samesite="strict", secure=secure, path="/"
        )
        if device is not None:
            response.set_cookie(
                places.DEVICE_COOKIE, places.written(secret, device), max_age=places.DEVICE_DAYS * 86_400, httponly=True,
                samesite="strict", secure=secure, path="/v1/",
            )  # fmt: skip
    return response


@router.get("/v1/sessions", responses={200: {"model": Devices}})
async def get_sessions(caller: TheCaller, connection: Transaction) -> Response:
    """The caller's signed-in devices."""
    return page([dict(row) for row in await connection.fetch(queries.SESSIONS, caller.account_id, caller.session_id)], None)


@router.delete("/v1/sessions", status_code=204)
async def delete_session(caller: TheCaller, connection: Transaction) -> Response:
    """Sign out this device."""
    await connection.execute(queries.REVOKE, caller.session_id, caller.account_id)
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, path="/")
    return response


@router.delete("/v1/sessions/{id}", status_code=204)
async def delete_device(id: UUID, caller: TheCaller, connection: Transaction) -> Response:
    """Sign out another of the caller's devices."""
    if await connection.fetchval(queries.REVOKE, id, caller.account_id) is None:
        raise not_found()
    return Response(status_code=204)


@router.get("/v1/me", responses={200: {"model": Me}})
async def get_me(caller: TheCaller, connection: Transaction) -> Response:
    """Name, roles (each with what it is held for), cells and units."""
    return answer(await sessions.profile(connection, caller.account_id, caller.name, caller.account))


@router.put("/v1/me/credentials", status_code=204)
async def put_credentials(
    wish: Credentials, request: Request, caller: TheCaller, database: TheDatabase, secret: Secret
) -> Response:
    """Choose an account name and password; a present password must be given. Other devices are signed out."""
    await credentials.choose(database, caller, wish, _place(request, secret))
    return Response(status_code=204)


@router.get("/v1/people", responses={200: {"model": People}})
async def get_people(
    caller: TheCaller,
    connection: Transaction,
    secret: Secret,
    cell: UUID | None = None,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=paging.MAX_LIMIT)] = paging.DEFAULT_LIMIT,
) -> Response:
    """People for whom the caller answers, with names, phone numbers and roles."""
    after = UUID(paging.unseal(secret, "people", cursor)[0]) if cursor else UUID(int=0)
    rows = await connection.fetch(queries.PEOPLE, caller.is_admin, caller.staffs, caller.leads, cell, after, limit + 1)
    items = [dict(row) for row in rows[:limit]]
    return page(items, paging.seal(secret, "people", [items[-1]["id"]]) if len(rows) > limit else None)


@router.delete("/v1/roles/{id}", status_code=204)
async def delete_role(id: UUID, caller: TheCaller, connection: Transaction) -> Response:
    """Take back a role, within what the caller answers for."""
    if await connection.fetchval(queries.DROP_GRANT, id, caller.is_admin, caller.staffs, caller.leads) is None:
        raise not_found()
    return Response(status_code=204)


@router.post("/v1/invitations", responses={201: {"model": Invitation}}, status_code=201)
async def post_invitation(wish: InvitationIn, request: Request, caller: TheCaller, connection: Transaction) -> Response:
    """Invite somebody to a role by link and QR; never to more than the caller holds."""
    return answer(await invitations.invite(connection, caller, wish, base_url(request)), 201)


@router.get("/v1/invitations")
async def get_invitations(caller: TheCaller, connection: Transaction) -> Response:
    """The caller's own open invitations."""
    return page([dict(row) for row in await connection.fetch(queries.INVITATIONS, caller.account_id)], None)


@router.delete("/v1/invitations/{id}", status_code=204)
async def delete_invitation(id: UUID, caller: TheCaller, connection: Transaction) -> Response:
    """Take back an invitation; who accepted it before keeps the role."""
    if await connection.fetchval(queries.REVOKE_INVITATION, id, caller.account_id) is None:
        raise not_found()
    return Response(status_code=204)


@router.post("/v1/invitations/{code}/accept", responses={201: {"model": SignedIn}}, status_code=201)
async def post_accept(
    code: str,
    wish: AcceptIn,
    request: Request,
    database: TheDatabase,
    secret: Secret,
    key: Key = None,
    cookie: AsCookie = False,
) -> Response:
    """Join with a display name alone; the answer is a session. Who is signed in gets the role beside those he has."""
    place = _place(request, secret)
    # Guesses are counted outside of the transaction, which a refusal undoes; who joins gives theirs back.
    guess = await invitations.count_guess(database, place)
    async with database.transaction() as connection:
        caller = await connection.fetchrow(CALLER, request.state.token) if request.state.token else None
        invitations.check_key(key, caller)
        token, session, account_id = await invitations.accept(connection, secret, code, wish, key, caller)
        name, account = (wish.name, None) if caller is None else (caller["name"], caller["account"])
        profile = await sessions.profile(connection, account_id, name, account)
    async with database.acquire() as connection:
        await limits.give_back(connection, guess)
    device = place.device or places.new_device()
    return _signed_in(request, secret, token, session["expires_at"], profile, cookie, device)


class ThanksIn(Wire):
    """A word of thanks to somebody, perhaps for an issue."""

    account: UUID
    text: Annotated[Reason, Field(max_length=300)]
    issue: UUID | None = None


@router.put("/v1/thanks/{id}", status_code=201)
async def put_thanks(id: UUID, wish: ThanksIn, caller: TheCaller, connection: Transaction) -> Response:
    """Thank somebody of one's own area or cell; he is told once. 200 when it was said already."""
    if not await connection.fetchval(queries.MAY_THANK, wish.account, caller.is_admin, caller.staffs, caller.leads):
        raise invalid("/account", "unknown-account")
    try:
        fresh = await connection.fetchval(queries.ADD_THANKS, id, wish.account, caller.account_id, wish.issue, wish.text)
    except asyncpg.ForeignKeyViolationError:
        raise invalid("/issue", "unknown-issue") from None
    if not fresh:
        said: Any = await connection.fetchrow(queries.THANKS_BY, id)
        if said["by_id"] != caller.account_id:
            raise not_found()
        if (said["account_id"], said["text"]) != (wish.account, wish.text):
            raise Problem(409, "conflict", fields=[("/text", "conflict")])
    await tell(connection, [wish.account], "thanked", f"thanks:{id}", wish.issue, {"reason": wish.text, "authority": caller.name})
    return answer({"id": str(id), "text": wish.text}, 201 if fresh else 200)


@router.get("/v1/me/record", responses={200: {"model": MyRecord}})
async def get_record(token: Token, connection: Transaction, caller: TheCaller) -> Response:
    """One's own page: reports and what became of them, hours walked, cells, words of thanks. For nobody else to see."""
    account, reported = await reading.record(connection, token)
    thanks = [dict(row) for row in await connection.fetch(queries.THANKS, account)]
    return answer(reported | {"walked": await walking.walked(connection, account), "thanks": thanks})


class StandInIn(Wire):
    """Who stands in for a leader, from one day to another, both included; `leader` when it is not the caller himself."""

    deputy: UUID
    starts_on: Day
    ends_on: Day
    leader: UUID | None = None


@router.get("/v1/stand-ins")
async def get_stand_ins(caller: TheCaller, connection: Transaction) -> Response:
    """Who stands in for whom: what concerns the caller, and for the office all of its areas. Latest first, at most 200."""
    return page(await standing_in.listed(connection, caller), None)


@router.put("/v1/stand-ins/{id}")
async def put_stand_in(id: UUID, wish: StandInIn, caller: TheCaller, connection: Transaction) -> Response:
    """Have somebody of the community lead a leader's cells while he is away: he is told in his place, and may do what he may."""
    leader = wish.leader or caller.account_id
    return answer(await standing_in.put(connection, caller, id, leader, wish.deputy, wish.starts_on, wish.ends_on))


@router.delete("/v1/stand-ins/{id}", status_code=204)
async def delete_stand_in(id: UUID, caller: TheCaller, connection: Transaction) -> Response:
    """The leader is back, or does not go."""
    if not await connection.fetchval(queries.DROP_STAND_IN, id, caller.is_admin, caller.account_id, caller.staffs):
        raise not_found()
    return Response(status_code=204)
