"""Photographs are developed in turns of the accounts that sent them."""

from alembic import op

from app.kit.db import run_sql

revision = "0018"
down_revision = "0016"


def upgrade() -> None:
    op.execute("set local lock_timeout = '3s'")
    run_sql(op.get_bind(), __file__)
