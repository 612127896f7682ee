"""HTTP of people: sign in, who am I, invite, accept, revoke."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request
from pydantic import Field
from starlette.responses import Response

from app.issues import reading
from app.kit.access import CALLER
from app.kit.audit import record
from app.kit.openapi import refused
from app.kit.problems import Problem, invalid, not_found
from app.kit.route import COOKIE, Route, Secret, TheCaller, TheDatabase, Token, Transaction, base_url
from app.kit.wire import Day, Reason, Wire, answer, page
from app.notices.telling import tell
from app.patrols import walking
from app.people import credentials, invitations, limits, places, queries, sessions, standing_in
from app.people.schemas import (
    AcceptIn,
    Credentials,
    Devices,
    Invitation,
    InvitationIn,
    Me,
    MyRecord,
    OpenInvitations,
    SignedIn,
    SignIn,
    StandIn,
    StandIns,
    ThanksSaid,
)
from app.settings import settings

router = APIRouter(route_class=Route, tags=["people"])
AsCookie = Annotated[bool, Query(description="The session as a cookie, for pages of this server.")]
Key = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=200)]


@router.post("/v1/sessions", responses={201: {"model": SignedIn}} | refused(401), status_code=201)
async def post_session(
    wish: SignIn, request: Request, database: TheDatabase, connection_secret: Secret, key: Key = None, cookie: AsCookie = False
) -> Response:
    """Sign in with account and password. The answer's `token` goes into `Authorization: Bearer …`; with `cookie=true` the session is a
    cookie instead, that no script can read."""
    place = place_of(request, connection_secret)
    account_id, stored = await sessions.sign_in(database, wish.account, wish.password, place)
    seed = ("session", str(account_id), key, wish.device) if key else ()
    token = sessions.mint(connection_secret, *seed)
    device = (place.device or places.new_device()) if cookie else place.device
    async with database.transaction() as connection:
        await sessions.still_fits(connection, account_id, stored)
        await sessions.remember(connection, account_id, place, places.mark(connection_secret, device))
        session = await sessions.add_session(connection, account_id, token, wish.device)
        row: Any = await connection.fetchrow("select name, account from accounts where id = $1", account_id)
        profile = await sessions.profile(connection, account_id, row["name"], row["account"])
    return signed_in(request, connection_secret, token, session["expires_at"], profile, cookie, device)


def place_of(request: Request, secret: bytes) -> places.Place:
    """From where a request comes: the peer, or whom a trusted proxy names (GRIDPATROL_TRUST_PROXY; see cli.py)."""
    return places.place(secret, request.client.host if request.client else "", request.cookies.get(places.DEVICE_COOKIE))


def signed_in(
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
    """Choose an account name and password; a present password must be given, or one must just have joined. Other devices are signed out.

    An hour after joining the first ones take a link by who answers for the person: a stolen phone could choose them too."""
    await credentials.choose(database, caller, wish, place_of(request, secret))
    return Response(status_code=204)


@router.post("/v1/invitations", responses={201: {"model": Invitation}} | refused(404), status_code=201)
async def post_invitation(wish: InvitationIn, request: Request, caller: TheCaller, connection: Transaction) -> Response:
    """Invite somebody to a role by link and QR; never to more than the caller holds."""
    return answer(await invitations.invite(connection, caller, wish, base_url(request)), 201)


@router.get("/v1/invitations", responses={200: {"model": OpenInvitations}})
async def get_invitations(caller: TheCaller, connection: Transaction) -> Response:
    """The caller's own open invitations."""
    return page([dict(row) for row in await connection.fetch(queries.INVITATIONS, caller.account_id)], None)


@router.delete("/v1/invitations/{id}", status_code=204)
async def delete_invitation(id: UUID, caller: TheCaller, connection: Transaction) -> Response:
    """Take back an invitation; who accepted it before keeps the role."""
    gone = await connection.fetchrow(queries.REVOKE_INVITATION, id, caller.account_id)
    if gone is None:
        raise not_found()
    told = {"role": gone["role"], "cell": gone["cell_id"], "unit": gone["unit_id"]}
    await record(connection, caller, "invitation_taken_back", id, gone["area_id"], told)
    return Response(status_code=204)


@router.post("/v1/invitations/{code}/accept", responses={201: {"model": SignedIn}} | refused(401, 410), status_code=201)
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
    place = place_of(request, secret)
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
    # Who joins gets one device; who is here already could have many made.
    device = place.device or (places.new_device() if caller is None else None)
    return signed_in(request, secret, token, session["expires_at"], profile, cookie, device)


class ThanksIn(Wire):
    """A word of thanks to somebody, perhaps for an issue."""

    account: UUID
    text: Annotated[Reason, Field(max_length=300)]
    issue: UUID | None = None


@router.put("/v1/thanks/{id}", status_code=201, responses={200: {"model": ThanksSaid}, 201: {"model": ThanksSaid}})
async def put_thanks(id: UUID, wish: ThanksIn, caller: TheCaller, connection: Transaction) -> Response:
    """Thank somebody of one's own area or cell; he is told once. 200 when it was said already."""
    if not await connection.fetchval(queries.MAY_THANK, wish.account, caller.is_admin, caller.staffs, caller.leads):
        raise invalid("/account", "unknown-account")
    values = (id, wish.account, caller.account_id, wish.issue, wish.text)
    fresh = await connection.fetchval(queries.ADD_THANKS, *values, *caller.scope)
    if not fresh:
        said = await connection.fetchrow(queries.THANKS_BY, id)
        if said is None:
            raise invalid("/issue", "unknown-issue")
        if said["by_id"] != caller.account_id:
            raise not_found()
        if (said["account_id"], said["issue_id"], said["text"]) != (wish.account, wish.issue, wish.text):
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


@router.get("/v1/stand-ins", responses={200: {"model": StandIns}})
async def get_stand_ins(caller: TheCaller, connection: Transaction) -> Response:
    """Who stands in for whom: what concerns the caller, and for the office all of its areas. Latest first, at most 200."""
    return page(await standing_in.listed(connection, caller), None)


@router.put("/v1/stand-ins/{id}", responses={200: {"model": StandIn}})
async def put_stand_in(id: UUID, wish: StandInIn, caller: TheCaller, connection: Transaction) -> Response:
    """Have somebody of the community lead a leader's cells while he is away: he is told in his place, and may do what he may."""
    leader = wish.leader or caller.account_id
    return answer(await standing_in.put(connection, caller, id, leader, wish.deputy, wish.starts_on, wish.ends_on))


@router.delete("/v1/stand-ins/{id}", status_code=204)
async def delete_stand_in(id: UUID, caller: TheCaller, connection: Transaction) -> Response:
    """The leader is back, or does not go."""
    area: Any = await connection.fetchval(queries.STAND_IN_AREA, id)
    gone = await connection.fetchrow(queries.DROP_STAND_IN, id, caller.is_admin, caller.account_id, caller.staffs)
    if gone is None:
        raise not_found()
    await record(connection, caller, "stand_in_ended", gone["deputy_id"], area, {"leader": gone["leader_id"]})
    return Response(status_code=204)
