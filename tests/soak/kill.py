"""Kills a desk over and over while contacts write and people decide, and then looks for what was lost or done twice.

A round is one life of the server: it dies at a named place, at a random instant, or loses its database; then it is
started again. Contacts go on through all of it. `python -m tests.soak.kill [ROUNDS] [SEED]` runs it by itself.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.soak.customers import DENIED, FAQ, MOVE, OWN, REFUND, TWO, Approver, Customer, Errand
from tests.soak.serving import Database, Server

PLACES = (
    "leave:caseward.store.messages.receive:1",
    "committed:caseward.store.messages.receive:2",
    "enter:caseward.desk.intake.file:1",
    "leave:caseward.desk.intake.file:2",
    "committed:caseward.desk.intake.file:1",
    "enter:caseward.desk.speaker.say:2",
    "leave:caseward.desk.speaker.say:1",
    "committed:caseward.desk.speaker.say:3",
    "enter:caseward.desk.verdicts.decide:0",
    "leave:caseward.desk.verdicts.decide:0",
    "committed:caseward.desk.verdicts.decide:1",
    "enter:caseward.flows.support.story.fulfil:1",
    "leave:caseward.desk.executor.queue:0",
    "committed:caseward.desk.executor.queue:0",
    "enter:caseward.desk.executor.take:0",
    "committed:caseward.desk.executor.take:0",
    "enter:caseward.desk.executor.run:0",
    "leave:caseward.desk.executor.run:0",
    "leave:caseward.desk.executor.run:1",
    "enter:caseward.desk.executor.settle:0",
    "leave:caseward.desk.executor.settle:0",
    "committed:caseward.desk.executor.settle:0",
    "committed:caseward.flows.outside._report:0",
)
"""Where to die: between receiving and answering, deciding and doing, doing and recording."""
LIVES_OF_A_HOUSE = 8
"""Rounds after which a fresh house is built: its sample contacts have nothing left to move or refund."""
PATIENCE_SECONDS = 60
"""How long a round waits for its place to be reached before it kills anyway."""
OUTAGE_SECONDS = 3.0

MOVERS = [f"stu-{n:03}" for n in (1, 20, 21, 22, 23, 24, 27, 28, 29, 30, 31, 32, 33, 34)]
PAYERS = [f"stu-{n:03}" for n in (3, 9, 10, 11, 13, 14, 15, 16, 17, 18, 19, 35, 36, 37, 38, 39, 40)]
READERS = [f"stu-{n:03}" for n in (1, 3, 41, 42, 44, 45, 46)]


@dataclass(kw_only=True)
class Report:
    """What the rounds did, and what they found wrong."""

    rounds: int = 0
    deaths: Counter[str] = field(default_factory=Counter)
    errands: Counter[str] = field(default_factory=Counter)
    replies: int = 0
    effects: int = 0
    verdicts: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Return the summary line."""
        died = ", ".join(f"{count} {how}" for how, count in sorted(self.deaths.items()))
        came = ", ".join(f"{count} {errand}" for errand, count in sorted(self.errands.items()))
        return (
            f"{self.rounds} rounds in {self.seconds:.0f} s; died: {died}; errands: {came}; "
            f"{self.replies} replies, {self.effects} effects, {self.verdicts} verdicts; {len(self.problems)} problems"
        )


WAYS = (*PLACES, *["at an instant"] * 6, *["database"] * 3)
"""In what ways a server's life may end."""


def kill(
    rounds: int, *, seed: int, folder: Path, ways: Sequence[str] = WAYS, outage_seconds: float = OUTAGE_SECONDS
) -> Report:
    """Run so many rounds, in as many houses as they take; the ways to die come in an order that the seed gives."""
    chance = random.Random(seed)
    report, started = Report(), time.monotonic()
    shuffled = chance.sample(ways, len(ways))
    lives = [shuffled[n % len(shuffled)] for n in range(rounds)]
    for first in range(0, rounds, LIVES_OF_A_HOUSE):
        home = folder / f"house-{first}"
        home.mkdir(parents=True)
        House(home, chance, report, outage_seconds).live(lives[first : first + LIVES_OF_A_HOUSE])
    report.seconds = time.monotonic() - started
    return report


class House:
    """One database, the desk on it, the people around it."""

    def __init__(self, home: Path, chance: random.Random, report: Report, outage_seconds: float) -> None:
        """Build it."""
        self._chance, self._report, self._outage = chance, report, outage_seconds
        self._database, self._server = Database(home), Server(home)
        self._movers, self._payers = [*MOVERS], [*PAYERS]
        self._customers: list[Customer] = []

    def live(self, ways: Sequence[str]) -> None:
        """Die in all these ways, come back for good, and look at what is left."""
        approvers: list[Approver] = []
        try:
            for way in ways:
                self._server.start(workers=1 + (self._chance.random() < 0.5), crash=way if ":" in way else "")
                self._customers += [self._customer(errand) for errand in self._errands(way)]
                self._server.wait_ready()
                approvers = approvers or self._hire()
                self._die(way)
            self._server.start()
            self._server.wait_ready()
            for customer in self._customers:
                customer.join(timeout=200)
            for approver in approvers:
                approver.stop()
                approver.join(timeout=30)
            self._look(approvers)
            if self._server.stop() != 0:
                self._report.problems.append(f"it did not end in good order: {self._server.last_words()}")
        finally:
            if self._server.alive:
                self._server.kill()
            self._database.stop()

    def _hire(self) -> list[Approver]:
        """Have two people decide in each lane, at once."""
        tokens = {"qa": self._server.token("agent"), "coach": self._server.token("coach")}
        hired = [
            Approver(self._server.base, token, lane, self._is_denied)
            for lane, token in tokens.items()
            for _ in range(2)
        ]
        for approver in hired:
            approver.start()
        return hired

    def _die(self, way: str) -> None:
        """Live on until it dies this way; contacts come all the while."""
        if ":" in way:
            reached = self._server.wait(lambda: self._server.crashed, PATIENCE_SECONDS)
            way = f"at {way.rpartition(':')[0]}" if reached else f"at an instant, {way} not reached"
        else:
            time.sleep(self._chance.uniform(0.1, 2.0))
        if way == "database":
            self._database.crash()
            time.sleep(self._outage)
            self._database.restart()
            if not self._server.wait(self._server.ready, 60):
                self._report.problems.append(f"it did not recover from an outage: {self._server.last_words()}")
            time.sleep(self._chance.uniform(0.1, 2.0))
        self._server.kill()
        self._report.rounds += 1
        self._report.deaths[way] += 1

    def _errands(self, place: str) -> list[Errand]:
        wanted = [MOVE, REFUND] if "executor" in place or "outside" in place else [MOVE, REFUND, OWN, FAQ, TWO, DENIED]
        self._chance.shuffle(wanted)
        return [*wanted[:3], FAQ]

    def _customer(self, errand: Errand) -> Customer:
        contact = ""
        if errand is MOVE:
            contact = self._movers.pop() if self._movers else ""
        elif errand in (REFUND, DENIED):
            contact = self._payers.pop() if self._payers else ""
        elif errand is OWN:
            contact = self._chance.choice(READERS)
        customer = Customer(
            base=self._server.base,
            errand=errand if contact or errand in (FAQ, TWO) else FAQ,
            contact=contact,
            chance=random.Random(self._chance.random()),
        )
        customer.start()
        self._report.errands[customer.errand.name] += 1
        return customer

    def _is_denied(self, conversation: str) -> bool:
        return any(each.conversation == conversation and each.errand.denied for each in self._customers)

    def _look(self, approvers: Sequence[Approver]) -> None:
        """Add to the report what was lost, done twice, or left behind."""
        problems = self._report.problems
        problems += [each.failure for each in (*self._customers, *approvers) if each.failure]
        problems += [f"{each.name} did not finish" for each in self._customers if each.is_alive()]
        for customer in self._customers:
            if not customer.failure and not customer.is_alive():
                replies = customer.replies()
                self._report.replies += len(replies)
                if len(replies) != customer.errand.replies or len(set(replies)) != len(replies):
                    problems.append(f"{customer.name}, {customer.conversation}: was told {replies}")
        self._server.wait(lambda: not self._rows(_AT_WORK), 30)
        for question, query in QUESTIONS.items():
            problems += [f"{question}: {row}" for row in self._rows(query)]
        stored = Counter((str(row[0]), str(row[1]), str(row[2])) for row in self._rows(_STORED))
        sent = Counter((each.conversation, id, text) for each in self._customers for id, text in each.sent.items())
        problems += [f"sent and not stored once: {row}" for row in sent if stored[row] != 1]
        won = Counter(id for each in approvers for id, count in each.won.items() for _time in range(count))
        problems += [f"{id}: {count} verdicts were said to count" for id, count in won.items() if count > 1]
        self._report.effects += len(self._rows("select key from record_effects"))
        self._report.verdicts += len(self._rows("select id from approvals where state <> 'open'"))
        verified = self._server.command("log", "verify")
        if verified.code != 0:
            problems.append(f"the log is broken: {verified.out} {verified.err}")

    def _rows(self, query: str) -> list[tuple[object, ...]]:
        with self._database.connection() as connection:
            return connection.execute(query).fetchall()


_STORED = "select conversation_id, provider_id, text from messages where inbound"
_AT_WORK = """
    select id from conversations where ready_at is not null
    union all select workflow_uuid from dbos.workflow_status where status in ('PENDING', 'ENQUEUED')
"""
QUESTIONS = {
    "a message that no turn took": "select id, text from messages where inbound and (turn is null or case_id is null)",
    "a turn that never began": "select id from conversations where ready_at is not null",
    "a message that nobody answered": """
        select id, text from messages m where inbound and not exists (
            select 1 from messages r where not r.inbound and r.conversation_id = m.conversation_id and r.seq > m.seq
        )
    """,
    "a case that waits for nobody": """
        select number, status from cases where status not in ('resolved', 'closed', 'waiting_customer')
    """,
    "a reply that is not in the outbox exactly once": """
        select m.id, count(o.id) from messages m left join outbox o on o.message_id = m.id
        where not m.inbound group by m.id having count(o.id) <> 1
    """,
    "words without a message": "select id from outbox where message_id not in (select id from messages)",
    "words that were not delivered": "select id, state from outbox where state <> 'done'",
    "a task that was not settled": "select id, state from tasks where state not in ('done', 'failed')",
    "a task done without its effect": """
        select t.key from tasks t left join record_effects e on e.key = t.key where t.state = 'done' and e.key is null
    """,
    "an effect without its task": """
        select e.key from record_effects e left join tasks t on t.key = e.key where t.state is distinct from 'done'
    """,
    "a session that was moved twice": """
        select data ->> 'session', count(*) from records
        where kind = 'reschedule' and id not like 'rsc-0%' group by 1 having count(*) > 1
    """,
    "a payment that was returned twice": """
        select data ->> 'payment', count(*) from records where kind = 'refund' group by 1 having count(*) > 1
    """,
    "an approval that is open": "select id, question from approvals where state = 'open'",
    "an approval without exactly one verdict": """
        select a.id, count(l.seq) from approvals a left join (
            select log.seq, payload::jsonb ->> 'approval' as approval from log join log_payloads using (seq)
            where kind = 'verdict'
        ) l on l.approval = a.id group by a.id having count(l.seq) <> 1
    """,
    "work that ended in an error": "select workflow_uuid, error from dbos.workflow_status where status = 'ERROR'",
    "a fault of ours": "select seq, payload from log join log_payloads using (seq) where kind = 'error'",
}
"""What must not be → how to find it."""


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="caseward-kill-") as scratch:
        outcome = kill(
            int(sys.argv[1]) if len(sys.argv) > 1 else len(PLACES),
            seed=int(sys.argv[2]) if len(sys.argv) > 2 else 0,
            folder=Path(scratch),
        )
    print(outcome)
    for problem in outcome.problems:
        print("-", problem)
    sys.exit(bool(outcome.problems))
