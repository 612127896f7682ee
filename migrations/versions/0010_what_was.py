"""What an event changed, as it was before; the deadline before extensions; how an issue was closed unresolved."""

from alembic import op

from app.kit.db import run_sql

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    run_sql(op.get_bind(), __file__)
