"""The QA gate: each rule lets the right words pass, stops the wrong ones, and says what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from caseward.core.case import IdentityState
from caseward.core.ids import CaseId, DraftId
from caseward.core.knowledge import Article
from caseward.core.pack import Lexicon, Pack, Template, Voice
from caseward.core.review import RULES, Check, Subject, review
from caseward.core.task import Draft, Evidence, ResultStatus, TaskRequest

TODAY = date(2026, 11, 21)
NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
SLOT = "Sabtu 22 November, 10:00"
LINK = "https://studio.example/peta?x=1"
SUPPORTED = (SLOT, "Rp450.000", "INV-2026-0412", "#1001", "Citra", "dewi@example.org", LINK, "09:00-18:00")
WEEKDAYS = ("senin", "selasa", "rabu", "kamis", "jumat", "sabtu", "minggu")
MONTHS = ("januari", "februari", "maret", "april", "mei", "juni", "juli", "agustus", "september", "oktober")


def evidence(kind: str, *, excerpt: str = "", values: tuple[str, ...] = (), source: str = "calendar") -> Evidence:
    return Evidence(id="opening-hours", kind=kind, title="", excerpt=excerpt, source=source, at=NOW, values=values)


HOURS = "Kami buka pukul 09:00-18:00."
READING = evidence("reading", values=SUPPORTED)
HOUSE = evidence("house", excerpt="Studio demo", values=("11:30",), source="2026-11-21.1")
TASK = TaskRequest(skill="reschedule", args={}, key="reschedule:ses-1")
DRAFT = Draft(
    id=DraftId("drf_one"),
    case_id=CaseId("case_one"),
    language="id",
    template="schedule",
    replies={ResultStatus.SUCCESS: ""},
    evidence=(READING, HOUSE),
)


@pytest.fixture(scope="module")
def pack(school: Pack) -> Pack:
    """The school with a voice and a page of our own, so that its wording may change freely."""
    page = Article(
        id="opening-hours",
        status="published",
        title={"id": "Jam buka"},
        answer={"id": HOURS},
        asked_as={},
        owner="coach",
        effective=date(2026, 1, 5),
        reviewed=date(2026, 10, 12),
        review_days=180,
        applies_to="all",
    )
    words = Template(id="schedule", owner="editor", status="approved", reviewed=TODAY, text={"id": "{session_at}"})
    everyday = Lexicon(
        weekdays=tuple((day,) for day in WEEKDAYS),
        months=tuple((month,) for month in (*MONTHS, "november", "desember")),
        today=("hari ini",),
        tomorrow=("besok",),
    )
    return replace(
        school,
        voice=Voice(
            max_chars=200,
            forbidden={"id": (r"\bpasti\b",), "en": (r"\bguaranteed?\b",)},
            promises={"id": (r"\bsudah dipindahkan\b",), "en": (r"\bhas been moved\b",)},
        ),
        articles={"opening-hours": page},
        templates={
            "schedule": words,
            "old": replace(words, id="old", status="retired"),
            "new": replace(words, id="new", status="draft"),
        },
        lexicon={"id": everyday},
    )


def subject(pack: Pack, text: str, **changes: Any) -> Subject:
    of_draft = {name: changes.pop(name) for name in ("evidence", "task", "template") if name in changes}
    given = {"identity": IdentityState.VERIFIED, "today": TODAY, **changes}
    return Subject(draft=replace(DRAFT, **of_draft), text=text, pack=pack, **given)


def outcome(rule: str, of: Subject) -> Check:
    return next(check for check in review(of) if check.name == rule)


PASSES: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "words are there": [("Halo.", {})],
    "length fits": [("x" * 200, {})],
    "template is approved": [("Halo.", {}), ("Halo.", {"template": "", "by_person": True})],
    "identity is verified": [
        ("Halo.", {}),
        ("Halo.", {"identity": IdentityState.UNKNOWN, "evidence": (HOUSE,)}),
    ],
    "pages are published": [
        ("Halo.", {"evidence": (evidence("article", source="2026-11-21.1"),)}),
        ("Halo.", {"evidence": (evidence("article", source="2026-11-20.1", excerpt=HOURS),)}),
    ],
    "claims have evidence": [
        ("Sesi kamu sudah dipindahkan.", {"task": TASK}),
        ("Sesi kamu sudah dipindahkan.", {}),
        ("Sesi kamu sudah dipindahkan.", {"evidence": (evidence("person", excerpt="Sesi kamu SUDAH dipindahkan."),)}),
        ("Kami pindahkan kalau kamu mau.", {"evidence": ()}),
    ],
    "figures are in the evidence": [
        (f"Sesi kamu {SLOT}. Biaya Rp450.000 di invoice INV-2026-0412 (#1001).", {}),
        (f"Kirim ke dewi@example.org atau {LINK} ya", {}),
        ("Kami buka pukul 09:00 sampai 18:00.", {}),
        ("Kami kabari sebelum 11:30, hari ini.", {"evidence": (), "given": ("11:30",)}),
        ("Halo Citra, apa kabar?", {"evidence": ()}),
    ],
    "dates are in the evidence": [
        (f"Sesi kamu {SLOT}.", {}),
        ("Sesi kamu 22 November.", {}),
        ("Kami libur hari Minggu di bulan Desember.", {}),
    ],
    "nothing forbidden is said": [("Kami usahakan.", {})],
    "no internals are shown": [("Kasus 12 < 13, tier emas, Citra_S", {}), ("Rute R12 lewat sini", {})],
    "systems are healthy": [
        ("Halo.", {"degraded": frozenset({"payments"})}),
        ("Halo.", {"degraded": frozenset({"calendar"}), "evidence": (HOUSE,)}),
    ],
}

FAILS: dict[str, list[tuple[str, dict[str, Any], str]]] = {
    "words are there": [("", {}, "no words to send"), (" \n\t", {}, "no words to send")],
    "length fits": [("x" * 201, {}, "201 characters; at most 200")],
    "template is approved": [
        ("Halo.", {"template": "nowhere"}, "no template 'nowhere'"),
        ("Halo.", {"template": ""}, "no template ''"),
        ("Halo.", {"template": "old"}, "old is retired"),
        ("Halo.", {"template": "new"}, "new is draft"),
    ],
    "identity is verified": [
        ("Halo.", {"identity": IdentityState.UNKNOWN}, "identity is unknown"),
        ("Halo.", {"identity": IdentityState.MISMATCH, "evidence": (evidence("result"),)}, "identity is mismatch"),
        ("Halo.", {"identity": IdentityState.UNKNOWN, "evidence": (), "task": TASK}, "identity is unknown"),
    ],
    "pages are published": [
        ("Halo.", {"evidence": (evidence("article", source="2026-11-20.1"),)}, "was cited from release 2026-11-20.1"),
        ("Halo.", {"evidence": (replace(evidence("article"), id="gone"),)}, "gone is not published"),
        (
            "Halo.",
            {"evidence": (evidence("article", source="2026-11-21.1"),), "today": date(2026, 1, 4)},
            "not published in this release",
        ),
    ],
    "claims have evidence": [
        ("Sesi kamu sudah dipindahkan.", {"evidence": ()}, "nothing shows that 'sudah dipindahkan'"),
        ("It HAS been moved.", {"evidence": (HOUSE,)}, "'has been moved'"),
    ],
    "figures are in the evidence": [
        ("Biaya Rp450.001", {}, "'450.001' is in no source"),
        ("Biaya Rp50.000", {}, "'50.000' is in no source"),
        ("Biaya Rp450", {}, "'450' is in no source"),
        ("Invoice INV-2026-0413", {}, "'inv-2026-0413'"),
        ("Invoice INV-2026-041", {}, "'inv-2026-041'"),
        ("Sesi kamu pukul 10:30", {}, "'10:30'"),
        ("Tanggal 2 saja", {}, "'2' is in no source"),
        ("Tahun 2026-11-22", {}, "'2026-11-22'"),
        ("Hubungi budi@example.org", {}, "'budi@example.org'"),
        ("Lihat https://evil.example/", {}, "'https://evil.example/'"),
        (f"Lihat {LINK}&y=2", {}, "is in no source"),
        ("Telepon +6281234567890", {}, "'+6281234567890'"),
        ("Sesi ke-٣", {}, "is in no source"),
    ],
    "dates are in the evidence": [
        ("Sesi kamu 22 Desember.", {}, "'22 desember' is in no source"),
        ("Sesi kamu Senin 22 November.", {}, "'senin 22 november'"),
        ("Sesi kamu senin, 22 november.", {}, "'senin, 22 november'"),
        ("Sesi kamu 2 November.", {}, "'2 november'"),
        ("Sesi kamu 22 November.", {"evidence": (evidence("reading", excerpt="22 sesi di November"),)}, "22 november"),
    ],
    "nothing forbidden is said": [
        ("Besok PASTI bisa.", {}, "'pasti' is not said here"),
        ("We guarantée it.", {}, "'guarantee' is not said here"),
    ],
    "no internals are shown": [
        ("Lihat case_7h2k9m4n1p3q5r8s", {}, "'case_7h2k9m4n1p3q5r8s'"),
        ("Lihat apv_7h2k9m4n1p3q5r8s", {}, "'apv_"),
        ("Halo {name}", {}, "'{name}' is ours"),
        ("Halo {Name_2}", {}, "'{Name_2}' is ours"),
        ("Ini <b>penting</b>", {}, "'<b>' is ours"),
        ("Ini <SCRIPT>x", {}, "'<SCRIPT>' is ours"),
        ("Ini R2 ya", {}, "'R2' is ours"),
    ],
    "systems are healthy": [
        ("Halo.", {"degraded": frozenset({"calendar", "payments"})}, "calendar is not healthy"),
        ("Halo.", {"degraded": frozenset({"calendar"}), "evidence": (evidence("result"),)}, "calendar is not healthy"),
    ],
}


@pytest.mark.parametrize(("rule", "text", "changes"), [(rule, *each) for rule in PASSES for each in PASSES[rule]])
def test_the_rule_lets_pass(pack: Pack, rule: str, text: str, changes: dict[str, Any]) -> None:
    assert outcome(rule, subject(pack, text, **changes)) == Check(name=rule, ok=True)


@pytest.mark.parametrize(("rule", "text", "changes", "said"), [(rule, *each) for rule in FAILS for each in FAILS[rule]])
def test_the_rule_stops(pack: Pack, rule: str, text: str, changes: dict[str, Any], said: str) -> None:
    check = outcome(rule, subject(pack, text, **changes))

    assert not check.ok
    assert said in check.detail


def test_every_rule_is_seen_to_pass_and_to_fail() -> None:
    assert set(PASSES) == set(FAILS) == set(RULES)


def test_a_good_reply_passes_every_rule(pack: Pack) -> None:
    checks = review(subject(pack, f"Sesi kamu {SLOT}, Citra."))

    assert [check.name for check in checks if not check.ok] == []
    assert len(checks) == len(RULES)


def test_one_wrong_thing_does_not_hide_another(pack: Pack) -> None:
    checks = review(subject(pack, "Pasti Rp1, {name}.", template="old"))

    assert {check.name for check in checks if not check.ok} == {
        "template is approved",
        "figures are in the evidence",
        "nothing forbidden is said",
        "no internals are shown",
    }


# --- whatever the words -----------------------------------------------------------------------------------------------

numbers = st.integers(0, 10**8)
figures: st.SearchStrategy[str] = st.one_of(
    numbers.map(lambda n: f"Rp{n:,}".replace(",", ".")),
    numbers.map(str),
    st.builds("{}:{:02}".format, st.integers(0, 23), st.integers(0, 59)),
    st.builds("INV-{}-{:04}".format, st.integers(2020, 2030), st.integers(0, 9999)),
    st.dates(date(2020, 1, 1), date(2030, 1, 1)).map(str),
    st.dates(date(2020, 1, 1), date(2030, 1, 1)).map(lambda day: f"{day:%d/%m/%Y}"),
    st.builds("{}@example.com".format, st.from_regex(r"[a-z]{1,10}", fullmatch=True)),
    st.builds("https://example.com/{}".format, st.from_regex(r"[a-z0-9]{1,10}", fullmatch=True)),
)
shells: st.SearchStrategy[Callable[[str], str]] = st.sampled_from(
    [
        lambda figure: figure,
        lambda figure: f"Halo Citra, {figure}.",
        lambda figure: f"({figure})",
        lambda figure: f"{SLOT} {figure}",
        lambda figure: f"{figure}\n{SLOT}",
        lambda figure: f"*{figure}*, ya?",
        lambda figure: figure.upper(),
    ]
)


@given(figures, shells)
def test_a_figure_that_is_in_no_source_never_passes(pack: Pack, figure: str, shell: Callable[[str], str]) -> None:
    parts = {"22", "10:00", "450.000", "0412", "1001", "1", "09:00", "18:00", "11:30", "2026"}
    assume(re.sub(r"^Rp", "", figure) not in parts)
    assume(figure.casefold() not in "\n".join(SUPPORTED).casefold())

    assert not outcome("figures are in the evidence", subject(pack, shell(figure))).ok


@given(figures, shells)
def test_a_figure_that_a_source_states_passes(pack: Pack, figure: str, shell: Callable[[str], str]) -> None:
    stated = evidence("reading", excerpt=f"the value: {figure}")

    of = subject(pack, shell(figure), evidence=(stated, READING))

    assert outcome("figures are in the evidence", of).ok


@given(st.integers(1, 31), st.integers(0, 11), st.sampled_from([None, *range(7)]))
def test_a_date_that_is_in_no_source_never_passes(pack: Pack, day: int, month: int, weekday: int | None) -> None:
    assume((day, month) != (22, 10) or weekday not in (None, 5))
    name = (*MONTHS, "november", "desember")[month]
    said = f"{WEEKDAYS[weekday]} {day} {name}" if weekday is not None else f"{day} {name}"
    days = evidence("reading", excerpt="; ".join(str(n) for n in range(32)))  # every number is somewhere

    assert not outcome("dates are in the evidence", subject(pack, f"Sesi {said}.", evidence=(days, READING))).ok


@given(st.text(max_size=40), st.from_regex(r"[a-z_]{1,20}", fullmatch=True), st.text(max_size=40))
def test_a_template_place_never_leaks(pack: Pack, before: str, place: str, after: str) -> None:
    assert not outcome("no internals are shown", subject(pack, f"{before}{{{place}}}{after}")).ok


@given(st.text(max_size=300))
def test_the_gate_has_an_answer_to_any_text(pack: Pack, text: str) -> None:
    checks = review(subject(pack, text))

    assert [check.name for check in checks] == list(RULES)
    assert all(check.ok != bool(check.detail) for check in checks)


def test_what_was_found_a_moment_ago_counts_for_the_same_words_in_the_same_state_only(pack: Pack) -> None:
    asked: list[str] = []

    def noting(given: Subject) -> str:
        asked.append(given.text)
        return ""

    same = [subject(pack, "Halo, Citra.") for _ in range(2)]
    others = [
        subject(pack, "Halo, Citra!"),
        subject(pack, "Halo, Citra.", degraded=frozenset({"calendar"})),
        subject(pack, "Halo, Citra.", identity=IdentityState.UNKNOWN),
        subject(replace(pack, voice=replace(pack.voice, max_chars=3)), "Halo, Citra."),
    ]
    RULES["noting"] = noting
    try:
        for each in (*same, *others):
            review(each)
    finally:
        del RULES["noting"]

    assert asked == ["Halo, Citra.", *(each.text for each in others)]
