"""What holds for every answer, the Host that it is asked for, the metrics, and the description."""

import asyncio
import uuid

import httpx
import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families

from app.kit.middleware import Hosts
from app.main import create_app
from app.settings import settings
from tests.pictures import encode, scene
from tests.test_bad_input import problem

TOKEN = "a-token-of-the-metrics-0123456789"


async def test_what_every_answer_says(town):
    """tests/conftest.py looks at the answers of all tests; here what some say in particular."""
    person = await town.person("leader")
    me = await person.call("GET", "/v1/me")
    assert me.headers["cache-control"] == "private, no-store" and "strict-transport-security" not in me.headers
    assert me.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    page = await person.call("GET", "/join/x")
    assert page.headers["cross-origin-opener-policy"] == page.headers["cross-origin-resource-policy"] == "same-origin"
    assert "script-src 'self'" in page.headers["content-security-policy"] and page.headers["cache-control"] == "no-cache"
    assert page.headers["permissions-policy"] == "camera=(self), geolocation=(self), microphone=()"
    issue = (await person.report(**town.body()))["issue"]["id"]
    dossier = await person.call("GET", f"/v1/issues/{issue}/dossier.html")
    policy = dossier.headers["content-security-policy"]
    assert "style-src 'unsafe-inline'" in policy and policy.endswith("; frame-ancestors 'none'")
    assert dossier.headers["cache-control"] == "private, no-store"
    for path, status in (("/v1/nothing", 404), (f"/v1/issues/{uuid.uuid4()}", 404), ("/v1/issues?x=1", 422)):
        problem(await person.call("GET", path), status)


async def test_photographs_are_kept_by_their_readers_browser_alone(town, do_jobs):
    person, photo = await town.person("volunteer"), uuid.uuid4()
    await person.call("PUT", f"/v1/photos/{photo}", content=encode(scene(seed=uuid.uuid4().int % 2**32)))
    await do_jobs()
    shown = await person.call("GET", f"/v1/photos/{photo}/thumb")
    assert shown.status_code == 200 and shown.headers["cache-control"] == "private, max-age=31536000, immutable"


@pytest.mark.parametrize(
    ("base", "public", "https"),
    [("https://test", "", True), ("http://test", "https://test", True), ("http://test", "http://test", False)],
)
async def test_https_is_asked_for_where_there_is_https(town, monkeypatch, base, public, https):
    monkeypatch.setattr(settings(), "public_url", public)
    person = await town.person(None)
    async with httpx.AsyncClient(transport=person.client._transport, base_url=base) as browser:
        told = (await browser.get("/")).headers.get("strict-transport-security")
    assert told == ("max-age=31536000" if https else None)


@pytest.mark.parametrize(
    ("hosts", "public", "host", "status"),
    [
        ("", "", "anything.example:81", 200), ("", "", "10.0.0.1", 200), ("", "", "a b", 400), ("", "", "a/b", 400), ("", "", "é", 400), ("", "", "", 400),
        ("", "https://grid.example/", "grid.example", 200), ("", "https://grid.example:444/", "GRID.example.:8000", 200),
        ("", "https://grid.example/", "localhost:8000", 200), ("", "https://grid.example/", "127.0.0.1", 200), ("", "https://grid.example/", "[::1]:8000", 200),
        ("", "https://grid.example/", "evil.example", 421), ("", "https://grid.example/", "grid.example.evil.example", 421),
        ("", "https://grid.example/", "grid.example@evil.example", 400),
        ("a.example, B.example:8000", "", "b.example", 200), ("a.example", "", "c.example", 421), ("a.example", "https://grid.example/", "grid.example", 200),
        ("*", "https://grid.example/", "evil.example", 200),
    ],
)  # fmt: skip
async def test_the_service_answers_to_its_own_names(town, monkeypatch, hosts, public, host, status):
    person = await town.person("volunteer")
    monkeypatch.setattr(settings(), "hosts", hosts)
    monkeypatch.setattr(settings(), "public_url", public)
    for path in ("/v1/me", "/", "/v1/nothing", "/openapi.json"):
        answer = await person.call("GET", path, headers={"host": host.encode()})
        if status == 200:
            assert answer.status_code == (404 if path == "/v1/nothing" else 200)
        else:
            assert problem(answer, status)["type"] == "/problems/bad-host"
    alive = await person.call("GET", "/healthz", headers={"host": host.encode()})
    assert alive.status_code == (400 if status == 400 else 200)


async def test_an_operator_reads_why_everybody_is_refused_and_nothing_published(town, database_url, tmp_path, monkeypatch):
    monkeypatch.setattr(settings(), "public_url", "https://grid.example/")
    monkeypatch.setattr(settings(), "public", True)
    served = create_app(database_url, tmp_path)
    with structlog.testing.capture_logs() as logs:
        async with served.router.lifespan_context(served), town.database.acquire() as connection:
            publish = await connection.fetchval("select exists (select from areas where publishes <> 'nothing')")
            async with httpx.AsyncClient(transport=httpx.ASGITransport(served), base_url="http://test") as visitor:
                for n in range(3):  # whoever invents names fills no log
                    assert (await visitor.get("/", headers={"host": f"backend-{n}:8000"})).status_code == 421
    assert [log["host"] for log in logs if "another host" in log["event"]] == ["backend-0:8000"]
    assert publish != any("nothing is published" in log["event"] for log in logs)


def test_a_million_invented_hosts_take_no_room():
    hosts = Hosts()
    assert not any(hosts.fault(f"h{n}.example".encode()) for n in range(3000)) and len(hosts.good) <= 1000


async def test_metrics_are_for_admins_and_whoever_holds_their_token(town, monkeypatch):
    admin, leader = await town.person("admin"), await town.person("leader")
    async with httpx.AsyncClient(transport=admin.client._transport, base_url="http://test") as scraper:

        async def scraped(*tokens):
            return [
                (await scraper.get("/metrics", headers={"authorization": f"Bearer {t}"} if t else {})).status_code for t in tokens
            ]

        assert await scraped("", TOKEN, "x") == [401, 401, 401]
        monkeypatch.setattr(settings(), "metrics_token", TOKEN)
        assert await scraped("", TOKEN, TOKEN + "x", TOKEN[:-1]) == [401, 200, 401, 401]
        problem(await scraper.get("/metrics?x=1", headers={"authorization": f"Bearer {TOKEN}"}), 422, "/x")
        assert (await scraper.get("/v1/jobs", headers={"authorization": f"Bearer {TOKEN}"})).status_code == 401
    assert (await leader.call("GET", "/metrics")).status_code == 403
    told = await admin.call("GET", "/metrics")
    assert told.status_code == 200 and "gridpatrol_request_seconds" in {
        family.name for family in text_string_to_metric_families(told.text)
    }


async def test_the_description_takes_no_parameters(town):
    person = await town.person(None)
    problem(await person.call("GET", "/openapi.json?x=1"), 422, "/x")
    assert (await person.call("GET", "/openapi.json")).json()["paths"]


async def test_a_database_that_is_stopped_in_the_middle_is_asked_again_later(town):
    leader = await town.person("leader")
    id = (await leader.report(**town.body()))["issue"]["id"]
    async with town.database.transaction() as holder, town.database.acquire() as other:
        await holder.execute("select from issues where id = $1 for update", uuid.UUID(id))
        waits = asyncio.create_task(leader.call("POST", f"/v1/issues/{id}/actions", json={"action": "accept"}))
        ended = "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        for _ in range(500):
            if await other.fetchval(ended):
                break
            await asyncio.sleep(0.01)
        answer = problem(await waits, 503)
    assert answer["type"] == "/problems/busy"
    await leader.act(id, "accept")
