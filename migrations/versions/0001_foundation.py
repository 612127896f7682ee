"""People, grid, catalogue, reports, issues and their event log."""

from alembic import op

from app.kit.db import run_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    run_sql(op.get_bind(), __file__)
