"""Patrols and coverage, recurrences and black spots."""

from alembic import op

from app.kit.db import run_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run_sql(op.get_bind(), __file__)
