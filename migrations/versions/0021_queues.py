"""Queues by kind of work; channels that are confirmed, and claimed while something is sent; what followers set aside."""

from alembic import op

from app.kit.db import run_sql

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    run_sql(op.get_bind(), __file__)
