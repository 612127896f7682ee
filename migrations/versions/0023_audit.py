"""Who did what in the office, and what a community publishes."""

from alembic import op

from app.kit.db import run_sql

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    run_sql(op.get_bind(), __file__)
