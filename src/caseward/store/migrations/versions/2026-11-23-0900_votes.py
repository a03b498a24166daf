"""Several people consent, consent is held, people are woken, and tries at an identity are counted by what they name."""

from alembic import op

revision = "202611230900"
down_revision = "202611220900"

CHANGES = """
alter table approvals
    add column needs smallint default 1 not null,
    add column hold_seconds integer default 0 not null,
    add column expires_minutes integer,
    add column approvers jsonb,
    add column held_until timestamptz;

create index approvals_held_idx on approvals (held_until) where held_until is not null;

create table votes (
    approval_id text not null,
    digest text not null,
    person text not null,
    role text not null,
    word text not null,
    conditions text default '' not null,
    at timestamptz not null,
    constraint votes_pkey primary key (approval_id, digest, person),
    constraint votes_approval_id_fkey foreign key(approval_id) references approvals (id)
);

insert into votes (approval_id, digest, person, role, word, conditions, at)
    select id, digest, decided_by, '', case state when 'edited' then 'edit' else 'approve' end, conditions, decided_at
    from approvals where state in ('approved', 'edited');

alter table cases add column woken jsonb default '[]'::jsonb not null;

alter table identity_attempts add column named jsonb default '[]'::jsonb not null;

create index identity_attempts_named_idx on identity_attempts using gin (named)
"""


def upgrade() -> None:
    for statement in CHANGES.split(";\n"):
        op.execute(statement)
