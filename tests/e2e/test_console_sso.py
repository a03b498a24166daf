"""Single sign-on against a provider of our own on loopback: who it lets in, and everything that it must not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from httpx2 import Response

from caseward.adapters import oidc
from caseward.adapters.oidc import Oidc
from caseward.core.roles import Role
from caseward.desk import staff, tools
from caseward.settings import Settings
from caseward.simulators import serving
from caseward.simulators.oidc import CLIENT, SECRET, Provider, Somebody
from caseward.store import log, people, sessions
from caseward.store.db import transaction
from tests.e2e.console_house import Browser, House, house

AYU = Somebody(sub="a-1", email="ayu@studio.example", name="Ayu Example")


class Desk:
    """A console whose people may come by way of a provider."""

    def __init__(self, opened: House, provider: Provider) -> None:
        self.house, self.provider = opened, provider

    def invite(self, email: str = AYU.email) -> str:
        with transaction():
            return staff.invite("Ayu Example", email, Role.AGENT, by=people.get("per_admin"))[0].id

    def browser(self) -> Browser:
        browser = self.house.browser()
        browser.client.follow_redirects = False
        return browser

    def go(self, browser: Browser, next: str = "/audit") -> str:
        """Follow the way to the provider and return the address it sends the browser back to."""
        away = browser.get(f"/sso?next={next}")
        assert away.status_code == 303, away.text
        there = httpx2.get(away.headers["location"])
        return there.headers["location"].partition("://")[2].partition("/")[2]

    def come(self, browser: Browser | None = None) -> Response:
        browser = browser or self.browser()
        return browser.get("/" + self.go(browser))


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    played = Provider()
    with serving.running(played.app) as played.base:
        yield played


@pytest.fixture
def desk(database: str, provider: Provider) -> Iterator[Desk]:
    with house() as opened:
        fresh = Provider(clock=lambda: opened.now.timestamp(), who=AYU)
        for name in ("clock", "who", "twist", "algorithm", "thin", "down"):
            setattr(provider, name, getattr(fresh, name))
        provider.asked.clear()
        plug = Oidc(provider.base, client_id=CLIENT, client_secret=SECRET, name="Studio login")
        tools.use(replace(tools.given(), sign_on=plug))
        opened.app.state.settings = Settings(public_url="http://testserver")
        yield Desk(opened, provider)


def said(page: Response) -> str:
    return page.text.partition('role="alert">')[2].partition("</div>")[0]


def test_somebody_invited_comes_in_by_their_verified_address_and_is_known_by_their_subject_from_then_on(
    desk: Desk,
) -> None:
    person = desk.invite()

    first = desk.browser()
    entered = desk.come(first)
    desk.provider.who = replace(AYU, email="another@studio.example")  # they married
    again = desk.come()

    assert (entered.status_code, entered.headers["location"]) == (303, "/audit")
    assert first.get("/audit").status_code == 200
    assert again.status_code == 303
    with transaction():
        assert [each.method for each in sessions.of(person, now=desk.house.now)] == ["provider", "provider"]
        assert [each.payload["what"] for each in log.entries(kind="person", actor=person)] == [
            "linked to the identity provider"
        ]
    left = desk.house.browser()
    left.client.cookies = first.client.cookies
    out = left.submit(left.get("/audit"), "/sign-out")
    assert "/leave?client_id=caseward" in out.text.replace("&amp;", "&")


@pytest.mark.parametrize(
    ("who", "why"),
    [
        (replace(AYU, email="stranger@studio.example"), "nobody invited stranger@studio.example"),
        (replace(AYU, verified=False), "no verified e-mail address"),
        (replace(AYU, email=""), "no verified e-mail address"),
        (None, "You did not go on there"),
    ],
)
def test_who_was_not_invited_with_a_verified_address_stays_outside(desk: Desk, who: Somebody | None, why: str) -> None:
    desk.invite()
    desk.provider.who = who

    page = desk.come()

    assert page.status_code == 403
    assert why.lower() in said(page).lower()
    assert "caseward-session" not in page.headers.get("set-cookie", "")


def test_a_person_who_was_linked_is_no_one_elses_and_one_who_is_shut_out_stays_out(desk: Desk) -> None:
    person = desk.invite()
    assert desk.come().status_code == 303

    desk.provider.who = replace(AYU, sub="another")
    thief = desk.come()
    desk.provider.who = AYU
    with transaction():
        people.disable(person, True)
    out = desk.come()

    assert (thief.status_code, out.status_code) == (403, 403)
    assert "access was ended" in said(out)


@pytest.mark.parametrize(
    "twist",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another-program"},
        {"aud": [CLIENT, "another-program"]},
        {"azp": "another-program"},
        {"iss": "https://elsewhere.example"},
        {"exp": 0},
        {"exp": None},
        {"iat": 2**33},
        {"sub": ""},
        {"sub": None},
    ],
    ids=str,
)
def test_a_token_that_is_not_for_this_desk_and_this_errand_is_not_believed(desk: Desk, twist: dict[str, Any]) -> None:
    desk.invite()

    def change(claims: dict[str, Any]) -> None:
        claims.update(twist)
        for name in [name for name, value in claims.items() if value is None]:
            del claims[name]

    desk.provider.twist = change
    page = desk.come()

    assert page.status_code == 403
    assert "Studio login sent a sign-in" in said(page)


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_a_token_that_no_key_of_the_provider_signed_is_not_believed(desk: Desk, algorithm: str) -> None:
    desk.invite()
    desk.provider.algorithm = algorithm

    assert desk.come().status_code == 403


def test_new_keys_of_the_provider_are_asked_for_but_not_at_every_wrong_token(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.invite()
    assert desk.come().status_code == 303
    desk.provider.rotate()

    too_soon = desk.come()
    monkeypatch.setattr(oidc, "ASKED_AGAIN_SECONDS", 0.0)
    later = desk.come()

    assert (too_soon.status_code, later.status_code) == (403, 303)
    assert desk.provider.asked.count("/keys") == 2
    assert desk.provider.asked.count("/.well-known/openid-configuration") == 1


def test_what_the_id_token_does_not_say_is_asked_of_userinfo(desk: Desk) -> None:
    desk.invite()
    desk.provider.thin = True

    assert desk.come().status_code == 303


def test_a_way_back_is_for_the_browser_that_was_sent_and_works_once(desk: Desk) -> None:
    desk.invite()
    mine, theirs = desk.browser(), desk.browser()
    back = "/" + desk.go(mine)

    stolen = theirs.get(back)
    first, second = mine.get(back), mine.get(back)
    late = desk.browser()
    way = "/" + desk.go(late)
    desk.house.now += 2 * (sessions.IDLE / 4)

    assert [page.status_code for page in (stolen, first, second, late.get(way))] == [403, 303, 403, 403]
    assert "another browser" in said(stolen)


def test_a_changed_verifier_is_refused_by_the_provider_and_nobody_is_sent_elsewhere(desk: Desk) -> None:
    desk.invite()
    browser = desk.browser()
    away = browser.get("/sso?next=https://evil.example/")
    query = parse_qs(urlsplit(away.headers["location"]).query)

    assert query["code_challenge_method"] == ["S256"]
    assert query["redirect_uri"] == ["http://testserver/sso/back"]
    there = httpx2.get(away.headers["location"]).headers["location"]
    assert browser.get("/" + there.partition("://")[2].partition("/")[2]).headers["location"] == "/"


def test_a_provider_that_is_down_is_said_to_be_and_the_password_still_works(desk: Desk) -> None:
    desk.provider.down = True

    page = desk.browser().get("/sso")

    assert page.status_code == 503
    assert "Studio login is not answering" in said(page)
    assert 'name="password"' in page.text


def test_a_claim_lets_in_uninvited_only_whom_a_setting_maps(desk: Desk) -> None:
    desk.house.app.state.settings = Settings(public_url="http://testserver", oidc_roles={"desk": Role.COACH})
    desk.provider.who = replace(AYU, groups=("staff", "desk"))

    entered = desk.come()
    desk.provider.who = Somebody(sub="b", email="b@studio.example", groups=("staff",))
    refused = desk.come()

    with transaction():
        person = people.unlinked(AYU.email)
        made = [each for each in people.every() if each.email == AYU.email]
    assert (entered.status_code, refused.status_code) == (303, 403)
    assert person is None
    assert [(each.role, each.name) for each in made] == [(Role.COACH, "Ayu Example")]


def test_without_a_provider_there_is_no_such_way(desk: Desk) -> None:
    tools.use(replace(tools.given(), sign_on=None))

    assert desk.browser().get("/sso").status_code == 404
    assert "/sso" not in desk.browser().get("/sign-in").text
