"""The words of issues, kept so that a search finds them as people type."""

from alembic import op

from app.kit.db import run_sql

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    run_sql(op.get_bind(), __file__)
