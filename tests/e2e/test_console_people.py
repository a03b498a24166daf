"""People and their ways in: invitations, roles, second factors, guessing, sessions, tokens, as a person meets them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from httpx2 import Response

from caseward.core.errors import Refused, SystemDown
from caseward.core.messages import Reply
from caseward.core.roles import Role, within
from caseward.desk import letters, tools
from caseward.settings import Settings
from caseward.store import db, factors, guesses, log, passwords, people, proofs, sessions, tokens, vault
from caseward.store.db import transaction
from tests.e2e.console_house import Browser, House, house

GOOD = "correct horse battery staple"
AYU = "ayu@studio.example"


@pytest.fixture(scope="module")
def good() -> str:
    return passwords.make(GOOD)


@pytest.fixture
def desk(database: str) -> Iterator[House]:
    with house() as opened:
        tools.use(replace(tools.given(), console="http://testserver"))
        yield opened


@pytest.fixture
def ayu(desk: House, good: str) -> str:
    """An agent with a password."""
    with transaction():
        people.add(
            people.Person(id="per_ayu", name="Ayu Example", role=Role.AGENT, email=AYU),
            now=desk.now,
            password_hash=good,
        )
    return "per_ayu"


def secret_of(person: str, desk: House) -> str:
    """Give somebody a second factor and return what the app counts with."""
    secret = factors.new_secret()
    with transaction():
        factors.turn_on(person, secret, step=0)
    return secret


def code_at(secret: str, desk: House, *, steps: int = 0) -> str:
    return pyotp.HOTP(secret).at(int(desk.now.timestamp()) // factors.STEP_SECONDS + steps)


def by_password(desk: House, *, password: str = GOOD, email: str = AYU) -> tuple[Browser, Response]:
    browser = desk.browser()
    return browser, browser.submit(browser.get("/sign-in"), "/sign-in", email=email, password=password)


def said(page: Response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", "".join(re.findall(r'class="inline.*?</div>', page.text, re.S))).split())


def link_of(page: Response) -> str:
    return re.findall(r"<code>http://testserver(/sign-in/[^<]+)</code>", page.text)[0]


def told(kind: str, *names: str) -> list[tuple[Any, ...]]:
    with transaction():
        return [tuple(each.payload.get(name) for name in names) for each in log.entries(kind=kind)]


# --- people -----------------------------------------------------------------------------------------------------------


def test_somebody_invited_chooses_a_password_once_and_is_in(desk: House) -> None:
    admin = desk.browser(Role.ADMIN)
    page = admin.get("/settings/people")

    made = admin.submit(page, "/settings/people", name="Ayu Example", email=" Ayu@Studio.example", role="agent")
    twice = admin.submit(page, "/settings/people", name="Another", email=AYU, role="agent")
    link = link_of(made)
    new = desk.browser()
    short = new.submit(new.get(link), "/sign-in/", password="short", again="short")
    own = new.submit(new.get(link), "/sign-in/", password="AyuExample2026", again="AyuExample2026")
    differ = new.submit(new.get(link), "/sign-in/", password=GOOD, again=GOOD + "r")
    entered = new.submit(new.get(link), "/sign-in/", password=GOOD, again=GOOD)

    assert (twice.status_code, link in twice.text) == (400, False)
    assert "belongs to somebody already" in said(twice)
    assert [page.status_code for page in (short, own, differ)] == [400, 400, 400]
    assert "little more than the name" in said(own)
    assert entered.url.path == "/inbox"
    assert desk.browser().get(link).status_code == 404
    assert link not in admin.get("/settings/people").text
    assert told("person", "what", "role")[-1] == ("invited", "agent")
    assert told("sign_in", "what", "method")[-2:] == [("password set", "invite"), ("signed in", "invite")]


def test_an_invitation_goes_by_mail_where_there_is_mail_and_is_shown_where_that_fails(desk: House) -> None:
    class Post:
        def __init__(self) -> None:
            self.sent: list[tuple[str, str]] = []
            self.fails = False

        def render(self, reply: Reply) -> dict[str, str]:
            return {"text": reply.text}

        def deliver(self, address: str, payload: dict[str, str], *, key: str) -> str:
            if self.fails:
                raise SystemDown("email", "nobody answers")
            self.sent.append((address, payload["text"]))
            return "1"

    post: Any = Post()
    tools.use(replace(tools.given(), channels={"email": post}))
    admin = desk.browser(Role.ADMIN)

    page = admin.submit(admin.get("/settings/people"), "/settings/people", name="A <b>Name", email=AYU, role="coach")
    [(address, text)] = post.sent
    post.fails = True
    [person] = [each.id for each in all_people() if each.email == AYU]
    again = admin.submit(admin.get(f"/settings/people/{person}"), f"/settings/people/{person}/invite")

    assert address == AYU
    assert "A <b>Name" in text
    link = re.findall(r"http://testserver(/sign-in/\S+)", text)[0]
    assert link not in page.text
    assert desk.browser().get(link).status_code == 404  # the second invitation took its place
    assert desk.browser().get(link_of(again)).status_code == 200

    # then both are on record, before and after they left, and neither says what would open the door
    assert told("letter", "what", "state", "to", "why") == [
        ("invite", "leaving", "a•••@studio.example", None), ("invite", "sent", "a•••@studio.example", None),
        ("invite", "leaving", "a•••@studio.example", None),
        ("invite", "failed", "a•••@studio.example", "email is not answering: nobody answers"),
    ]  # fmt: skip
    with transaction():
        everything = str([entry.payload for entry in log.entries()])
    for token in (link, link_of(again)):
        assert token.removeprefix("/sign-in/") not in everything


def test_a_letter_leaves_once_and_only_for_who_may_have_it_written(desk: House) -> None:
    sent: list[str] = []

    class Post:
        def render(self, reply: Reply) -> dict[str, str]:
            return {"text": reply.text}

        def deliver(self, address: str, payload: dict[str, str], *, key: str) -> str:
            sent.append(payload["text"])
            if len(sent) > 1:
                raise TimeoutError("it may have gone out")
            return "1"

    post: Any = Post()
    tools.use(replace(tools.given(), channels={"email": post}))

    def write(token: str, *, role: str = Role.ADMIN, kind: letters.Kind = letters.Kind.INVITE) -> bool:
        return letters.send(kind, token, AYU, subject="In", text=f"Come in by {token}", by="per_admin", role=role,
                            about={"person": "per_ayu"})  # fmt: skip

    assert [write("one"), write("one"), write("two"), write("two")] == [True, False, False, False]
    assert sent == ["Come in by one", "Come in by two"]
    for role, kind in (
        (Role.OPS_LEAD, letters.Kind.INVITE),
        ("B", letters.Kind.RESET),
        (Role.ADMIN, letters.Kind.CODE),
    ):
        with pytest.raises(Refused):
            write("three", role=role, kind=kind)

    assert len(sent) == 2
    assert told("letter", "state", "why") == [
        ("leaving", None), ("sent", None), ("leaving", None), ("unknown", "TimeoutError"),
    ]  # fmt: skip
    assert [role for (role,) in told("denied", "role")] == ["ops_lead", "B", "admin"]


def all_people() -> list[people.Person]:
    with transaction():
        return list(people.every())


def test_a_role_holds_at_the_next_request_and_takes_tokens_along_that_go_beyond_it(desk: House, ayu: str) -> None:
    with transaction():
        people.set_role(ayu, Role.OPS_LEAD)
    browser, _ = by_password(desk)
    page = browser.get("/settings/tokens")
    tokens_ = [
        re.findall(r"<code>(cw_[^<]+)", browser.submit(page, "/settings/tokens", name=role, role=role, days="30").text)[
            0
        ]
        for role in ("ops_lead", "agent")
    ]
    admin = desk.browser(Role.ADMIN)

    admin.submit(admin.get(f"/settings/people/{ayu}"), f"/settings/people/{ayu}/role", role="agent")

    with transaction():
        assert [tokens.of(token, now=desk.now) is not None for token in tokens_] == [False, True]
    assert browser.get("/settings/people").status_code == 403
    assert told("person", "what", "role", "was", "tokens_ended")[-1] == ("role changed", "agent", "ops_lead", 1)
    with transaction():
        people.disable(ayu, True)
        assert tokens.of(tokens_[1], now=desk.now) is None


def test_nobody_changes_themselves_and_the_last_administrator_stays(desk: House, ayu: str) -> None:
    admin, me = desk.browser(Role.ADMIN), desk.person(Role.ADMIN)
    csrf = {"csrf": re.findall(r'name="csrf" value="([^"]+)"', admin.get("/account").text)[0]}

    for act, values in (("role", {"role": "agent"}), ("disable", {})):
        refused = admin.client.post(f"/settings/people/{me}/{act}", data={**csrf, **values})
        assert refused.status_code == 400
    with transaction():
        people.set_role(ayu, Role.ADMIN)
        people.disable(me, True)
    other, _ = by_password(desk)
    page = other.get(f"/settings/people/{me}")
    assert other.submit(page, f"/settings/people/{me}/enable").status_code == 200
    assert other.submit(other.get(f"/settings/people/{me}"), f"/settings/people/{me}/disable").status_code == 200
    assert admin.get("/inbox").url.path == "/sign-in"
    with transaction():
        assert people.administrators() == {ayu}


def test_shutting_out_resetting_and_removing_a_factor_end_what_was_open(desk: House, ayu: str, good: str) -> None:
    secret_of(ayu, desk)
    admin = desk.browser(Role.ADMIN)
    here = f"/settings/people/{ayu}"

    def opened() -> bool:
        with transaction():
            return bool(sessions.of(ayu, now=desk.now))

    def open_() -> None:
        with transaction():
            sessions.open_session(people.get(ayu), now=desk.now)

    open_()
    nothing = admin.submit(admin.get(here), f"{here}/factor", reason=" ")
    assert (nothing.status_code, opened()) == (400, True)
    done = admin.submit(admin.get(here), f"{here}/factor", reason="Lost the phone on a train")
    assert ("Done" in said(done), opened()) == (True, False)
    assert told("person", "what", "reason")[-1] == ("second factor removed", "Lost the phone on a train")

    link = link_of(admin.submit(admin.get(here), f"{here}/reset"))
    assert by_password(desk)[1].url.path == "/inbox"  # until another is chosen the old one holds
    theirs = desk.browser()
    theirs.submit(theirs.get(link), "/sign-in/", password=GOOD[::-1], again=GOOD[::-1])
    assert by_password(desk)[1].status_code == 403

    link = link_of(admin.submit(admin.get(here), f"{here}/reset"))
    admin.submit(admin.get(here), f"{here}/disable")
    assert (opened(), desk.browser().get(link).status_code) == (False, 404)
    assert theirs.get("/inbox").url.path == "/sign-in"
    assert by_password(desk, password=GOOD[::-1])[1].status_code == 403
    admin.submit(admin.get(here), f"{here}/enable")
    assert by_password(desk, password=GOOD[::-1])[1].url.path == "/inbox"


# --- signing in -------------------------------------------------------------------------------------------------------


def test_a_password_alone_opens_nothing_where_there_is_a_second_factor(desk: House, ayu: str) -> None:
    secret = secret_of(ayu, desk)
    browser, asked = by_password(desk)

    assert asked.url.path == "/second-step"
    assert "caseward-session" not in browser.client.cookies
    assert browser.get("/inbox").url.path == "/sign-in"
    assert browser.get("/account/factor").url.path == "/sign-in"

    code = code_at(secret, desk)
    wrong = browser.submit(browser.get("/second-step"), "/second-step", code=f"{(int(code) + 1) % 10**6:06}")
    before = browser.client.cookies["caseward-step"]
    right = browser.submit(wrong, "/second-step", code=f"{code[:3]} {code[3:]}")

    assert (wrong.status_code, right.url.path) == (403, "/inbox")
    assert before not in list(browser.client.cookies.values())
    assert told("sign_in", "what", "method") == [("signed in", "password+app")]
    other, _ = by_password(desk)
    replayed = other.submit(other.get("/second-step"), "/second-step", code=code)
    assert replayed.status_code == 403
    desk.now += timedelta(seconds=30)
    assert other.submit(replayed, "/second-step", code=code_at(secret, desk, steps=1)).url.path == "/inbox"


def test_what_an_app_counts_with_is_not_in_the_database_and_the_key_is_not_either(desk: House, ayu: str) -> None:
    secret = secret_of(ayu, desk)
    browser, _asked = by_password(desk)

    def stored() -> str:
        with transaction():
            row = db.run("select totp_secret from people where id = %(id)s", {"id": ayu}).fetchone()
        assert row is not None
        return str(row.totp_secret)

    sealed = stored()
    assert sealed.startswith("sealed:")
    assert secret not in sealed

    # given what was stored before there was a key: it counts, and is sealed at the next start
    with transaction():
        db.run("update people set totp_secret = %(plain)s where id = %(id)s", {"plain": secret, "id": ayu})
    assert browser.submit(browser.get("/second-step"), "/second-step", code=code_at(secret, desk)).url.path == "/inbox"
    with transaction():
        factors.keep_sealed()
    assert stored().startswith("sealed:")
    assert stored() != sealed

    # when the desk gets another secret and the one before it, it is sealed anew with the new one
    was = stored()
    vault.use(lambda: ("a new secret", "a secret of the tests"))
    with transaction():
        factors.keep_sealed()
    vault.use(lambda: ("a new secret",))
    desk.now += timedelta(seconds=30)
    again, _asked = by_password(desk)
    assert again.submit(again.get("/second-step"), "/second-step", code=code_at(secret, desk)).url.path == "/inbox"
    assert stored() != was
    kept = stored()
    with transaction():
        factors.keep_sealed()
    assert (stored(), factors_lost()) == (kept, 0)


def test_when_the_key_is_lost_a_recovery_code_opens_and_an_administrator_removes_the_factor(
    desk: House, ayu: str
) -> None:
    with transaction():
        secret = factors.new_secret()
        codes = factors.turn_on(ayu, secret, step=0)
    vault.use(lambda: ("a secret that seals nothing of this",))
    browser, asked = by_password(desk)

    refused = browser.submit(asked, "/second-step", code=code_at(secret, desk))

    assert refused.status_code == 409
    assert "another secret than the one they were sealed with; use a recovery code, or have an administrator" in said(
        refused
    )
    assert factors_lost() == 1
    with transaction():
        factors.keep_sealed()
    assert factors_lost() == 1, "what cannot be opened is left as it is: the secret may be found again"
    assert browser.submit(refused, "/second-step", code=codes[0]).url.path == "/inbox"
    admin = desk.browser(Role.ADMIN)
    here = f"/settings/people/{ayu}"
    admin.submit(admin.get(here), f"{here}/factor", reason="The secret of the desk was lost")
    assert (factors_lost(), by_password(desk)[1].url.path) == (0, "/inbox")


def factors_lost() -> int:
    with transaction():
        return factors.lost()


def test_a_code_of_a_clock_that_is_half_a_minute_off_counts_and_one_further_off_does_not(desk: House) -> None:
    secret = factors.new_secret()

    found = [factors.step_of(secret, code_at(secret, desk, steps=steps), now=desk.now) for steps in range(-2, 3)]

    assert [step is not None for step in found] == [False, True, True, True, False]


def test_a_recovery_code_works_once(desk: House, ayu: str) -> None:
    with transaction():
        codes = factors.turn_on(ayu, factors.new_secret(), step=0)
    given = codes[3].lower().replace("-", " ")

    first, _ = by_password(desk)
    assert first.submit(first.get("/second-step"), "/second-step", code=given).url.path == "/inbox"
    second, _ = by_password(desk)
    assert second.submit(second.get("/second-step"), "/second-step", code=given).status_code == 403

    assert len(set(codes)) == factors.CODES
    assert ("recovery code used", 9) in told("sign_in", "what", "left")
    with transaction():
        assert factors.check(desk.person(Role.ADMIN), codes[4], now=desk.now) == ""


def test_codes_are_guessed_five_times_and_then_not_even_the_right_one_is_taken(desk: House, ayu: str) -> None:
    secret = secret_of(ayu, desk)
    for _ in range(2):
        browser, _ = by_password(desk)
        for _ in range(proofs.FAILURES_PER_PAIR):
            page = browser.submit(browser.get("/second-step"), "/second-step", code="000000")
            if page.url.path == "/sign-in":
                break
    browser, _ = by_password(desk)
    stopped = browser.submit(browser.get("/second-step"), "/second-step", code=code_at(secret, desk))

    assert stopped.status_code == 429
    assert "Try again at 10:15." in said(stopped)
    desk.now += guesses.WINDOW
    late, _ = by_password(desk)
    assert late.submit(late.get("/second-step"), "/second-step", code=code_at(secret, desk)).url.path == "/inbox"


def test_many_guesses_at_once_are_counted_like_one_after_the_other(desk: House) -> None:
    def guess(_: int) -> bool:
        try:
            with transaction():
                guesses.claim({"somebody": 5, "somewhere": 30}, now=desk.now)
        except guesses.TooMany:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(guess, range(24)))

    assert sum(taken) == 5


def test_a_role_that_needs_a_second_factor_sets_one_up_before_anything_else(desk: House, ayu: str) -> None:
    desk.app.state.settings = Settings(require_second_factor=(Role.AGENT,))
    browser, asked = by_password(desk)
    assert asked.url.path == "/second-step"
    assert browser.get("/inbox").url.path == "/sign-in"
    secret = re.findall(r'class="secret">([^<]+)<', asked.text)[0].replace(" ", "")
    assert "<svg" in asked.text

    shown = browser.submit(asked, "/second-step", code=code_at(secret, desk))

    codes = re.findall(r"<li><code>([0-9A-Z-]+)</code></li>", shown.text)
    assert len(codes) == factors.CODES
    assert browser.get("/inbox").status_code == 200
    refused = browser.client.post(
        "/account/factor/off",
        data={"proof": GOOD, "csrf": re.findall(r'name="csrf" value="([^"]+)"', browser.get("/account").text)[0]},
    )
    assert (refused.status_code, "needs one" in said(refused)) == (403, True)
    assert desk.browser(Role.AGENT).get("/inbox").status_code == 200  # a sample person of the demo


# --- one's own account ------------------------------------------------------------------------------------------------


def test_a_sensitive_change_asks_again_who_one_is(desk: House, ayu: str) -> None:
    browser, _ = by_password(desk)
    other, _ = by_password(desk)
    page = browser.get("/account")
    new = {"password": "another good password", "again": "another good password"}

    refused = browser.submit(page, "/account/password", proof="not it", **new)
    changed = browser.submit(page, "/account/password", proof=GOOD, **new)

    assert (refused.status_code, changed.status_code) == (403, 200)
    assert other.get("/inbox").url.path == "/sign-in"
    assert browser.get("/inbox").status_code == 200
    for _ in range(proofs.FAILURES_PER_PAIR):
        last = browser.submit(browser.get("/account"), "/account/factor/begin", proof="guess")
    assert last.status_code in (403, 429)
    assert browser.submit(browser.get("/account"), "/account/factor/begin", proof=new["password"]).status_code == 429


def test_who_has_neither_password_nor_factor_has_to_have_just_signed_in(desk: House) -> None:
    coach = desk.browser(Role.COACH)
    desk.now += proofs.FRESH + timedelta(seconds=1)
    late = coach.submit(coach.get("/account"), "/account/password", password=GOOD, again=GOOD)
    again = desk.browser(Role.COACH)
    soon = again.submit(again.get("/account"), "/account/password", password=GOOD, again=GOOD)

    assert (late.status_code, soon.status_code) == (403, 200)
    assert "Sign out, sign in again" in said(late)


def test_a_second_factor_is_set_up_and_turned_off_in_the_account(desk: House, ayu: str) -> None:
    browser, _ = by_password(desk)
    asked = browser.submit(browser.get("/account"), "/account/factor/begin", proof=GOOD)
    secret = re.findall(r'class="secret">([^<]+)<', asked.text)[0].replace(" ", "")
    assert "style=" not in asked.text.partition("<svg")[2].partition("</svg>")[0]

    step = browser.client.cookies["caseward-set-up"]
    thief = desk.browser()
    thief.client.cookies.set("caseward-step", step)
    assert thief.get("/second-step").url.path == "/sign-in"  # it opens no session
    elsewhere = desk.browser(Role.ADMIN)
    elsewhere.client.cookies.set("caseward-set-up", step)
    assert elsewhere.get("/account/factor").url.path == "/account"  # and is nobody else's

    wrong = browser.submit(asked, "/account/factor", code="12345")
    codes = browser.submit(wrong, "/account/factor", code=code_at(secret, desk))
    assert (wrong.status_code, codes.text.count("<li><code>")) == (400, factors.CODES)
    desk.now += timedelta(minutes=1)
    new = browser.submit(browser.get("/account"), "/account/codes", proof=code_at(secret, desk))
    assert new.text.count("<li><code>") == factors.CODES
    desk.now += timedelta(minutes=1)
    off = browser.press(browser.get("/account"), "/account/factor/off", proof=GOOD)
    assert "The second factor is off" in said(off)
    assert by_password(desk)[1].url.path == "/inbox"


def test_sessions_are_seen_with_their_device_and_ended_one_by_one_or_all_but_this(desk: House, ayu: str) -> None:
    phone, _ = by_password(desk)
    phone.client.headers["user-agent"] = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0) Safari/605"
    phone.submit(phone.get("/inbox"), "/sign-out")
    phone.submit(phone.get("/sign-in"), "/sign-in", email=AYU, password=GOOD)
    desktop, _ = by_password(desk)
    third, _ = by_password(desk)
    page = desktop.get("/account")
    assert "Safari on iPhone" in page.text
    [row] = [row for row in re.findall(r"<tr>.*?</tr>", page.text, re.S) if "iPhone" in row]
    [theirs] = re.findall(r'name="session" value="([^"]+)"', row)

    stranger = desk.browser(Role.ADMIN)
    csrf = re.findall(r'name="csrf" value="([^"]+)"', stranger.get("/account").text)[0]
    taken = stranger.client.post("/account/sessions/end", data={"csrf": csrf, "session": theirs})
    assert (taken.status_code, phone.get("/inbox").url.path) == (404, "/inbox")

    desktop.submit(page, "/account/sessions/end", session=theirs)
    assert phone.get("/inbox").url.path == "/sign-in"
    desktop.submit(desktop.get("/account"), "/account/sessions/end-others")
    assert (third.get("/inbox").url.path, desktop.get("/inbox").url.path) == ("/sign-in", "/inbox")


def test_a_name_is_changed(desk: House, ayu: str) -> None:
    browser, _ = by_password(desk)

    named = browser.submit(browser.get("/account"), "/account/name", name="  Ayu   <i>New</i> ")
    empty = browser.submit(browser.get("/account"), "/account/name", name=" ")

    assert "Ayu &lt;i&gt;New&lt;/i&gt;" in named.text
    assert empty.status_code == 400


# --- tokens -----------------------------------------------------------------------------------------------------------


def test_a_token_may_no_more_than_who_makes_it_is_shown_once_and_is_ended(desk: House) -> None:
    lead, admin = desk.browser(Role.OPS_LEAD), desk.browser(Role.ADMIN)
    page = lead.get("/settings/tokens")
    form = {"name": "Export", "days": "30"}

    made = lead.submit(page, "/settings/tokens", role="agent", scopes="cases:read", **form)
    beyond = lead.submit(page, "/settings/tokens", role="admin", **form)
    nameless = lead.submit(page, "/settings/tokens", role="agent", name=" ", days="30")
    [token] = re.findall(r"<code>(cw_[^<]+)", made.text)

    assert (beyond.status_code, nameless.status_code) == (403, 400)
    assert token not in lead.get("/settings/tokens").text
    with transaction():
        kept = tokens.of(token, now=desk.now)
        assert kept is not None
        assert (kept.role, kept.scopes) == ("agent", ("cases:read",))
        own = tokens.make("admin", name="Of the administrator", now=desk.now, made_by=desk.person(Role.ADMIN))
    assert "Of the administrator" not in lead.get("/settings/tokens").text
    csrf = re.findall(r'name="csrf" value="([^"]+)"', page.text)[0]
    assert lead.client.post(f"/settings/tokens/{own.id}/end", data={"csrf": csrf}).status_code == 404
    admin.submit(admin.get("/settings/tokens"), f"/settings/tokens/{kept.id}/end")
    with transaction():
        assert tokens.of(token, now=desk.now) is None
        assert tokens.of(own.token, now=desk.now) is not None
    assert told("token", "what") == [("made",), ("ended",)]
    assert told("denied", "effect") == [("make a token",)]


def test_no_role_reaches_one_that_decides_what_it_may_not() -> None:
    deciding = {Role.COACH, Role.AGENT, Role.OPS_LEAD}

    assert not within(Role.ADMIN) & deciding
    assert not within(Role.ON_CALL) & deciding
    assert Role.COACH not in within(Role.OPS_LEAD) | within(Role.AGENT)
    assert all(role in within(role) for role in Role)
