"""Where the team reads: chats that are bound to lanes, and codes that link a person's chat."""

from __future__ import annotations

from typing import Annotated

import typer

from caseward.cli.deciding import By, deciding, person_of
from caseward.cli.people import PersonName
from caseward.cli.say import AsJson, document
from caseward.core.errors import BadInput

LaneName = Annotated[str, typer.Argument(metavar="LANE", help="`ops`, `approvals` or `incidents`.")]
ChannelName = Annotated[str, typer.Argument(metavar="CHANNEL", help="Such as `telegram` or `slack`.")]
ChatId = Annotated[str, typer.Argument(metavar="CHAT", help="The vendor's id of the group or of the person.")]


def add_to(app: typer.Typer) -> None:
    """Add these commands; the group `person` is there already."""
    lane = typer.Typer(help="Where the team's lanes are read.", no_args_is_help=True, rich_markup_mode=None)
    dashed = {"ignore_unknown_options": True}  # the id of a group may begin with a dash
    lane.command("bind", context_settings=dashed)(bind)
    lane.command("unbind", context_settings=dashed)(unbind)
    lane.command("list")(list_lanes)
    app.add_typer(lane, name="lane")
    person = next(group.typer_instance for group in app.registered_groups if group.name == "person")
    if person is not None:
        person.command("link-chat")(link_chat)
        person.command("unlink-chat")(unlink_chat)


def bind(lane: LaneName, channel: ChannelName, chat: ChatId, by: By) -> None:
    """Have a lane be read in a chat. In the chat itself: /lane LANE."""
    from caseward.desk import lanes

    _require_lane_channel(channel)
    with deciding():
        person = person_of(by)
        new = lanes.bind(lane, channel, chat, by=person.id, role=person.role)
    print(f"{lane} is read in {channel} {chat}{'' if new else ' already'}")


def unbind(lane: LaneName, channel: ChannelName, chat: ChatId, by: By) -> None:
    """Have a lane no longer be read in a chat. What was posted there stays and is still amended."""
    from caseward.desk import lanes

    with deciding():
        person = person_of(by)
        gone = lanes.unbind(lane, channel, chat, by=person.id, role=person.role)
    if not gone:
        raise BadInput(f"{lane} is not read in {channel} {chat}; see `caseward lane list`")
    print(f"{lane} is no longer read in {channel} {chat}")


def list_lanes(as_json: AsJson = False) -> None:
    """List where the lanes are read, and who of the house is known in which chat."""
    from caseward.cli.looking import connected
    from caseward.store import lanes, people
    from caseward.store.db import transaction

    with connected(), transaction():
        bound = lanes.bound()
        names = people.names()
        linked = lanes.handles_of()
    if as_json:
        document(
            {
                "lanes": [{"lane": each.lane, "channel": each.channel, "chat": each.chat, "by": each.by, "at": each.at}
                          for each in bound],
                "people": [{"person": each.person_id, "channel": each.channel, "handle": each.handle}
                           for each in linked],
            }
        )  # fmt: skip
        return
    for each in bound:
        print(f"{each.lane}  {each.channel}  {each.chat}  by {each.by}")
    for handle in linked:
        print(f"{names.get(handle.person_id, handle.person_id)} is {handle.handle} in {handle.channel}")
    if not bound:
        print("No lane is read anywhere; who may decide and is linked is asked directly.")


def link_chat(person: PersonName, channel: ChannelName) -> None:
    """Print a code, good for a day and once, that its person sends to the bot: /link CODE, in a direct message."""
    from caseward.desk import lanes

    _require_lane_channel(channel)
    with deciding():
        code = lanes.invite(person_of(person).id, channel, by="cli")
    print(code)


def unlink_chat(person: PersonName, channel: ChannelName) -> None:
    """Forget a person's chats on a channel: a lost phone decides nothing any more."""
    from caseward.desk import lanes
    from caseward.store import lanes as store

    with deciding():
        known = person_of(person)
        gone = [each for each in store.handles_of([channel]) if each.person_id == known.id]
        for each in gone:
            lanes.unlink(channel, each.handle)
    print(f"{known.name} is no longer known in {len(gone)} {'chat' if len(gone) == 1 else 'chats'} of {channel}")


def _require_lane_channel(name: str) -> None:
    from caseward.adapters import find
    from caseward.core.ports import Lane
    from caseward.settings import Settings

    plugs = find.channels(Settings.load())
    lanes = [each for each, plug in plugs.items() if isinstance(plug, Lane)]
    if name not in lanes:
        there = f"there is {', '.join(lanes)}" if lanes else "none is set up; docs/how-to/run-the-lanes.md"
        raise BadInput(f"{name} reaches no team: {there}")
