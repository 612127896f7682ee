"""Whether a role reaches a place that lies in none of its areas, as functions: looked at only for such places."""

from alembic import op

from app.kit.db import run_sql

revision = "0028"
down_revision = "0026"


def upgrade() -> None:
    run_sql(op.get_bind(), __file__)
