"""Everything a broken phone or an attacker may send gets a problem document with the field named, and stores nothing."""

import base64
import json
import re
import uuid
from datetime import UTC, datetime
from urllib.parse import quote

import httpx
import pytest

from app.kit.policy import ANY_QUERY, ROUTES
from app.settings import settings

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


def filled(path, town):
    """A route's path with ids that are there or that nobody holds."""
    named = {"day": "2026-10-01", "layer": "cells", "variant": "thumb", "code": "c1", "number": "2026-000001", "slug": "nul"}
    path = path.replace("{z}/{x}/{y}", "3/1/1").replace("/v1/areas/{id}", f"/v1/areas/{town.area}")
    path = path.replace("/v1/jobs/{id}", "/v1/jobs/1")
    return re.sub(r"\{(\w+)\}", lambda found: named.get(found[1], str(uuid.uuid4())), path)


@pytest.mark.parametrize(("method", "path"), [key for key in ROUTES if key[1] not in ANY_QUERY])
async def test_every_route_refuses_a_parameter_that_it_does_not_know(town, method, path, monkeypatch):
    monkeypatch.setattr(settings(), "public", True)
    admin = await town.person("admin")
    for query, pointer in (("no_such_parameter=1", "/no_such_parameter"), ("a~b%2Fc=", "/a~0b~1c")):
        answer = await admin.call(method, f"{filled(path, town)}?{query}")
        assert answer.status_code == 422, answer.text
        if method != "HEAD":
            problem(answer, 422, pointer)


async def test_allow_names_every_method_of_a_path(town, app):
    """Of a path with several routes, and of one that another path's pattern would match too."""
    person = await town.person("admin")
    document = app.openapi()
    for path, item in document["paths"].items():
        there = {method.upper() for method in item}
        for method in (min({"DELETE", "GET", "PATCH", "POST", "PUT"} - there), "TRACE"):
            answer = await person.call(method, filled(path, town))
            problem(answer, 405)
            assert set(answer.headers["allow"].split(", ")) == there, (method, path)


@pytest.mark.parametrize("path", sorted(ANY_QUERY))
async def test_pages_of_the_client_leave_the_query_to_their_script(town, path):
    person = await town.person(None)
    assert (await person.call("GET", f"{filled(path, town)}?from=singlemessage")).status_code in (200, 404)


@pytest.mark.parametrize("value", ["%00", "a%00b", "%ff", "%ed%a0%80"])
@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/issues", "category"),
        ("/v1/issues", "q"),
        ("/v1/issues", "street"),
        ("/v1/issues", "state"),
        ("/v1/issues", "cursor"),
        ("/v1/issues", "bbox"),
        ("/v1/ledger.csv", "category"),
        ("/v1/ledger.xlsx", "q"),
        ("/v1/archive.zip", "category"),
        ("/v1/issues/nearby", "category"),
        ("/v1/tiles/issues/3/1/1.mvt", "category"),
        ("/v1/hotspots", "category"),
        ("/v1/premises", "q"),
        ("/v1/areas", "cursor"),
        ("/v1/units", "cursor"),
        ("/v1/people", "cursor"),
        ("/v1/changes", "cursor"),
        ("/v1/events", "cursor"),
        ("/v1/patrols", "cursor"),
        ("/v1/jobs", "state"),
        ("/v1/uploads/awaited", "cursor"),
    ],
)
async def test_no_text_of_a_query_holds_nul_or_broken_utf8(town, path, name, value):
    admin = await town.person("admin")
    needed = "&area=" + str(town.area) if path == "/v1/hotspots" else "&lat=1&lon=1" if path.endswith("nearby") else ""
    problem(await admin.call("GET", f"{path}?{name}={value}{needed}"), 422, f"/{name}")


OUTSIDE = [
    "0001-01-01T00:00:00+14:00",
    "0001-01-01T00:00:00+08:00",
    "9999-12-31T23:59:59-12:00",
    "1999-12-31T23:59:59Z",
    "2100-01-01T00:00:00Z",
    "2000-01-01T00:00:00+08:00",
    "2099-12-31T23:59:59-12:00",
    "3020-02-01T00:00:00Z",
    "215-01-01T00:00:00Z",
    "2026-11-23T24:00:00Z",
    "2026-11-23T23:59:60Z",
    "2026-11-23T08:12:00",
    "2026-11-23",
    "1700000000",
    "2026-02-30T00:00:00Z",
    "now",
]
INSTANTS = [
    ("/v1/issues", "created_since"),
    ("/v1/issues", "created_until"),
    ("/v1/issues", "open_at"),
    ("/v1/issues", "late_at"),
    ("/v1/issues?happened=closed", "happened_since"),
    ("/v1/issues?happened=closed", "happened_until"),
    ("/v1/tiles/issues/0/0/0.mvt", "since"),
    ("/v1/hotspots?area=AREA", "since"),
    ("/v1/ledger.csv?area=AREA", "created_since"),
    ("/v1/ledger.xlsx", "created_until"),
    ("/v1/archive.zip", "late_at"),
]


@pytest.mark.parametrize(("path", "name"), INSTANTS)
async def test_instants_of_a_query_have_bounds(town, path, name):
    admin = await town.person("admin")
    path = path.replace("AREA", str(town.area))
    for instant in OUTSIDE:
        answer = await admin.call("GET", f"{path}{'&' if '?' in path else '?'}{name}={quote(instant)}")
        problem(answer, 422, f"/{name}")
    for instant in ("2000-01-01T00:00:00Z", "2099-12-31T23:59:59.9999999Z", "2026-11-23t08:12:00z"):
        answer = await admin.call("GET", f"{path}{'&' if '?' in path else '?'}{name}={quote(instant)}")
        assert answer.status_code in (200, 204), answer.text


DAYS = [
    ("/v1/areas/AREA/summary", "since"),
    ("/v1/areas/AREA/summary", "until"),
    ("/v1/coverage?area=AREA", "since"),
    ("/v1/coverage?area=AREA", "until"),
    ("/v1/league?area=AREA", "since"),
    ("/v1/league?area=AREA", "until"),
    ("/v1/activities?area=AREA&until=2026-11-30", "since"),
    ("/v1/activities?area=AREA&since=2026-11-30", "until"),
    ("/v1/summaries/weekly.json?area=AREA", "week"),
    ("/v1/summaries/weekly.html?area=AREA", "week"),
    ("/v1/summaries/weekly.docx?area=AREA", "week"),
    ("/v1/circulation.html?area=AREA", "month"),
]
NO_DAYS = [
    "0001-01-01",
    "9999-12-31",
    "9999-12-27",
    "1999-12-31",
    "2100-01-01",
    "20261123",
    "0",
    "2026-02-30",
    "2026-11-23T00:00:00",
]


@pytest.mark.parametrize(("path", "name"), DAYS)
async def test_days_of_a_query_have_bounds(town, path, name):
    admin = await town.person("admin")
    path = path.replace("AREA", str(town.area))
    for day in NO_DAYS:
        answer = await admin.call("GET", f"{path}{'&' if '?' in path else '?'}{name}={quote(day)}")
        problem(answer, 422, f"/{name}")
    for day in ("2000-01-01", "2099-12-31", "2000-01-03", "2099-12-28"):
        answer = await admin.call("GET", f"{path}{'&' if '?' in path else '?'}{name}={day}")
        assert answer.status_code in (200, 422), answer.text


@pytest.mark.parametrize("day", NO_DAYS)
async def test_days_of_a_path_have_bounds(town, day):
    admin = await town.person("admin")
    path = f"/v1/areas/{town.area}/calendar/{day}"
    problem(await admin.call("PUT", path, json={"working": True}), 422, "/day")
    problem(await admin.call("DELETE", path), 422, "/day")


def dated(town, at, day):
    """Every body that holds an instant or a day, with the pointer to it."""
    id, area, person = str(uuid.uuid4()), str(town.area), str(uuid.uuid4())
    front = {"type": "Point", "coordinates": [town.lon, town.lat]}
    letter = {"area": area, "name": "店", "frontage": front, "letter": {"signed_on": day}}
    paper = {"area": area, "week": day, "language": "en", "title": "x", "parts": [{"title": "x", "clauses": []}]}
    away = {"deputy": person, "starts_on": day, "ends_on": "2026-11-30"}
    done = {"area": area, "kind": "leaflet", "on_day": day}
    point = {"at": at, "lat": 1, "lon": 1}
    return [
        ("PUT", f"/v1/reports/{id}", town.body(observed_at=at), "/observed_at"),
        ("PUT", f"/v1/patrols/{id}", {"started_at": at}, "/started_at"),
        ("PUT", f"/v1/patrols/{id}", {"started_at": "2026-11-23T08:00:00Z", "ended_at": at}, "/ended_at"),
        ("POST", f"/v1/patrols/{id}/points", {"points": [point]}, "/points/0/at"),
        ("PUT", f"/v1/premises/{id}/visits/{id}", {"at": at}, "/at"),
        ("PUT", f"/v1/premises/{id}", letter, "/letter/signed_on"),
        ("PUT", f"/v1/samples/{id}", {"area": area, "week": day, "percent": 10}, "/week"),
        ("PUT", "/v1/summaries/weekly", paper, "/week"),
        ("PUT", f"/v1/activities/{id}", done, "/on_day"),
        ("PUT", f"/v1/stand-ins/{id}", away, "/starts_on"),
    ]


@pytest.mark.parametrize(
    ("at", "day"),
    [
        ("0001-01-01T00:00:00+08:00", "0001-01-01"),
        ("0001-01-01T00:00:00+14:00", "9999-12-27"),
        ("9999-12-31T23:59:59-12:00", "9999-12-31"),
        ("2100-01-01T00:00:00Z", "2100-01-01"),
        ("1900-01-01T00:00:00Z", "1999-12-31"),
        (1700000000, 1700000000),
        (1e308, 1e308),
        ("2026-11-23T08:00:00", "2026-11-23T08:00:00Z"),
        (True, True),
        ("2026-11-23T08:00:00+24:00", "２０２６-１１-２３"),
    ],
)
async def test_instants_and_days_of_a_body_have_bounds(town, at, day):
    admin = await town.person("admin")
    for method, path, body, pointer in dated(town, at, day):
        problem(await admin.call(method, path, json=body), 422, pointer)


@pytest.mark.parametrize("action", ["assign", "hand_over", "request_extension"])
async def test_deadlines_have_bounds(town, action):
    staff = await town.person("staff")
    issue = (await staff.report(**town.body()))["issue"]["id"]
    await staff.act(issue, "accept")
    if action == "request_extension":
        await staff.act(issue, "assign", assignee=str(staff.id))
    name = "reply_by" if action == "hand_over" else "deadline"
    for at in ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59-12:00", "2100-01-01T00:00:00Z"):
        body = {"action": action, name: at, "authority": "交警", "unit": str(town.unit), "reason": "x"}
        wanted = {"assign": {"unit"}, "hand_over": {"authority"}, "request_extension": {"reason"}}[action] | {"action", name}
        body = {key: value for key, value in body.items() if key in wanted}
        problem(await staff.call("POST", f"/v1/issues/{issue}/actions", json=body), 422, f"/{name}")


@pytest.mark.parametrize(
    ("at", "clock"),
    [
        ("1970-01-01T00:00:03Z", "old"),
        ("1970-01-01T00:00:00+08:00", "old"),
        ("1980-01-06T00:00:00Z", "old"),
        ("2099-12-31T23:59:59Z", "ahead"),
    ],
)
async def test_no_report_is_refused_for_a_clock_that_a_phone_can_have(town, at, clock):
    volunteer = await town.person("volunteer")
    told = await volunteer.report(**town.body(observed_at=at))
    assert told["report"]["clock"] == clock
    stored = await volunteer.get(f"/v1/reports/{told['report']['id']}")
    assert stored["report"]["clock"] == clock and stored["report"]["observed_at"][:4] in (at[:4], "1969")


@pytest.mark.parametrize("key", ["\ud800", "a\ud800b", "\x00", "\u202e", "", "a/b~c"])
async def test_names_of_fields_that_nobody_can_say_back(town, key):
    volunteer = await town.person("volunteer")
    raw = json.dumps(town.body() | {key: 1})
    sent = {"content": raw, "headers": {"content-type": "application/json"}}
    assert len(problem(await volunteer.call("PUT", f"/v1/reports/{uuid.uuid4()}", **sent), 422)["errors"]) == 1
    issue = (await volunteer.report(**town.body()))["issue"]["id"]
    raw = json.dumps({"action": "comment", "note": "x", key: 1})
    problem(await volunteer.call("POST", f"/v1/issues/{issue}/actions", content=raw, headers=sent["headers"]), 422)


@pytest.mark.parametrize("id", ["\ud800", 10**30, -(10**30), True, None, [1], {"a": "\ud800"}, "x" * 5000, "\x00", 1e308])
async def test_a_bad_item_of_a_batch_is_answered_whatever_it_calls_itself(town, id):
    volunteer = await town.person("volunteer")
    raw = json.dumps({"items": [town.body(id=id), town.body(id=str(uuid.uuid4()))]})
    answer = await volunteer.call("POST", "/v1/reports/batch", content=raw, headers={"content-type": "application/json"})
    assert answer.status_code == 200 and [item["status"] for item in answer.json()["items"]] == [422, 201]


@pytest.mark.parametrize("text", ["a\x00b", "\x00", "\ud800", "a\udfff"])
async def test_no_text_of_a_body_holds_nul_or_half_a_letter(town, text):
    admin = await town.person("admin")
    issue = (await admin.report(**town.body()))["issue"]["id"]
    id, area = str(uuid.uuid4()), str(town.area)
    front = {"type": "Point", "coordinates": [town.lon, town.lat]}
    shop = {"area": area, "name": "店", "frontage": front}
    paper = {"area": area, "week": "2025-12-29", "language": "en", "title": "x"}
    for method, path, body, pointer in [
        ("PUT", f"/v1/reports/{id}", town.body(note=text), "/note"),
        ("PUT", f"/v1/reports/{id}", town.body(place=text), "/place"),
        ("PUT", f"/v1/reports/{id}", town.body(category=text), "/category"),
        ("POST", f"/v1/issues/{issue}/actions", {"action": "comment", "note": text}, "/note"),
        ("POST", f"/v1/issues/{issue}/actions", {"action": "reject", "reason": text}, "/reason"),
        ("POST", "/v1/sessions", {"account": text, "password": "x"}, "/account"),
        ("POST", "/v1/sessions", {"account": "x", "password": text}, "/password"),
        ("POST", "/v1/sessions", {"account": "x", "password": "x", "device": text}, "/device"),
        ("PUT", "/v1/me/credentials", {"account": f"ab{text}", "password": "lilacs by the gate"}, "/account"),
        ("PUT", "/v1/me/credentials", {"account": "abc", "password": f"lilacs by the gate{text}"}, "/password"),
        ("PUT", f"/v1/units/{id}", {"area": area, "name": text}, "/name"),
        ("PUT", f"/v1/units/{id}", {"area": area, "name": "站", "kind": text}, "/kind"),
        ("PUT", f"/v1/units/{id}", {"area": area, "name": "站", "phone": text}, "/phone"),
        ("PUT", f"/v1/assignment-rules/{id}", {"area": area, "unit": str(town.unit), "category": text}, "/category"),
        ("PUT", f"/v1/areas/{area}/calendar/2026-10-01", {"working": True, "name": text}, "/name"),
        ("PUT", f"/v1/authorities/{id}", {"area": area, "name": "交警", "address": text}, "/address"),
        ("PUT", f"/v1/premises/{id}", shop | {"owner": text}, "/owner"),
        ("PUT", f"/v1/premises/{id}", shop | {"address": text}, "/address"),
        ("PUT", f"/v1/premises/{id}/visits/{id}", {"at": "2026-11-24T08:00:00Z", "note": text}, "/note"),
        ("PUT", f"/v1/patrols/{id}", {"started_at": "2026-11-24T08:00:00Z", "note": text}, "/note"),
        ("PUT", f"/v1/activities/{id}", {"area": area, "kind": "leaflet", "on_day": "2026-11-24", "place": text}, "/place"),
        ("PUT", f"/v1/channels/{id}", {"kind": "mail", "address": f"a{text}@example.org"}, "/address"),
        ("PUT", f"/v1/channels/{id}", {"kind": "mail", "address": "a@example.org", "kinds": [text]}, None),
        ("PUT", f"/v1/channels/{id}", {"kind": "mail", "address": "a@example.org", "secret": text}, "/secret"),
        ("PUT", f"/v1/thanks/{id}", {"account": str(admin.id), "text": text}, "/text"),
        ("PUT", f"/v1/black-spots/{id}", {"plan": text}, "/plan"),
        (
            "PUT",
            "/v1/summaries/weekly",
            paper | {"parts": [{"title": "x", "clauses": [{"text": f"a{text}"}]}]},
            "/parts/0/clauses/0/text",
        ),
        (
            "PUT",
            "/v1/categories/c1",
            {"group": text, "name": {"zh-CN": "类", "en": "K"}, "deadline_hours": 8, "deadline_clock": "working"},
            "/group",
        ),
    ]:
        raw = json.dumps(body)
        problem(await admin.call(method, path, content=raw, headers={"content-type": "application/json"}), 422, pointer)


INVISIBLE = [
    "\u200b",
    "\u3164",
    "\u2800",
    "\u115f",
    "\u1160",
    "\uffa0",
    "\u00ad",
    "\ufeff",
    "\u0301",
    "\u0301\u0302",
    "\u2060",
    "\u200c\u200d",
    "\u3000",
    "\u00a0",
    "\U000e0041\U000e0042",
    "\ufe0f",
    "\u180e",
    "\u17b4",
    "\u034f",
    " \u200b\u3164 ",
    "\u202e",
    "\u2028",
]
BROKEN = [
    "王\n五",
    "王\r五",
    "\u0007王",
    "王\u0085五",
    "王\u2028五",
    "王\u2029五",
    "王\u202e五",
    "\u2066王\u2069",
    "王\u200b五",
    "王\ttab",
    "王\x7f",
    "\u061c王",
    "王\u3164五",
    "王\u2800五",
    "王\u200d五",
    "Wa\u200cng",
    "аdmin",  # with a Cyrillic а
    "Adminιstrator",  # with a Greek ι
    "王\u034f五",
    "王" + "\u0335" * 5,
]


def naming(town, name):
    """Every body that names something, with the pointer to the name."""
    id, area = str(uuid.uuid4()), str(town.area)
    front = {"type": "Point", "coordinates": [town.lon, town.lat]}
    kind = {"group": "other", "name": {"zh-CN": name, "en": "Kind"}, "deadline_hours": 8, "deadline_clock": "working"}
    clauses = [{"title": name, "clauses": []}]
    paper = {"area": area, "week": "2025-12-29", "language": "en", "title": "x", "parts": clauses}
    return [
        ("PUT", f"/v1/units/{id}", {"area": area, "name": name}, "/name"),
        ("PUT", f"/v1/units/{id}", {"area": area, "name": "站", "kind": name}, "/kind"),
        ("PATCH", f"/v1/cells/{town.cells[0]}", {"name": name}, "/name"),
        ("PUT", f"/v1/premises/{id}", {"area": area, "name": name, "frontage": front}, "/name"),
        ("PUT", f"/v1/authorities/{id}", {"area": area, "name": name}, "/name"),
        ("PUT", "/v1/categories/c1", kind, "/name/zh-CN"),
        ("PUT", "/v1/summaries/weekly", paper, "/parts/0/title"),
        ("PUT", "/v1/summaries/weekly", paper | {"title": name, "parts": [{"title": "x", "clauses": []}]}, "/title"),
    ]


@pytest.mark.parametrize("name", [*INVISIBLE, *BROKEN])
async def test_a_name_is_something_that_people_see(town, name):
    admin = await town.person("admin")
    invitation = await admin.call("POST", "/v1/invitations", json={"role": "volunteer", "cell": str(town.cells[0])})
    refused = await admin.call("POST", f"/v1/invitations/{invitation.json()['code']}/accept", json={"name": name})
    problem(refused, 422, "/name")
    for method, path, body, pointer in naming(town, name):
        problem(await admin.call(method, path, json=body), 422, pointer)


@pytest.mark.parametrize("name", ["王\u3164五", "王\u202e五", "王\n五", "Adminιstrator"])
async def test_a_name_that_may_be_left_out_is_one_too(town, name):
    admin = await town.person("admin")
    id, area = str(uuid.uuid4()), str(town.area)
    front = {"type": "Point", "coordinates": [town.lon, town.lat]}
    for method, path, body, pointer in [
        ("POST", "/v1/sessions", {"account": "x", "password": "x", "device": name}, "/device"),
        ("POST", f"/v1/invitations/{id}/accept", {"name": "x", "device": name}, "/device"),
        ("PUT", f"/v1/areas/{area}/office", {"issuer": name}, "/issuer"),
        ("PUT", f"/v1/areas/{area}/office", {"contact": name}, "/contact"),
        ("PUT", f"/v1/areas/{area}/calendar/2026-10-01", {"working": True, "name": name}, "/name"),
        ("PUT", f"/v1/authorities/{id}", {"area": area, "name": "交警", "kind": name}, "/kind"),
        ("PUT", f"/v1/premises/{id}", {"area": area, "name": "店", "frontage": front, "owner": name}, "/owner"),
        ("PUT", "/v1/me/credentials", {"account": f"a{name}", "password": "lilacs by the gate"}, "/account"),
        (
            "PUT",
            "/v1/summaries/weekly",
            {
                "area": area,
                "week": "2025-12-29",
                "language": "en",
                "title": "x",
                "addressee": name,
                "parts": [{"title": "x", "clauses": []}],
            },
            "/addressee",
        ),
    ]:
        problem(await admin.call(method, path, json=body), 422, pointer)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("王五", "王五"),
        (" 王五\u3000", "王五"),
        ("\ufeff王五\u200b", "王五"),
        ("e\u0301cole", "\u00e9cole"),
        ("欧阳·娜娜", "欧阳·娜娜"),
        ("O'Brien-Smith", "O'Brien-Smith"),
        ("👨\u200d👩\u200d👧 家", "👨\u200d👩\u200d👧 家"),
        ("𠮷野家", "𠮷野家"),
        ("\U000323b0", "\U000323b0"),
        ("نور", "نور"),
        ("3号", "3号"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("Иванов Müller", "Иванов Müller"),
        ("Ω-Lab 3号", "Ω-Lab 3号"),
    ],
)
async def test_names_are_kept_as_people_write_them(town, given, kept):
    admin = await town.person("admin")
    invitation = await admin.call("POST", "/v1/invitations", json={"role": "volunteer", "cell": str(town.cells[0])})
    async with httpx.AsyncClient(transport=admin.client._transport, base_url="http://test") as phone:
        joined = await phone.post(f"/v1/invitations/{invitation.json()['code']}/accept", json={"name": given})
    assert joined.status_code == 201 and joined.json()["account"]["name"] == kept


async def test_every_number_that_is_asked_for_has_bounds(app):
    """In the description as well: what is beyond them is beyond the database."""
    document = app.openapi()
    schemas = document["components"]["schemas"]

    def integers(schema, seen):
        if "$ref" in schema:
            name = schema["$ref"].split("/")[-1]
            if name not in seen:
                yield from integers(schemas[name], seen | {name})
        if schema.get("type") == "integer" and "const" not in schema and "enum" not in schema:
            yield schema
        for part in (
            *schema.get("anyOf", ()),
            *schema.get("oneOf", ()),
            *schema.get("properties", {}).values(),
            *([schema["items"]] if "items" in schema else ()),
        ):
            yield from integers(part, seen)

    for path, methods in document["paths"].items():
        for method, route in methods.items():
            bodies = [media.get("schema", {}) for media in route.get("requestBody", {}).get("content", {}).values()]
            for schema in [
                *bodies,
                *(each["schema"] for each in route.get("parameters", ()) if each["name"] not in ("z", "x", "y")),
            ]:
                for found in integers(schema, frozenset()):
                    bounded = {"minimum", "exclusiveMinimum"} & set(found) and {"maximum", "exclusiveMaximum"} & set(found)
                    assert bounded, (method, path, found)


@pytest.mark.parametrize("number", ["-1", "9223372036854775808", "99999999999999999999999", "9" * 5000, "1.5", "x", "%00"])
async def test_jobs_have_numbers_of_64_bits(town, number):
    admin = await town.person("admin")
    problem(await admin.call("POST", f"/v1/jobs/{number}/retry"), 422, "/id")
    problem(await admin.call("GET", f"/v1/jobs?before={number}"), 422, "/before")


async def test_what_belongs_to_an_area_that_is_not_there(town):
    admin = await town.person("admin")
    gone = str(uuid.uuid4())
    done = {"area": gone, "kind": "leaflet", "on_day": "2026-11-24"}
    front = {"type": "Point", "coordinates": [town.lon, town.lat]}
    for method, path, body in [
        ("PUT", f"/v1/activities/{uuid.uuid4()}", done),
        ("PUT", f"/v1/areas/{gone}/calendar/2026-10-01", {"working": True}),
        ("DELETE", f"/v1/areas/{gone}/calendar/2026-10-01", None),
        ("GET", f"/v1/areas/{gone}/calendar?year=2026", None),
        ("PUT", f"/v1/samples/{uuid.uuid4()}", {"area": gone, "week": "2025-12-29", "percent": 10}),
        ("PUT", f"/v1/authorities/{uuid.uuid4()}", {"area": gone, "name": "交警"}),
        ("PUT", f"/v1/premises/{uuid.uuid4()}", {"area": gone, "name": "店", "frontage": front}),
        ("PUT", f"/v1/units/{uuid.uuid4()}", {"area": gone, "name": "站"}),
        ("PUT", f"/v1/assignment-rules/{uuid.uuid4()}", {"area": gone, "unit": str(town.unit)}),
        ("POST", "/v1/invitations", {"role": "staff", "area": gone}),
    ]:
        answer = await admin.call(method, path, json=body)
        assert answer.status_code in (404, 422), (path, answer.text)
        problem(answer, answer.status_code)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("PUT", "/v1/photos/ID", {"content-digest": "sha-256=:é:"}, 422),
        ("PUT", "/v1/photos/ID", {"content-digest": "sha-256=é"}, 422),
        ("POST", "/v1/uploads", {"upload-length": "9", "upload-metadata": "photo é"}, 422),
        ("POST", "/v1/uploads", {"upload-length": "9", "upload-metadata": "é é,photo ÿ"}, 422),
        ("POST", "/v1/uploads", {"upload-length": "²", "upload-metadata": "PHOTO"}, 422),
        ("POST", "/v1/uploads", {"upload-length": "9", "upload-metadata": "PHOTO,filetype aW1hZ2UvAA=="}, 415),
        (
            "PATCH",
            "/v1/uploads/ID",
            {"upload-offset": "0", "content-type": "application/offset+octet-stream", "upload-checksum": "sha256 é"},
            400,
        ),
        ("PATCH", "/v1/uploads/ID", {"upload-offset": "٣", "content-type": "application/offset+octet-stream"}, 422),
        ("PUT", "/v1/photos/ID", {"content-length": "²"}, 422),
        ("POST", "/v1/invitations", {"host": "a" * 3000}, 400),
        ("POST", "/v1/invitations", {"idempotency-key": "é"}, 422),
    ],
)
async def test_headers_that_are_not_what_they_should_be(town, method, path, headers, status):
    admin = await town.person("admin")
    id = str(uuid.uuid4())
    named = "photo " + base64.b64encode(id.encode()).decode()
    sent = [(k.encode(), v.replace("PHOTO", named).encode("utf-8" if v == "٣" else "latin-1")) for k, v in headers.items()]
    body = {"json": {"role": "volunteer", "cell": str(town.cells[0])}} if "invit" in path else {"content": b"x"}
    problem(await admin.call(method, path.replace("ID", id), headers=sent, **body), status)


@pytest.mark.parametrize("value", ["22:00Z", "22:00+08:00", "24:00", "25:00", "7", 79200, "22:00:00.5", "", None, "２２:００"])
async def test_quiet_hours_are_times_of_a_day(town, value):
    leader = await town.person("leader")
    problem(await leader.call("PUT", "/v1/me/quiet-hours", json={"starts": value, "ends": "07:00"}), 422, "/starts")


async def test_a_text_is_no_number_and_a_number_no_truth_value(town):
    admin = await town.person("admin")
    cell, area = str(town.cells[0]), str(town.area)
    front = {"type": "Point", "coordinates": [town.lon, town.lat]}
    shop = {"area": area, "name": "店", "frontage": front}
    done = {"area": area, "kind": "leaflet", "on_day": "2026-11-24"}
    position = town.body()["position"]
    id = uuid.uuid4()
    for method, path, body, pointer in [
        ("POST", "/v1/invitations", {"role": "volunteer", "cell": cell, "uses": "1"}, "/uses"),
        ("POST", "/v1/invitations", {"role": "volunteer", "cell": cell, "uses": True}, "/uses"),
        ("PUT", f"/v1/premises/{id}", shop | {"active": 0}, "/active"),
        ("PUT", f"/v1/premises/{id}", shop | {"active": 1.0}, "/active"),
        ("PUT", f"/v1/premises/{id}", shop | {"active": "yes"}, "/active"),
        ("PUT", f"/v1/activities/{id}", done | {"collected": "3"}, "/collected"),
        ("PUT", f"/v1/activities/{id}", done | {"count": True}, "/count"),
        ("PUT", f"/v1/samples/{id}", {"area": area, "week": "2025-12-29", "percent": "10"}, "/percent"),
        ("PUT", f"/v1/reports/{id}", town.body(position=position | {"lat": str(town.lat)}), "/position/lat"),
        ("PUT", f"/v1/reports/{id}", town.body(position=position | {"accuracy_m": True}), "/position/accuracy_m"),
        ("PUT", f"/v1/reports/{id}", town.body(mended_on_the_spot="false"), "/mended_on_the_spot"),
        ("PATCH", f"/v1/cells/{cell}", {"rounds_per_week": "2"}, "/rounds_per_week"),
    ]:
        problem(await admin.call(method, path, json=body), 422, pointer)


@pytest.mark.parametrize("raw", ["NaN", "Infinity", "-Infinity", "1e309", "-1e309", "1e400"])
async def test_numbers_that_are_none(town, raw):
    admin = await town.person("admin")
    front = '{"type": "Point", "coordinates": [@, 1]}'
    id, area = uuid.uuid4(), town.area
    for method, path, body, pointer in [
        ("PUT", f"/v1/samples/{id}", f'{{"area": "{area}", "week": "2025-12-29", "percent": @}}', "/percent"),
        ("PUT", f"/v1/premises/{id}", f'{{"area": "{area}", "name": "x", "frontage": {front}}}', "/frontage"),
        (
            "POST",
            f"/v1/patrols/{id}/points",
            '{"points": [{"at": "2026-11-24T08:00:00Z", "lat": 1, "lon": 1, "accuracy_m": @}]}',
            "/points/0/accuracy_m",
        ),
        ("PUT", f"/v1/activities/{id}", f'{{"area": "{area}", "kind": "leaflet", "on_day": "2026-11-24", "count": @}}', "/count"),
    ]:
        sent = {"content": body.replace("@", raw), "headers": {"content-type": "application/json"}}
        problem(await admin.call(method, path, **sent), 422, pointer)


@pytest.mark.parametrize("depth", [100, 900, 5000, 100_000])
async def test_json_nested_deeply(town, depth):
    volunteer = await town.person("volunteer")
    deep = "[" * depth + "]" * depth
    for method, path, raw in (
        ("PUT", f"/v1/reports/{uuid.uuid4()}", json.dumps(town.body(photos="@")).replace('"@"', deep)),
        ("POST", "/v1/reports/batch", '{"items": [{"id": @}]}'.replace("@", deep)),
        ("POST", f"/v1/issues/{uuid.uuid4()}/actions", '{"action": "comment", "note": @}'.replace("@", deep)),
    ):
        answer = await volunteer.call(method, path, content=raw, headers={"content-type": "application/json"})
        assert answer.status_code < 500, (path, answer.text[:200])
