"""Premises, stand-ins, samples for inspection, and channels that speak their reader's language."""

from alembic import op

from app.kit.db import run_sql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run_sql(op.get_bind(), __file__)
