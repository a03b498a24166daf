"""${message}.

Imports no application code: a revision must mean the same in ten years. Expand first; backfill and contract in later
releases, so that the release before this one can go on working.
"""

from alembic import op

revision = "${up_revision}"
down_revision = "${down_revision}"


def upgrade() -> None:
    op.execute("...")
