"""What stands in the logs, and what never does: everything that this process writes is read, whoever wrote it."""

import asyncio
import json
import logging
import time
import uuid
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import structlog
import uvicorn
from starlette.responses import StreamingResponse

from app.kit import logs, policy
from app.kit.jobs import Pulse
from app.kit.route import Route, TheDatabase
from app.notices.telling import follow
from app.settings import settings
from app.worker import beat
from tests.conftest import listening
from tests.pictures import encode, scene
from tests.test_connections import serving
from tests.test_notices import add

SECRET = "s3cr3t-of-nobody-"


def lines(text):
    return [json.loads(line) for line in text.splitlines() if line.strip()]


@pytest.fixture
def faulty(app, monkeypatch):
    """A route whose code fails; `faulty.error` is what it raises."""

    class Faulty:
        error, query, tell = RuntimeError("x"), None, None

        @classmethod
        async def beat(cls, database):
            raise cls.error

    async def fail(database: TheDatabase, depth: int = 0):
        large = [SECRET + "x" * 1000] * 1000
        if depth:
            await fail(database, depth - 1)
        if Faulty.query:
            async with database.acquire() as connection:
                await connection.fetchval(*Faulty.query)
        assert large
        raise Faulty.tell() if Faulty.tell else Faulty.error

    monkeypatch.setitem(policy.ROUTES, ("GET", "/test/{code}/faulty"), policy.ANYONE)
    route = Route("/test/{code}/faulty", fail, methods=["GET"], include_in_schema=False)
    app.router.routes.insert(0, route)
    yield Faulty
    app.router.routes.remove(route)


@asynccontextmanager
async def away(database, *tables):
    """The tables have other names: each statement about them fails, as it would after a migration that went wrong."""

    async def rename(old, new):
        async with database.acquire() as connection:
            for table in tables:
                await connection.execute(f"alter table {table}{old} rename to {table}{new}")

    await rename("", "_away")
    try:
        yield
    finally:
        await rename("_away", "")


@asynccontextmanager
async def robot(echoes):
    """A chat robot that is out of order and says back what it was called."""

    async def take(reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).split()[1]
        writer.write(b"HTTP/1.1 500 No\r\nContent-Length: %d\r\n\r\n%s" % (len(head), head))
        await writer.drain()
        echoes.append(head.decode())
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def failing_requests(town, address, database, secrets):
    """Requests of every kind whose statements fail, over real HTTP, with something secret in each part of them."""
    leader = await town.person("leader")
    invited = (await leader.call("POST", "/v1/invitations", json={"role": "volunteer", "cell": str(town.cells[0])})).json()
    issue = (await leader.report(**town.body()))["issue"]["id"]
    token = leader.client.headers["authorization"].partition(" ")[2]
    secrets |= {
        "token": token,
        "code": invited["code"],
        "password": SECRET + "password",
        "key": SECRET + "key",
        "header": SECRET + "header",
    }
    bearer, cookie = {"authorization": f"Bearer {token}"}, {"cookie": f"a=b; gridpatrol={token}"}
    key = {"idempotency-key": secrets["key"]}
    async with httpx.AsyncClient(
        base_url=f"http://{address}", headers={"x-secret": secrets["header"], "origin": f"http://{address}"}
    ) as phone:

        async def fails(method, path, **sent):
            answer = await phone.request(method, path, **sent)
            assert answer.status_code == 500, answer.text
            assert not any(secret in answer.text for secret in secrets.values())
            return answer

        async with away(database, "accounts"):
            ids = [
                (await fails("GET", "/v1/me", headers=bearer)).headers["x-request-id"],
                (await fails("GET", "/v1/issues", headers=cookie, params={"q": SECRET + "query"})).headers["x-request-id"],
                (await fails("POST", "/v1/sessions", json={"account": "someone", "password": secrets["password"]})).json()["id"],
                (await fails("POST", f"/v1/issues/{issue}/actions", headers=bearer | key, json={"action": "accept"})).json()[
                    "id"
                ],
            ]
        secrets["query"] = SECRET + "query"
        async with away(database, "invitations"):
            ids.append(
                (await fails("POST", f"/v1/invitations/{invited['code']}/accept", json={"name": "王五"}, headers=key)).json()[
                    "id"
                ]
            )
        async with away(database, "events"):
            ids.append(
                (
                    await fails(
                        "POST",
                        f"/v1/issues/{issue}/actions",
                        headers=cookie | key | {"sec-fetch-site": "same-origin"},
                        json={"action": "accept"},
                    )
                ).json()["id"]
            )
        return ids


async def failing_jobs(town, database, do_jobs, monkeypatch, secrets):
    """Jobs of every kind that fail: a robot out of order, a mail server that is not there, a statement that breaks."""
    leader = await town.person("leader")
    monkeypatch.setattr(settings(), "private_targets", True)
    monkeypatch.setattr(settings(), "smtp_url", f"smtp://{SECRET}user:{SECRET}smtp@127.0.0.1:9")
    secrets |= {"smtp": SECRET + "smtp", "robot": SECRET + "robot", "hook": SECRET + "hook", "signing": SECRET + "signing"}
    heard = []
    async with robot(heard) as port:
        await add(
            leader,
            kind="dingtalk",
            address=f"http://127.0.0.1:{port}/{SECRET}hook?access_token={SECRET}robot",
            secret=SECRET + "signing",
        )
        await add(leader, kind="mail", address="leader@example.org")
        await (await town.person("volunteer")).report(**town.body())
        await follow(database)
        await do_jobs()
    assert any(SECRET + "robot" in path for path in heard)
    await (await town.person("volunteer")).call(
        "PUT", f"/v1/photos/{uuid.uuid4()}", content=encode(scene(seed=uuid.uuid4().int % 2**32))
    )
    async with away(database, "photo_files"):
        await do_jobs()


@pytest.fixture
def written(monkeypatch, capfd):
    """Everything is logged; `written()` is what was since the last time."""
    monkeypatch.setattr(settings(), "log_level", "debug")
    logs.configure()
    capfd.readouterr()
    yield lambda: "".join(capfd.readouterr())
    monkeypatch.undo()
    logs.configure()


async def test_nothing_that_gives_access_reaches_a_log(
    town, app, address, database, database_url, do_jobs, faulty, monkeypatch, written
):
    of_database = Path(parse_qs(urlsplit(database_url).query)["host"][0]).parent / "postgres.log"
    before = of_database.stat().st_size
    secrets = {"server": app.state.secret.hex(), "server as bytes": repr(app.state.secret)[2:-1]}
    ids = await failing_requests(town, address, database, secrets)
    faulty.error = ValueError(f"{secrets} {app.state.secret!r} {SECRET}value")
    async with httpx.AsyncClient(base_url=f"http://{address}") as phone:
        headers = {"authorization": f"Bearer {secrets['token']}"}
        ids.append((await phone.get(f"/test/{secrets['code']}/faulty?depth=3", headers=headers)).json()["id"])
    with suppress(TimeoutError):
        await asyncio.wait_for(beat(database, Pulse("test", faulty.beat, 60)), 0.05)
    await failing_jobs(town, database, do_jobs, monkeypatch, secrets)
    text = written()
    told = lines(text)
    with of_database.open(encoding="utf-8") as log:
        log.seek(before)
        text += log.read()
    for name, secret in secrets.items():
        assert secret not in text, name
    assert SECRET not in text
    assert [line["request_id"] for line in told if line["event"] == "unhandled"] == ids
    assert all(len(json.dumps(line)) < 10_000 for line in told)
    assert {"job_error_retry", "a beat failed"} <= {line["event"] for line in told}
    (sign_in,) = [line for line in told if line.get("route") == "/v1/sessions"]
    assert sign_in["exception"][0]["message"] == 'relation "accounts" does not exist'
    assert any(frame.startswith("app/people/sessions.py:") for frame in sign_in["exception"][0]["frames"])


async def test_whatever_a_line_says_what_gives_access_is_left_out(town, app, faulty, written):
    """A line of ours, or of a library, that says more than it should."""
    person = await town.person("volunteer")
    token = person.client.headers["authorization"].partition(" ")[2]
    said = [f"token is {token}", f"Authorization: Bearer {SECRET}a", f"GET /v1/invitations/{SECRET}b/accept", f"https://u:{SECRET}c@h.example/{SECRET}d?e={SECRET}e",
            f"password={SECRET}f", f"{{'secret': '{SECRET}g'}}", app.state.secret.hex(), f"/join/{SECRET}h and /x?code={SECRET}i"]  # fmt: skip

    def tell():
        for text in said:
            structlog.get_logger().error(text, password=SECRET, headers={"cookie": SECRET}, of={"token": SECRET}, listed=[text])
            logging.getLogger("library").warning("it said %s", text)
        return RuntimeError("x")

    faulty.tell = tell
    assert (await person.call("GET", f"/test/{SECRET}code/faulty")).status_code == 500
    text = written()
    assert len(lines(text)) == 2 * len(said) + 1
    assert SECRET not in text and token not in text and app.state.secret.hex() not in text


async def test_an_unhandled_error_holds_nobody_up(town, faulty, written):
    """It was 120 ms and 127 kB each."""
    person = await town.person("volunteer")
    took = []
    for _ in range(15):
        begun = time.perf_counter()
        assert (await person.call("GET", "/test/x/faulty?depth=40")).status_code == 500
        took.append(time.perf_counter() - begun)
    text = written()
    assert len(lines(text)) == 15 and len(text) < 15 * 4000
    assert sorted(took)[7] < 0.02, took


@pytest.mark.parametrize(
    ("given", "taken"), [("abc-1.2:3", True), ("x" * 36, True), ("x" * 37, False), ("a b", False), ("é", False), ("", False)]
)
async def test_a_request_has_an_id(town, faulty, written, given, taken):
    person = await town.person("volunteer")
    answer = await person.call("GET", "/test/x/faulty", headers={"x-request-id": given.encode()})
    id = answer.headers["x-request-id"]
    assert (id == given) == taken and (taken or 13 < len(id) < 30)
    assert answer.json()["id"] == id and id in answer.json()["detail"]
    assert [line["request_id"] for line in lines(written())] == [id]


@pytest.mark.parametrize(
    "query",
    [("select $1::int2", "n"), ("select 'x'::text::int + $1::int", 1), ("select now() + $1::interval * 1e9", timedelta(9999))],
)
async def test_a_value_that_the_database_refuses_is_the_callers_fault(town, faulty, written, query):
    person = await town.person("volunteer")
    faulty.query = query
    answer = await person.call("GET", "/test/x/faulty")
    assert answer.status_code == 422 and answer.json()["type"] == "/problems/validation"
    (line,) = lines(written())
    assert line["level"] == "error" and line["request_id"] == answer.headers["x-request-id"]
    faulty.query = ("select 1 / $1::int", 0)
    assert (await person.call("GET", "/test/x/faulty")).status_code == 500


async def test_a_log_of_access_holds_no_codes(town, app, monkeypatch, written):
    monkeypatch.setattr(logging.getLogger("uvicorn.access"), "propagate", True)  # a server without that log ends this
    config = uvicorn.Config(app, port=0, lifespan="off", access_log=True, log_config=None, log_level="info")
    async with listening(config) as address, httpx.AsyncClient(base_url=f"http://{address}") as phone:
        for path in (f"/join/{SECRET}", f"/v1/issues?q={SECRET}", f"/v1/invitations/{SECRET}/accept"):
            await phone.get(path)
    text = written()
    told = [(line["path"], line["status"]) for line in lines(text) if line.get("logger") == "uvicorn.access"]
    assert told == [("/join/…", 200), ("/v1/issues", 401), ("/v1/invitations/…/accept", 405)] and SECRET not in text


async def test_what_the_server_itself_says_is_json_too(app, written):
    """As `gridpatrol run` has it: uvicorn's own configuration would write its lines in a form of its own."""
    async with serving(app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"{SECRET}\r\n\r\n".encode())
        assert b" 400 " in await reader.read()
        writer.close()
    told = [line for line in lines(written()) if line.get("logger") == "uvicorn.error"]
    assert [(line["level"], line["event"]) for line in told if line["level"] == "warning"] == [
        ("warning", "Invalid HTTP request received.")
    ]


async def test_an_answer_that_fails_after_it_began_ends_in_the_middle(address, app, monkeypatch, written):
    async def begin():
        async def pieces():
            yield b"x" * 1000
            raise RuntimeError(SECRET)

        return StreamingResponse(pieces())

    monkeypatch.setitem(policy.ROUTES, ("GET", "/test/torn"), policy.ANYONE)
    route = Route("/test/torn", begin, methods=["GET"], include_in_schema=False)
    app.router.routes.insert(0, route)
    async with httpx.AsyncClient(base_url=f"http://{address}") as phone:
        with pytest.raises(httpx.RemoteProtocolError):
            await phone.get("/test/torn")
    app.router.routes.remove(route)
    text = written()
    assert lines(text)[0]["event"] == "unhandled" and SECRET not in text
