"""Photographs are attached to one thing of one kind."""

from alembic import op

from app.kit.db import run_sql

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    run_sql(op.get_bind(), __file__)
