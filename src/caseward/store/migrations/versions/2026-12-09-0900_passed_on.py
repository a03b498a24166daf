"""An address that passed to somebody else proves nothing by itself any more."""

from alembic import op

revision = "202612090900"
down_revision = "202612080900"


def upgrade() -> None:
    op.execute("alter table conversations add column passed_at timestamptz")
