"""The map: every open issue in scope exactly once at every zoom, as a point or inside a count; and nothing else."""

import asyncio
import random
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta

import httpx
import mapbox_vector_tile
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from app.catalogue.catalogue import read as read_catalogue
from app.kit.gate import Gate
from app.maps import queries, tally, tiles
from app.maps.queries import COUNTS, GROUPS, LAST_COUNTED


def tile_of(lat, lon, z):
    from app.issues.intake import mercator

    x, y, _ = mercator(lat, lon)
    world = 40075016.685578488
    return z, int((x / world + 0.5) * 2**z), int((0.5 - y / world) * 2**z)


async def fetch(person, z, x, y, expect=200, layer="issues", headers=None, **query):
    answer = await person.call("GET", f"/v1/tiles/{layer}/{z}/{x}/{y}.mvt", params=query, headers=headers or {})
    assert answer.status_code == expect, answer.text
    if expect != 200:
        return answer
    assert answer.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    decoded = mapbox_vector_tile.decode(answer.content)
    for layer in decoded.values():
        assert layer["version"] == 2 and layer["extent"] == 4096
    return [f for name, layer in decoded.items() if name != "labels" for f in layer["features"]]


def around(town, z):
    """Every tile of a zoom over the town's two cells."""
    z, x1, y1 = tile_of(town.lat + 0.011, town.lon - 0.001, z)
    _, x2, y2 = tile_of(town.lat - 0.001, town.lon + 0.021, z)
    return [(z, x, y) for x in range(x1, x2 + 1) for y in range(y1, y2 + 1)]


async def everything(person, town, z, **query):
    """Of all tiles over the town: ids with how often each is there, or the sums of the counts."""
    ids, sums = Counter(), Counter()
    for place in around(town, z):
        answer = await person.call("GET", "/v1/tiles/issues/{}/{}/{}.mvt".format(*place), params=query)
        assert answer.status_code in (200, 204), answer.text
        if answer.status_code == 200:
            # As the tile counts, from above: the decoder would turn the first row into 4096.
            for feature in mapbox_vector_tile.decode(answer.content, default_options={"y_coord_down": True})["issues"][
                "features"
            ]:
                assert all(0 <= c < 4096 for c in feature["geometry"]["coordinates"])
                if z > LAST_COUNTED:
                    ids[feature["properties"]["id"]] += 1
                else:
                    sums.update({k: v for k, v in feature["properties"].items() if k in COUNTS})
    return ids if z > LAST_COUNTED else +sums


def test_every_group_of_the_catalogue_is_counted(run, database):
    async def groups():
        async with database.acquire() as connection:
            return [group["code"] for group in await read_catalogue(connection)]

    assert set(run(groups())) == set(GROUPS)


@settings(max_examples=12, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_every_open_issue_in_scope_exactly_once_at_every_zoom(town, run, database, seed):
    """Random histories against a count in SQL, for the community, for a unit alone, and for a reporter alone."""

    async def play():
        dice = random.Random(seed)
        staff, leader, worker = [await town.person(r) for r in ("staff", "leader", "worker")]
        await town.open_to_anybody()
        outsider = await town.person(None)
        kinds = ("litter", "fly_posting", "street_lamp", "black_spot")
        open_ids = []
        for n in range(14):
            who = dice.choice([staff, outsider])
            place = {"lat": town.lat + 0.0005 + dice.random() * 0.009, "lon": town.lon + 0.0005 + dice.random() * 0.019}
            id = (await who.report(**town.body(category=dice.choice(kinds), position=place)))["issue"]["id"]
            open_ids.append(id)
            if n % 3 == 0:
                await tally.follow(database)
            act = dice.random()
            if act < 0.2:
                await staff.act(id, "close_unresolved", reason_code="gone")
            elif act < 0.5:
                await staff.act(id, "assign", unit=str(town.unit), deadline=(datetime.now(UTC) + timedelta(days=1)).isoformat())
                if act < 0.3:
                    await staff.act(id, "relocate", position={"lat": town.lat + 0.002, "lon": town.lon + 0.013})
            elif act < 0.6 and len(open_ids) > 1:
                await staff.call("POST", f"/v1/issues/{id}/actions", json={"action": "merge", "into": open_ids[-2]})
            elif act < 0.7:
                await outsider.call("PUT", f"/v1/reports/{uuid.uuid4()}", json=town.body(issue_id=id))
        await asyncio.gather(*(tally.follow(database) for _ in range(3)))
        await tally.follow(database)
        async with database.acquire() as connection:
            truth = await connection.fetch(
                "select i.id::text, i.state, i.category, g.group_code, i.unit_id from issues i join categories g on g.code = i.category "
                "where i.area_id = $1 and i.is_open", town.area,
            )  # fmt: skip
        mine = {i["id"] for i in (await outsider.get("/v1/issues", state="open", limit=200))["items"]}
        scopes = [
            (staff, {r["id"] for r in truth}),
            (worker, {r["id"] for r in truth if r["unit_id"] == town.unit}),
            (outsider, mine),
        ]
        for zoom in {*dice.sample(range(18), 4), LAST_COUNTED, LAST_COUNTED + 1}:
            for person, ids in scopes:
                rows = [r for r in truth if r["id"] in ids]
                if zoom > LAST_COUNTED:
                    assert await everything(person, town, zoom) == Counter(ids), zoom
                else:
                    expected = (
                        Counter(open=len(rows)) + Counter(r["state"] for r in rows) + Counter(r["group_code"] for r in rows)
                    )
                    assert await everything(person, town, zoom) - Counter(overdue=99, recurring=99) == expected, (
                        zoom,
                        person.account,
                    )
        for kind in ("litter", "black_spot"):
            for zoom in (10, 15):
                found = await everything(leader, town, zoom, category=kind)
                wanted = [r["id"] for r in truth if r["category"] == kind]
                assert (found == Counter(wanted)) if zoom > 13 else (found["open"] == len(wanted)), (kind, zoom)
        async with database.acquire() as connection:  # the counts are those of the rows, and the rows those of the issues
            await check_counts(connection)

    run(play())


async def check_counts(connection):
    kept = await connection.fetch(
        f"select level, q, audience, {', '.join(COUNTS)}, sum_x, sum_y from map_counts where open <> 0 or overdue <> 0"
    )
    fresh = await connection.fetch(queries._counted("map_issues", "+"))
    assert sorted(map(tuple, kept)) == sorted(map(tuple, fresh))


async def test_a_rebuild_changes_nothing_that_is_seen(town, database):
    staff = await town.person("staff")
    for n in range(5):
        await staff.report(**town.body(cell=n % 2))
    await tally.follow(database)
    before = [await everything(staff, town, z) for z in (8, 13, 14)]
    async with database.transaction() as connection:
        await tally.count_anew(connection)
    await asyncio.gather(tally.follow(database), tally.follow(database))
    assert [await everything(staff, town, z) for z in (8, 13, 14)] == before and before[0]["open"] == 5
    async with database.acquire() as connection:
        await check_counts(connection)


async def test_many_writers_and_several_workers(town, database):
    """Followers that run all the while, beside transactions that commit late: in the end the counts are those of the issues."""
    staff = await town.person("staff")
    done = False

    async def following():
        while not done:
            await tally.follow(database)
            await asyncio.sleep(0.002)

    async def writing(n):
        for _ in range(6):
            id = (await staff.report(**town.body(cell=n % 2)))["issue"]["id"]
            await staff.act(id, "accept")
            if n % 2:
                await staff.act(id, "close_unresolved", reason_code="gone")

    followers = [asyncio.create_task(following()) for _ in range(3)]
    await asyncio.gather(*(writing(n) for n in range(6)))
    done = True
    await asyncio.gather(*followers)
    await tally.follow(database)
    assert (await everything(staff, town, 12)) == Counter(open=18, accepted=18, sanitation=18)
    async with database.acquire() as connection:
        await check_counts(connection)


async def test_what_a_point_says_and_overdue_as_time_passes(town, database):
    staff = await town.person("staff")
    id = (await staff.report(**town.body(category="street_vending")))["issue"]["id"]
    await staff.act(id, "assign", unit=str(town.unit), deadline=(datetime.now(UTC) + timedelta(hours=1)).isoformat())
    await tally.follow(database)
    place = tile_of(town.lat + 0.005, town.lon + 0.005, 15)
    point = (await fetch(staff, *place))[0]
    assert point["properties"] == {
        "id": id, "category": "street_vending", "state": "assigned", "overdue": False, "recurring": False, "age": 0,
    }  # fmt: skip
    async with database.transaction() as connection:  # an hour passes
        await connection.execute("update issues set deadline = deadline - interval '61 minutes' where id = $1", uuid.UUID(id))
        await connection.execute("update map_issues set ends_at = ends_at - interval '61 minutes' where id = $1", uuid.UUID(id))
    await tally.follow(database)
    assert (await fetch(staff, *place))[0]["properties"]["overdue"] is True
    for query, count in (({"overdue": True}, 1), ({"overdue": False}, 0), ({"state": "assigned"}, 1), ({"state": "reported"}, 0)):
        assert sum((await everything(staff, town, 15, **query)).values()) == count, query
    assert (await everything(staff, town, 9, overdue=True))["overdue"] == 1
    since = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert (await everything(staff, town, 9, since=since)) == Counter() and (await everything(staff, town, 9))["open"] == 1


async def test_etags(town, database):
    staff, volunteer, worker = await town.person("staff"), await town.person("volunteer"), await town.person("worker")
    await staff.report(**town.body())
    await tally.follow(database)
    for zoom in (9, 14, 19):
        place = tile_of(town.lat + 0.005, town.lon + 0.005, zoom)
        first = await staff.call("GET", "/v1/tiles/issues/{}/{}/{}.mvt".format(*place))
        tag = first.headers["etag"]
        assert first.status_code == 200 and first.headers["last-modified"] and "private" in first.headers["cache-control"]
        again = await fetch(staff, *place, expect=304, headers={"if-none-match": tag})
        assert again.headers["etag"] == tag and not again.content
        await fetch(staff, *place, expect=304, headers={"if-none-match": f'"x", W/{tag}'})
        await fetch(volunteer, *place, headers={"if-none-match": tag})
        await fetch(staff, *place, expect=200, headers={"if-none-match": tag}, category="litter")
        id = (await staff.report(**town.body()))["issue"]["id"]
        await tally.follow(database)
        changed = await staff.call("GET", "/v1/tiles/issues/{}/{}/{}.mvt".format(*place), headers={"if-none-match": tag})
        assert changed.status_code == 200
        # A comment changes nothing on the map; who has to mend it does, for whom it concerns.
        tag = changed.headers["etag"]
        await staff.act(id, "comment", note="x")
        await tally.follow(database)
        await fetch(staff, *place, expect=304, headers={"if-none-match": tag})
        empty = await worker.call("GET", "/v1/tiles/issues/{}/{}/{}.mvt".format(*place))
        await staff.act(id, "assign", unit=str(town.unit))
        await tally.follow(database)
        mine = await worker.call(
            "GET", "/v1/tiles/issues/{}/{}/{}.mvt".format(*place), headers={"if-none-match": empty.headers["etag"]}
        )
        assert mine.status_code == 200


async def test_the_public_sees_less(town, app, database, monkeypatch):
    from app.settings import settings as ours

    volunteer = await town.person("volunteer")
    here = town.body(category="stairway_clutter", position={"lat": town.lat + 0.00512, "lon": town.lon + 0.00517})
    await town.publish()
    leader = await town.person("leader")
    for _ in range(2):
        await leader.act((await volunteer.report(**here))["issue"]["id"], "accept")
    await tally.follow(database)
    anybody = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")
    place = tile_of(town.lat + 0.005, town.lon + 0.005, 14)
    path = "/v1/tiles/public/{}/{}/{}.mvt".format(*place)
    assert (await anybody.get(path)).status_code == 404 and (await anybody.get("/v1/tiles/public.json")).status_code == 404
    monkeypatch.setattr(ours(), "public", True)
    await tally.follow(database)
    answer = await anybody.get(path)
    assert answer.status_code == 200 and answer.headers["cache-control"].startswith("public")
    seen = mapbox_vector_tile.decode(answer.content)["issues"]["features"]
    exact = await fetch(volunteer, *place)
    assert len(seen) == 2 and seen[0]["geometry"] == seen[1]["geometry"]
    # 50 metres at most, that is 84 units of this tile; and a place 10 metres away is drawn at the same spot.
    away = [abs(a - b) for a, b in zip(seen[0]["geometry"]["coordinates"], exact[0]["geometry"]["coordinates"], strict=True)]
    assert 0 < max(away) < 90
    low = tile_of(town.lat + 0.005, town.lon + 0.005, 9)
    counted = mapbox_vector_tile.decode((await anybody.get("/v1/tiles/public/{}/{}/{}.mvt".format(*low))).content)["issues"][
        "features"
    ]
    assert sum(f["properties"]["open"] for f in counted) >= 2
    assert (await anybody.get("/v1/tiles/public.json")).json()["tiles"][0].endswith("/v1/tiles/public/{z}/{x}/{y}.mvt")
    await anybody.aclose()
    async with database.acquire() as connection:
        await check_counts(connection)
    monkeypatch.setattr(ours(), "public", False)
    await tally.follow(database)


async def test_cells_and_tilejson(town, database):
    leader, worker = await town.person("leader"), await town.person("worker")
    await leader.report(**town.body(cell=0))
    await tally.follow(database)
    for zoom, kind in ((14, 2), (11, 1)):
        found, labels = {}, []
        for place in around(town, zoom):
            answer = await leader.call("GET", "/v1/tiles/cells/{}/{}/{}.mvt".format(*place))
            if answer.status_code == 200:
                layers = mapbox_vector_tile.decode(answer.content)
                found |= {
                    f["properties"]["name"]: f["properties"]["open"]
                    for f in layers["cells" if zoom == 14 else "areas"]["features"]
                }
                labels += [f["properties"]["name"] for f in layers.get("labels", {"features": []})["features"]]
            assert (await fetch(worker, *place, 204, layer="cells")).content == b""
        assert len(found) == kind and max(found.values()) == 1 and sorted(labels) == sorted(found)
    described = await leader.get("/v1/tiles/issues.json")
    assert described["tilejson"] == "3.0.0" and described["vector_layers"][0]["id"] == "issues"
    assert abs(described["bounds"][0] - town.lon) < 1e-6 and abs(described["bounds"][3] - town.lat - 0.01) < 1e-6
    assert (await leader.call("GET", "/v1/tiles/houses.json")).status_code == 404


async def test_bad_tiles(town):
    leader = await town.person("leader")
    for path, pointer in (
        ("issues/30/0/0", "/z"), ("issues/-1/0/0", "/z"), ("issues/3/8/0", "/x"), ("issues/3/0/8", "/y"), ("cells/3/-1/0", "/x"),
        ("issues/x/0/0", "/z"), ("issues/3/0/99999999999999999999", "/y"),
    ):  # fmt: skip
        answer = await leader.call("GET", f"/v1/tiles/{path}.mvt")
        assert answer.status_code == 422 and answer.json()["errors"][0]["pointer"] == pointer, (path, answer.text)
    for query, pointer in (
        ({"state": "closed"}, "/state"),
        ({"overdue": "maybe"}, "/overdue"),
        ({"since": "monday"}, "/since"),
        ({"kind": "x"}, "/kind"),
        ({"token": "x"}, "/token"),
    ):
        answer = await leader.call("GET", "/v1/tiles/issues/3/1/1.mvt", params=query)
        assert answer.status_code == 422 and answer.json()["errors"][0]["pointer"] == pointer, answer.text
    assert (await leader.call("GET", "/v1/tiles/issues/3/1/1.mvt", params={"category": "nothing"})).status_code == 204
    tampered = await leader.call(
        "GET", "/v1/tiles/issues/3/1/1.mvt", headers={"authorization": leader.client.headers["authorization"] + "x"}
    )
    assert tampered.status_code == 401


async def test_late_readers_are_told_to_come_back(town, app, database, monkeypatch):
    from app.maps import routes

    monkeypatch.setattr(routes, "_READERS", Gate(width=2, queue=3, patience_s=5))
    leader = await town.person("leader")
    place = tile_of(town.lat, town.lon, 14)
    path = "/v1/tiles/issues/{}/{}/{}.mvt".format(*place)
    answers = await asyncio.gather(
        *(leader.call("GET", path) for _ in range(60)), leader.call("PUT", f"/v1/reports/{uuid.uuid4()}", json=town.body())
    )
    codes = Counter(a.status_code for a in answers[:-1])
    assert answers[-1].status_code == 201 and codes[503] > 0 and codes[503] + codes[200] + codes[204] == 60
    assert all(a.headers["retry-after"] for a in answers if a.status_code == 503)
    assert (await leader.call("GET", path)).status_code in (200, 204)
    monkeypatch.setattr(routes, "_READERS", Gate(width=0, queue=3, patience_s=0.05))
    assert (await leader.call("GET", path)).status_code == 503


def test_a_tile_is_a_range(run, database):
    """Python's ranges against the database's interleaving."""

    async def check():
        dice = random.Random(7)
        async with database.acquire() as connection:
            for _ in range(200):
                x, y, z = dice.randrange(2**30), dice.randrange(2**30), dice.randrange(0, 23)
                q = await connection.fetchval("select z_order($1, $2)", x, y)
                low, high = tiles.z_range(z, x >> (30 - z), y >> (30 - z))
                assert low <= q < high
                beside = tiles.z_range(z, (x >> (30 - z)) ^ 1, y >> (30 - z)) if z else (high, high)
                assert not beside[0] <= q < beside[1]

    run(check())


def test_on_gcj02_base_maps_issues_are_where_the_datum_says(run, database):
    from app.issues.intake import mercator
    from app.kit.datum import from_wgs84

    async def check():
        dice = random.Random(9)
        async with database.acquire() as connection:
            for _ in range(300):
                lat, lon = dice.uniform(-20, 60), dice.uniform(60, 140)
                for datum in ("wgs84", "gcj02"):
                    x, y, _ = mercator(*from_wgs84(lat, lon, datum))
                    shown = await connection.fetchval("select on_map($1, $2, $3)", lon, lat, datum)
                    assert abs(shown[0] - x) < 1e-3 and abs(shown[1] - y) < 1e-3, (lat, lon, datum)

    run(check())


async def test_another_base_map_has_everything_drawn_anew(app, database, monkeypatch):
    """Off China nothing moves; in China points, cells and hotspots are told apart: tiles shifted, GeoJSON not."""
    from app.kit.datum import from_wgs84
    from app.settings import settings
    from tests.conftest import Town

    town = Town(app, database, lon=110.2, lat=25.3)
    await town.build()
    staff = await town.person("staff")
    for _ in range(5):
        await staff.report(**town.body())
    lat, lon = town.lat + 0.005, town.lon + 0.005
    monkeypatch.setattr(settings(), "basemap_datum", "gcj02")
    await tally.follow(database)
    z, x, y = tile_of(*from_wgs84(lat, lon, "gcj02"), 16)
    found = await fetch(staff, z, x, y)
    assert len(found) == 5
    px, py = found[0]["geometry"]["coordinates"]  # from the south-west, as the decoder turns it
    from app.issues.intake import mercator

    mx, my, _ = mercator(*from_wgs84(lat, lon, "gcj02"))
    size = 40075016.685578488 / 2**16
    assert abs(mx + 20037508.34 - (x + px / 4096) * size) < 1 and abs(20037508.34 - my - (y + 1 - py / 4096) * size) < 1
    hot = (await staff.get("/v1/hotspots", area=str(town.area)))["features"][0]
    from shapely.geometry import Point, shape

    centre = shape(hot["geometry"]).centroid
    assert centre.distance(Point(lon, lat)) < 3e-5  # three metres
    monkeypatch.setattr(settings(), "basemap_datum", "wgs84")
    await tally.follow(database)
    assert len(await fetch(staff, *tile_of(lat, lon, 16))) == 5
    for client in town.people:
        await client.aclose()


async def test_the_style_and_the_page_need_nothing_beyond_this_server(town, app, database, monkeypatch):
    from app.settings import settings as ours

    leader = await town.person("leader")
    fields = {}
    for layer in ("issues", "cells"):
        for described in (await leader.get(f"/v1/tiles/{layer}.json"))["vector_layers"]:
            fields.setdefault((layer, described["id"]), set()).update(described["fields"])
    anybody = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://map.test")
    used = set()

    def names(expression):
        if isinstance(expression, list):
            if expression[:1] in (["get"], ["has"]):
                yield expression[1]
            for part in expression:
                yield from names(part)
        elif isinstance(expression, dict):
            for part in expression.values():
                yield from names(part)

    for view in ("points", "heat", "cells"):
        for theme in ("light", "dark"):
            style = (await anybody.get("/v1/map/style.json", params={"view": view, "theme": theme})).json()
            assert style["version"] == 8 and "glyphs" not in style
            assert all(s["url"].startswith("http://map.test/v1/tiles/") for s in style["sources"].values())
            for layer in style["layers"]:
                if layer["type"] != "background":
                    known = fields[layer["source"], layer["source-layer"]]
                    asked = set(names([layer.get("filter"), layer.get("paint"), layer.get("layout")]))
                    assert asked <= known, (layer["id"], asked - known)
                if "icon-image" in layer.get("layout", {}):
                    used.add(layer["layout"]["icon-image"])
    for scale in ("", "@2x"):
        index = (await anybody.get(f"/v1/map/sprite{scale}.json")).json()
        assert used <= set(index)
        image = await anybody.get(f"/v1/map/sprite{scale}.png")
        assert image.headers["content-type"] == "image/png" and image.content[:4] == b"\x89PNG"
    assert (await anybody.get("/v1/map/style.json", params={"view": "globe"})).status_code == 422
    assert "public" in (await anybody.get("/v1/map/style.json", params={"public": True})).text
    monkeypatch.setattr(ours(), "basemap", "https://tiles.example.org/{z}/{x}/{y}.png")
    style = (await anybody.get("/v1/map/style.json")).json()
    assert style["layers"][1]["id"] == "basemap" and style["sources"]["basemap"]["tiles"] == [
        "https://tiles.example.org/{z}/{x}/{y}.png"
    ]
    assert "https://tiles.example.org" in (await anybody.get("/")).headers["content-security-policy"]
    await anybody.aclose()
