"""The chat page without scripts: a form, a link, a cookie; words in the contact's language and never as markup."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from caseward.core.pack import Pack
from caseward.web import assets, chat_words
from tests.contract.web.conftest import Site

JAKARTA = ZoneInfo("Asia/Jakarta")
NASTY = "<script>alert(1)</script> & \"quotes\" 'too' <img src=x onerror=alert(1)>"


def hidden_id(page: str) -> str:
    found = re.search(r'name="id" value="([^"]+)"', page)
    assert found
    return found[1]


def bubbles(page: str) -> list[str]:
    return re.findall(r'<p class="bubble"><span class="sr-only">[^<]*</span>(.*?)</p>', page, re.S)


def test_the_first_visit_opens_nothing_and_the_first_message_opens_a_conversation(site: Site) -> None:
    with site.client() as browser:
        first = browser.get("/chat")
        assert "set-cookie" not in first.headers
        sent = browser.post("/chat", data={"id": hidden_id(first.text), "text": "Halo kak"})
        shown = browser.get(sent.headers["location"])

    assert (sent.status_code, sent.headers["location"]) == (303, "/chat#end")
    assert bubbles(shown.text) == ["Halo kak"]


def test_sending_the_form_twice_says_it_once(site: Site) -> None:
    with site.client() as browser:
        form = {"id": hidden_id(browser.get("/chat").text), "text": "Halo"}
        browser.post("/chat", data=form)
        browser.post("/chat", data=form)
        shown = browser.get("/chat").text

    assert bubbles(shown) == ["Halo"]


def test_what_anybody_wrote_is_shown_as_text(site: Site) -> None:
    visitor = site.visitor()
    visitor.post(NASTY)
    site.say(visitor.conversation, NASTY)

    with site.client(Cookie=f"caseward-chat={visitor.token}") as browser:
        shown = browser.get("/chat").text

    assert len(bubbles(shown)) == 2
    assert "<script>alert" not in shown
    assert "<img" not in shown


def test_an_empty_message_is_answered_on_the_page(site: Site) -> None:
    with site.client() as browser:
        answer = browser.post("/chat?lang=en", data={"text": "   "})

    assert answer.status_code == 400
    assert chat_words.words("en")["empty"] in answer.text


def test_a_message_too_long_is_kept_for_its_writer_to_shorten(site: Site) -> None:
    text = "kata " * 900
    with site.client() as browser:
        answer = browser.post("/chat", data={"text": text})

    assert answer.status_code == 400
    assert chat_words.words("id")["too_long"].format(most=4000) in answer.text
    assert text.strip() in answer.text


def test_a_form_of_another_site_says_nothing(site: Site) -> None:
    with site.client() as browser:
        answer = browser.post("/chat", data={"text": "forged"}, headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_the_quick_reply_asks_for_a_person_in_words_the_pack_understands(site: Site, school: Pack) -> None:
    for language in school.profile.languages:
        with site.client() as browser:
            browser.post(f"/chat?lang={language}", data={"quick": "person", "text": "half a thought"})
            (said,) = bubbles(browser.get("/chat").text)

        patterns = school.lexicon[language].person
        assert any(re.search(pattern, said.lower()) for pattern in patterns), said


def test_the_known_and_the_unknown_contact_are_two_conversations_of_one_browser(site: Site) -> None:
    with site.client() as browser:
        browser.post("/chat", data={"text": "nobody knows me"})
        browser.post("/chat?as=stu-001", data={"text": "you know me"})
        unknown, known = browser.get("/chat").text, browser.get("/chat?as=stu-001").text

    assert (bubbles(unknown), bubbles(known)) == (["nobody knows me"], ["you know me"])
    assert "Rani Sample" in known
    assert "Rani Sample" not in unknown


def test_a_new_conversation_begins_empty(site: Site) -> None:
    with site.client() as browser:
        browser.post("/chat", data={"text": "mine"})
        left = browser.post("/chat/leave")
        shown = browser.get("/chat").text

    assert left.headers["location"] == "/chat"
    assert bubbles(shown) == []


def test_a_cookie_that_opens_nothing_is_an_empty_page(site: Site) -> None:
    with site.client(Cookie="caseward-chat=stolen") as browser:
        answer = browser.get("/chat")

    assert (answer.status_code, bubbles(answer.text)) == (200, [])


def test_the_page_speaks_the_packs_language_unless_another_is_asked_for(site: Site) -> None:
    with site.client() as browser:
        pages = {
            asked: browser.get("/chat", params={"lang": asked} if asked else {}).text for asked in ("", "en", "xx")
        }

    assert '<html lang="id"' in pages[""]
    assert chat_words.words("id")["placeholder"] in pages[""]
    assert '<html lang="en"' in pages["en"]
    assert chat_words.words("en")["placeholder"] in pages["en"]
    assert '<html lang="id"' in pages["xx"]


def test_every_language_of_the_page_has_every_word() -> None:
    files = {file.stem: json.loads(file.read_text("utf-8")) for file in chat_words.FOLDER.glob("*.json")}

    assert {"en", "id"} <= files.keys()
    places = {
        name: {key: sorted(re.findall(r"{\w+}", text)) for key, text in said.items()} for name, said in files.items()
    }
    assert all(each == places["en"] for each in places.values())


def test_the_page_weighs_little(site: Site) -> None:
    with site.client() as browser:
        page = browser.get("/chat")
    sizes = [
        len(assets.assets()[name].zipped or assets.assets()[name].body)
        for name in ("chat.css", "chat.js", "inter.woff2")
    ]

    assert len(page.content) + sum(sizes) < 60 * 1024
    assert not re.search(r"\sstyle=|<style|\son\w+=|<script(?! type=\"module\" src=)", page.text)


@pytest.mark.parametrize(
    ("local", "language", "line"),
    [
        ("2026-11-23 08:00", "en", "Usually replies within 3 minutes, 09:00 to 20:00"),
        ("2026-11-23 15:21", "id", "Biasanya membalas dalam 3 menit, 09:00–20:00"),
        ("2026-11-23 20:00", "en", "Closed now. Our team is back Tuesday, 09:00"),
        ("2026-11-28 17:30", "id", "Sedang tutup. Tim kami kembali Senin, 09:00"),
        ("2026-12-24 10:00", "en", "Closed now. Our team is back 2 January, 09:00"),
    ],
)
def test_it_says_when_somebody_answers(school: Pack, local: str, language: str, line: str) -> None:
    now = datetime.fromisoformat(local).replace(tzinfo=JAKARTA).astimezone(UTC)

    assert chat_words.hours(school, language, now) == line


def test_a_day_that_is_not_today_is_named_once(site: Site) -> None:
    visitor = site.visitor()
    site.late = timedelta(days=-2)
    site.say(visitor.conversation, "first")
    site.say(visitor.conversation, "second")
    site.late = timedelta()
    site.say(visitor.conversation, "third")

    with site.client(Cookie=f"caseward-chat={visitor.token}") as browser:
        page = browser.get("/chat?lang=en").text

    assert page.count('class="chat-day"') == 2
    assert bubbles(page) == ["first", "second", "third"]
