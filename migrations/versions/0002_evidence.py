"""Photographs, uploads in parts, delta sync, and the job queue (procrastinate's own schema)."""

from alembic import op
from procrastinate.schema import SchemaManager
from sqlalchemy.util import await_only

from app.kit.db import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_sql(op.get_bind(), __file__)
    # Many statements in one text: asyncpg's simple protocol takes them, in the same transaction.
    await_only(op.get_bind().connection.driver_connection.execute(SchemaManager.get_schema()))
