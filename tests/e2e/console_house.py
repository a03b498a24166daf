"""A desk with cases on it, for the console's tests: made through the store's own doors, so its rows are real ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response

from caseward.core.approval import PLAIN, Terms
from caseward.core.case import CaseStatus, Contact
from caseward.core.ids import ApprovalId, CaseId, ContactId, DraftId
from caseward.core.messages import Understanding
from caseward.core.pack import Pack
from caseward.core.policy import Tier
from caseward.core.roles import Role
from caseward.core.task import Draft, Evidence, ResultStatus, TaskRequest
from caseward.desk import tools
from caseward.packs.load import load
from caseward.settings import Settings
from caseward.store import approvals, cases, contacts, log, messages, people, turns
from caseward.store.context import Reading
from caseward.store.context import keep as keep_reading
from caseward.store.db import transaction
from caseward.store.people import Person
from caseward.web import console, effects
from caseward.web.live import Live

MORNING = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
"""A Monday, 10:00 in the school's zone: the house is open, so its clocks run."""
SCHOOL = Path(__file__).parents[2] / "packs" / "vocal-coaching"
REPLY = (
    "Good news, Citra: your coach has agreed to move today’s lesson as a one-time exception. You’re now booked for "
    "Saturday 22 November at 10:00. Lessons can normally be moved up to an hour before they start, twice a month."
)
NAMES = {
    Role.COACH: "Coach",
    Role.AGENT: "Agent",
    Role.OPS_LEAD: "Ops lead",
    Role.ON_CALL: "On call",
    Role.ADMIN: "Administrator",
}


@dataclass
class House:
    """The desk under test: its app, its clock, and what it was asked to begin."""

    app: FastAPI
    pack: Pack
    now: datetime
    begun: list[tuple[str, str]] = field(default_factory=list)

    def person(self, role: Role) -> str:
        return f"per_{role}"

    def link(self, role: Role) -> str:
        with transaction():
            return people.link(self.person(role), expires_at=self.now + timedelta(days=1))

    def browser(self, role: Role | None = None) -> Browser:
        """Return a browser, signed in when a role is given."""
        opened = Browser(TestClient(self.app, base_url="http://testserver", follow_redirects=True))
        if role is not None:
            opened.submit(opened.get(f"/sign-in/{self.link(role)}"), "/sign-in/")
        return opened

    def case(
        self,
        name: str,
        text: str,
        *,
        tier: Tier = Tier.R3,
        intent: str = "reschedule",
        status: CaseStatus = CaseStatus.WAITING_APPROVAL,
        hold: str | None = None,
        due_minutes: float = 41,
        clock: str = "decision",
        facts: dict[str, Any] | None = None,
        rules: tuple[str, ...] = ("session-too-near", "quota-used"),
    ) -> CaseId:
        """Put a case on the desk."""
        slug, at = (name.split() or ["unknown"])[0].lower(), self.now - timedelta(minutes=40)
        with transaction():
            conversation = messages.open_conversation(
                "webchat", f"addr-{slug}-{text[:8]}", token_hash=None, language="en", now=at
            )
            case = cases.open_case(conversation, channel="webchat", language="en", now=at)
            contact_id = None
            if name:
                contact_id = ContactId(f"con_{slug}")
                contacts.keep(
                    Contact(
                        id=contact_id,
                        name=name,
                        email=f"{slug}@example.com",
                        phone="+62 812 0000 0147",
                        locale="en",
                    ),
                    sample=True,
                    now=at,
                )
                contacts.prove("webchat", f"addr-{slug}-{text[:8]}", contact_id, method="channel", now=at)
            messages.receive(
                conversation,
                provider_id=f"in-{slug}",
                text=text,
                kind="text",
                at=at,
                debounce=timedelta(),
                collect_max=timedelta(),
            )
            turns.take_up(conversation, 1, case.id)
            known = {"intent": intent, "identity": "verified" if name else "unknown", **(facts or {})}
            body = {
                "approval": "coach" if tier is Tier.R3 else "qa",
                "auto_send": False,
                "rules": list(rules),
                "possible": [],
                "missing": [],
                "hold": hold,
                "facts": [
                    {"name": fact, "value": value, "source": "calendar", "at": at} for fact, value in known.items()
                ],
                "reasons": [],
            }
            cases.record_decision(case.id, turn=1, tier=tier, release=self.pack.profile.release, body=body, at=at)
            log.append("case", "house", {"status": "opened"}, at=at, case_id=case.id)
            log.append("decision", "A", {"tier": str(tier), "rules": list(rules)}, at=at, case_id=case.id)
            cases.start_clock(case.id, clock, now=at, due=self.now + timedelta(minutes=due_minutes))
            cases.change(case, at, status=status, tier=tier, intent=intent, contact_id=contact_id)
        return case.id

    def ask(
        self,
        case_id: CaseId,
        *,
        lane: str = "coach",
        question: str = "Grant a one-off reschedule?",
        reply: str = REPLY,
        failed: str = "",
        terms: Terms = PLAIN,
    ) -> ApprovalId:
        """Ask for consent to a draft of a case; `failed` is what a check of it found."""
        at = self.now - timedelta(minutes=37)
        evidence = (
            _evidence("identity", "identity", "Citra Sample", "identity", at),
            _evidence(
                "reschedule-policy",
                "article",
                "Reschedule policy",
                self.pack.profile.release,
                at,
                excerpt="Changes are allowed until one hour before the lesson.",
            ),
            _evidence("next_session", "reading", "Schedule", "calendar", at, values=("Saturday 22 November", "10:00")),
        )
        with transaction():
            case = cases.get(case_id)
            draft = Draft(
                id=DraftId(f"drf_{case.number}"),
                case_id=case_id,
                language="en",
                template="reschedule-exception",
                replies={ResultStatus.SUCCESS: reply, ResultStatus.FAILED: "That change did not go through."},
                task=TaskRequest(
                    skill="reschedule",
                    args={},
                    key=f"reschedule:{case.number}",
                    summary="Move lesson from Fri 16:00 to Sat 10:00",
                ),
                evidence=evidence,
                address="webchat:somewhere",
            )
            checks = [{"name": "length", "ok": True, "detail": ""}]
            if failed:
                checks.append({"name": "dates are known", "ok": False, "detail": failed})
            approvals.keep_draft(draft, checks=checks, at=at)
            approval = approvals.open_request(
                draft,
                lane=lane,
                tier=case.tier if case.tier is not None else Tier.R3,
                question=question,
                why="Policy says this lesson counts as used. Only a coach can make an exception.",
                expires_at=self.now + timedelta(hours=4),
                now=at,
                terms=terms,
            )
            log.append("approval", "A", {"question": question}, at=at, case_id=case_id)
        return approval

    def state(self, approval_id: str) -> str:
        with transaction():
            return approvals.get(approval_id).state


@dataclass
class Browser:
    """A browser without scripts: it follows links and posts the forms it was served."""

    client: TestClient

    def get(self, path: str) -> Response:
        return self.client.get(path)

    def submit(self, page: Response, action: str, **values: str) -> Response:
        """Post the form of `page` whose action begins with `action`, with its hidden fields and these values."""
        form = re.search(rf'<form[^>]*action="({re.escape(action)}[^"]*)".*?</form>', page.text, re.S)
        assert form, f"no form posts to {action}"
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form[0]))
        return self.client.post(form[1], data={**hidden, **values})

    def press(self, page: Response, action: str, **values: str) -> Response:
        """Press the button of `page` that posts its form to `action` instead, with hidden fields and these values."""
        forms = re.findall(r"<form.*?</form>", page.text, re.S)
        [form] = [each for each in forms if f'formaction="{action}"' in each]
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))
        return self.client.post(action, data={**hidden, **values})


def _evidence(
    id: str, kind: str, title: str, source: str, at: datetime, *, excerpt: str = "", values: tuple[str, ...] = ()
) -> Evidence:
    return Evidence(id=id, kind=kind, title=title, excerpt=excerpt, source=source, at=at, values=values)


@cache
def school() -> Pack:
    """Return the sample school, loaded once."""
    return load(SCHOOL)


@cache
def console_app() -> FastAPI:
    """Return the console's application, put together once: half a second that every test would spend."""
    app = FastAPI()
    console.install(app)
    return app


class Quiet:
    """A brain that is never asked."""

    def understand(self, text: str, *, language: str | None = None) -> Understanding:
        raise AssertionError("the console asks no brain")

    def find(self, text: str, *, language: str) -> Any:
        raise AssertionError("the console asks no brain")


@contextmanager
def house() -> Iterator[House]:
    """Open a console on the database that is connected, with a person for every role."""
    pack, app = school(), console_app()
    app.state.settings, app.state.live = Settings(), Live()
    opened = House(app=app, pack=pack, now=MORNING)
    tools.use(
        tools.Tools(
            pack=pack,
            brain=Quiet(),
            channels={},
            skills={},
            begin=lambda story, subject, _id: opened.begun.append((story, subject)),
            clock=lambda: opened.now,
        )
    )
    with transaction():
        log.start()
        for role, name in NAMES.items():
            people.add(
                Person(id=f"per_{role}", name=name, role=role, sample=True, email=f"{role}@studio.example"),
                now=opened.now,
            )
    try:
        yield opened
    finally:
        effects.finish()  # it uses the tools and the database
        tools.use(None)


def a_full_desk(house: House) -> dict[str, ApprovalId]:
    """Put nine cases of every state on the desk; return the open requests by first name."""
    late = {"transactional": True, "minutes_to_session": 41, "reschedules_this_month": 2}
    near = {"transactional": True, "minutes_to_session": 300, "reschedules_this_month": 1}
    citra = house.case(
        "Citra Sample", "Hi, I’m stuck at work and can’t make my 4 pm lesson today. Can I move it?", facts=late
    )
    budi = house.case(
        "Budi Example", "I want my money back for November", intent="refund", due_minutes=12, rules=("refund-request",)
    )
    dewi = house.case(
        "Dewi Demo",
        "Tuesday 5 pm works, thank you",
        tier=Tier.R2,
        facts=near,
        due_minutes=24,
        rules=("transaction-within-policy",),
    )
    house.case(
        "Eko Placeholder",
        "I paid this morning, is it confirmed?",
        tier=Tier.R1,
        intent="payment",
        status=CaseStatus.PENDING_VERIFICATION,
        hold="degraded",
        clock="resolution",
        due_minutes=8,
        rules=("payments-down",),
    )
    house.case(
        "", "halo, kelasnya ada di mana ya?", tier=Tier.R0, intent="faq", status=CaseStatus.OPEN, clock="resolution",
        due_minutes=-4, rules=("published-answer",),
    )  # fmt: skip
    with transaction():
        messages.add(
            cases.get(citra).conversation_id,
            case_id=citra,
            author=house.person(Role.OPS_LEAD),
            text="Second late shift this month. I’d allow it once.",
            at=house.now - timedelta(minutes=9),
            kind="note",
        )
        keep_reading(
            ContactId("con_citra"),
            Reading(
                name="last_payment",
                values={"payment_state": "CONFIRMED"},
                source="payments",
                read_at=house.now - timedelta(minutes=9),
                expires_at=house.now - timedelta(minutes=7),
                revision=1,
            ),
        )
    return {
        "citra": house.ask(citra),
        "budi": house.ask(budi, question="Return this payment?"),
        "dewi": house.ask(dewi, lane="qa", question="Move this session?"),
    }
