"""What the desk goes by changes only by releases: checked, consented to by somebody else, one at a time, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import text

from caseward.core.errors import BadInput, CasewardError, Conflict, NotFound, Refused
from caseward.core.pack import Pack
from caseward.core.release import Files, State
from caseward.core.roles import Actor, Role
from caseward.desk import current, library, tools
from caseward.desk.library import Unsound
from caseward.desk.tools import Tools
from caseward.flows.changeover import Changeover
from caseward.packs import shelf
from caseward.store import db, log, releases
from caseward.store.releases import Release
from tests.conftest import SCHOOL, Desk

NEXT = "2026-11-23.1"
AFTER = "2026-11-23.2"
COACH = {"person": "sample_coach", "role": Role.COACH}
AGENT = {"person": "sample_agent", "role": Role.AGENT}
GREETING = "templates/greeting.yaml"
PARKING = "knowledge/parking-transport.yaml"
REFUNDS = "knowledge/refund-policy.yaml"
RULES = "rules/own-record.yaml"


def named(files: Files, release: str) -> dict[str, str]:
    """Return files whose pack.yaml bears that id."""
    lines = files["pack.yaml"].splitlines(keepends=True)
    lines = [f'release: "{release}"\n' if line.startswith("release:") else line for line in lines]
    return {**files, "pack.yaml": "".join(lines)}


def with_note(files: Files, *paths: str, release: str = NEXT) -> dict[str, str]:
    """Return files as another release, with a remark at the end of some."""
    return {**named(files, release), **{path: files[path] + f"# looked at for {release}\n" for path in paths}}


@pytest.fixture
def first(desk: Desk) -> Files:
    """The school's files, published as the desk's first release."""
    assert desk.pack.profile.release == tools.pack().profile.release
    files = shelf.snapshot(SCHOOL)
    with db.transaction():
        library.open_with(files)
    return files


def proposed(files: Files, *, author: str = "per_author", release: str = "") -> Release:
    with db.transaction():
        return library.propose(files, author=author, reason="because", release=release)


def published(files: Files, **by: str) -> Release:
    """Bring files all the way to the desk."""
    release = proposed(files).id
    with db.transaction():
        library.approve(release, reason="fine", **(by or COACH))
        return library.publish(release)


def now_current() -> str:
    with db.transaction():
        switch = releases.current()
    return switch.release if switch else ""


def entries(kind: str) -> list[tuple[str, Mapping[str, object]]]:
    with db.transaction():
        return [(entry.actor, entry.payload) for entry in log.entries(kind=kind)]


def following(desk: Desk, place: Path) -> Changeover:
    """Return what makes this process follow, with the desk's own plugs."""

    def outfit(pack: Pack) -> Tools:
        return replace(tools.given(), pack=pack)

    return Changeover(place, outfit)


# --- from proposal to the desk ----------------------------------------------------------------------------------------


def test_a_change_is_proposed_consented_to_and_published(desk: Desk, first: Files) -> None:
    release = proposed(with_note(first, RULES, GREETING))
    assert (release.state, release.changed, release.lane, release.high_risk) == (
        State.PROPOSED, ("policy", "templates"), "coach", True,
    )  # fmt: skip
    assert now_current() == release.base

    with db.transaction():
        approved = library.approve(release.id, reason="as agreed", **COACH)
        done = library.publish(release.id)

    assert (approved.state, approved.approver, approved.verdict) == (State.APPROVED, "sample_coach", "as agreed")
    assert (done.state, done.published_at) == (State.PUBLISHED, desk.clock())
    assert now_current() == NEXT
    said = [(actor, payload["state"], payload.get("parts")) for actor, payload in entries("release")]
    assert said[1:] == [
        ("per_author", "proposed", None),
        ("sample_coach", "approved", None),
        ("E", "published", ["policy"]),
        ("F", "published", ["templates"]),
    ]


def test_nobody_consents_to_their_own_proposal(first: Files) -> None:
    release = proposed(with_note(first, GREETING), author="sample_agent")

    with pytest.raises(Refused, match="somebody else must"), db.transaction():
        library.approve(release.id, reason="mine", **AGENT)

    with db.transaction():
        assert releases.get(release.id).state is State.PROPOSED
    assert [(actor, payload["why"]) for actor, payload in entries("denied")] == [("sample_agent", "own proposal")]


def test_a_pack_that_fails_its_check_is_not_taken_in(first: Files) -> None:
    broken = with_note(first, GREETING)
    del broken["templates/stalled.yaml"]

    with pytest.raises(Unsound, match="stalled"), db.transaction():
        library.propose(broken, author="per_author", reason="because")

    with db.transaction():
        assert not releases.exists(NEXT)


def test_nothing_is_published_without_consent_or_after_a_refusal(first: Files) -> None:
    release = proposed(with_note(first, GREETING)).id

    with pytest.raises(Conflict, match="is proposed; somebody of the lane qa must approve"), db.transaction():
        library.publish(release)
    with db.transaction():
        library.refuse(release, reason="not like this", **AGENT)
    for attempt in (library.publish, partial(library.approve, reason="now", **AGENT)):
        with pytest.raises(Conflict), db.transaction():
            attempt(release)

    assert now_current() != release


def test_a_change_that_changes_nothing_is_no_release(first: Files) -> None:
    with pytest.raises(BadInput, match="nothing differs"):
        proposed(named(first, NEXT))


def test_who_proposed_may_take_it_back_and_nobody_else(first: Files) -> None:
    release = proposed(with_note(first, GREETING), author="sample_agent").id

    with pytest.raises(Refused), db.transaction():
        library.withdraw(release, person="sample_coach", reason="no")
    with db.transaction():
        assert library.withdraw(release, person="sample_agent", reason="no").state is State.WITHDRAWN


# --- what never changes -----------------------------------------------------------------------------------------------


def test_an_id_stands_for_one_content_for_ever(first: Files) -> None:
    release = proposed(with_note(first, GREETING)).id

    with pytest.raises(Conflict, match=r"exists already.*such as to 2026-11-23\.2"):
        proposed(with_note(first, PARKING))
    with pytest.raises(Conflict, match="with other content"):
        proposed(with_note(first, PARKING), release=release)

    with db.transaction():
        assert releases.files(release) == with_note(first, GREETING)


def test_content_that_was_tampered_with_is_not_served(first: Files, tmp_path: Path) -> None:
    with db.transaction():
        db.execute(text("update releases set content = (select content from releases limit 1), digest = 'other'"))

    with pytest.raises(CasewardError, match="not those that were published"):
        current.in_force(tmp_path)


def test_a_release_that_was_altered_on_disk_is_laid_out_anew(first: Files, tmp_path: Path) -> None:
    folder = tmp_path / now_current()
    before = current.in_force(tmp_path)
    altered: tuple[Callable[[], object], ...] = (
        lambda: (folder / RULES).write_text("[]\n"),
        lambda: (folder / GREETING).unlink(),
        lambda: (folder / "rules" / "more.yaml").write_text("[]\n"),
        lambda: (folder / "records").rename(tmp_path / "elsewhere"),
    )

    for alter in altered:
        alter()
        assert current.in_force(tmp_path) == before
        assert shelf.snapshot(folder) == first


# --- one at a time, and back ------------------------------------------------------------------------------------------


def test_of_two_that_publish_at_once_one_wins(first: Files) -> None:
    ids = [proposed(with_note(first, GREETING)).id, proposed(with_note(first, PARKING, release=AFTER)).id]
    with db.transaction():
        for release in ids:
            library.approve(release, reason="fine", **AGENT)
    together = Barrier(2)

    def publish(release: str) -> str:
        together.wait()
        try:
            with db.transaction():
                library.publish(release)
        except Conflict:
            return ""
        return release

    with ThreadPoolExecutor(2) as pool:
        won = [each for each in pool.map(publish, ids) if each]

    assert won == [now_current()]
    with db.transaction():
        assert len(releases.switches()) == 2


def test_a_proposal_against_an_older_release_has_to_be_made_again(first: Files) -> None:
    late = proposed(with_note(first, PARKING, release=AFTER)).id
    published(with_note(first, GREETING), **AGENT)

    with pytest.raises(Conflict, match="propose it again"), db.transaction():
        library.approve(late, reason="fine", **AGENT)


def test_roll_back_is_one_step_and_the_next_goes_further_back(desk: Desk, first: Files) -> None:
    start = now_current()
    published(with_note(first, GREETING), **AGENT)
    published(with_note(with_note(first, GREETING), PARKING, release=AFTER), **AGENT)

    with db.transaction():
        library.roll_back(reason="customers were confused", **AGENT)
    assert now_current() == NEXT
    with db.transaction():
        library.roll_back(reason="still", **AGENT)
    assert now_current() == start
    with pytest.raises(NotFound), db.transaction():
        library.roll_back(reason="further", **AGENT)
    with db.transaction():
        library.roll_back(AFTER, reason="it was not that", **AGENT)

    assert now_current() == AFTER
    with db.transaction():
        assert [each.kind for each in releases.switches()] == ["rollback", "rollback", "rollback", *["publish"] * 3]
    assert [payload["was"] for actor, payload in entries("release") if payload["state"] == "rolled back"] == [
        AFTER, NEXT, start,
    ]  # fmt: skip


def test_only_what_was_current_is_rolled_back_to(first: Files) -> None:
    waiting = proposed(with_note(first, GREETING)).id

    for release in (waiting, now_current()):
        with pytest.raises(Conflict), db.transaction():
            library.roll_back(release, reason="because", **COACH)


# --- who may ----------------------------------------------------------------------------------------------------------

PARTS = {
    (RULES,): ("coach", (Role.COACH,)),
    (PARKING,): ("qa", (Role.AGENT, Role.OPS_LEAD)),
    (GREETING,): ("qa", (Role.AGENT, Role.OPS_LEAD)),
    ("phrasings.yaml",): ("qa", (Role.AGENT, Role.OPS_LEAD)),
    (GREETING, RULES): ("coach", (Role.COACH,)),
}
"""Changed files → the lane that must consent, and who decides in it: the pack's own lines, written a second time."""


@pytest.mark.parametrize("paths", PARTS)
def test_only_the_roles_of_a_changes_lane_decide_on_it(
    desk: Desk, first: Files, paths: tuple[str, ...], tmp_path: Path
) -> None:
    lane, may = PARTS[paths]
    release = proposed(with_note(first, *paths))
    assert release.lane == lane
    verbs = {
        "approve": partial(library.approve, release.id),
        "refuse": partial(library.refuse, release.id),
    }

    for role in [*Role, *Actor, "", "house", "Coach"]:
        for verb in verbs.values():
            if role not in may:
                with pytest.raises(Refused), db.transaction():
                    verb(person="somebody", role=role, reason="because")
    assert {actor for actor, _payload in entries("denied")} == {"somebody"}
    with db.transaction():
        verbs["approve"](person="somebody", role=may[-1], reason="because")
        library.publish(release.id)
    following(desk, tmp_path).look()
    before = len(entries("denied"))

    for role in [*Role, *Actor, "", "house"]:
        if role not in (*may, Role.ADMIN):
            with pytest.raises(Refused), db.transaction():
                library.roll_back(person="somebody", role=role, reason="because")

    assert len(entries("denied")) > before
    assert now_current() == release.id


@pytest.mark.parametrize(("path", "agent"), [(RULES, Actor.E), (PARKING, Actor.E), (GREETING, Actor.F)])
def test_only_the_agent_of_a_part_publishes_it(first: Files, path: str, agent: Actor) -> None:
    release = proposed(with_note(first, path)).id
    with db.transaction():
        role = Role.COACH if path == RULES else Role.AGENT
        library.approve(release, person="somebody", role=role, reason="fine")

    others = [actor for actor in [*Actor, *Role, "house", "policy", "sample_coach", "e", "f"] if actor != agent]
    for actor in others:
        with pytest.raises(Refused), db.transaction():
            library.publish(release, actor=actor)
    assert [actor for actor, _payload in entries("denied")] == others
    assert now_current() != release
    with db.transaction():
        library.publish(release, actor=agent)

    assert now_current() == release


def test_somebody_who_decides_nowhere_has_nothing_published(first: Files) -> None:
    release = proposed(with_note(first, GREETING)).id
    with db.transaction():
        library.approve(release, reason="fine", **AGENT)

    with pytest.raises(Refused), db.transaction():
        library.publish(release, person="per_1", role=Role.ON_CALL)

    assert now_current() != release


def test_policy_consents_to_words_alone_and_only_where_the_pack_says_so(desk: Desk) -> None:
    lenient = {
        path: text.replace("knowledge: {lane: qa}", "knowledge: {lane: none}").replace(
            "templates: {lane: qa}", "templates: {lane: none}"
        )
        for path, text in shelf.snapshot(SCHOOL).items()
    }
    with db.transaction():
        library.open_with(lenient)
    with shelf.laid_out(lenient) as folder:
        tools.use(replace(tools.given(), pack=shelf.load(folder)))

    words = proposed(with_note(lenient, GREETING))
    page = proposed(with_note(lenient, PARKING, release=AFTER))

    assert (words.state, words.approver, words.high_risk) == (State.APPROVED, "policy", False)
    assert (page.state, page.lane, page.high_risk) == (State.PROPOSED, "qa", True)


def test_a_page_that_rules_rest_on_is_of_high_risk(first: Files) -> None:
    assert proposed(with_note(first, REFUNDS)).high_risk
    assert not proposed(with_note(first, GREETING, release=AFTER)).high_risk


# --- the desk follows -------------------------------------------------------------------------------------------------


def test_what_is_published_is_what_the_next_customer_hears(desk: Desk, first: Files, tmp_path: Path) -> None:
    changeover = following(desk, tmp_path)
    changeover.look()
    spoken = first[GREETING].replace("{business}", "{business} (new)")
    assert "(new)" not in desk.ask("halo")[0]

    published({**named(first, NEXT), GREETING: spoken}, **AGENT)
    assert changeover.look()
    assert "(new)" in desk.ask("halo")[0]
    with db.transaction():
        library.roll_back(reason="the old words were better", **AGENT)
    assert changeover.look()

    assert "(new)" not in desk.ask("halo")[0]
    assert not changeover.look()


def test_a_turn_ends_on_the_release_it_began_with(desk: Desk, first: Files, tmp_path: Path) -> None:
    changeover = following(desk, tmp_path)
    changeover.look()
    before = now_current()
    release = proposed(with_note(first, GREETING)).id
    with db.transaction():
        library.approve(release, reason="fine", **AGENT)

    with ThreadPoolExecutor(1) as elsewhere, db.transaction():
        assert tools.pack().profile.release == before

        def change() -> bool:
            with db.transaction():
                library.publish(release)
            return changeover.look()

        assert elsewhere.submit(change).result()
        assert tools.pack().profile.release == before

    assert tools.pack().profile.release == tools.pack().policy.release == release


def test_every_decision_names_the_release_it_was_made_on_and_can_be_read_back(
    desk: Desk, first: Files, tmp_path: Path
) -> None:
    changeover = following(desk, tmp_path)
    desk.ask("jam buka?")
    published(with_note(first, GREETING), **AGENT)
    changeover.look()
    desk.ask("jam buka?")

    with db.transaction():
        past = list(releases.past())

    assert [each.release for each in past] == [NEXT, desk.pack.profile.release]
    assert past[0].facts["intent"] == "faq"
    assert past[0].auto_send
    with db.transaction():
        assert len(list(releases.past(limit=1))) == 1
