"""The time of a camera that does not say its zone; since when a photograph of what was mended is missing."""

from alembic import op

from app.kit.db import run_sql

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    run_sql(op.get_bind(), __file__)
