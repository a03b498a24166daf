"""An effect names everybody who consented to it."""

from alembic import op

revision = "202611231000"
down_revision = "202611230900"

CHANGES = """
alter table tasks add column approvers jsonb default '[]'::jsonb not null;

alter table outbox add column approvers jsonb default '[]'::jsonb not null;

update tasks set approvers = jsonb_build_array(approver);

update outbox set approvers = jsonb_build_array(approver);

alter table tasks drop column approver, alter column approvers drop default;

alter table outbox drop column approver, alter column approvers drop default
"""


def upgrade() -> None:
    for statement in CHANGES.split(";\n"):
        op.execute(statement)
