"""The street of a place, by which papers count."""

from alembic import op

from app.kit.db import run_sql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    run_sql(op.get_bind(), __file__)
