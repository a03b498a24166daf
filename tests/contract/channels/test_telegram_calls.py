"""What the bot does at Telegram, and what it makes of every answer: against a Telegram that refuses as the real one."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from caseward.adapters.channels import telegram
from caseward.adapters.channels._telegram_api import Api
from caseward.adapters.channels._telegram_cards import card_message
from caseward.adapters.channels.telegram import Telegram
from caseward.core.errors import BadInput, CasewardError, SystemDown, Undeliverable
from caseward.core.messages import Choice, Reply
from caseward.core.ports import Button, Card, Channel, Courteous, Fetching, Hook, Lane, Listening
from caseward.settings import Settings
from caseward.simulators import _telegram_html as vendor_html
from caseward.simulators.telegram import TOKEN
from caseward.simulators.telegram import Telegram as Vendor

APPROVALS = "-1001000000002"
CITRA = "2001"
CARD = Card(
    title="May <Citra>'s lesson move & stay?",
    lines=("Case 42 · R3", "</b> <script>"),
    quote="You’re booked for 10:00 <b>now</b> & then.",
    buttons=(
        (Button(label="Approve", token="t" * 40), Button(label="Deny", token="t2")),
        (Button(label="Open", url="https://desk.example.com/cases/42"),),
    ),
)


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


@pytest.fixture
def bot(vendor: Vendor) -> Iterator[Telegram]:
    with vendor.running() as url:
        yield Telegram(url, TOKEN)


def words(card: Card) -> str:
    """Return what people read of a card."""
    return vendor_html.read(card_message(card)["text"])[0]


def test_it_is_a_channel_a_hook_a_lane_and_the_rest_and_off_without_its_token() -> None:
    plug: Channel = Telegram("http://127.0.0.1:9", TOKEN)

    for port in (Hook, Listening, Fetching, Courteous, Lane):
        assert isinstance(plug, port)
    assert telegram.channel(Settings()) is None
    hooked = telegram.channel(Settings(telegram_token=SecretStr(TOKEN), telegram_secret=SecretStr("s3")))
    asking = telegram.channel(Settings(telegram_token=SecretStr(TOKEN)))
    assert hooked is not None
    assert asking is not None
    assert (hooked.listens, asking.listens) == (False, True)


def test_a_reply_arrives_as_it_was_said_with_its_choices(vendor: Vendor, bot: Telegram) -> None:
    asked = vendor.write("Citra", None, "May I move?")

    sent = bot.deliver(
        CITRA,
        bot.render(
            Reply(text="<b> & _which_?", choices=[Choice(id="slot-1", label="Sat")], reply_to=f"{CITRA}:{asked}")
        ),
        key="k",
    )

    shown = vendor.last("Citra")
    assert sent == f"{CITRA}:{shown.id}"
    assert (shown.text, shown.labels, shown.reply_to) == ("<b> & _which_?", ["Sat"], asked)
    assert bot.deliver(CITRA, bot.render(Reply(text="x" * 4096, reply_to=f"{CITRA}:999")), key="k")
    with pytest.raises(BadInput, match="62 bytes"):
        bot.render(Reply(text="?", choices=[Choice(id="é" * 32, label="long")]))


def test_a_card_is_shown_amended_and_answered_and_nothing_in_it_is_markup(vendor: Vendor, bot: Telegram) -> None:
    ref = bot.post(APPROVALS, CARD, key="k")
    shown = vendor.last("Approvals")
    assert ref == f"{APPROVALS}:{shown.id}"
    assert shown.text == "\n\n".join((CARD.title, "\n".join(CARD.lines), CARD.quote))
    assert [each["type"] for each in shown.entities] == ["bold", "blockquote"]
    assert [[button["text"] for button in row] for row in shown.rows] == [["Approve", "Deny"], ["Open"]]

    pressed = vendor.press("Budi", "Approvals", ref, "Approve")
    bot.acknowledge(pressed.id, "Approved. " * 40)
    bot.acknowledge(pressed.id, "again")
    assert pressed.answer is not None
    assert pressed.answer.startswith("Approved. ")
    assert len(pressed.answer) <= 200

    decided = Card(title="Approved by Budi at 10:12")
    for _ in range(2):
        bot.amend(APPROVALS, ref, decided)
    assert (shown.text, shown.labels) == (decided.title, [])
    said = bot.say(APPROVALS, "Noted <b>.", reply_to=ref)
    assert (vendor.last("Approvals").text, vendor.last("Approvals").reply_to) == ("Noted <b>.", shown.id)
    assert said == f"{APPROVALS}:{vendor.last('Approvals').id}"
    with pytest.raises(Undeliverable, match="message to edit not found"):
        bot.amend(APPROVALS, f"{APPROVALS}:999", decided)
    with pytest.raises(Undeliverable, match="can't be edited"):
        bot.amend(APPROVALS, str(vendor.write("Ana", "Approvals", "mine")), decided)


def test_a_group_that_became_another_is_written_to_all_the_same_and_none_of_its_messages_is_mistaken(
    vendor: Vendor, bot: Telegram
) -> None:
    before = bot.post(APPROVALS, CARD, key="k")
    new = vendor.upgrade("Ana", "Approvals")
    other = bot.post(str(new), Card(title="Another"), key="k")

    ref = bot.post(APPROVALS, CARD, key="k")
    said = bot.say(APPROVALS, "Overdue.", reply_to=before)

    assert ref.startswith(f"{new}:")
    assert said.startswith(f"{new}:")
    assert vendor.last("Approvals").reply_to is None
    with pytest.raises(Undeliverable, match="upgraded to a supergroup"):
        bot.amend(APPROVALS, f"{APPROVALS}:{other.rpartition(':')[2]}", CARD)
    assert [each.text for each in vendor.messages("Approvals")][1:] == ["Another", words(CARD), "Overdue."]


def test_a_link_to_this_machine_is_written_out_for_telegram_makes_no_button_of_it(bot: Telegram) -> None:
    local = Card(
        title="T", buttons=[[Button(label="Open", url="http://localhost:8400/cases/1"), Button(label="Go", token="t")]]
    )

    assert bot.post(APPROVALS, local, key="k")

    assert "Open: http://localhost:8400/cases/1" in words(local)
    assert card_message(local)["reply_markup"] == {"inline_keyboard": [[{"text": "Go", "callback_data": "l:t"}]]}


@given(
    title=st.text(st.characters(exclude_categories=["Cs"]), max_size=600),
    lines=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=3000), max_size=4),
    quote=st.text(st.sampled_from("a<&>\"'\n 😀é"), max_size=6000),
    stretch=st.integers(1, 3),
)
@settings(max_examples=150)
def test_a_card_of_any_words_is_one_that_telegram_takes(title: str, lines: list[str], quote: str, stretch: int) -> None:
    card = Card(title=title, lines=lines, quote=quote * stretch)

    text, entities = vendor_html.read(card_message(card)["text"])

    assert vendor_html.units(text) <= 4096
    if quote and "[cut: " in text:
        assert f"[cut: {len(card.quote)} characters in all" in text
    elif len(title) < 256 and sum(map(len, lines)) < 500 and len(card.quote) < 1000:
        assert text == "\n\n".join(filter(None, (title, "\n".join(lines), card.quote))) or not title
    assert {each["type"] for each in entities} <= {"bold", "blockquote"}


@pytest.mark.parametrize(
    ("prepare", "says"),
    [
        pytest.param(lambda vendor: vendor.remove_bot("Ana", "Ops queue"), "can't initiate", id="never started"),
        pytest.param(lambda vendor: vendor.block("Citra"), "blocked", id="blocked"),
        pytest.param(lambda vendor: vendor.deactivate("Citra"), "deactivated", id="account closed"),
    ],
)
def test_whoever_cannot_be_written_to_is_undeliverable(
    vendor: Vendor, bot: Telegram, prepare: Callable[[Vendor], object], says: str
) -> None:
    prepare(vendor)

    with pytest.raises(Undeliverable, match=says) as refused:
        bot.deliver(CITRA, {"text": "hello"}, key="k")

    assert refused.value.reason == "403"


def test_a_chat_that_is_not_there_and_words_that_are_too_long_are_undeliverable(vendor: Vendor, bot: Telegram) -> None:
    vendor.write("Citra", None, "hi")
    for address, text, says in (
        ("2999", "hi", "chat not found"),
        (CITRA, "x" * 4097, "too long"),
        (CITRA, "", "empty"),
    ):
        with pytest.raises(Undeliverable, match=says):
            bot.deliver(address, {"text": text}, key="k")
    vendor.remove_bot("Ana", "Approvals")
    with pytest.raises(Undeliverable, match="kicked from the supergroup chat"):
        bot.post(APPROVALS, CARD, key="k")


def test_what_surely_did_not_go_out_is_told_apart_from_what_nobody_knows(vendor: Vendor, bot: Telegram) -> None:
    vendor.write("Citra", None, "hi")

    def outcome(call: Callable[[], Any]) -> tuple[type[Exception], str]:
        with pytest.raises(CasewardError) as error:
            call()
        assert TOKEN not in str(error.value)
        assert TOKEN.partition(":")[2] not in repr(error.value.__dict__)
        return type(error.value), str(error.value)

    def send() -> str:
        return bot.deliver(CITRA, {"text": "hello"}, key="k")

    vendor.fail(1, 429, retry_after=17)
    assert outcome(send)[0] is SystemDown
    vendor.fail(1, 429, retry_after=17)
    assert "17 s" in outcome(send)[1]
    for code in (500, 502):
        vendor.fail(1, code)
        assert not issubclass(outcome(send)[0], SystemDown | Undeliverable)
    assert [each.text for each in vendor.messages("Citra")] == ["hi"]
    vendor.drop(1)
    assert not issubclass(outcome(send)[0], SystemDown | Undeliverable)
    assert [each.text for each in vendor.messages("Citra")] == ["hi", "hello"]
    vendor.drop(1, method="editMessageText")  # which may be done twice
    ref = f"{CITRA}:{vendor.last('Citra').id}"
    assert outcome(lambda: bot.amend(CITRA, ref, Card(title="other")))[0] is SystemDown
    bot.amend(CITRA, ref, Card(title="other"))
    assert outcome(lambda: bot.lookup(CITRA, key="k"))[0] is SystemDown
    vendor.limit(chat_seconds=60)
    assert send()
    assert outcome(send)[0] is SystemDown


def test_no_connection_and_a_wrong_token_are_for_later(vendor: Vendor) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and never listened to
        gone = Telegram(f"http://127.0.0.1:{taken.getsockname()[1]}", TOKEN)
        with pytest.raises(SystemDown, match="no connection"):
            gone.deliver(CITRA, {"text": "hello"}, key="k")
    with vendor.running() as url:
        for token in ("7000000001:wrong", "nonsense"):
            with pytest.raises(SystemDown, match="CASEWARD_TELEGRAM_TOKEN") as error:
                Telegram(url, token).deliver(CITRA, {"text": "hello"}, key="k")
            assert token not in str(error.value)


def test_an_answer_that_is_none_of_the_bot_api_leaves_it_unknown() -> None:
    answers = [
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi",
        b"HTTP/1.1 502 Bad\r\ncontent-length: 4\r\n\r\noops",
        b"",
    ]
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        bot = Telegram(f"http://127.0.0.1:{proxy.getsockname()[1]}", TOKEN)

        def serve() -> None:
            for answer in answers:
                line, _ = proxy.accept()
                with line:
                    line.recv(65536)
                    line.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        for _ in answers:
            with pytest.raises(CasewardError) as error:
                bot.deliver(CITRA, {"text": "hello"}, key="k")
            assert not isinstance(error.value, SystemDown | Undeliverable)


def test_the_token_is_in_no_line_of_the_program_s_log(
    vendor: Vendor, bot: Telegram, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        bot.post(APPROVALS, CARD, key="k")

    assert TOKEN.partition(":")[2] not in caplog.text


def test_courtesies_are_shown_and_only_a_reaction_that_is_not_says_so(vendor: Vendor, bot: Telegram) -> None:
    asked = vendor.write("Citra", None, "hi")

    bot.seen(CITRA, f"{CITRA}:{asked}", typing=True)
    bot.react(CITRA, f"{CITRA}:{asked}", "👀")

    assert [given["action"] for given in vendor.calls("sendChatAction")] == ["typing"]
    assert list(vendor.last("Citra").reactions.values()) == ["👀"]
    bot.react(CITRA, f"{CITRA}:{asked}", "")
    assert vendor.last("Citra").reactions == {}
    with pytest.raises(Undeliverable):
        bot.react(CITRA, "update:1", "🧦")
    bot.seen("2999", "2999:1", typing=True)
    bot.seen(CITRA, f"{CITRA}:{asked}", typing=False)
    assert len(vendor.calls("sendChatAction")) == 2


def test_a_file_is_fetched_whole_or_not_at_all(vendor: Vendor, bot: Telegram) -> None:
    def ref(content: bytes, name: str, kind: str = "document") -> str:
        number = vendor.send_file("Citra", None, content, kind=kind, name=name)
        carried = next(each for each in vendor.messages("Citra") if each.id == number).content[kind]
        return str((carried[-1] if isinstance(carried, list) else carried)["file_id"])

    picture = b"\x89PNG\r\n\x1a\n" + b"\x00" * 100_000
    fetched = bot.fetch(ref(picture, "a b#%.jpg", "photo"), most=200_000)
    assert (fetched.content, fetched.mime) == (picture, "image/png")
    assert bot.fetch(ref(b"plain words", "notes.txt"), most=200_000).mime == "text/plain"
    with pytest.raises(Undeliverable, match="too_large"):
        bot.fetch(ref(picture, "big.png", "photo"), most=99_999)
    with pytest.raises(Undeliverable, match="wrong_type"):
        bot.fetch(ref(b"MZ" + b"\x00" * 99, "holiday.jpg", "photo"), most=200_000)
    with pytest.raises(Undeliverable, match="wrong file_id"):
        bot.fetch("nothing", most=200_000)
    with pytest.raises(Undeliverable, match="file is too big"):
        bot.fetch(ref(b"\x00" * 20_000_001, "film.mp4", "video"), most=50_000_000)
    vendor.fail(1, 500)
    with pytest.raises(SystemDown):
        bot.fetch(ref(picture, "later.png", "photo"), most=200_000)


def test_a_file_that_grew_after_it_was_asked_for_is_cut_off(vendor: Vendor) -> None:
    vendor.send_file("Citra", None, b"\x00" * 300_000, name="sly.bin")
    ref = vendor.last("Citra").content["document"]["file_id"]

    with vendor.running() as url:
        api = Api(url, TOKEN)
        with pytest.raises(Undeliverable, match="larger than 1000 bytes"):
            api.download(vendor.world.files[ref][0], most=1000)
        with pytest.raises(Undeliverable, match="gone"):
            api.download("documents/nothing", most=1000)
