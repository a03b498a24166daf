"""Only what belongs to a case is searched: what just came in is indexed once, when it is filed."""

from alembic import op

revision = "202612080900"
down_revision = "202612070900"

WORDS = """
drop index messages_words_idx;
create index messages_words_idx on messages using gin (to_tsvector('simple'::regconfig, left(text, 20000)))
    where case_id is not null;
"""


def upgrade() -> None:
    op.execute(WORDS)
