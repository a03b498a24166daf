"""The case page and the contact page over the real store, in a browser without scripts."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from caseward.core.case import CaseStatus, Contact
from caseward.core.ids import CaseId, ContactId
from caseward.core.policy import Tier
from caseward.core.roles import Role
from caseward.desk import macros, post, tools
from caseward.store import (
    cases,
    contacts,
    db,
    files,
    log,
    mentions,
    merges,
    messages,
    outbox,
    outreach,
    people,
    ratings,
)
from caseward.store.context import Reading
from caseward.store.context import keep as keep_reading
from caseward.store.db import transaction
from caseward.store.effects import EffectState
from caseward.web import casepage
from caseward.web.casepage import CONTACT_ROLES
from caseward.web.dossier import WORK_ON_CASES
from tests.channels_house import House as Plug
from tests.e2e.console_house import House, house

EVIL = "<img src=x onerror=alert(1)>"
SHOWN = "&lt;img src=x onerror=alert(1)&gt;"
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40


@pytest.fixture
def desk(database: str) -> Iterator[House]:
    with house() as opened:
        yield opened


def open_case(desk: House, name: str = "Citra Sample", text: str = "Can I move it?", **more: Any) -> CaseId:
    """Put a case on the desk whose messages have been read."""
    case = desk.case(name, text, status=CaseStatus.OPEN, clock="resolution", **more)
    with transaction():
        messages.begin(cases.get(case).conversation_id)
    return case


def parcel_of(case_id: CaseId, desk: House, text: str, **fields: Any) -> None:
    """Have the desk say something in a case by a vendor, with what became of it."""
    with transaction():
        case = cases.get(case_id)
        said = messages.add(case.conversation_id, case_id=case.id, author="desk", text=text, at=desk.now)
        id = outbox.put(case_id=case.id, message_id=said.id, channel="whatsapp", address="628120000147", text=text,
                        key=f"reply:{said.id}", approvers=["policy"], delivered=False, now=desk.now)  # fmt: skip
        assert id is not None
        outbox.move(id, now=desk.now, **fields)


def entries(kind: str) -> list[tuple[str, dict[str, Any]]]:
    with transaction():
        return [(each.actor, dict(each.payload)) for each in log.entries(kind=kind)]


# --- the conversation -------------------------------------------------------------------------------------------------


def test_whatever_people_wrote_is_shown_as_text_wherever_it_stands(desk: House) -> None:
    case = open_case(desk, name=f"Citra {EVIL}", text=EVIL)
    with transaction():
        people.add(people.Person(id="per_evil", name=EVIL, role=Role.AGENT), now=desk.now)
        said = messages.of_case(case)[0]
        db.run("insert into message_edits (message_id, text, at) values (%(id)s, %(text)s, now())",
               {"id": said.id, "text": f"before {EVIL}"})  # fmt: skip
        db.run("update messages set edited_at = now() where id = %(id)s", {"id": said.id})
        files.want(said.id, 0, channel="house", ref="f", kind="document", mime="text/html", name=EVIL, size=9,
                   refused=EVIL, now=desk.now)  # fmt: skip
        ratings.ask(case, channel="webchat", now=desk.now)
        ratings.keep(case, score=2, comment=EVIL, now=desk.now)
        cases.change(cases.get(case), desk.now, disposition=EVIL)
    parcel_of(case, desk, EVIL, state=EffectState.FAILED, error=EVIL, fault=post.REFUSED)
    browser = desk.browser(Role.COACH)
    browser.submit(browser.get(f"/cases/{case}"), f"/cases/{case}/", text=f"@{EVIL} {EVIL}")
    contact = cases_contact(case)

    paths = [f"/cases/{case}", f"/cases/{case}?tab=history", f"/contacts/{contact}", f"/cases/{case}/split",
             f"/cases/{case}/merge?q=Citra", f"/contacts?q={EVIL}", f"/contacts/{contact}/merge?q={EVIL}"]  # fmt: skip
    for path in paths:
        page = browser.get(path)
        assert (page.status_code, EVIL in page.text, SHOWN in page.text) == (200, False, True), path


def cases_contact(case: CaseId) -> str:
    with transaction():
        return str(cases.get(case).contact_id)


def test_words_that_did_not_arrive_say_why_and_what_to_do(desk: House) -> None:
    case = open_case(desk)
    parcel_of(case, desk, "First", state=EffectState.FAILED, error="mailbox full", fault=post.BOUNCED)
    parcel_of(case, desk, "Second", state=EffectState.FAILED, error="a person answered first")
    parcel_of(case, desk, "Third", state=EffectState.HELD, error="no free words are taken")

    page = desk.browser(Role.COACH).get(f"/cases/{case}").text

    told = [" ".join(re.sub("<[^>]+>", " ", each).split()) for each in re.findall(r'<p class="way.*?</p>', page)]
    assert told == [
        "Did not arrive: mailbox full. The address takes no mail. Ask the contact for another one.",
        "Recalled: a person answered first",
        "Waits for the contact to write: no free words are taken. Wait until they write, or have the case go on by "
        "another channel.",
    ]


def test_a_long_conversation_is_shown_from_its_end_and_earlier_words_a_page_at_a_time(desk: House) -> None:
    case = open_case(desk)
    with transaction():
        conversation = cases.get(case).conversation_id
        for n in range(250):
            messages.add(
                conversation, case_id=case, author="desk", text=f"word {n:03}", at=desk.now + timedelta(seconds=n)
            )
    browser = desk.browser(Role.COACH)

    last = browser.get(f"/cases/{case}").text
    seen = re.findall(r">(word \d{3})<", last)
    while earlier := re.search(r'href="([^"]*before=\d+)"', last):
        last = browser.get(earlier[1].replace("&amp;", "&")).text
        seen = [*re.findall(r">(word \d{3})<", last), *seen]

    assert seen == [f"word {n:03}" for n in range(250)]
    assert "Can I move it?" in last
    assert "Show the latest" in last


@pytest.mark.parametrize(
    ("content", "status", "kind"),
    [(PNG, 200, "image/png"), (b"<svg onload=alert(1)>", 404, "text/html; charset=utf-8")],
)
def test_a_picture_is_shown_only_if_its_own_bytes_are_one_and_who_looked_is_logged(
    desk: House, content: bytes, status: int, kind: str
) -> None:
    case = open_case(desk)
    with transaction():
        said = messages.of_case(case)[0]
        id = files.want(said.id, 0, channel="house", ref="f", kind="image", mime="image/png", name="a.png", size=None,
                        refused="", now=desk.now)  # fmt: skip
        files.keep(id, content, mime="image/png")
    browser = desk.browser(Role.AGENT)

    page = browser.get(f"/cases/{case}").text
    answer = browser.get(f"/files/{id}/picture")

    assert f'src="/files/{id}/picture"' in page
    assert (answer.status_code, answer.headers["content-type"]) == (status, kind)
    assert entries("reveal") == [(desk.person(Role.AGENT), {"field": "file", "file": id})]
    if status == 200:
        assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert desk.browser(Role.ADMIN).get(f"/files/{id}/picture").status_code == 403


# --- notes and templates ----------------------------------------------------------------------------------------------


def test_who_is_called_in_a_note_has_it_until_they_open_the_case(desk: House) -> None:
    case = open_case(desk)
    author, called = desk.browser(Role.AGENT), desk.person(Role.OPS_LEAD)

    opened = note_with(desk, case, "@Ops lead and @Agent, may we?")
    author.get(f"/cases/{case}")
    waiting = unseen(case)
    page = desk.browser(Role.OPS_LEAD).get(f"/cases/{case}").text

    assert opened == {"text": "@Ops lead and @Agent, may we?", "mentions": [called]}
    assert waiting == [called]
    assert '<b class="called">@Ops lead</b> and <b class="called">@Agent</b>' in page
    assert unseen(case) == []
    desk.browser(Role.OPS_LEAD).get(f"/cases/{case}")
    assert entries("mention") == [(called, {"seen": 1})]


def note_with(desk: House, case: CaseId, text: str) -> dict[str, Any]:
    """Leave a note as the agent, and return what the log says of it."""
    browser = desk.browser(Role.AGENT)
    csrf = re.search(r'name="csrf" value="([^"]+)"', browser.get("/more").text)
    assert csrf
    browser.client.post(f"/cases/{case}/note", data={"csrf": csrf[1], "text": text})
    [(_actor, said)] = entries("note")
    return said


def unseen(case: CaseId) -> list[str]:
    with transaction():
        query = "select person_id from mentions where case_id = %(case)s and seen_at is null"
        return [row.person_id for row in db.run(query, {"case": case})]


def test_a_template_comes_in_with_what_is_known_and_is_not_sent_while_a_place_is_open(desk: House) -> None:
    case = open_case(desk, tier=Tier.R0, rules=())
    with transaction():
        number = cases.get(case).number
        reading = Reading(name="next_session", values={"session_at": "2026-11-24T03:00:00+00:00"}, source="calendar",
                          read_at=desk.now, expires_at=desk.now + timedelta(minutes=5), revision=1)  # fmt: skip
        keep_reading(ContactId("con_citra"), reading)
    browser = desk.browser(Role.COACH)
    page = browser.get(f"/cases/{case}")

    csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert csrf
    data = {"csrf": csrf[1], "macro": "reschedule-exception", "text": "Halo."}
    inserted = browser.client.post(f"/cases/{case}/macro", data=data)
    alone = browser.client.post(f"/cases/{case}/macro?part=text", data=data).text
    refused = browser.client.post(f"/cases/{case}/reply", data={"csrf": csrf[1], "text": alone})
    filled = alone.replace("{old_session_at}", "today")
    sent = browser.client.post(f"/cases/{case}/reply", data={"csrf": csrf[1], "text": filled, "next": "/more"})

    assert '<option value="reschedule-exception">Reschedule exception</option>' in page.text
    assert alone.startswith("Good news, Citra: your lesson of {old_session_at} is moved to Tuesday")
    assert alone.endswith(f"Reference: #{number}.")
    assert "Halo.\n\nGood news, Citra" in inserted.text
    assert "Write what belongs at {old_session_at}" in inserted.text
    assert (refused.status_code, "{old_session_at} is still open" in refused.text) == (400, True)
    assert (sent.url.path, [story for story, _ in desk.begun]) == ("/more", ["conclude"])


def test_a_template_that_is_not_offered_is_not_handed_out_and_stale_facts_fill_nothing(desk: House) -> None:
    case = open_case(desk)
    with transaction():
        reading = Reading(name="next_session", values={"session_at": "2026-11-24T03:00:00+00:00"}, source="calendar",
                          read_at=desk.now, expires_at=desk.now, revision=1)  # fmt: skip
        keep_reading(ContactId("con_citra"), reading)
        stale = macros.fill(cases.get(case), "reschedule-exception")

    answer = desk.browser(Role.COACH)
    csrf = re.search(r'name="csrf" value="([^"]+)"', answer.get("/more").text)
    assert csrf
    gone = answer.client.post(f"/cases/{case}/macro", data={"csrf": csrf[1], "macro": "no-such"})

    assert stale.missing == ["old_session_at", "session_at"]
    assert gone.status_code == 404


# --- settling, and taking up again ------------------------------------------------------------------------------------


def test_a_case_is_settled_as_something_and_taken_up_again_by_a_person(desk: House) -> None:
    case = open_case(desk, tier=Tier.R1, rules=())
    browser = desk.browser(Role.COACH)

    browser.submit(browser.get(f"/cases/{case}"), f"/cases/{case}/resolve", disposition="Rescheduled")
    with transaction():  # as the desk says once it has seen it
        log.append("case", "house", {"status": "resolved"}, at=desk.now, case_id=case)
    settled = browser.get(f"/cases/{case}")
    with transaction():
        was = cases.get(case)
    desk.now += timedelta(hours=1)
    browser.submit(settled, f"/cases/{case}/reopen")
    with transaction():
        again, clock = cases.get(case), cases.clocks_of(case)["resolution"]
    twice = browser.submit(settled, f"/cases/{case}/reopen")

    assert (was.status, was.disposition) == (CaseStatus.RESOLVED, "Rescheduled")
    assert "Settled as" in settled.text
    assert re.findall(r"<b>(Resolved[^<]*)", settled.text.split('id="thread"')[1]) == [
        "Resolved by a person · Rescheduled"
    ]
    assert (again.status, again.owner, again.reopened) == (CaseStatus.OPEN, desk.person(Role.COACH), 1)
    assert (clock.started_at, clock.met_at) == (desk.now, None)
    assert twice.status_code == 409
    assert (desk.person(Role.COACH), {"status": "reopened"}) in entries("case")


# --- putting cases together, and taking them apart --------------------------------------------------------------------


def test_two_cases_become_one_after_a_look_at_what_that_does_and_two_again(desk: House) -> None:
    whole = open_case(desk, text="Can I move it?")
    part = open_case(desk, name="Citra Sample", text="It is me again")
    with transaction():
        numbers = [cases.get(each).number for each in (whole, part)]
    browser = desk.browser(Role.COACH)

    offered = browser.get(f"/cases/{whole}/merge")
    found = browser.get(f"/cases/{whole}/merge?q={numbers[1]}").text
    preview = browser.get(f"/cases/{whole}/merge?other={part}")
    with transaction():
        before = cases.get(part).merged
    merged = browser.submit(preview, f"/cases/{whole}/merge", reason="asked twice")

    assert f"?other={part}" in offered.text
    assert f"?other={part}" in found
    assert f"1 message and no notes move to #{numbers[0]}" in preview.text
    assert before is None
    assert f'<a class="link" href="/cases/{numbers[1]}">#{numbers[1]}</a> became part of #{numbers[0]}' in merged.text
    assert browser.get(f"/cases/{numbers[1]}").status_code == 200
    assert "It is me again" in merged.text
    assert f'Part of <a class="link" href="/cases/{whole}"' in browser.get(f"/cases/{part}").text

    # ... and the line in the conversation undoes it, whoever looks at it later
    undone = browser.submit(browser.get(f"/cases/{whole}"), "/merges/")

    assert "It is me again" not in undone.text.split("What belongs together")[0].split('id="thread"')[1]
    with transaction():
        assert cases.get(part).merged is None
        assert [each.text for each in messages.of_case(part) if each.inbound] == ["It is me again"]
    assert "/merges/" not in browser.get(f"/cases/{whole}").text


def test_the_history_goes_on_where_a_page_of_it_ends(desk: House, monkeypatch: pytest.MonkeyPatch) -> None:
    case = open_case(desk)
    monkeypatch.setattr(casepage, "HISTORY", 2)
    with transaction():
        for word in ("first", "second", "third"):
            log.append("tag", "house", {"added": word}, at=tools.now(), case_id=case)
    browser = desk.browser(Role.COACH)

    latest = browser.get(f"/cases/{case}?tab=history").text
    older = re.search(r'href="([^"]*older=\d+)#file"', latest)
    assert older
    earlier = browser.get(html.unescape(older[1])).text

    told = [f"Put on {word}" for word in ("first", "second", "third")]
    assert [each in latest for each in told] == [False, True, True]
    assert [each in earlier for each in told] == [True, False, False]
    assert ("Show the latest" in earlier, "Show the latest" in latest) == (True, False)


def test_in_a_case_that_is_part_of_another_nothing_is_said_settled_or_taken_up(desk: House) -> None:
    whole, part = open_case(desk), open_case(desk, text="It is me again")
    browser = desk.browser(Role.COACH)
    csrf = csrf_of(browser.get("/more"))
    browser.client.post(f"/cases/{whole}/merge", data={"csrf": csrf, "other": part})

    said = browser.client.post(f"/cases/{part}/reply", data={"csrf": csrf, "text": "Words I typed"})
    others = [browser.client.post(f"/cases/{part}/{act}", data={"csrf": csrf}) for act in ("resolve", "reopen")]

    assert (said.status_code, "Words I typed" in said.text) == (409, True)
    assert [each.status_code for each in others] == [409, 409]
    assert f'action="/cases/{part}/reply"' not in browser.get(f"/cases/{part}").text


def test_a_case_goes_on_by_another_channel_that_is_proved_to_be_the_contacts(desk: House) -> None:
    case = open_case(desk)
    with transaction():
        contacts.prove("whatsapp", "+628120000147", ContactId("con_citra"), method="channel", now=desk.now)
    browser = desk.browser(Role.COACH)
    off = browser.get(f"/cases/{case}").text
    tools.use(replace(tools.given(), channels={"whatsapp": Plug()}))

    after = browser.submit(browser.get(f"/cases/{case}"), f"/cases/{case}/move", to="whatsapp")

    assert ("Go on here" in off, "Go on here" in after.text) == (False, False)
    assert [story for story, _ in desk.begun] == ["moved_by_a_person"]
    with transaction():
        assert cases.get(case).reach == "whatsapp:+628120000147"


def test_cases_of_two_people_take_the_strongest_lane_and_a_reason(desk: House) -> None:
    one, other = open_case(desk), open_case(desk, name="Budi Example", text="And mine?")
    agent, coach = desk.browser(Role.AGENT), desk.browser(Role.COACH)
    preview = coach.get(f"/cases/{one}/merge?other={other}&keep=other")

    stopped = agent.get(f"/cases/{one}/merge?other={other}").text
    pushed = agent.submit(preview_of(agent, one, desk), f"/cases/{one}/merge", other=other, reason="x")
    silent = coach.submit(preview, f"/cases/{one}/merge", reason=" ")
    told = coach.submit(preview, f"/cases/{one}/merge", reason="siblings, one lesson")

    assert "Only Coach may say that they are one" in stopped
    assert pushed.status_code == 403
    assert (silent.status_code, "say why they are one matter" in silent.text) == (400, True)
    assert told.url.path == f"/cases/{other}"


def preview_of(browser: Any, case: CaseId, desk: House) -> Any:
    """Return a preview of merging a case that the visitor may merge: its form is the one that is posted."""
    same = open_case(desk, text="Same person again")
    return browser.get(f"/cases/{case}/merge?other={same}")


def test_messages_become_a_case_of_their_own_and_come_back(desk: House) -> None:
    case = open_case(desk)
    with transaction():
        conversation = cases.get(case).conversation_id
        later = messages.add(conversation, case_id=case, author="desk", text="And the invoice?", at=desk.now)
    browser = desk.browser(Role.COACH)

    chosen = browser.get(f"/cases/{case}/split?message={later.id}")
    split = browser.submit(chosen, f"/cases/{case}/split", reason="another matter")
    opened = split.url.path.removeprefix("/cases/")
    with transaction():
        alone = [each.text for each in messages.of_case(opened) if each.kind == "text"]
    undone = browser.submit(split, "/merges/")

    assert "And the invoice?" in chosen.text
    assert alone == ["And the invoice?"]
    assert undone.status_code == 200
    with transaction():
        assert "And the invoice?" in [each.text for each in messages.of_case(case)]
    nothing = browser.client.post(f"/cases/{case}/split", data={"csrf": csrf_of(chosen)})
    everything = browser.client.post(
        f"/cases/{case}/split", data={"csrf": csrf_of(chosen), "message": [first_of(case)]}
    )
    assert [(each.status_code, "This was not done" in each.text) for each in (nothing, everything)] == [(400, True)] * 2


def csrf_of(page: Any) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert found
    return found[1]


def first_of(case: CaseId) -> str:
    with transaction():
        return messages.of_case(case)[0].id


# --- contacts ---------------------------------------------------------------------------------------------------------


def a_contact(desk: House, id: str, name: str, *, number: str) -> ContactId:
    contact = Contact(id=ContactId(id), name=name, email=f"{id}@example.com", phone="+62 812 0000 0200", locale="en")
    with transaction():
        contacts.keep(contact, sample=True, now=desk.now)
        contacts.prove("whatsapp", number, contact.id, method="channel", now=desk.now)
    return contact.id


def test_a_contact_shows_addresses_wishes_cases_words_and_ratings(desk: House) -> None:
    case = open_case(desk)
    with transaction():
        contacts.prove("email", "citra@example.com", ContactId("con_citra"), method="email reply", now=desk.now)
        outreach.prefer("email", "citra@example.com", wanted=False, source="stop", at=desk.now)
        ratings.ask(case, channel="webchat", now=desk.now)
        ratings.keep(case, score=5, comment="Quick", now=desk.now)
        number = cases.get(case).number
    browser = desk.browser(Role.AGENT)

    page = browser.get("/contacts/con_citra").text

    assert "c•••@example.com" in page
    assert "Answered from the registered address" in page
    assert "Wants no messages they did not ask for" in page
    assert f'<a class="link num" href="/cases/{case}">#{number}</a>' in page
    assert "Can I move it?" in page
    assert "5 of 5" in page
    assert "citra@example.com" not in page
    assert 'href="/contacts/con_citra"' in browser.get("/contacts?q=citra").text
    assert 'href="/contacts/con_citra"' in browser.get(f"/cases/{case}").text


def test_a_number_or_address_is_shown_once_to_who_works_on_cases_and_that_is_logged(desk: House) -> None:
    open_case(desk)
    with transaction():
        contacts.prove("email", "other@example.com", ContactId("con_citra"), method="channel", now=desk.now)
    browser = desk.browser(Role.AGENT)
    page = browser.get("/contacts/con_citra")

    phone = browser.submit(page, "/contacts/con_citra/reveal", field="phone").text
    address = browser.submit(page, "/contacts/con_citra/reveal", field="at-1").text
    wrong = browser.submit(page, "/contacts/con_citra/reveal", field="name")

    assert "+62 812 0000 0147" in phone
    assert "other@example.com" in address
    assert "other@example.com" not in browser.get("/contacts/con_citra").text
    assert wrong.status_code == 400
    assert entries("reveal") == [
        (desk.person(Role.AGENT), {"field": field, "contact": "con_citra"}) for field in ("phone", "at-1")
    ]


@pytest.mark.parametrize("role", sorted(Role))
def test_whole_contacts_are_for_who_works_on_cases_and_masked_for_administrators(desk: House, role: Role) -> None:
    case = open_case(desk, text="I am Citra, +62 812 0000 0147")
    a_contact(desk, "con_budi", "Budi Example", number="628120000999")
    browser, works = desk.browser(role), role in WORK_ON_CASES

    seen = {path: browser.get(path) for path in ("/contacts", "/contacts?q=citra", "/contacts/con_citra")}
    acts = ("/contacts/con_citra/merge", f"/cases/{case}/merge", f"/cases/{case}/split")
    joins = [browser.get(path).status_code for path in acts]

    assert {each.status_code for each in seen.values()} == ({200} if role in CONTACT_ROLES else {403})
    told = "".join(each.text for each in seen.values())
    assert ("Citra Sample" in told, "0000 0147" in told) == (works, works)
    assert set(joins) == ({200} if works else {403})
    csrf = csrf_of(browser.get("/more"))
    posts = [*acts, "/contacts/con_citra/reveal", "/merges/mrg_none/undo"]
    posts += [f"/cases/{case}/{act}" for act in ("reopen", "move", "macro")]
    data = {"csrf": csrf, "field": "phone", "other": "con_budi", "macro": "closing"}
    if not works:
        assert {browser.client.post(path, data=data).status_code for path in posts} == {403}
    assert browser.client.post("/merges/mrg_none/undo", data={"csrf": ""}).status_code == 403


def test_two_contacts_become_one_and_two_again(desk: House) -> None:
    open_case(desk)
    budi = a_contact(desk, "con_budi", "Citra S.", number="628120000999")
    agent, coach = desk.browser(Role.AGENT), desk.browser(Role.COACH)

    found = coach.get("/contacts/con_citra/merge?q=Citra").text
    stopped = agent.get(f"/contacts/con_citra/merge?other={budi}").text
    preview = coach.get(f"/contacts/con_citra/merge?other={budi}")
    silent = coach.submit(preview, "/contacts/con_citra/merge", reason="")
    merged = coach.submit(preview, "/contacts/con_citra/merge", reason="registered twice")
    other = coach.get("/contacts/con_budi").text
    with transaction():
        [made] = merges.standing("contact", of="con_citra")
        held = contacts.stands_for(ContactId("con_budi"))
    undone = coach.submit(coach.get("/contacts/con_budi"), f"/merges/{made.id}/undo")

    assert "?other=con_budi" in found
    assert "two contacts who are proved to be different people" in stopped
    assert silent.status_code == 400
    assert (merged.url.path, held) == ("/contacts/con_citra", "con_citra")
    assert "Citra S. counts as Citra Sample now" in merged.text
    assert 'Counts as <a class="link" href="/contacts/con_citra"' in other
    assert (undone.status_code, "Counts as" in undone.text) == (200, False)
    with transaction():
        assert [each.address for each in contacts.proved(budi)] == ["628120000999"]


@pytest.mark.parametrize("path", ["/contacts/con_none", "/contacts/con_none/merge", "/cases/case_none/merge",
                                  "/cases/case_none/split", "/cases/9/split"])  # fmt: skip
def test_what_is_not_there_is_not_found(desk: House, path: str) -> None:
    assert desk.browser(Role.COACH).get(path).status_code == 404


def test_an_administrator_reads_a_masked_conversation(desk: House) -> None:
    case = open_case(desk, text="I am Citra, write to citra@example.com")
    with transaction():
        mentions.add(case, "msg_none", [desk.person(Role.ADMIN)], by="house", at=desk.now)

    page = desk.browser(Role.ADMIN).get(f"/cases/{case}").text

    assert ("citra@example.com" in page, "Citra Sample" in page, "c•••@example.com" in page) == (False, False, True)
