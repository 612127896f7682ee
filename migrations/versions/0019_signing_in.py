"""Places that an account signs in from; answers are kept sealed; one form of each account's name."""

from alembic import op

from app.kit.db import run_sql

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    run_sql(op.get_bind(), __file__)
