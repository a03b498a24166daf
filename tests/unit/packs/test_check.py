"""What `caseward check` finds in a pack that reads well and does not fit together: named with file, line and fix."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from caseward.adapters import find
from caseward.core.pack import Pack
from caseward.packs import filling
from caseward.packs.check import Report, check
from caseward.packs.load import load
from caseward.packs.places import Places
from caseward.packs.references import MAY_SAY, SPOKEN

SCHOOL = Path(__file__).parents[3] / "packs" / "vocal-coaching"
SKILLS = find.skill_names(("records",))
SOURCE = Path(__file__).parents[3] / "src" / "caseward"
NOT_SAID = {"reopened", "schedule", "stopped", "started", "transcript"}
"""Words in the code that are something else: a status, an intent, a kind of log entry."""
TODAY = date(2026, 11, 21)


@pytest.fixture
def spoilt(tmp_path: Path) -> Callable[..., Report]:
    """Check a copy of the school in which some words of one file were replaced, each of them found there."""
    folder = Path(shutil.copytree(SCHOOL, tmp_path / "school"))

    def spoil(file: str, old: str, new: str, *, today: date = TODAY) -> Report:
        path = folder / file
        text = path.read_text("utf-8")
        assert old in text, f"{file} does not say {old!r}"
        path.write_text(text.replace(old, new, 1), "utf-8")
        return check(folder, skills=SKILLS, today=today)

    return spoil


def test_the_school_is_sound() -> None:
    report = check(SCHOOL, skills=SKILLS, today=TODAY)

    assert report.errors == ()
    assert report.warnings == ()
    assert all(proof.holds for proof in report.proofs)
    assert report.ok


@pytest.mark.parametrize(
    ("file", "old", "new", "message", "fix"),
    [
        pytest.param("pack.yaml", "currency: IDR\n", 'currency: IDR\nchat: {accent: {light: "#9AA6FF"}}\n',
                     "#FFFFFF on #9AA6FF has a contrast of 2.3", "take a darker one", id="a pale accent"),
        pytest.param("pack.yaml", "currency: IDR\n", 'currency: IDR\nchat: {accent: {dark: "blue"}}\n',
                     "'blue' is no colour", "#3B4CC0", id="an accent by name"),
        pytest.param("pack.yaml", "currency: IDR\n", "currency: IDR\nchat: {greeting: {fr: Salut.}}\n",
                     "the business does not speak 'fr'", "", id="a greeting in another language"),
        pytest.param("intents.yaml", "template: schedule\n", "template: timetable\n",
                     "'timetable' is no approved template", "use one of", id="a plan names no template"),
        pytest.param("intents.yaml", "ask: slot-choice", "ask: slot-choise",
                     "'slot-choise' is no approved template", "did you mean 'slot-choice'?", id="a slip in ask"),
        pytest.param("intents.yaml", "failed: refund-failed", "failed: refund-fialed",
                     "'refund-fialed' is no approved template", "did you mean 'refund-failed'?", id="a slip in failed"),
        pytest.param("intents.yaml", "acknowledge: privacy-received", "acknowledge: privacy-got",
                     "'privacy-got' is no approved template", "'", id="a slip in acknowledge"),
        pytest.param("templates/schedule.yaml", "status: approved", "status: draft",
                     "'schedule' is no approved template", "'", id="a plan's template is a draft"),
        pytest.param("intents.yaml", "task: refund\n", "task: refunding\n",
                     "no skill is called 'refunding'", "did you mean 'refund'?", id="an unknown skill"),
        pytest.param("intents.yaml", "reads: [last_invoice]", "reads: [last_bill]",
                     "no skill reads 'last_bill'", "use one of", id="an unknown reading"),
        pytest.param("intents.yaml", '      key: "refund:{payment_id}"\n', "",
                     "this action has no key", "add `key:`", id="an action without a key"),
        pytest.param("intents.yaml", '"refund:{payment_id}"', '"refund"',
                     "every effect of this plan would have the same key", "put in what it is", id="a key of nothing"),
        pytest.param("templates/degraded.yaml", "status: approved", "status: retired",
                     "the desk says this template, and it is retired", "approve it", id="a courtesy is retired"),
        pytest.param("templates/greeting.yaml", "owner: templates-editor", 'owner: ""',
                     "nobody owns this template", "name who", id="a template without owner"),
        pytest.param("templates/schedule.yaml", "{coach}, {name}", "{coach}, {nickname}",
                     "do not have the same places", "the same {value} places", id="places differ by language"),
        pytest.param("templates/schedule.yaml", "  en: >-", "  de: >-",
                     "text does not speak en", "add `en:`", id="a template lacks a language"),
        pytest.param("knowledge/refund-policy.yaml", "answer:\n  id: >-", "answer:\n  ms: >-",
                     "answer does not speak id", "add `id:`", id="a page lacks a language"),
        pytest.param("knowledge/refund-policy.yaml", "owner: coach", 'owner: " "',
                     "nobody owns this page", "name who", id="a page without owner"),
        pytest.param("knowledge/refund-policy.yaml", "review_days: 180", "review_days: 0",
                     "this page is never reviewed", "number of days", id="a page without review"),
        pytest.param("rules/person-decides.yaml", "source: refund-policy", "source: refund-polcy",
                     "source 'refund-polcy' is no published page", "mean 'refund-policy'?", id="an unknown source"),
        pytest.param("knowledge/refund-policy.yaml", "status: published", "status: draft",
                     "source 'refund-policy' is no published page", "did you mean", id="a source that is a draft"),
        pytest.param("signals.yaml", "floor: refund", "floor: refunds",
                     "unknown intent 'refunds'", "did you mean 'refund'?", id="an unknown floor"),
        pytest.param("signals.yaml", "fact: chargeback_threat", "fact: intent",
                     "no yes-or-no fact 'intent'", "use one of", id="a fact that is no bool"),
        pytest.param("signals.yaml", "'re+fu+n+d?'", "'re+fu+n+d?('",
                     "is not a regular expression", "mend the pattern", id="a pattern that does not compile"),
        pytest.param("voice.yaml", "'\\bfor sure\\b'", "'\\bfor (sure\\b'",
                     "is not a regular expression", "mend the pattern", id="a voice pattern that does not compile"),
        pytest.param("pack.yaml", "roles: [coach]", "roles: [couch]",
                     "unknown role 'couch'", "did you mean 'coach'?", id="an unknown role"),
        pytest.param("pack.yaml", "escalates_to: coach", "escalates_to: owner",
                     "unknown lane 'owner'", "'", id="an unknown lane"),
        pytest.param("pack.yaml", "  last_payment: 2", "  last_paymnt: 2",
                     "no skill reads 'last_paymnt'", "did you mean 'last_payment'?", id="freshness of nothing"),
        pytest.param("approvals.yaml", "- {tier: R1, phases: [pilot], topologies: [hub, empowered], lane: qa}\n", "",
                     "no row speaks of R1 in pilot, hub", "add a row", id="a hole in the matrix"),
        pytest.param("rules/transactions.yaml", "over: [transaction-within-policy]", "over: [transaction-in-policy]",
                     "`over` names 'transaction-in-policy', which is no rule and no tier",
                     "did you mean 'transaction-within-policy'?", id="an overlap with no rule"),
        pytest.param("rules/transactions.yaml", "  over: [transaction-within-policy]\n", "",
                     "matches together with transaction-may-run, which asks for something else, on ",
                     "or say that it is meant: `over: [transaction-may-run]`", id="an overlap that nobody declared"),
        pytest.param("invariants.yaml", "then: {tier: R3, lane: coach", "then: {tier: R3, lane: qa",
                     "broken in pilot, empowered on ", "or the promise", id="a broken promise"),
        pytest.param("pack.yaml", "roles: [agent, ops_lead]", "roles: []",
                     "lane qa: nobody may decide, and it is asked", "give the lane roles", id="a lane without people"),
        pytest.param("intents.yaml", '"refund:{payment_id}"', '"refund:{payment_id"',
                     "has a brace without its other half", "{value}", id="a key with half a place"),
        pytest.param("intents.yaml", "when: {tier: R0}", "when: {tier: R7}",
                     "no tier is called 'R7'", "R0", id="a plan for a tier that is none"),
        pytest.param("templates/acknowledgement.yaml", "  en: >-\n", "  en: >-\n    We guarantee it.\n",
                     "'guarantee' is not said here", "say it otherwise", id="a template that promises"),
        pytest.param("templates/acknowledgement.yaml", "  en: >-\n", "  en: >-\n    Your payment has been refunded.\n",
                     "while nothing has been done", "say what will happen", id="said and not done"),
        pytest.param("knowledge/refund-policy.yaml", "answer:\n  id: >-\n", "answer:\n  id: >-\n    For sure.\n",
                     "'for sure' is not said here", "say it otherwise", id="a page that promises"),
        pytest.param("pack.yaml", "expires_minutes: 240", "expires_minutes: 0",
                     "0 is out of bounds", "from 1", id="consent that lapses at once"),
        pytest.param("pack.yaml", "attempts: 3", "attempts: 1000000",
                     "1000000 is out of bounds", "from 1 to 20", id="tries at an identity without end"),
        pytest.param("pack.yaml", "attempts: 3", "attempts: 0",
                     "0 is out of bounds", "from 1 to 20", id="no try at an identity"),
        pytest.param("pack.yaml", "window_minutes: 60", "window_minutes: -60",
                     "-60 is out of bounds", "from 1", id="a window that ends before it begins"),
        pytest.param("pack.yaml", "first_response_minutes: 3", "first_response_minutes: -3",
                     "-3 is out of bounds", "from 1", id="an answer promised before the question"),
        pytest.param("pack.yaml", "turns: 20", "turns: 0", "0 is out of bounds", "from 1", id="no turn at all"),
        pytest.param("pack.yaml", "  confidence: 0.5", "  confidence: 7",
                     "7.0 is out of bounds", "from 0 to 1", id="confidence beyond certainty"),
        pytest.param("pack.yaml", "  confidence: 0.5", "  confidence: .nan",
                     "nan is out of bounds", "from 0 to 1", id="confidence that is no number"),
        pytest.param("pack.yaml", "next_session: 5", "next_session: -5",
                     "-5 is out of bounds", "from 0", id="readings of the future"),
        pytest.param("pack.yaml", "{R0: 30,", "{R9: 30,",
                     "resolution_minutes knows no 'R9'", "R0", id="a promise for a tier that is none"),
        pytest.param("pack.yaml", "{first_response: 1,", "{frist_response: 1,",
                     "warn_before_minutes knows no 'frist_response'", "'first_response'", id="a clock that is none"),
        pytest.param("pack.yaml", "currency: IDR", "currency: rupiah",
                     "no money is called 'rupiah'", "ISO 4217", id="a currency that is none"),
        pytest.param("pack.yaml", "languages: [id, en]", "languages: []",
                     "speaks no language", "name one", id="no language"),
        pytest.param("pack.yaml", "roles: [coach]", "roles: [coach]\n    people: [ana, ana]",
                     "'ana' stands twice", "take one", id="one person counted for two"),
        pytest.param("pack.yaml", "roles: [coach]", "roles: [coach]\n    people: ['']",
                     "a person without an id", "name the person", id="nobody counted for one"),
        pytest.param("records/session.yaml", 'starts: {day: 2, at: "11:00"}', "starts: {days: 2}",
                     "is no time", "{in_minutes}", id="a sample time that cannot be meant"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named_with_file_line_and_fix(
    spoilt: Callable[..., Report], file: str, old: str, new: str, message: str, fix: str
) -> None:
    report = spoilt(file, old, new)

    found = [each for each in report.errors if message in each.message]
    assert found, [str(each) for each in report.errors]
    assert not report.ok
    assert fix in found[0].fix
    assert found[0].file.endswith(".yaml")
    assert found[0].line > 0


@pytest.mark.parametrize(
    ("file", "old", "new", "message", "fix"),
    [
        pytest.param("templates/schedule.yaml", "{session_at}", "{session_at", "id has a brace that is no place",
                     "{value}", id="half a place"),
        pytest.param("templates/schedule.yaml", "{session_at}", "{session_at.year}", "id has a brace that is no place",
                     "{value}", id="a place with more than a name"),
        pytest.param("templates/schedule.yaml", "{session_at}", "{sesion_at}", "nothing fills the place",
                     "did you mean 'session_at'?", id="a reply with a place that nothing fills"),
        pytest.param("templates/acknowledgement.yaml", "{promise_time}", "{promised_time}", "nothing fills the place",
                     "did you mean 'promise_time'?", id="a courtesy with a place that nothing fills"),
        pytest.param("templates/closing.yaml", "  id: >-\n", "  id: >-\n    {name}\n", "nothing fills the place 'name'",
                     "use one of business", id="a courtesy that would name somebody"),
        pytest.param("templates/slot-choice.yaml", "{options}", "{option}", "nothing fills the place 'option'",
                     "did you mean 'options'?", id="a choice that is not offered"),
        pytest.param("intents.yaml", "when: {session: found}", "when: {sesion: found}", "is called 'sesion'",
                     "did you mean 'session'?", id="a plan for what nobody tells"),
        pytest.param("intents.yaml", "args: {payment: payment_id}", "args: {payment: paymnt_id}", "'paymnt_id'",
                     "did you mean 'payment_id'?", id="an argument that nobody tells"),
        pytest.param("intents.yaml", '"refund:{payment_id}"', '"refund:{pay_id}"', "is called 'pay_id'",
                     "'", id="a key of what nobody tells"),
    ],
)  # fmt: skip
def test_words_whose_places_nobody_fills_are_named_before_a_contact_waits_for_them(
    tmp_path: Path, file: str, old: str, new: str, message: str, fix: str
) -> None:
    folder = Path(shutil.copytree(SCHOOL, tmp_path / "school"))
    text = (folder / file).read_text("utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new), "utf-8")

    found = [each for each in filling.check(load(folder), Places(folder)) if message in each.message]

    assert found
    assert fix in found[0].fix
    assert (found[0].file, found[0].line > 0) == (file, True)


def test_a_kind_of_record_of_which_there_is_no_sample_is_a_warning(spoilt: Callable[..., Report]) -> None:
    proof = "  match: {invoice: {kind: invioce, person: person}}\n"
    report = spoilt("pack.yaml", "  fields: [invoice, email]\n", f"  fields: [invoice, email]\n{proof}")

    assert report.ok
    assert [(each.message, each.fix) for each in report.warnings] == [
        ("no sample record is a 'invioce'", "did you mean 'invoice'?")
    ]


def test_a_signal_that_nothing_fires_is_named(tmp_path: Path) -> None:
    """What it stands for would count as not so, and nobody would hear of a threat."""
    folder = Path(shutil.copytree(SCHOOL, tmp_path / "school"))
    kept = (folder / "signals.yaml").read_text("utf-8").replace("- id: legal-threat\n", "- id: lawyers\n", 1)
    legal = "\n- id: legal-threat\n  fact: legal_threat\n  because: Lawyers.\n  patterns: {en: []}\n"
    (folder / "signals.yaml").write_text(kept + legal, "utf-8")

    report = check(folder, skills=SKILLS, today=TODAY)

    assert [(each.rule, each.message) for each in report.errors] == [
        ("legal-threat", "nothing ever fires it, and what it stands for counts as not so")
    ]


def test_a_slip_is_named_at_its_own_line(spoilt: Callable[..., Report]) -> None:
    report = spoilt("intents.yaml", "ask: slot-choice", "ask: slot-choise")

    lines = (SCHOOL / "intents.yaml").read_text("utf-8").splitlines()
    assert report.errors[0].line == next(n for n, line in enumerate(lines, 1) if "ask: slot-choice" in line)
    assert report.errors[0].rule == "reschedule"


@pytest.mark.parametrize(
    ("old", "new", "broken", "counterexample"),
    [
        pytest.param("empowered], lane: coach}", "empowered], lane: none, auto_send: true}",
                     "R3 always needs a person", "R3 in lane none", id="R3 goes out by itself"),
        pytest.param("tier: R2, phases: [pilot], topologies: [hub, empowered], lane: qa",
                     "tier: R2, phases: [pilot], topologies: [hub, empowered], lane: none, auto_send: true",
                     "a higher tier never needs weaker consent",
                     "in pilot, empowered on nothing known: R1 needs lane qa, and R2 goes out by itself",
                     id="R2 is easier than R1"),
    ],
)  # fmt: skip
def test_a_statement_that_does_not_hold_comes_with_a_counterexample(
    spoilt: Callable[..., Report], old: str, new: str, broken: str, counterexample: str
) -> None:
    report = spoilt("approvals.yaml", old, new)

    failed = {proof.name: proof.counterexample for proof in report.proofs if not proof.holds}
    assert counterexample in failed[broken]
    assert not report.ok


def test_a_page_past_its_review_is_a_warning_and_no_more(spoilt: Callable[..., Report]) -> None:
    report = spoilt("knowledge/refund-policy.yaml", "reviewed: 2026-10-12", "reviewed: 2025-10-12")

    assert report.ok
    assert [each.file for each in report.warnings] == ["knowledge/refund-policy.yaml"]
    assert "last reviewed on 2025-10-12" in report.warnings[0].message


def test_a_rule_that_no_golden_case_would_miss_is_a_warning(spoilt: Callable[..., Report]) -> None:
    more = "- id: rainy-day\n  tier: R1\n  when: {intent: other, identity: mismatch}\n  because: It rains.\n"

    report = spoilt("rules/own-record.yaml", "- id: own-record", more + "- id: own-record")

    assert [each.rule for each in report.warnings] == ["rainy-day"]


def test_an_intent_that_no_rule_names_is_a_warning(spoilt: Callable[..., Report]) -> None:
    report = spoilt("facts.yaml", "complaint, other]", "complaint, other, gossip]")

    assert ("facts.yaml", "no rule names intent gossip") in [(each.file, each.message) for each in report.warnings]
    assert "every combination of known facts is decided by a rule" in [
        proof.name for proof in report.proofs if not proof.holds
    ]


def test_a_pack_that_cannot_be_read_has_no_proofs(spoilt: Callable[..., Report]) -> None:
    report = spoilt("facts.yaml", "kind: bool", "kind: boole")

    assert (report.pack, report.ok, report.proofs) == (None, False, ())
    assert report.errors


def test_the_templates_that_the_desk_says_by_name_are_the_ones_that_are_asked_for(school: Pack) -> None:
    code = [path for room in ("desk", "flows") for path in (SOURCE / room).rglob("*.py")]
    words = {
        node.value
        for path in code
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant)
    }

    assert words & school.templates.keys() - NOT_SAID == SPOKEN | MAY_SAY
