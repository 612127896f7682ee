"""What an area's papers are signed with, and whom a reply is sent to; better names in the catalogue."""

from alembic import op

from app.kit.db import run_sql

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    run_sql(op.get_bind(), __file__)
