"""Lists of open cases and of requests are read from indexes that hold only what is open."""

from alembic import op

revision = "202612050900"
down_revision = "202611280900"

INDEXES = """
create index cases_open_idx on cases (due_at, number) include (status, owner)
    where snoozed_until is null and status in
        ('new', 'open', 'waiting_customer', 'waiting_approval', 'waiting_execution', 'pending_verification');
drop index cases_due_idx;

create index clocks_deciding_idx on clocks (case_id, due_at) where kind = 'decision' and met_at is null;
"""


def upgrade() -> None:
    op.execute(INDEXES)
