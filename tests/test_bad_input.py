"""Everything a broken phone or an attacker may send gets a problem document with the field named, and stores nothing."""

import json
import uuid
from datetime import UTC, datetime

import pytest

LONG = "x" * 10_000_000


def problem(response, status, pointer=None):
    assert response.status_code == status, response.text[:300]
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status and body["type"].startswith("/problems/") and body["title"] and body["detail"]
    if pointer is not None:
        assert pointer in [e["pointer"] for e in body["errors"]], body
    return body


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"category": "nonsense"}, "/category"),
        ({"category": 7}, "/category"),
        ({"category": None}, "/category"),
        ({"position": None}, "/position"),
        ({"position": {"lat": 91, "lon": 0}}, "/position/lat"),
        ({"position": {"lat": 0, "lon": 181}}, "/position/lon"),
        ({"position": {"lat": 0, "lon": 0}}, "/position"),
        ({"position": {"lat": "north", "lon": 0}}, "/position/lat"),
        ({"position": {"lat": 1, "lon": 1, "datum": "mars"}}, "/position/datum"),
        ({"position": {"lat": 1, "lon": 1, "accuracy_m": -1}}, "/position/accuracy_m"),
        ({"position": {"lat": 1}}, "/position/lon"),
        ({"observed_at": "yesterday"}, "/observed_at"),
        ({"observed_at": "2026-11-23T08:12:00"}, "/observed_at"),
        ({"observed_at": 1700000000}, "/observed_at"),
        ({"note": "a\x00b"}, "/note"),
        ({"note": "x" * 4001}, "/note"),
        ({"note": {"a": 1}}, "/note"),
        ({"photos": ["../../etc/passwd"]}, "/photos/0"),
        ({"photos": [str(uuid.uuid4()) for _ in range(21)]}, "/photos"),
        ({"issue_id": "7"}, "/issue_id"),
        ({"issue_id": str(uuid.uuid4())}, "/issue_id"),
        ({"mended_on_the_spot": "perhaps"}, "/mended_on_the_spot"),
        ({"colour": "red"}, "/colour"),
    ],
)
async def test_a_bad_report_names_the_field_and_stores_nothing(town, database, changes, pointer):
    volunteer = await town.person("volunteer")
    id = uuid.uuid4()
    body = {k: v for k, v in town.body(**changes).items() if not (v is None and k in changes)}
    problem(await volunteer.call("PUT", f"/v1/reports/{id}", json=body), 422, pointer)
    async with database.acquire() as connection:
        assert not await connection.fetchval("select exists (select from reports where id = $1)", id)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999"])
async def test_positions_that_are_not_numbers(town, value):
    volunteer = await town.person("volunteer")
    raw = json.dumps(town.body(position={"lat": "@", "lon": 1})).replace('"@"', value)
    answer = await volunteer.call("PUT", f"/v1/reports/{uuid.uuid4()}", content=raw, headers={"content-type": "application/json"})
    problem(answer, 422, "/position/lat")


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"\xff\xfe", b"[]", b"null", b'"x"', b'{"note": "\\ud800"}', b"[" * 5000, b"9" * 5000, b'{"a":1e400}']
)
async def test_malformed_json(town, raw):
    volunteer = await town.person("volunteer")
    for method, path in (("PUT", f"/v1/reports/{uuid.uuid4()}"), ("POST", "/v1/reports/batch"), ("POST", "/v1/sessions")):
        problem(await volunteer.call(method, path, content=raw, headers={"content-type": "application/json"}), 422)


async def test_wrong_content_types_and_sizes(town):
    volunteer = await town.person("volunteer")
    path = f"/v1/reports/{uuid.uuid4()}"
    for media in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "image/png"):
        problem(await volunteer.call("PUT", path, content=b"{}", headers={"content-type": media}), 415)
    problem(await volunteer.call("PUT", path, json=town.body(note=LONG)), 413)

    async def endless():
        for _ in range(40):
            yield b"x" * 100_000

    problem(await volunteer.call("PUT", path, content=endless(), headers={"content-type": "application/json"}), 413)


async def test_bad_addresses(town):
    volunteer = await town.person("volunteer")
    problem(await volunteer.call("PUT", "/v1/reports/7", json=town.body()), 422, "/id")
    problem(await volunteer.call("GET", "/v1/nothing"), 404)
    problem(await volunteer.call("PATCH", "/v1/issues"), 405)
    problem(await volunteer.call("GET", f"/v1/issues/{uuid.uuid4()}"), 404)
    problem(await volunteer.call("GET", "/v1/issues/2026-999999999"), 404)
    problem(await volunteer.call("GET", "/v1/issues/x"), 422, "/id")


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "/limit"), ("limit=201", "/limit"), ("cursor=AAAA", "/cursor"), ("cursor=%00", "/cursor"), ("state=lost", "/state"),
        ("cell=1", "/cell"), ("sort=colour", "/sort"), ("bbox=1,2,3", "/bbox"), ("bbox=1,50,3,40", "/bbox"), ("bbox=nan,1,2,3", "/bbox"),
        ("bbox=1,2,3,99", "/bbox"), ("q=%00", "/q"), ("created_since=2026-01-01", "/created_since"), ("overdue=maybe", "/overdue"),
        ("datum=mars", "/datum"),
    ],
)  # fmt: skip
async def test_bad_queries(town, query, pointer):
    volunteer = await town.person("volunteer")
    problem(await volunteer.call("GET", f"/v1/issues?{query}"), 422, pointer)


async def test_a_box_across_the_date_line_is_two(town):
    volunteer = await town.person("volunteer")
    await volunteer.report(**town.body(position={"lat": 10, "lon": 179.9}))
    assert len((await volunteer.get("/v1/issues", bbox="179,9,-179,11"))["items"]) == 1
    assert len((await volunteer.get("/v1/issues", bbox="-179,9,179,11"))["items"]) == 0


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/action"), ({"action": 7}, "/action"), ({"action": "reject"}, "/reason"), ({"action": "reject", "reason": ""}, "/reason"),
        ({"action": "accept", "reason": "x"}, "/reason"), ({"action": "comment", "note": "a\x00"}, "/note"),
        ({"action": "assign", "deadline": "2020-01-01T00:00:00Z", "unit": "UNIT"}, "/deadline"), ({"action": "assign", "unit": "x"}, "/unit"),
        ({"action": "reclassify", "category": "nonsense"}, "/category"), ({"action": "relocate"}, "/position"), ({"action": "accept", "colour": 1}, "/colour"),
    ],
)  # fmt: skip
async def test_bad_actions_change_nothing(town, body, pointer):
    leader = await town.person("leader")
    id = (await leader.report(**town.body()))["issue"]["id"]
    body = {k: (str(town.unit) if v == "UNIT" else v) for k, v in body.items()}
    problem(await leader.call("POST", f"/v1/issues/{id}/actions", json=body), 422, pointer)
    assert (await leader.get(f"/v1/issues/{id}"))["version"] == 1


async def test_problems_speak_the_readers_language(town):
    chinese, english = await town.person("volunteer", language="zh-CN"), await town.person("volunteer")
    path = f"/v1/issues/{uuid.uuid4()}"
    assert problem(await chinese.call("GET", path), 404)["detail"] == "没有找到，或您无权查看。"
    assert problem(await english.call("GET", path), 404)["detail"].startswith("There is no")
    told = await english.call("GET", "/problems/stale")
    assert told.status_code == 200 and "has changed" in told.text


@pytest.mark.parametrize("metres", [1_000_001, 2_500_000, 1e300])
async def test_no_report_is_refused_for_how_vague_its_place_is(town, metres):
    volunteer = await town.person("volunteer")
    body = town.body()
    body["position"]["accuracy_m"] = metres
    answer = await volunteer.call("PUT", f"/v1/reports/{uuid.uuid4()}", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["report"]["position"]["accuracy_m"] == 1_000_000


async def test_no_point_of_a_walk_is_refused_for_how_vague_it_is(town):
    volunteer, id = await town.person("volunteer"), uuid.uuid4()
    now = datetime.now(UTC).isoformat()
    await volunteer.call("PUT", f"/v1/patrols/{id}", json={"started_at": now})
    point = {"at": now, "lat": town.lat, "lon": town.lon, "accuracy_m": 2_500_000}
    answer = await volunteer.call("POST", f"/v1/patrols/{id}/points", json={"points": [point]})
    assert answer.status_code == 200, answer.text
