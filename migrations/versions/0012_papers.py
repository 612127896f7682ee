"""What papers ask of the log: limits that fell, issues that moved, what came back, what was closed unresolved; what old events changed."""

from alembic import op

from app.kit.db import run_sql

revision = "0012"
down_revision = "0010"


def upgrade() -> None:
    run_sql(op.get_bind(), __file__)
