"""The map: open issues in the order of the map, counts of them, figures of cells, hotspots."""

from alembic import op

from app.kit.db import run_sql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run_sql(op.get_bind(), __file__)
