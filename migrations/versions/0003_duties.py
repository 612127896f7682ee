"""Deadlines that are kept by the clock, the office's calendar, notices and their channels."""

from alembic import op

from app.kit.db import run_sql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run_sql(op.get_bind(), __file__)
