"""What is kept for a time only, and what was removed of it."""

from alembic import op

from app.kit.db import run_sql

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    run_sql(op.get_bind(), __file__)
