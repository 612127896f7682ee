"""Photographs, uploads in parts, delta sync, and the job queue (procrastinate's own schema)."""

from pathlib import Path

from alembic import op
from procrastinate.schema import SchemaManager
from sqlalchemy.util import await_only

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    script = Path(__file__).with_suffix(".sql").read_text()
    for statement in script.split("\n\n"):
        if statement.strip():
            op.get_bind().exec_driver_sql(statement)
    # Many statements in one text: asyncpg's simple protocol takes them, in the same transaction.
    await_only(op.get_bind().connection.driver_connection.execute(SchemaManager.get_schema()))
