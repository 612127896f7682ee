"""Live events over real HTTP: as they happen, gone on after a cut, each to whom it concerns."""

import asyncio
import contextlib
import json

import httpx

from app.settings import settings
from app.sync import live


@contextlib.asynccontextmanager
async def listening(person, address, **headers):
    """A queue of (event, id, data) from /v1/events."""
    events = asyncio.Queue()
    client = httpx.AsyncClient(
        base_url=f"http://{address}", headers={"authorization": person.client.headers["authorization"], **headers}
    )

    async def read(response):
        fields = {}
        async for line in response.aiter_lines():
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif fields:
                data = json.loads(fields["data"]) if "data" in fields else None
                events.put_nowait((fields.get("event", "comment"), fields.get("id"), data))
                fields = {}
        events.put_nowait(("end", None, None))

    async with client, client.stream("GET", "/v1/events", timeout=30) as response:
        assert response.status_code == 200 and response.headers["content-type"].startswith("text/event-stream")
        task = asyncio.create_task(read(response))
        try:
            yield events
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, httpx.StreamClosed):
                await task


async def next_change(events, within_s=5):
    while True:
        name, id, data = await asyncio.wait_for(events.get(), within_s)
        if name != "comment":
            return name, id, data


async def test_as_it_happens_and_only_to_whom_it_concerns(town, address):
    leader, worker, stranger = [await town.person(r) for r in ("leader", "worker", None)]
    async with (
        listening(leader, address) as heard,
        listening(worker, address) as by_worker,
        listening(stranger, address) as by_stranger,
    ):
        await asyncio.sleep(0.2)
        id = (await leader.report(**town.body()))["issue"]["id"]
        name, _, data = await next_change(heard)
        assert name == "changes" and [i["id"] for i in data["items"]] == [id] and data["items"][0]["actions"]
        await leader.act(id, "assign", unit=str(town.unit))
        assert (await next_change(heard))[2]["items"][0]["state"] == "assigned"
        assert [i["id"] for i in (await next_change(by_worker))[2]["items"]] == [id]
        await leader.act(id, "assign", assignee=str(leader.id))
        assert (await next_change(by_worker))[2]["removed"] == [id]
        assert by_stranger.empty()


async def test_after_a_cut_it_goes_on_from_the_last_event(town, address):
    leader = await town.person("leader")
    async with listening(leader, address) as heard:
        await asyncio.sleep(0.2)
        first = (await leader.report(**town.body()))["issue"]["id"]
        _, last, _ = await next_change(heard)
    missed = [(await leader.report(**town.body()))["issue"]["id"] for _ in range(3)]
    async with listening(leader, address, **{"last-event-id": last}) as heard:
        _, _, data = await next_change(heard)
        assert {i["id"] for i in data["items"]} == set(missed) and first not in missed
    # The id is a cursor of the delta sync as well, and the other way round.
    page = await leader.get("/v1/changes", cursor=last)
    assert {i["id"] for i in page["items"]} == set(missed)


async def test_heartbeats_find_what_a_lost_hint_would_have_told_and_end_a_dead_session(town, address, database, monkeypatch):
    monkeypatch.setattr(live, "HEARTBEAT_S", 0.3)
    leader, staff = await town.person("leader"), await town.person("staff")
    monkeypatch.setattr(database, "tell", lambda audiences: None)  # every hint is lost
    async with listening(leader, address) as heard:
        assert (await asyncio.wait_for(heard.get(), 5))[0] == "comment"
        id = (await staff.report(**town.body()))["issue"]["id"]
        assert (await next_change(heard))[2]["items"][0]["id"] == id
        await leader.call("DELETE", "/v1/sessions")
        name, _, data = await next_change(heard)
        assert name == "over" and data["status"] == 401
        assert (await next_change(heard))[0] == "end"


async def test_listening_survives_a_lost_database_connection(town, address, app, database):
    leader = await town.person("leader")
    async with listening(leader, address) as heard:
        await asyncio.sleep(0.2)
        async with database.acquire() as connection:
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where query like 'LISTEN%' and datname = current_database()"
            )
        id = (await leader.report(**town.body()))["issue"]["id"]
        assert (await next_change(heard, 10))[2]["items"][0]["id"] == id
        await asyncio.sleep(1.5)
        second = (await leader.report(**town.body()))["issue"]["id"]
        assert (await next_change(heard, 10))[2]["items"][0]["id"] == second


async def test_a_stream_of_a_bad_cursor_is_refused(town, address):
    leader = await town.person("leader")
    async with httpx.AsyncClient(base_url=f"http://{address}", headers=dict(leader.client.headers)) as client:
        assert (await client.get("/v1/events", params={"cursor": "x"})).status_code == 422


@contextlib.asynccontextmanager
async def streams(address, people):
    """Streams of each person, opened one after another: their connections, and the answer that refused the first that was too many."""
    async with contextlib.AsyncExitStack() as stack:
        open_, refused = [], None
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=f"http://{address}", timeout=10))
        for person in people:
            request = client.build_request("GET", "/v1/events", headers={"authorization": person.client.headers["authorization"]})
            answer = await client.send(request, stream=True)
            if answer.status_code != 200:
                await answer.aread()
                refused = answer
                break
            open_.append(answer)
            stack.push_async_callback(answer.aclose)
        yield open_, refused


async def freed(app, account=None):
    for _ in range(500):
        if not (app.state.live.streams[account] if account else app.state.live.streams.total()):
            return
        await asyncio.sleep(0.01)
    raise AssertionError(app.state.live.streams)


async def test_an_account_holds_so_many_streams_and_one_that_ended_is_free_again(town, app, address, monkeypatch):
    monkeypatch.setattr(settings(), "streams_per_account", 3)
    leader, other = await town.person("leader"), await town.person("leader")
    for _ in range(2):
        async with streams(address, [leader] * 9) as (held, refused):
            assert len(held) == 3 and refused.status_code == 429 and refused.json()["type"] == "/problems/streams"
            assert int(refused.headers["retry-after"]) > 0
            async with streams(address, [other]) as (one, _):
                assert len(one) == 1
        await freed(app)
    for _ in range(5):  # a stream that is refused for something else took no place
        assert (await leader.call("GET", "/v1/events", params={"cursor": "x"})).status_code == 422
    async with streams(address, [leader] * 3) as (held, _):
        assert len(held) == 3
    await freed(app)


async def test_a_process_holds_so_many_streams(town, app, address, monkeypatch):
    monkeypatch.setattr(settings(), "streams", 4)
    people = [await town.person("volunteer") for _ in range(5)]
    async with streams(address, people) as (held, refused):
        assert len(held) == 4 and refused.status_code == 503 and int(refused.headers["retry-after"]) > 0
    await freed(app)


async def test_a_stream_that_the_server_ends_is_free_again(town, app, address, database, monkeypatch):
    monkeypatch.setattr(live, "HEARTBEAT_S", 0.1)
    leader = await town.person("leader")
    async with listening(leader, address) as heard:
        assert app.state.live.streams[leader.id] == 1
        async with database.acquire() as connection:
            await connection.execute("update sessions set revoked_at = now() where account_id = $1", leader.id)
        assert (await next_change(heard))[0] == "over"
        await freed(app, leader.id)
