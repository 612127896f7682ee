"""People, grid, catalogue, reports, issues and their event log."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    script = Path(__file__).with_suffix(".sql").read_text()
    for statement in script.split("\n\n"):
        if statement.strip():
            op.get_bind().exec_driver_sql(statement)
