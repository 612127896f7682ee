"""HTTP of people as leader and office manage them: who they are, their devices, links for a password, closed accounts, roles."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from app.kit import paging
from app.kit.audit import record, record_export
from app.kit.openapi import refused
from app.kit.problems import not_found
from app.kit.route import Route, Secret, TheCaller, TheDatabase, Token, Transaction, base_url
from app.kit.wire import answer, page
from app.people import closing, handing_over, places, resetting, sessions, standing
from app.people import closing_queries as queries
from app.people.routes import AsCookie, place_of, signed_in
from app.people.schemas import CloseIn, Devices, HandedOver, HandOverIn, People, ResetIn, ResetLink, SignedIn, Work

router = APIRouter(route_class=Route, tags=["people"])


def area_of(person: Any) -> UUID | None:
    """For whom the audit keeps what is done to somebody: one of their areas, None for an admin."""
    return next(iter(person["areas"]), None)


@router.get("/v1/people", responses={200: {"model": People}})
async def get_people(
    caller: TheCaller,
    connection: Transaction,
    secret: Secret,
    token: Token,
    cell: UUID | None = None,
    closed: Annotated[
        bool,
        Query(description="Those who left: closed accounts with the roles they held, and who holds no role but has work left."),
    ] = False,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=paging.MAX_LIMIT)] = paging.DEFAULT_LIMIT,
) -> Response:
    """People for whom the caller answers, with names, phone numbers and roles."""
    after = UUID(paging.unseal(secret, "people", cursor)[0]) if cursor else UUID(int=0)
    rows = await connection.fetch(queries.PEOPLE, token, cell, after, limit + 1, closed)
    items = [dict(row) for row in rows[:limit]]
    await record_export(connection, caller, caller.is_admin, "people_read", None, {"cell": cell, "people": len(items)})
    return page(items, paging.seal(secret, "people", [items[-1]["id"]]) if len(rows) > limit else None)


@router.delete("/v1/roles/{id}", responses=refused(409), status_code=204)
async def delete_role(id: UUID, caller: TheCaller, connection: Transaction, token: Token) -> Response:
    """Take back a role: whoever stands strictly above it may; never that of the last admin."""
    gone = await closing.take_back(connection, token, id)
    told = {"role": gone["role"], "cell": gone["cell_id"], "unit": gone["unit_id"]}
    await record(connection, caller, "role_taken", gone["account_id"], gone["area_id"], told)
    return Response(status_code=204)


@router.get("/v1/people/{id}/sessions", responses={200: {"model": Devices}})
async def get_persons_sessions(id: UUID, caller: TheCaller, connection: Transaction, token: Token) -> Response:
    """The signed-in devices of somebody for whom the caller answers."""
    await standing.person(connection, token, id)
    return page([dict(row) for row in await connection.fetch(queries.SESSIONS, id)], None)


@router.delete("/v1/people/{id}/sessions", status_code=204)
async def delete_persons_sessions(id: UUID, caller: TheCaller, connection: Transaction, token: Token) -> Response:
    """Sign out every device of somebody for whom the caller answers. The phone may be stolen: their channels, and the invitations and links
    for passwords that they made, end too."""
    person = await standing.person(connection, token, id)
    await closing.end_every_device(connection, id)
    await record(connection, caller, "devices_ended", id, area_of(person))
    return Response(status_code=204)


@router.delete("/v1/people/{id}/sessions/{session}", status_code=204)
async def delete_persons_session(id: UUID, session: UUID, caller: TheCaller, connection: Transaction, token: Token) -> Response:
    """Sign out one device of somebody for whom the caller answers; the invitations and links for passwords that were made with it end too."""
    person = await standing.person(connection, token, id)
    if not await closing.end_devices(connection, id, session):
        raise not_found()
    await record(connection, caller, "devices_ended", id, area_of(person), {"session": session})
    return Response(status_code=204)


@router.put("/v1/people/{id}/reset-links/{link}", responses={201: {"model": ResetLink}} | refused(410), status_code=201)
async def put_reset_link(
    id: UUID, link: UUID, request: Request, caller: TheCaller, connection: Transaction, token: Token, secret: Secret
) -> Response:
    """Make a link by which somebody sets their account and password, once, within 24 hours. Sent again it is the same link."""
    made = await resetting.make(connection, secret, token, caller, id, link, base_url(request))
    return answer(made, 201)


@router.post("/v1/password-resets", responses={201: {"model": SignedIn}} | refused(409, 410), status_code=201)
async def post_password_reset(
    wish: ResetIn, request: Request, database: TheDatabase, secret: Secret, cookie: AsCookie = False
) -> Response:
    """Set account and password with a link; every other device is signed out, and this one is signed in."""
    place = place_of(request, secret)
    token, session, account_id, name, account = await resetting.use(database, wish, place)
    async with database.acquire() as connection:
        profile = await sessions.profile(connection, account_id, name, account)
    device = (place.device or places.new_device()) if cookie else place.device
    return signed_in(request, secret, token, session["expires_at"], profile, cookie, device)


@router.get("/v1/people/{id}/work", responses={200: {"model": Work}})
async def get_work(id: UUID, caller: TheCaller, connection: Transaction, token: Token) -> Response:
    """What somebody answers for and would leave behind, as far as the caller manages it: issues, cells, black spots, stand-ins."""
    return answer(await handing_over.work(connection, token, id))


@router.post("/v1/people/{id}/hand-over", responses={200: {"model": HandedOver}})
async def post_hand_over(id: UUID, wish: HandOverIn, caller: TheCaller, connection: Transaction, token: Token) -> Response:
    """Hand all of it to somebody of those areas, or nothing; both are told. Nothing is left for a second time."""
    return answer(await handing_over.hand_over(connection, caller, token, id, wish.to))


@router.post("/v1/people/{id}/close", status_code=204)
async def post_close(id: UUID, wish: CloseIn, caller: TheCaller, connection: Transaction, token: Token) -> Response:
    """Close somebody's account: their devices are signed out, their roles, stand-ins and invitations end. What they reported stays."""
    person = await closing.close(connection, caller, token, id, wish.reason, wish.to)
    if person["disabled_at"] is None:  # until now
        await record(connection, caller, "account_closed", id, area_of(person))
    return Response(status_code=204)


@router.post("/v1/people/{id}/reopen", status_code=204)
async def post_reopen(id: UUID, caller: TheCaller, connection: Transaction, token: Token) -> Response:
    """Open a closed account with the roles it held; its devices have to sign in anew."""
    person = await closing.reopen(connection, token, id)
    if person["disabled_at"] is not None:  # until now
        await record(connection, caller, "account_reopened", id, area_of(person))
    return Response(status_code=204)
