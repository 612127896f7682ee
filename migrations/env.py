"""Runs migrations on the database whose URL the program passes."""

import asyncio
import sys
from typing import Any

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine


def tell(step: Any, **_: Any) -> None:
    print(f"The schema is at {step.up_revision_id}.", file=sys.stderr, flush=True)


def upgrade(connection: Connection) -> None:
    # Two processes that start at once take turns; the lock goes with the connection.
    connection.execute(text("select pg_advisory_lock(7241100)"))
    connection.execute(
        text("select set_config('lock_timeout', :most, false)"), {"most": context.config.attributes["lock_timeout"]}
    )
    # Whoever upgrades waits for minutes where there is much; a database that is made anew takes a second.
    told = (tell,) if connection.scalar(text("select to_regclass('alembic_version')")) else ()
    connection.commit()
    # Each in a transaction of its own: tables that one has changed are free again while the next one works.
    context.configure(connection=connection, target_metadata=None, transaction_per_migration=True, on_version_apply=told)
    with context.begin_transaction():
        context.run_migrations()
    # A later release of PostgreSQL's zones may have fewer names; areas that have one of those then fall back (known_zone).
    if connection.scalar(text("select to_regclass('time_zones')")):
        connection.execute(
            text("delete from time_zones z where not exists (select from pg_timezone_names n where n.name = z.name)")
        )
    connection.commit()


async def run() -> None:
    engine = create_async_engine(context.config.attributes["url"])
    try:
        async with engine.connect() as connection:
            await connection.run_sync(upgrade)
    finally:
        await engine.dispose()


asyncio.run(run())
