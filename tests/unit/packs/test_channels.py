"""What is found in channels.yaml, playbooks.yaml and the listings that do not fit together: file, line and fix."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from caseward.core.errors import PackError
from caseward.packs import channels, references
from caseward.packs.load import read
from caseward.packs.places import Places

SCHOOL = Path(__file__).parents[3] / "packs" / "vocal-coaching"
Spoil = Callable[[str, str, str], list[PackError]]
INTENT = "reads: [last_invoice]"
STOPS = '  stop:\n    id: [stop, berhenti, "berhenti berlangganan"]\n    en: [stop, unsubscribe]\n'


@pytest.fixture
def spoil(tmp_path: Path) -> Spoil:
    """Return what is wrong with the channels of a school in which some words of one file were replaced."""
    folder = Path(shutil.copytree(SCHOOL, tmp_path / "school"))

    def spoiled(file: str, old: str, new: str) -> list[PackError]:
        path = folder / file
        text = path.read_text("utf-8")
        assert old in text, f"{file} does not say {old!r}"
        path.write_text(text.replace(old, new, 1), "utf-8")
        pack, unreadable = read(folder)
        if pack is None:
            return unreadable
        of_intents = (each for each in references.check(pack, Places(folder), skills=()) if "lists" in each.message)
        return [*channels.check(pack, Places(folder)), *of_intents]

    return spoiled


def test_the_school_uses_its_channels_as_it_may(spoil: Spoil) -> None:
    assert spoil("channels.yaml", "outreach:", "outreach: # as it is") == []


CASES = {
    "a playbook says no template": (
        "playbooks.yaml", "template: session-reminder", "template: session-remind", "'session-remind' is no approved",
        "did you mean 'session-reminder'?",
    ),
    "a playbook says a draft": (
        "templates/session-reminder.yaml", "status: approved", "status: draft", "'session-reminder' is no approved",
        "use one of",
    ),
    "a playbook goes by nothing": (
        "playbooks.yaml", "reads: sessions_ahead", "reads: sessions_soon", "no skill lists 'sessions_soon'",
        "did you mean 'sessions_ahead'?",
    ),
    "a playbook goes where there is nothing": (
        "playbooks.yaml", "[whatsapp, telegram]", "[whatsapp, telegraph]", "channels.yaml has no 'telegraph'",
        "did you mean 'telegram'?",
    ),
    "a playbook goes nowhere": ("playbooks.yaml", "[whatsapp, telegram]", "[]", "it reaches nobody", "name a channel"),
    "a playbook of nobody": ("playbooks.yaml", "owner: ops-lead", 'owner: ""', "nobody owns this playbook", "name who"),
    "a playbook that never rests": (
        "playbooks.yaml", "every_minutes: 15", "every_minutes: 0", "asked all the time", "whole number of minutes",
    ),
    "two playbooks of one name": (
        "playbooks.yaml", "id: payment-follow-up", "id: session-reminder", "this id stands twice", "",
    ),
    "a place that nothing fills": (
        "skills.yaml", "session_at: starts", "lesson_at: starts", "gives no 'session_at' to fill its place",
        "did you mean",
    ),
    "a key of what is not there": (
        "playbooks.yaml", "{session_id}:", "{lesson_id}:", "gives no 'lesson_id'", "did you mean 'session_id'?",
    ),
    "a key of nothing": (
        "playbooks.yaml", "payment-follow-up:{invoice_id}", "payment-follow-up", "would have one key", "put in what",
    ),
    "a listing that also reads": (
        "skills.yaml", "  lists:", "  reads: {kind: session, values: {a: id}}\n  lists:", "reads, writes or lists",
        "give",
    ),
    "a span of no instant": (
        "skills.yaml", "    by: starts\n", "", "an instant and a span belong together",
        "give `by:`",
    ),
    "a span that is none": ("skills.yaml", "before: 24h", "before: a day", "'a day' is no time", "write such as"),
    "ahead and over at once": ("skills.yaml", "after: 1d", "before: 1d", "cannot be ahead and over", "leave out"),
    "a value with a name of ours": ("skills.yaml", "session_id: id", "name: id", "'name' is no name", "use other"),
    "an intent that lists": (
        "intents.yaml", INTENT, "reads: [invoices_overdue]", "belongs to others too",
        "skill that reads",
    ),
    "quiet hours that are none": ("channels.yaml", "20:00-08:00", "evenings", "'evenings' is no time", "write such as"),
    "a bound of nothing": ("channels.yaml", "most: 2", "most: 0", "most is less than one", "switch the playbooks off"),
    "a word that does both": ("channels.yaml", "[mulai, start]", "[mulai, Stop]", "both stops and starts", "leave it"),
    "nobody can stop it": (
        "channels.yaml",
        STOPS, "", "nobody can forbid", "give `stop:`",
    ),
    "a confirmation that is not there": (
        "channels.yaml", "stopped: stopped", "stopped: stoped", "'stoped' is no approved", "did you mean 'stopped'?",
    ),
    "a formal channel that is not there": (
        "channels.yaml", "formal: email", "formal: post", "no channel is called 'post'", "use one of",
    ),
    "a formal channel without the words for it": (
        "templates/formal-verification.yaml", "status: approved", "status: draft",
        "'formal-verification' is no approved", "use one of",
    ),
    "a confirmation that says more than was said": (
        "templates/refund-receipt.yaml", "{payment_amount} sudah", "{payment_amount} {coach} sudah",
        "template refund-done says no 'coach' for template refund-receipt", "only what was said is confirmed",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", list(CASES))
def test_what_does_not_fit_is_named_with_its_fix(spoil: Spoil, case: str) -> None:
    file, old, new, message, fix = CASES[case]

    said = spoil(file, old, new)

    found = [each for each in said if message in each.message]
    assert found, [str(each) for each in said]
    assert fix in found[0].fix
    assert found[0].line > 0
    assert found[0].file.endswith(".yaml")


def test_wordings_of_a_vendor_are_compared_with_ours(spoil: Spoil) -> None:
    text = """
    approved:
      session-reminder: {name: reminder, languages: {fr: fr_FR}, values: [name, coach]}
      never-written: {name: other, languages: {en: en_US}}
"""
    said = spoil("channels.yaml", "  telegram:\n", f"  discord:{text}  telegram:\n")

    assert [each.message for each in said] == [
        "the business does not speak 'fr'",
        "template session-reminder has no place {coach}",
        "'never-written' is no approved template",
    ]
    assert len({each.line for each in said}) == 2


def test_a_formal_mail_has_a_subject(spoil: Spoil) -> None:
    said = spoil("channels.yaml", "template: refund-receipt", "template: greeting")

    assert {each.message for each in said if "subject" in each.message} == {
        "template greeting has no subject in id",
        "template greeting has no subject in en",
    }
