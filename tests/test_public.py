"""What everybody may know, asked for as somebody would who wants to know more."""

import base64
import itertools
import math
import re
import uuid
from datetime import UTC, datetime, timedelta

import httpx
import mapbox_vector_tile
import pytest

from app.kit.datum import from_wgs84, to_wgs84
from app.maps import tally
from app.settings import settings
from tests.conftest import Town
from tests.test_map import around, tile_of

METRES = 111_320
TELLTALE = "王小二家门口 13812345678"


@pytest.fixture
def anybody(app, monkeypatch, run):
    monkeypatch.setattr(settings(), "public", True)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://public.test")
    yield client
    run(client.aclose())


async def publish(staff, town, what="places"):
    answer = await staff.call("PUT", f"/v1/areas/{town.area}/office", json={"publishes": what})
    assert answer.status_code == 200, answer.text


async def listed(anybody, town, **query):
    answer = await anybody.get("/v1/public/issues", params={"area": str(town.area), **query})
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def drawn(anybody, town, zoom=16, **query):
    """What the public tiles over the town hold: properties of each point."""
    found = []
    for z, x, y in around(town, zoom):
        answer = await anybody.get(f"/v1/tiles/public/{z}/{x}/{y}.mvt", params=query)
        if answer.status_code == 200:
            found += [f["properties"] for f in mapbox_vector_tile.decode(answer.content)["issues"]["features"]]
        else:
            assert answer.status_code == 204, answer.text
    return found


def metres(a, b):
    return math.hypot((a[0] - b[0]) * METRES, (a[1] - b[1]) * METRES * math.cos(math.radians(a[0])))


def place_of(feature, z, x, y):
    """A point of a tile as latitude and longitude on the base map; the tile's rows counted from above."""
    px, py = feature["geometry"]["coordinates"]
    lon = (x + px / 4096) / 2**z * 360 - 180
    return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * (y + py / 4096) / 2**z)))), lon


@pytest.mark.parametrize("category,precision", [("dog_off_leash", 50), ("street_vending", 10)])
async def test_tile_and_list_in_both_datums_tell_no_more_than_one_of_them(
    app, database, anybody, monkeypatch, category, precision
):
    """Whoever shifts what the tile says back compares two roundings of one place: where they differ, they cut the square smaller."""
    town = Town(app, database, lon=102.9 + 0.3 * (precision > 20), lat=24.68)
    await town.build()
    staff = await town.person("staff")
    await publish(staff, town)
    true = {}
    for n in range(6):
        at = (town.lat + 0.0011 + n * 0.00137, town.lon + 0.0013 + n * 0.00119)
        issue = await staff.report(**town.body(category=category, position={"lat": at[0], "lon": at[1]}))
        await staff.act(issue["issue"]["id"], "accept")
        true[issue["issue"]["number"]] = at
    told = {item["number"]: (item["position"]["lat"], item["position"]["lon"]) for item in await listed(anybody, town)}
    assert told.keys() == true.keys()
    seen = []
    for datum, zoom in (("gcj02", 22), ("wgs84", 22), ("gcj02", 19)):
        monkeypatch.setattr(settings(), "basemap_datum", datum)
        await tally.follow(database)
        for number, place in told.items():
            z, x, y = tile_of(*from_wgs84(*place, datum), zoom)
            points = []
            for dx, dy in itertools.product((-1, 0, 1), repeat=2):  # its square may lie in a tile beside
                answer = await anybody.get(f"/v1/tiles/public/{z}/{x + dx}/{y + dy}.mvt")
                if answer.status_code == 200:
                    layers = mapbox_vector_tile.decode(answer.content, default_options={"y_coord_down": True})
                    points += [to_wgs84(*place_of(f, z, x + dx, y + dy), datum) for f in layers["issues"]["features"]]
            nearest = min(points, key=lambda p: metres(p, true[number]), default=None)
            assert nearest is not None, (datum, number)
            seen.append((datum, zoom, number, nearest))
    for datum, zoom, number, place in seen:
        # Centimetres of the tile's own raster, and no second rounding to compare.
        assert metres(place, told[number]) < 1, (datum, zoom, number)
    # The middle of every told square is a middle of the one grid: half a square away at the most, along each axis.
    for number, at in true.items():
        north = abs(at[0] - told[number][0]) * METRES
        east = abs(at[1] - told[number][1]) * METRES * math.cos(math.radians(at[0]))
        assert max(north, east) <= precision * 0.53, number
    assert max(metres(true[n], told[n]) for n in true) > precision / 8
    monkeypatch.setattr(settings(), "basemap_datum", "wgs84")
    await tally.follow(database)
    for client in town.people:
        await client.aclose()


async def test_words_that_people_wrote_are_nowhere_public(town, database, anybody):
    """A place is free text. It is read by everybody only after somebody who answers for it has said how it shall read."""
    volunteer, staff, leader = [await town.person(role) for role in ("volunteer", "staff", "leader")]
    await publish(staff, town)
    issue = (await volunteer.report(**town.body(place=TELLTALE, note=TELLTALE)))["issue"]
    other = (await volunteer.report(**town.body(place=TELLTALE, category="dog_off_leash")))["issue"]
    await tally.follow(database)

    async def everything():
        await tally.follow(database)
        poster = await staff.call("GET", f"/v1/issues/{issue['id']}/poster.html")
        one = await anybody.get(f"/v1/public/issues/{issue['number']}")
        return str(
            (await listed(anybody, town), one.text, poster.text, await drawn(anybody, town), await drawn(anybody, town, 12))
        )

    assert await listed(anybody, town) == [] and await drawn(anybody, town) == [] and await drawn(anybody, town, 12) == []
    assert (await anybody.get(f"/v1/public/issues/{issue['number']}")).status_code == 404
    assert (await staff.call("GET", f"/v1/issues/{issue['id']}/poster.html")).status_code == 404
    await leader.act(issue["id"], "accept")
    await staff.act(other["id"], "assign", unit=str(town.unit), reason=TELLTALE)
    assert {item["number"]: item["place"] for item in await listed(anybody, town)} == {issue["number"]: "", other["number"]: ""}
    assert "13812345678" not in await everything() and "网格1" in await everything()
    await leader.act(issue["id"], "name_place", public_place="东浦巷")
    await leader.act(other["id"], "name_place", public_place="东浦巷13号")
    # Where a kind is shown in a square of 50 metres, a house's number would undo it.
    assert {item["number"]: item["place"] for item in await listed(anybody, town)} == {
        issue["number"]: "东浦巷",
        other["number"]: "",
    }
    await staff.act(issue["id"], "relocate", position={"lat": town.lat + 0.002, "lon": town.lon + 0.002}, place=TELLTALE)
    assert (await listed(anybody, town))[1]["place"] == ""  # the name was of where it had been
    await volunteer.act(issue["id"], "name_place", expect=409, public_place="x")
    await staff.act(issue["id"], "close_unresolved", reason_code="other", reason=TELLTALE)
    assert "13812345678" not in await everything()


async def test_accepting_may_name_the_place(town, anybody):
    volunteer, leader = await town.person("volunteer"), await town.person("leader")
    await publish(await town.person("staff"), town)
    issue = (await volunteer.report(**town.body(place=TELLTALE)))["issue"]
    await leader.act(issue["id"], "accept", public_place="东浦巷口")
    assert [(item["place"], item["due_on"]) for item in await listed(anybody, town)] == [("东浦巷口", None)]
    for bad in ("x" * 101, "a\nb", "\u202eab"):
        answer = await leader.call(
            "POST", f"/v1/issues/{issue['id']}/actions", json={"action": "name_place", "public_place": bad}
        )
        assert answer.status_code == 422 and answer.json()["errors"][0]["pointer"] == "/public_place", bad
    await leader.act(issue["id"], "name_place", public_place="")
    assert [item["place"] for item in await listed(anybody, town)] == [""]


async def test_what_nobody_of_the_office_decided_is_not_public(town, database, anybody):
    """Mended on the spot, closed by its own photograph, or rejected and opened again by its reporter: a reporter's word alone."""
    volunteer, staff = await town.person("volunteer"), await town.person("staff")
    await publish(staff, town)
    mended = (await volunteer.report(**town.body(mended_on_the_spot=True)))["issue"]
    assert mended["state"] == "closed"
    rejected = (await volunteer.report(**town.body()))["issue"]
    await staff.act(rejected["id"], "accept")
    assert len(await listed(anybody, town)) == 1
    await staff.act(rejected["id"], "reject", reason="没有")
    assert (await volunteer.act(rejected["id"], "reopen", reason="有"))["state"] == "accepted"
    spam = (await volunteer.report(**town.body(category="fly_posting")))["issue"]
    await staff.act(spam["id"], "close_unresolved", reason_code="other")
    withdrawn = (await volunteer.report(**town.body(category="street_vending")))["issue"]
    await volunteer.act(withdrawn["id"], "withdraw")
    await volunteer.act(withdrawn["id"], "reopen", reason="x")
    await tally.follow(database)
    assert await listed(anybody, town) == [] and await drawn(anybody, town) == []
    for issue in (mended, rejected, spam, withdrawn):
        assert (await anybody.get(f"/v1/public/issues/{issue['number']}")).status_code == 404
    await staff.act(rejected["id"], "assign", unit=str(town.unit))
    assert [item["number"] for item in await listed(anybody, town)] == [rejected["number"]]


async def test_the_time_of_day_is_told_nowhere(town, database, anybody):
    volunteer, staff = await town.person("volunteer"), await town.person("staff")
    await publish(staff, town)
    # As phones mint ids: the first 48 bits are the millisecond.
    id = uuid.UUID(int=0x0199_0000_0000_7000_8000_0000_0000_0000 + uuid.uuid4().int % 2**62)
    at = (datetime.now(UTC) - timedelta(days=2)).replace(hour=16, minute=31)
    found = str(at.date() + timedelta(days=1))  # past midnight in the community
    body = town.body(observed_at=at.isoformat())
    numbers = [
        (await volunteer.call("PUT", f"/v1/reports/{each}", json=body)).json()["issue"]["number"] for each in (id, uuid.uuid4())
    ]
    for number in numbers:
        await staff.act((await staff.get(f"/v1/issues/{number}"))["id"], "assign", unit=str(town.unit))
    await tally.follow(database)
    page = (await anybody.get("/v1/public/issues", params={"area": str(town.area), "limit": 1})).json()
    assert page["items"][0]["found_on"] == found and page["items"][0]["due_on"]
    one = (await anybody.get(f"/v1/public/issues/{numbers[0]}")).json()
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", step["on"]) for step in one["steps"]) and len(one["steps"]) == 2
    cursor = base64.urlsafe_b64decode(page["next_cursor"] + "==")
    for told in (str(page), str(one), str(cursor), str(await drawn(anybody, town))):
        assert not re.search(r"\d\d:\d\d", told) and str(id) not in told, told
    following = await anybody.get("/v1/public/issues", params={"area": str(town.area), "limit": 1, "cursor": page["next_cursor"]})
    assert [item["number"] for item in following.json()["items"]] == [numbers[0]]
    # A search by halves with `since` would find the second: only days are taken.
    assert len(await drawn(anybody, town, since=found)) == 2
    assert await drawn(anybody, town, since=str(at.date() + timedelta(days=2))) == []
    z, x, y = tile_of(town.lat + 0.005, town.lon + 0.005, 16)
    answer = await anybody.get(f"/v1/tiles/public/{z}/{x}/{y}.mvt", params={"since": at.isoformat()})
    assert answer.status_code == 422 and answer.json()["errors"][0]["pointer"] == "/since"


async def test_a_community_decides_what_it_publishes(town, app, database, anybody):
    other = Town(app, database, lon=town.lon + 0.1, lat=town.lat + 0.1)
    await other.build()
    town.people += other.people
    staff, theirs, leader = await town.person("staff"), await other.person("staff"), await town.person("leader")
    issue = (await staff.report(**town.body(place="x")))["issue"]
    await staff.act(issue["id"], "accept", public_place="东浦巷")
    await theirs.act((await theirs.report(**other.body()))["issue"]["id"], "accept")
    await publish(theirs, other, "issues")

    async def seen():
        await tally.follow(database)
        shown = (await listed(anybody, town), await drawn(anybody, town), await drawn(anybody, town, 12))
        poster = (await staff.call("GET", f"/v1/issues/{issue['id']}/poster.html")).status_code
        one = (await anybody.get(f"/v1/public/issues/{issue['number']}")).status_code
        assert len({bool(part) for part in shown} | {poster == 200, one == 200}) == 1, (shown, poster, one)
        return shown[0]

    assert await seen() == [] and (await staff.get(f"/v1/areas/{town.area}/office"))["publishes"] == "nothing"
    bounds = (await anybody.get("/v1/tiles/public.json")).json()["bounds"]
    assert not bounds[0] <= town.lon + 0.001 <= bounds[2] or bounds[3] - bounds[1] > 1  # what others published, elsewhere
    await publish(staff, town, "issues")
    assert [item["place"] for item in await seen()] == [""]
    await publish(staff, town, "places")
    # So the client knows where to ask for the name of a place, and where to offer a poster.
    assert (await leader.get(f"/v1/areas/{town.area}"))["properties"]["publishes"] == "places"
    assert [item["place"] for item in await seen()] == ["东浦巷"]
    # Who changes the signature alone changes nothing of this.
    await staff.call("PUT", f"/v1/areas/{town.area}/office", json={"phone": "0877-6600110"})
    assert len(await seen()) == 1
    for person in (theirs, leader):
        assert (await person.call("PUT", f"/v1/areas/{town.area}/office", json={"publishes": "nothing"})).status_code in (
            403,
            404,
        )
    await publish(staff, town, "nothing")
    assert await seen() == []
    assert (await staff.call("PUT", f"/v1/areas/{town.area}/office", json={"publishes": "all"})).status_code == 422


async def test_search_engines_are_told_to_stay_out(anybody):
    answer = await anybody.get("/robots.txt")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/plain")
    assert "Disallow: /\n" in answer.text
