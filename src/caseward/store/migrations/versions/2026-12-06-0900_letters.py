"""Mails that hold a secret leave once; conversations leave by mail for who asks; whom nobody knew is forgotten."""

from alembic import op

revision = "202612060900"
down_revision = "202612050900"

LETTERS = """
create table letters (
    key text primary key,
    kind text not null,
    state text not null,
    at timestamptz not null
);

create table transcripts (
    id text primary key,
    conversation_id text not null references conversations (id),
    address text not null,
    code_hash text default '' not null,
    state text not null,
    tries integer default '0' not null,
    at timestamptz not null,
    expires_at timestamptz not null
);

create index transcripts_conversation_id_at_idx on transcripts (conversation_id, at);
create index transcripts_address_at_idx on transcripts (address, at);

create index conversations_kept_idx on conversations (created_at) where address not like 'forgotten:%';
"""


def upgrade() -> None:
    op.execute(LETTERS)
