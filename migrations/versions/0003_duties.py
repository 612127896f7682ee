"""Deadlines that are kept by the clock, the office's calendar, notices and their channels."""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    for statement in Path(__file__).with_suffix(".sql").read_text().split("\n\n"):
        if statement.strip():
            op.get_bind().exec_driver_sql(statement)
