"""What every turn begins with, in one round trip: its messages, and what it is going to ask about its case.

Only what is safe to remember until the commit is looked at here: the conversation and the case are locked, so that
nobody else changes the case's clocks or asks for consent to something of it. How the systems are, and whom the address
is proved to belong to, is read once a transaction anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from caseward.core.ids import CaseId, ConversationId
from caseward.core.messages import Message
from caseward.store import approvals, cases, contacts, db, messages, running

_TAKE_UP: Final = """
    with claimed as (
        update messages set turn = %(turn)s, case_id = %(case)s
        where conversation_id = %(conversation)s and inbound and turn is null
        returning *
    )
    select claimed.*, seen.* from claimed, (
        select
            channel, address,
            (select json_agg(clocks) from clocks where case_id = %(case)s) as clocks,
            (select json_agg(health) from health) as health,
            (
                select row_to_json(proved) from (
                    select contacts.*, identities.method, identities.verified_at
                    from identities join contacts on contacts.id = identities.contact_id
                    where (identities.channel, identities.address) = (conversations.channel, conversations.address)
                ) as proved
            ) as proved,
            exists (
                select from approvals where case_id = %(case)s and (state = 'open' or held_until is not null)
            ) as asked
        from conversations where id = %(conversation)s
    ) as seen
    order by claimed.at, claimed.seq
"""


def take_up(conversation_id: ConversationId, turn: int, case_id: CaseId) -> Sequence[Message]:
    """Take all messages that no turn has, put them into the case file, and look around; by when they were written.

    The conversation and the case must be locked.
    """
    given = {"conversation": conversation_id, "turn": turn, "case": case_id}
    rows = db.run(_TAKE_UP, given).fetchall()
    if rows:
        seen = rows[0]
        cases.remember_clocks(case_id, [db.row(each, *cases.INSTANTS) for each in seen.clocks or ()])
        running.remember([db.row(each, "since") for each in seen.health or ()])
        contacts.remember(seen.channel, seen.address, db.row(seen.proved, "verified_at") if seen.proved else None)
        if not seen.asked:
            approvals.remember_none(case_id)
    return [messages.of_row(row) for row in rows]
