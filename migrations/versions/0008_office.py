"""The office: papers as they were issued."""

from alembic import op

from app.kit.db import run_sql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run_sql(op.get_bind(), __file__)
