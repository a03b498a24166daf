"""Files that contacts send: wanted or not by the channel's policy, fetched apart from any turn."""

from __future__ import annotations

from datetime import timedelta

from caseward.core.errors import SystemDown, Undeliverable
from caseward.core.messages import Inbound
from caseward.core.ports import Fetching
from caseward.desk import tools
from caseward.store import db, files
from caseward.store.files import GONE, REFUSED

AGAIN = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240))
"""After how long a file is asked for again whose vendor does not answer."""
MB = 1_000_000


def want(inbound: Inbound, message_id: str) -> None:
    """Note the files of a message; those that the channel's policy wants are fetched once this transaction commits."""
    policy, fetches = tools.pack().channels.of(inbound.channel), _fetching(inbound.channel) is not None
    for n, each in enumerate(inbound.attachments):
        if not each.ref:
            continue
        refused = ""
        if not fetches or each.kind not in policy.files:
            refused = f"files of the kind {each.kind} are not fetched here"
        elif (each.size or 0) > policy.files_mb * MB:
            refused = f"larger than {policy.files_mb} MB"
        given = {"channel": inbound.channel, "ref": each.ref, "kind": each.kind, "mime": each.mime, "name": each.name}
        file_id = files.want(message_id, n, **given, size=each.size, refused=refused, now=tools.now())
        if not refused:
            tools.begin("fetch_file", file_id, f"fetch:{file_id}:0")  # as the sweeper would, only sooner


def fetch(file_id: str) -> str:
    """Fetch a file that is wanted and return what became of it; one whose vendor is away is asked for again later."""
    now = tools.now()
    with db.transaction():
        wanted = files.begin(file_id, next_at=now + AGAIN[0])
    if wanted is None:
        return "settled before"
    plug = _fetching(wanted.channel)
    try:
        if plug is None:
            raise Undeliverable(wanted.channel, "off", "the channel is not set up any more")
        most = tools.pack().channels.of(wanted.channel).files_mb * MB
        found = plug.fetch(wanted.ref, most=most)
    except SystemDown as down:
        return _later(file_id, wanted.attempts, str(down))
    except Undeliverable as refusal:
        state = REFUSED if refusal.reason in ("too_large", "wrong_kind") else GONE
        with db.transaction():
            files.give_up(file_id, state, str(refusal))
        return state
    except Exception as error:  # whatever a vendor's answer does to us is no reason to ask for ever
        return _later(file_id, wanted.attempts, f"{type(error).__name__}: {error}")
    with db.transaction():
        files.keep(file_id, found.content, mime=found.mime)
    return "kept"


def _later(file_id: str, attempts: int, why: str) -> str:
    with db.transaction():
        if attempts > len(AGAIN):
            files.give_up(file_id, GONE, why)
            return GONE
        files.put_off(file_id, why, next_at=tools.now() + AGAIN[attempts - 1])
    return why


def _fetching(channel: str) -> Fetching | None:
    plug: object = tools.given().channels.get(channel)
    return plug if isinstance(plug, Fetching) else None
