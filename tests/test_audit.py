"""What the office did is kept, whole, and told to whom it concerns."""

import uuid

import asyncpg
import pytest

from app.kit.access import CALLER, Caller, token_hash
from app.kit.audit import record


async def caller_of(database, person):
    async with database.acquire() as connection:
        return Caller.of(await connection.fetchrow(CALLER, token_hash(person.client.headers["authorization"])))


@pytest.mark.parametrize("attack", ["update audit set kind = 'x'", "delete from audit", "truncate audit"])
async def test_nothing_that_was_kept_is_changed(town, database, attack):
    staff = await town.person("staff")
    caller = await caller_of(database, staff)
    async with database.transaction() as connection:
        await record(connection, caller, "role_given", staff.id, town.area, {"role": "leader", "note": "王小二 说的话", "n": 3})
    async with database.acquire() as connection:
        with pytest.raises(asyncpg.RaiseError, match="only ever added"):
            await connection.execute(attack)
        (kept,) = await connection.fetch("select * from audit where area_id = $1", town.area)
    assert (kept["account_id"], kept["session_id"], kept["device"]) == (staff.id, caller.session_id, "test")
    # Words that somebody wrote are not kept beside what they did.
    assert kept["details"] == {"role": "leader", "note": None, "n": 3} and kept["subject_id"] == staff.id


async def test_a_change_that_is_rolled_back_leaves_no_trace_of_itself(town, database):
    caller = await caller_of(database, await town.person("staff"))
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as connection:
            await record(connection, caller, "unit_set", uuid.uuid4(), town.area)
            raise ZeroDivisionError
    async with database.acquire() as connection:
        assert await connection.fetchval("select count(*) from audit where area_id = $1", town.area) == 0
