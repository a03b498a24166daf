"""What a vendor sends is acknowledged once it is kept, and read afterwards."""

from alembic import op

revision = "202612070900"
down_revision = "202612060900"

HOOKS = """
alter table hooks alter column state set default 'new';
create index hooks_new_idx on hooks (channel, id) where state = 'new';
"""


def upgrade() -> None:
    op.execute(HOOKS)
