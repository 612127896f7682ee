"""What is removed for good begins to be removed some time after the upgrade that brought its term."""

from alembic import op

from app.kit.db import run_sql

revision = "0026"
down_revision = "0024"


def upgrade() -> None:
    run_sql(op.get_bind(), __file__)
