"""The time zones that areas may have, and what a statement takes for one that is not known."""

from alembic import op

from app.kit.db import run_sql

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    run_sql(op.get_bind(), __file__)
