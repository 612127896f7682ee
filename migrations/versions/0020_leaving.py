"""Leaving and losing: closed accounts and the roles they held, one-time links, areas that take anybody's reports."""

from alembic import op

from app.kit.db import run_sql

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    run_sql(op.get_bind(), __file__)
