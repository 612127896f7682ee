"""The directory of authorities outside the community, and thanks."""

from alembic import op

from app.kit.db import run_sql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run_sql(op.get_bind(), __file__)
