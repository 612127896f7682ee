"""Conditions whose lack no other test notices: cells that are no more, and two who change one thing at once."""

import asyncio
import uuid
from datetime import UTC, datetime

from app.catalogue import catalogue, queries
from app.issues import recurrence
from tests.conftest import PICTURE


async def test_a_retired_cell_is_in_no_list_and_takes_nothing(town, database):
    staff, volunteer = await town.person("staff"), await town.person("volunteer")
    cell, kept = str(town.cells[1]), str(town.cells[0])
    async with database.transaction() as connection:
        await connection.execute("update cells set retired_at = now() where id = $1", town.cells[1])
    listed = {feature["id"] for feature in (await staff.get("/v1/areas", parent=str(town.area)))["features"]}
    assert kept in listed and cell not in listed
    assert (await staff.call("GET", f"/v1/areas/{cell}")).status_code == 404
    assert (await staff.call("PATCH", f"/v1/cells/{cell}", json={"name": "新名"})).status_code == 404
    rule = {"area": str(town.area), "cell": cell, "unit": str(town.unit), "category": "litter"}
    assert (await staff.call("PUT", f"/v1/assignment-rules/{uuid.uuid4()}", json=rule)).status_code == 422
    there = {"lat": town.lat + 0.005, "lon": town.lon + 0.015}
    assert (await staff.get("/v1/areas/locate", **there))["cell"] is None
    # What is seen there belongs to the community, and to no cell.
    issue = (await volunteer.report(**town.body(cell=1)))["issue"]["id"]
    assert (await volunteer.get(f"/v1/issues/{issue}"))["cell"] is None


async def test_two_changes_of_a_category_at_once_are_two_versions(database):
    code = f"c{uuid.uuid4().hex[:8]}"

    def wish(hours):
        named = {"group": "other", "name": {"zh-CN": "类", "en": "Kind"}, "deadline_clock": "working"}
        return catalogue.CategoryIn.model_validate(named | {"deadline_hours": hours})

    async def put(hours):
        async with database.transaction() as connection:
            await catalogue.put(connection, code, wish(hours))

    await put(1)
    async with database.transaction() as first:
        await catalogue.put(first, code, wish(2))
        second = asyncio.create_task(put(3))
        # It waits for the one that is not finished, instead of making a version of the same number.
        async with database.acquire() as looking:
            waits = "select exists (select from pg_locks where locktype = 'advisory' and not granted)"
            for _ in range(1000):
                if second.done() or await looking.fetchval(waits):
                    break
                await asyncio.sleep(0.01)
    await second
    async with database.acquire() as connection:
        assert (await connection.fetchrow(queries.CURRENT, code))["version"] == 3


async def test_black_spots_that_ended_are_apart(town, database):
    staff, volunteer = await town.person("staff"), await town.person("volunteer")
    issue = (await volunteer.report(**town.body()))["issue"]["id"]
    spots = []
    async with database.transaction() as connection:
        for ended in (None, datetime.now(UTC)):
            spots.append(
                await connection.fetchval(
                    """insert into black_spots (area_id, cell_id, category, position, mercator, latest_issue_id, recurrences, last_seen_at, ended_at)
                    select area_id, cell_id, category, position, mercator, id, 3, now(), $2 from issues where id = $1 returning id::text""",
                    uuid.UUID(issue),
                    ended,
                )
            )
    assert [spot["id"] for spot in (await staff.get("/v1/black-spots"))["items"]] == [spots[0]]
    assert [spot["id"] for spot in (await staff.get("/v1/black-spots", ended=True))["items"]] == [spots[1]]


async def test_a_black_spot_that_ended_keeps_its_day(town, database):
    volunteer = await town.person("volunteer")
    issue = (await volunteer.report(**town.body()))["issue"]["id"]
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    async with database.transaction() as connection:
        await connection.execute("update issues set state = 'rejected' where id = $1", uuid.UUID(issue))
        spot = await connection.fetchval(
            """insert into black_spots (area_id, cell_id, category, position, mercator, latest_issue_id, recurrences, last_seen_at, ended_at)
            select area_id, cell_id, category, position, mercator, id, 3, $2, $2 from issues where id = $1 returning id""",
            uuid.UUID(issue), long_ago,
        )  # fmt: skip
    await recurrence.end_clean(database)
    async with database.acquire() as connection:
        assert await connection.fetchval("select ended_at from black_spots where id = $1", spot) == long_ago


async def test_ones_own_record_is_of_ones_own_reports(town):
    one, another = await town.person("volunteer"), await town.person("volunteer")
    await one.report(**town.body())
    for _ in range(2):
        await another.report(**town.body(mended_on_the_spot=True))
    record = await one.get("/v1/me/record")
    assert (record["reports"], record["closed"], record["cleared"]) == (1, 0, 0)


async def test_anothers_photograph_closes_nothing(town):
    owner, another = await town.person("volunteer"), await town.person("volunteer")
    photo = str(uuid.uuid4())
    assert (await owner.call("PUT", f"/v1/photos/{photo}", content=PICTURE)).status_code == 201
    told = await another.report(**town.body(mended_on_the_spot=True, photos=[photo], category="building_waste"))
    assert (await another.get(f"/v1/issues/{told['issue']['id']}"))["state"] != "closed"
    assert (await owner.get(f"/v1/photos/{photo}"))["state"] == "stored"
