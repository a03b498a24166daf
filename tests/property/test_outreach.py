"""Whatever is due, said and forbidden, in whatever order and at whatever time: no key twice, nobody more often than the
bound, nothing in quiet hours, and nothing to whoever forbade it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, event, given
from hypothesis import strategies as st
from sqlalchemy import text

from caseward.adapters.channels.webchat import WebChat
from caseward.core.channels import Outreach, Playbook
from caseward.core.events import Preference
from caseward.core.ids import ContactId
from caseward.core.outreach import Address, Standing, Step, judge, silent_until, span
from caseward.desk import outreach, tools
from caseward.store import contacts, db, log
from tests.conftest import Desk, examples

PEOPLE = {"stu-001": ("telegram", "email"), "stu-002": ("telegram",), "stu-003": ("email",)}
ZONES = ("Asia/Jakarta", "Europe/Berlin", "America/St_Johns", "Pacific/Apia")


class Chat(WebChat):
    """A channel on which what is stored is delivered."""

    def __init__(self, name: str) -> None:
        self.name = name


def spot(person: str, channel: str) -> str:
    return f"{channel}-{person}"


people = st.sampled_from(sorted(PEOPLE))
lesson = st.tuples(st.just("lesson"), people, st.integers(2, 24))
word = st.tuples(st.just("word"), people, st.booleans(), st.integers(0, 1))
wait = st.tuples(st.just("wait"), st.sampled_from((16, 16, 60, 240, 700)))
rounds = st.tuples(st.lists(lesson, min_size=1, max_size=3), st.lists(word, max_size=1), wait)


def lay_out(desk: Desk, most: int) -> None:
    """Give three students addresses, no lessons yet, and playbooks that may write to them."""
    own = replace(desk.pack.channels.outreach, most=most, days=2)
    books = tuple(replace(each, channels=("telegram", "email")) for each in desk.pack.playbooks)
    desk.pack = replace(desk.pack, channels=replace(desk.pack.channels, outreach=own), playbooks=books)
    chats = {name: Chat(name) for name in ("telegram", "email")}
    tools.use(replace(tools.given(), pack=desk.pack, channels={**tools.given().channels, **chats}))
    with db.transaction():
        db.execute(text("delete from records where kind in ('session', 'invoice')"))
        for person, channels in PEOPLE.items():
            for channel in channels:
                contacts.prove(channel, spot(person, channel), ContactId(person), method="phone", now=desk.clock())
    desk.settle()


def clear() -> None:
    with db.transaction():
        for name in ("outreach", "playbooks", "preferences", "identities"):
            db.execute(text(f"delete from {name}"))


def book(desk: Desk, person: str, hours: int, number: int) -> None:
    statement = """
        insert into records (kind, id, data, revision) values ('session', :id, jsonb_build_object(
            'id', cast(:id as text), 'person', cast(:person as text), 'status', 'scheduled',
            'starts', cast(:at as text)), 1)
        on conflict (kind, id) do update set data = excluded.data
    """
    at = (desk.clock() + timedelta(hours=hours)).isoformat()
    with db.transaction():
        db.execute(text(statement), {"id": f"ses-{number % 4}", "person": person, "at": at})


@examples(6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(turns=st.lists(rounds, min_size=2, max_size=6), most=st.integers(1, 2))
def test_nothing_is_sent_that_may_not_be(desk: Desk, turns: list[tuple[object, ...]], most: int) -> None:
    plan: list[tuple[object, ...]] = [step for lessons, said, rest in turns for step in (*lessons, *said, rest)]  # type: ignore[misc]
    clear()
    lay_out(desk, most)
    began = desk.clock()
    words: dict[tuple[str, str], list[tuple[datetime, bool]]] = {}
    for number, step in enumerate(plan):
        match step:
            case ("lesson", str(person), int(hours)):
                book(desk, person, hours, number)
            case ("word", str(person), bool(wanted), int(which)):
                channel = PEOPLE[person][which % len(PEOPLE[person])]
                desk.clock.advance(seconds=1)  # what was sent in the same instant came before the word
                words.setdefault((person, channel), []).append((desk.clock(), wanted))
                with db.transaction():
                    at = spot(person, channel)
                    outreach.prefer(Preference(channel=channel, address=at, wanted=wanted, at=desk.clock()))
                desk.clock.advance(seconds=1)
            case ("wait", int(minutes)):
                desk.clock.advance(minutes=minutes)
                desk.settle()

    with db.transaction():
        logged = [
            each for each in log.entries(kind="outreach", since=began, limit=1000) if each.payload["step"] == "send"
        ]
    event(f"{min(len(logged), 4)} sent")
    assert max(Counter(each.payload["key"] for each in logged).values(), default=1) == 1
    for each in logged:
        person = str(each.payload["contact"])
        channel = str(each.payload["address"]).partition(":")[0]
        local = each.at.astimezone(desk.pack.hours.zone)
        assert 8 <= local.hour < 20, f"sent at {local:%H:%M}"
        lately = [other for other in logged if other.payload["contact"] == person
                  and each.at - timedelta(days=2) < other.at <= each.at]  # fmt: skip
        assert len(lately) <= most
        said = sorted(word for (of, _on), all_ in words.items() for word in all_ if of == person and word[0] <= each.at)
        assert not said or said[-1][1], "their last word was stop"
        there = sorted(word for word in words.get((person, channel), []) if word[0] <= each.at)
        assert not there or there[-1][1], "the last word at this address was stop"
    desk.clock.set(began.replace(hour=3) + timedelta(days=30))  # a morning on which nothing of this is lately


hours = st.tuples(st.integers(0, 23), st.integers(0, 59))
moments = st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))


@given(now=moments, begin=hours, end=hours, zone=st.sampled_from(ZONES))
def test_quiet_hours_end_and_are_quiet_until_then(
    now: datetime, begin: tuple[int, int], end: tuple[int, int], zone: str
) -> None:
    quiet = "{:02}:{:02}-{:02}:{:02}".format(*begin, *end)
    until = silent_until(quiet, now, ZoneInfo(zone))

    if span(quiet) is None:
        assert until is None
        return
    clock = now.astimezone(ZoneInfo(zone))
    minute = (clock.hour, clock.minute)
    within = begin <= minute < end if begin < end else minute >= begin or minute < end
    assert (until is not None) == within
    if until is not None:
        assert now < until <= now + timedelta(hours=26)


addresses = st.lists(
    st.builds(
        Address,
        channel=st.sampled_from(("telegram", "email", "whatsapp")),
        address=st.sampled_from(("a", "b")),
        wanted=st.sampled_from((None, True, False)),
        said_at=moments,
    ).map(lambda each: replace(each, said_at=None) if each.wanted is None else each),
    max_size=4,
)
BOOK = Playbook(id="p", title="", owner="", reads="", key="", template="", channels=("telegram", "email"))


@given(
    found=addresses, lately=st.integers(0, 4), now=moments, consent=st.sampled_from(("unless_stopped", "asked")),
    most=st.integers(1, 3),
)  # fmt: skip
def test_who_is_judged_fit_to_be_written_to_allows_it(
    found: list[Address], lately: int, now: datetime, consent: str, most: int
) -> None:
    verdict = judge(
        replace(BOOK, consent=consent), Outreach(quiet="", most=most), Standing(addresses=found, lately=lately),
        plugged={"telegram", "email"}, now=now, zone=ZoneInfo("UTC"),
    )  # fmt: skip

    last = max((each for each in found if each.said_at), key=lambda each: each.said_at or now, default=None)
    if verdict.step is Step.SEND:
        assert verdict.to in found
        assert verdict.to is not None
        assert verdict.to.wanted is not False
        assert verdict.to.channel in BOOK.channels
        assert lately < most
        assert last is None or last.wanted or any(each.said_at == last.said_at and each.wanted for each in found)
        assert consent == "unless_stopped" or last is not None
    else:
        assert verdict.why
