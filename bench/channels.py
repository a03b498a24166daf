"""Channels: what a webhook costs, how soon it is answered, and a burst from many contacts answered in order.

WhatsApp stands for all of them: the simulator plays Meta and the customers' phones. Webhooks come at an even rate and
are timed from the instant they were due, so that one slow answer counts for those that waited behind it.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import multiprocessing
import statistics
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import Any, TypeVar

import psycopg

from bench.desk import questions
from bench.served import Served, served
from caseward.adapters.channels import whatsapp
from caseward.settings import Settings
from caseward.simulators import serving
from caseward.simulators.whatsapp import APP_SECRET, NUMBER_ID, TOKEN, VERIFY_TOKEN, WhatsApp

T = TypeVar("T")

A_SECOND = 50
CONTACTS, EACH = 50, 10
"""The burst: 500 messages."""
PATIENCE_SECONDS = 180


def measure(*, quick: bool = False) -> dict[str, Any]:
    """Return the figures, in the units that their names say, with targets beside some."""
    figures = _parsing(200 if quick else 2000)
    with tempfile.TemporaryDirectory(prefix="caseward-bench-") as scratch, _desk(Path(scratch)) as (desk, meta):
        _webhooks(desk, meta, seconds=1)  # warm up
        figures |= _webhooks(desk, meta, seconds=4 if quick else 20)
        meta.courier.hook = f"http://127.0.0.1:{desk.port}/webhooks/whatsapp"  # from here on statuses come back
        figures |= _burst(desk, meta)
    return figures


@contextmanager
def _desk(scratch: Path) -> Iterator[tuple[Served, WhatsApp]]:
    """Serve the sample school with WhatsApp's part played by the simulator."""
    meta = WhatsApp()
    with serving.running(meta.app) as address:
        environment = {
            "CASEWARD_WHATSAPP_APP_SECRET": APP_SECRET,
            "CASEWARD_WHATSAPP_VERIFY_TOKEN": VERIFY_TOKEN,
            "CASEWARD_WHATSAPP_TOKEN": TOKEN,
            "CASEWARD_WHATSAPP_PHONE_NUMBER_ID": NUMBER_ID,
            "CASEWARD_WHATSAPP_API_URL": f"{address}/v23.0",
        }
        scratch.chmod(0o755)
        with served(scratch, workers=2, environment=environment) as desk:
            yield desk, meta


# --- one webhook ------------------------------------------------------------------------------------------------------


def _body(number: int, *, contact: str, text: str) -> bytes:
    """Return a webhook as Meta sends it for one text message."""
    message = {
        "from": contact,
        "id": f"wamid.bench{number:08}",
        "timestamp": str(int(time.time())),
        "type": "text",
        "text": {"body": text},
    }
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": NUMBER_ID},
        "contacts": [{"profile": {"name": "A contact"}, "wa_id": contact}],
        "messages": [message],
    }
    entry = {"id": "1", "changes": [{"field": "messages", "value": value}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


def _parsing(rounds: int) -> dict[str, Any]:
    settings = Settings(
        whatsapp_app_secret=APP_SECRET,
        whatsapp_verify_token=VERIFY_TOKEN,
        whatsapp_token=TOKEN,
        whatsapp_phone_number_id=NUMBER_ID,
    )
    plug = whatsapp.channel(settings)
    assert plug is not None
    bodies = [_body(n, contact=f"6280{n:08}", text="When is my next session?") for n in range(rounds)]
    began = time.thread_time()
    for body in bodies:
        plug.verify({"x-hub-signature-256": _signature(body)}, body)
        assert len(plug.parse(body)) == 1
    spent = time.thread_time() - began
    return {"parse_ms_a_message": round(spent / rounds * 1000, 3), "parse_ms_a_message_target": "<= 0.3"}


def _signature(body: bytes) -> str:
    return "sha256=" + hmac.new(APP_SECRET.encode(), body, hashlib.sha256).hexdigest()


def _webhooks(desk: Served, meta: WhatsApp, *, seconds: int) -> dict[str, Any]:
    """Call at an even rate, each time as another contact, and time the answers."""
    texts, count = questions(), A_SECOND * seconds
    start = int(time.time() * 1000) % 10_000_000
    contacts = [f"6281{start + n:08}" for n in range(count)]
    bodies = [
        _body(start + n, contact=contact, text=text)
        for n, (contact, text) in enumerate(zip(contacts, cycle(texts), strict=False))
    ]
    _heard(meta, contacts)
    before = desk.cost()
    answered = _elsewhere(_paced, desk.port, bodies)
    cost = desk.cost() - before
    cuts = statistics.quantiles(answered, n=100)
    return {
        "webhooks_a_second": A_SECOND,
        "webhook_p50_ms": round(cuts[49] * 1000, 2),
        "webhook_p99_ms": round(cuts[98] * 1000, 2),
        "webhook_p99_ms_target": "<= 25",
        "webhook_and_turn_desk_cpu_ms": round(cost.desk / count * 1000, 2),
    }


def _elsewhere(call: Callable[..., T], *args: Any) -> T:
    """Return what `call` returns in a process of its own: this one plays the vendor, and would make the caller wait."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(call, *args).result()


def _paced(port: int, bodies: Sequence[bytes]) -> list[float]:
    """Call with each body at its time, and return how long after that time each was answered, in seconds."""
    local, began = threading.local(), time.perf_counter() + 0.1

    def call(n: int) -> float:
        due = began + n / A_SECOND
        time.sleep(max(0.0, due - time.perf_counter()))
        if not hasattr(local, "connection"):
            local.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        _post(local.connection, bodies[n])
        return time.perf_counter() - due

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(call, range(len(bodies))))


def _heard(meta: WhatsApp, contacts: Sequence[str]) -> None:
    """Open the contacts' windows at the vendor: their webhooks do not come from its simulator here."""
    for contact in contacts:
        meta.phone(contact).heard_at = meta.now()


def _post(connection: http.client.HTTPConnection, body: bytes) -> None:
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": _signature(body)}
    connection.request("POST", "/webhooks/whatsapp", body=body, headers=headers)
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200, answer.status


# --- a burst ----------------------------------------------------------------------------------------------------------


def _burst(desk: Served, meta: WhatsApp) -> dict[str, Any]:
    """Have many contacts write many messages at once, and wait until each has been answered."""
    start = int(time.time() * 1000) % 10_000_000
    contacts = [f"6282{start + n:08}" for n in range(CONTACTS)]
    texts = list(islice(cycle(questions()), EACH))
    _heard(meta, contacts)
    calls = [
        (contact, _body(90_000_000 + start + n * CONTACTS + i, contact=contact, text=text))
        for n, text in enumerate(texts)
        for i, contact in enumerate(contacts)
    ]
    began = time.perf_counter()
    _in_order_of_each(desk, calls)
    taken = time.perf_counter() - began
    with psycopg.connect(desk.database_url, autocommit=True) as watching:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while _waiting(watching, contacts):
            assert time.monotonic() < deadline, _waiting(watching, contacts)
            time.sleep(0.05)
        drained = time.perf_counter() - began
        stored = _stored(watching, contacts)
    assert sorted(stored) == sorted(contacts), f"{len(stored)} of {len(contacts)} contacts were heard"
    return {
        "burst_messages": len(calls),
        "burst_taken_s": round(taken, 2),
        "burst_drained_s": round(drained, 2),
        "burst_stored": sum(len(each) for each in stored.values()),
        "burst_in_order": all(said == texts for said in stored.values()),
        "burst_said_twice": len(meta.repeated()),
    }


def _in_order_of_each(desk: Served, calls: Sequence[tuple[str, bytes]]) -> None:
    """Call as fast as it goes; what one contact wrote comes in the order in which it was written."""
    of_each: dict[int, list[bytes]] = defaultdict(list)
    for contact, body in calls:
        of_each[hash(contact) % 8].append(body)

    def one(bodies: Sequence[bytes]) -> None:
        connection = desk.connection()
        for body in bodies:
            _post(connection, body)
        connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, of_each.values()))


def _waiting(connection: psycopg.Connection[Any], contacts: Sequence[str]) -> Counter[str]:
    """Return what is still to be done for them: bodies not read yet, messages no turn has taken, words on their way."""
    query = """
        select 'bodies' as what, count(*) from hooks where state = 'new'
        union all
        select 'messages' as what, count(*) from messages join conversations on conversations.id = conversation_id
        where address = any(%(contacts)s) and inbound and messages.turn is null
        union all
        select state, count(*) from outbox
        where address = any(%(contacts)s) and state in ('queued', 'running', 'unknown')
        group by state
    """
    rows = connection.execute(query, {"contacts": list(contacts)}).fetchall()
    return Counter({what: count for what, count in rows if count})


def _stored(connection: psycopg.Connection[Any], contacts: Sequence[str]) -> dict[str, list[str]]:
    query = """
        select address, text from messages join conversations on conversations.id = conversation_id
        where address = any(%s) and inbound order by seq
    """
    said: dict[str, list[str]] = defaultdict(list)
    for address, text in connection.execute(query, (list(contacts),)):
        said[address].append(text)
    return said
