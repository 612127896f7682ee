"""Every route × role × own and other scope, against the one table."""

import base64
import re
import uuid
from datetime import date, timedelta

import pytest
from fastapi.routing import APIRoute

from app.kit.policy import ROLES, ROUTES
from tests.pictures import JPEG


def _routes(app):
    found, stack = [], list(app.routes)
    while stack:
        route = stack.pop()
        if isinstance(route, APIRoute):
            found.append(route)
        else:
            stack += list(getattr(getattr(route, "original_router", None) or getattr(route, "router", None), "routes", []) or [])
    return found


def test_every_route_has_a_rule_and_every_rule_a_route(app):
    paths = {(method.upper(), path) for path, item in app.openapi()["paths"].items() for method in item}
    assert paths == set(ROUTES)


def test_a_route_without_a_rule_cannot_be_made():
    from fastapi import APIRouter

    from app.kit.route import Route

    with pytest.raises(KeyError):
        APIRouter(route_class=Route).add_api_route("/v1/forgotten", lambda: None, methods=["GET"])


def _request(key, town, issue, photo, thanked):
    """A well-formed request for a route, aimed at `town`; None where a rule of its own is tested elsewhere."""
    method, path = key
    cell, unit = str(town.cells[0]), str(town.unit)
    bodies = {
        ("POST", "/v1/sessions"): {"account": "a", "password": "b"},
        ("PUT", "/v1/me/credentials"): {"account": f"x{uuid.uuid4().hex[:8]}", "password": "12345678"},
        ("POST", "/v1/invitations"): {"role": "volunteer", "cell": cell},
        ("POST", "/v1/invitations/{code}/accept"): {"name": "x"},
        ("PUT", "/v1/categories/{code}"): {"group": "other", "name": {"zh-CN": "类", "en": "Kind"}, "deadline_hours": 8, "deadline_clock": "working"},
        ("PUT", "/v1/units/{id}"): {"area": str(town.area), "name": "环卫站", "kind": "bureau"},
        ("PATCH", "/v1/cells/{id}"): {"unit": unit},
        ("PUT", "/v1/reports/{id}"): town.body(),
        ("POST", "/v1/reports/batch"): {"items": [town.body(id=str(uuid.uuid4()))]},
        ("POST", "/v1/issues/{id}/actions"): {"action": "comment", "note": "x"},
        ("PUT", "/v1/areas/{id}/calendar/{day}"): {"working": True},
        ("PUT", "/v1/areas/{id}/office"): {"phone": "0877-6600110"},
        ("POST", "/v1/people/{id}/close"): {}, ("POST", "/v1/people/{id}/hand-over"): {"to": str(town.led_by)},
        ("POST", "/v1/password-resets"): {"code": "x", "account": "x1", "password": "12345678"},
        ("PUT", "/v1/assignment-rules/{id}"): {"area": str(town.area), "unit": unit, "category": "litter"},
        ("POST", "/v1/notices/read"): {},
        ("PUT", "/v1/channels/{id}"): {"kind": "mail", "address": f"{uuid.uuid4().hex}@example.org"},
        ("PUT", "/v1/me/quiet-hours"): {"starts": "22:00", "ends": "07:00"},
        ("PUT", "/v1/black-spots/{id}"): {"plan": "x"},
        ("PUT", "/v1/thanks/{id}"): {"account": str(thanked), "text": "谢谢"},
        ("PUT", "/v1/authorities/{id}"): {"area": str(town.area), "name": f"交警{uuid.uuid4().hex[:6]}"},
        ("PUT", "/v1/patrols/{id}"): {"started_at": "2026-11-24T08:00:00Z"},
        ("POST", "/v1/patrols/{id}/points"): {"points": [{"at": "2026-11-24T08:00:00Z", "lat": 1, "lon": 1}]},
        ("PUT", "/v1/premises/{id}"): {
            "area": str(town.area), "name": "小卖部", "frontage": {"type": "Point", "coordinates": [town.lon + 0.005, town.lat + 0.005]}},
        ("PUT", "/v1/premises/{id}/visits/{visit}"): {"at": "2026-11-24T08:00:00Z"},
        ("PUT", "/v1/samples/{id}"): {"area": str(town.area), "week": "2025-12-29", "percent": 10},
        ("PUT", "/v1/activities/{id}"): {"area": str(town.area), "kind": "leaflet", "on_day": "2026-11-24", "count": 5},
        ("PUT", "/v1/summaries/weekly"): {
            "area": str(town.area), "week": "2025-12-29", "language": "en", "title": "x", "parts": [{"title": "x", "clauses": []}]},
        ("PUT", "/v1/stand-ins/{id}"): {
            "leader": str(town.led_by), "deputy": str(thanked), "starts_on": date.today().isoformat(), "ends_on": (date.today() + timedelta(days=9)).isoformat()},
    }  # fmt: skip
    ids = {
        ("GET", "/v1/areas/{id}"): cell, ("PUT", "/v1/units/{id}"): unit, ("PATCH", "/v1/cells/{id}"): cell,
        ("PUT", "/v1/reports/{id}"): str(uuid.uuid4()), ("PUT", "/v1/categories/{code}"): f"c{uuid.uuid4().hex[:6]}",
    }  # fmt: skip
    raw = {
        ("PUT", "/v1/photos/{id}"): {"content": JPEG, "headers": {"content-type": "image/jpeg"}},
        ("POST", "/v1/uploads"): {"headers": {
            "upload-length": "10", "upload-metadata": "photo " + base64.b64encode(str(uuid.uuid4()).encode()).decode()}},
        ("PATCH", "/v1/uploads/{id}"): {
            "content": b"x", "headers": {"upload-offset": "0", "content-type": "application/offset+octet-stream"}},
    }  # fmt: skip
    ids |= {("GET", "/v1/photos/{id}"): photo, ("GET", "/v1/photos/{id}/{variant}"): photo}
    path = (
        path.replace("{z}/{x}/{y}", "3/1/1")
        .replace("{layer}", "cells")
        .replace("{variant}", "original")
        .replace("{day}", "2026-10-01")
    )
    ids |= (
        {
            (m, p): str(town.area)
            for m, p in ROUTES
            if "/calendar" in p or p in ("/v1/areas/{id}/summary", "/v1/areas/{id}/office")
        }
        | {("POST", "/v1/jobs/{id}/retry"): "0"}
        | {(m, p): str(thanked) for m, p in ROUTES if p.startswith("/v1/people/{id}/")}
    )
    target = ids.get(key, issue if "/issues/" in path or "/reports/" in path else str(uuid.uuid4()))
    target = re.sub(r"\{\w+\}", target, path)
    if path == "/v1/hotspots":
        target += f"?area={town.area}"
    if path == "/v1/activities":
        target += f"?area={town.area}&since=2026-11-01&until=2026-11-30"
    if path in ("/v1/coverage", "/v1/league") or path.startswith(("/v1/summaries/weekly.", "/v1/circulation.")):
        target += f"?area={town.area}"
    if path.endswith("/calendar"):
        target += "?year=2026"
    if path in ("/v1/areas/locate", "/v1/issues/nearby"):
        target += f"?lat={town.lat}&lon={town.lon}" + ("&category=litter" if path.endswith("nearby") else "")
    return method, target, raw.get(key, {"json": bodies.get(key)})


# What lies behind an id is narrowed by scope: from another town's people it answers 404.
SCOPED = {
    ("GET", "/v1/reports/{id}"), ("GET", "/v1/issues/{id}"), ("GET", "/v1/issues/{id}/timeline"), ("POST", "/v1/issues/{id}/actions"),
    ("PUT", "/v1/units/{id}"), ("PATCH", "/v1/cells/{id}"), ("POST", "/v1/invitations"), ("GET", "/v1/photos/{id}"),
    ("GET", "/v1/photos/{id}/{variant}"), ("PUT", "/v1/areas/{id}/calendar/{day}"), ("DELETE", "/v1/areas/{id}/calendar/{day}"),
    ("PUT", "/v1/assignment-rules/{id}"), ("GET", "/v1/coverage"), ("PUT", "/v1/authorities/{id}"),
    ("GET", "/v1/hotspots"), ("GET", "/v1/areas/{id}/summary"), ("PUT", "/v1/premises/{id}"), ("PUT", "/v1/samples/{id}"), ("PUT", "/v1/stand-ins/{id}"),
    ("GET", "/v1/summaries/weekly.json"), ("GET", "/v1/summaries/weekly.html"), ("GET", "/v1/summaries/weekly.docx"), ("PUT", "/v1/summaries/weekly"),
    ("PUT", "/v1/activities/{id}"), ("GET", "/v1/activities"), ("GET", "/v1/league"), ("GET", "/v1/circulation.html"), ("GET", "/v1/circulation.docx"),
    ("GET", "/v1/issues/{id}/dossier.html"), ("GET", "/v1/issues/{id}/dossier.docx"),
    ("GET", "/v1/areas/{id}/office"), ("PUT", "/v1/areas/{id}/office"),
    ("GET", "/v1/people/{id}/sessions"), ("DELETE", "/v1/people/{id}/sessions"), ("PUT", "/v1/people/{id}/reset-links/{link}"),
    ("POST", "/v1/people/{id}/close"), ("POST", "/v1/people/{id}/reopen"), ("GET", "/v1/people/{id}/work"), ("POST", "/v1/people/{id}/hand-over"),
}  # fmt: skip
# Ids that nobody holds in this walk: 404 for whoever may call the route at all.
MISSING = {
    ("DELETE", "/v1/activities/{id}"),
    ("DELETE", "/v1/sessions/{id}"),
    ("DELETE", "/v1/roles/{id}"),
    ("DELETE", "/v1/people/{id}/sessions/{session}"),
    ("DELETE", "/v1/invitations/{id}"),
    ("GET", "/problems/{slug}"),
    ("HEAD", "/v1/uploads/{id}"),
    ("DELETE", "/v1/assignment-rules/{id}"),
    ("DELETE", "/v1/channels/{id}"),
    ("PUT", "/v1/black-spots/{id}"),
    ("POST", "/v1/patrols/{id}/points"),
    ("GET", "/v1/patrols/{id}"),
    ("GET", "/v1/issues/{id}/handover-letter"),
    ("GET", "/v1/issues/{id}/handover-letter.html"),
    ("GET", "/v1/issues/{id}/handover-letter.docx"),
    ("GET", "/v1/issues/{id}/poster.html"),
    ("POST", "/v1/jobs/{id}/retry"),
    ("GET", "/v1/premises/{id}"),
    ("GET", "/v1/premises/{id}/record"),
    ("PUT", "/v1/premises/{id}/visits/{visit}"),
    ("GET", "/v1/samples/{id}"),
    ("DELETE", "/v1/stand-ins/{id}"),
    ("PATCH", "/v1/uploads/{id}"),
    ("DELETE", "/v1/uploads/{id}"),
}
# What is written at a place, or kept for it, needs a role that reaches it; otherwise 403.
PLACED = {("PUT", "/v1/reports/{id}")}
BY_HOLDERS = {("PUT", "/v1/photos/{id}"), ("POST", "/v1/uploads")}
# A stream without end is listened to in test_live.
ENDLESS = ("GET", "/v1/events")
READERS = {"volunteer", "leader", "staff", "inspector", "admin"}
# Routes in a scope, and who in his own town may: the rest is told 404 (or 403 by the route's rule).
MAY = {
    ("PUT", "/v1/units/{id}"): {"staff", "admin"}, ("PATCH", "/v1/cells/{id}"): {"staff", "admin"},
    ("POST", "/v1/invitations"): {"leader", "staff", "admin"},
    ("GET", "/v1/photos/{id}/{variant}"): {"staff", "admin"},
    ("PUT", "/v1/areas/{id}/calendar/{day}"): {"staff", "admin"}, ("DELETE", "/v1/areas/{id}/calendar/{day}"): {"staff", "admin"},
    ("PUT", "/v1/assignment-rules/{id}"): {"staff", "admin"}, ("PUT", "/v1/authorities/{id}"): {"staff", "admin"},
    ("PUT", "/v1/premises/{id}"): {"leader", "staff", "admin"}, ("PUT", "/v1/samples/{id}"): {"staff", "admin"},
    ("PUT", "/v1/stand-ins/{id}"): {"staff", "admin"}, ("PUT", "/v1/summaries/weekly"): {"staff", "admin"},
    ("PUT", "/v1/activities/{id}"): {"leader", "staff", "admin"}, ("PUT", "/v1/areas/{id}/office"): {"staff", "admin"},
    ("GET", "/v1/people/{id}/sessions"): {"leader", "staff", "admin"}, ("DELETE", "/v1/people/{id}/sessions"): {"leader", "staff", "admin"},
    ("PUT", "/v1/people/{id}/reset-links/{link}"): {"leader", "staff", "admin"}, ("POST", "/v1/people/{id}/close"): {"staff", "admin"},
    ("POST", "/v1/people/{id}/reopen"): {"staff", "admin"},
    ("GET", "/v1/people/{id}/work"): {"leader", "staff", "admin"}, ("POST", "/v1/people/{id}/hand-over"): {"leader", "staff", "admin"},
}  # fmt: skip


@pytest.mark.parametrize("role", [None, *ROLES])
async def test_walk(town, app, database, role):
    from tests.conftest import Town

    other = Town(app, database, lon=town.lon + 0.1, lat=town.lat + 0.1)
    await other.build()
    issues = {}
    for place in (town, other):
        place.led_by = (await place.person("leader")).id
        reporter, photo = await place.person("volunteer"), str(uuid.uuid4())
        issues[place.area] = ((await reporter.report(**place.body(photos=[photo])))["issue"]["id"], photo, reporter.id)
        assert (await reporter.call("PUT", f"/v1/photos/{photo}", content=JPEG)).status_code == 201
    town.people += other.people
    for key, rule in ROUTES.items():
        for place in (town, other):
            person = await town.person(role)
            method, path, sent = _request(key, place, *issues[place.area])
            if not rule.anyone:
                for authorization in ({}, {"authorization": "Bearer nonsense"}, {"authorization": "Basic eA=="}):
                    signed_in = person.client.headers.pop("authorization")
                    refused = await person.call(method, path, **sent | {"headers": sent.get("headers", {}) | authorization})
                    person.client.headers["authorization"] = signed_in
                    where = f"{role} {method} {path} {refused.status_code}"
                    assert refused.status_code == 401 and (method == "HEAD" or refused.json()["type"] == "/problems/sign-in"), (
                        where
                    )
            if key == ENDLESS:
                continue
            response = await person.call(method, path, **sent)
            status = response.status_code
            where = f"{role} {method} {path} {'own' if place is town else 'other'}: {status} {response.text[:200]}"
            assert status < 500, where
            if rule.roles is not None and role not in rule.roles:
                assert status == 403, where
            elif key in MISSING:
                assert status == 404, where
            elif key == ("PUT", "/v1/thanks/{id}"):  # people are named in the body: whom one may not thank is nobody
                assert status == (201 if role == "admin" or place is town else 422), where
            elif key in PLACED or key in BY_HOLDERS:
                reaches = role == "admin" or (role is not None and (place is town or key in BY_HOLDERS))
                assert status == (201 if reaches else 403), where
            elif key in SCOPED:
                allowed = role == "admin" or (place is town and role in MAY.get(key, READERS))
                # Whoever may read an issue but not act on it is told so; whoever may not read it, that there is none.
                acting = key == ("POST", "/v1/issues/{id}/actions") and allowed and role == "volunteer"
                assert status in ((409,) if acting else (200, 201, 204) if allowed else (404,)), where
            elif rule.anyone:
                assert status != 403, where
            else:
                assert status in (200, 201, 204), where


async def test_lists_and_counts_hold_only_the_callers_scope(town, app, database):
    from tests.conftest import Town

    other = Town(app, database, lon=town.lon + 0.1, lat=town.lat + 0.1)
    await other.build()
    town.people += other.people
    mine = (await (await town.person("volunteer")).report(**town.body()))["issue"]["id"]
    theirs = (await (await other.person("volunteer")).report(**other.body()))["issue"]["id"]
    for role, sees in (
        ("volunteer", True),
        ("leader", True),
        ("staff", True),
        ("inspector", True),
        ("worker", False),
        (None, False),
    ):
        person = await town.person(role)
        for query in ({}, {"state": "open"}, {"cell": str(town.cells[0])}, {"area": str(town.area)}):
            found = {i["id"] for i in (await person.get("/v1/issues", **query))["items"]}
            assert (mine in found) == sees and theirs not in found, (role, query)
        for query in ({"cell": str(other.cells[0])}, {"area": str(other.area)}, {"mine": True}):
            assert (await person.get("/v1/issues", **query))["items"] == [], (role, query)
        near = await person.get("/v1/issues/nearby", category="litter", lat=other.lat + 0.005, lon=other.lon + 0.005)
        assert near["items"] == []
