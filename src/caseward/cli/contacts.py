"""Contacts and cases over several channels: who is who, what belongs together, and where a case goes on."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from caseward.cli.deciding import By, Reason, person_of
from caseward.cli.looking import connected
from caseward.cli.say import AsJson, complain, document, no
from caseward.core.errors import BadInput, Conflict, Refused

if TYPE_CHECKING:
    from caseward.store.people import Person

ContactName = Annotated[str, typer.Argument(metavar="CONTACT", help="Id of the contact, as it is on record.")]
Kept = Annotated[str, typer.Argument(metavar="KEPT", help="What stays.")]
Gone = Annotated[str, typer.Argument(metavar="GONE", help="What becomes part of it.")]
MergeId = Annotated[str, typer.Argument(metavar="MERGE", help="Id of what is to be undone, as `merge` printed it.")]
Channel = Annotated[str, typer.Argument(metavar="CHANNEL", help="Such as whatsapp.")]
Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="On that channel.")]
CaseName = Annotated[str, typer.Argument(metavar="CASE", help="Number or id of the case.")]
NoReason = Annotated[str, typer.Option("--reason", help="Why, for whoever looks back.")]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    contact = typer.Typer(help="Who is who, on which addresses.", no_args_is_help=True, rich_markup_mode=None)
    contact.command("show")(show)
    contact.command("merge")(merge_contacts)
    contact.command("unmerge")(undo)
    contact.command("link")(link)
    contact.command("unlink")(unlink)
    app.add_typer(contact, name="contact")
    case = typer.Typer(help="Where cases go on, and what belongs together.", no_args_is_help=True,
                       rich_markup_mode=None)  # fmt: skip
    case.command("move")(move)
    case.command("prove")(prove)
    case.command("merge")(merge_cases)
    case.command("split")(split)
    case.command("unmerge")(undo)
    app.add_typer(case, name="case")


def show(contact: ContactName, as_json: AsJson = False) -> None:
    """Show a contact: addresses, how each was proved and when, cases, and what was merged."""
    from caseward.core.ids import ContactId
    from caseward.store import cases, contacts, merges
    from caseward.store.db import transaction

    with connected(), transaction():
        whole = contacts.stands_for(ContactId(contact))
        found = contacts.get(ContactId(contact))
        if found is None:
            raise BadInput(
                f"there is no contact {contact!r}; a contact is known once an address is proved to be theirs"
            )
        proved, matters = contacts.proved(found.id), cases.of_contact(found.id)
        parts = [each for each in merges.standing("contact", of=found.id) if each.kept == found.id]
    if as_json:
        document(
            {
                "contact": found.id,
                "name": found.name,
                "part_of": whole if whole != found.id else None,
                "addresses": [
                    {"channel": each.channel, "address": each.address, "method": each.method, "at": each.at}
                    for each in proved
                ],
                "cases": [{"number": each.number, "status": each.status, "channel": each.channel} for each in matters],
                "merged": [{"merge": each.id, "contact": each.gone, "by": each.by, "at": each.at} for each in parts],
            }
        )
        return
    print(f"{found.id}  {found.name}{f'  part of {whole}' if whole != found.id else ''}")
    for each in proved:
        print(f"  {each.channel}:{each.address}  proved by {each.method}, {each.at:%Y-%m-%d %H:%M} UTC")
    for made in parts:
        print(f"  {made.gone} is part of it  by {made.by}, {made.at:%Y-%m-%d %H:%M} UTC  {made.id}")
    for matter in matters:
        print(f"  #{matter.number}  {matter.status}  {matter.channel}")
    if not proved:
        print("  no address is proved")


def merge_contacts(kept: Kept, gone: Gone, by: By, reason: NoReason = "", as_json: AsJson = False) -> None:
    """Have two contacts count as one person. Where both are proved to be on record, it takes a reason and somebody of
    the strongest lane."""
    from caseward.desk import merging
    from caseward.store.db import transaction

    with at_work(by) as person, transaction():
        made = merging.merge(kept, gone, person=person.id, role=person.role, reason=reason)
    if as_json:
        document({"merge": made.id, "kept": kept, "gone": gone, "moved": made.moved})
    else:
        print(f"{gone} is part of {kept}; undo it with `caseward contact unmerge {made.id}`")


def undo(merge: MergeId, by: By) -> None:
    """Undo what put contacts or cases together, or split one; what came since stays where it came."""
    from caseward.flows import joining

    with at_work(by) as person:
        made = joining.undo(merge, person=person.id, role=person.role)
    print(f"{made.gone} and {made.kept} are {'one' if made.kind == 'split' else 'two'} again")


def link(channel: Channel, address: Address, contact: ContactName, by: By, reason: Reason) -> None:
    """Have an address count as a contact's, because you know it is. It takes somebody of the strongest lane."""
    from caseward.flows import joining

    with at_work(by) as person:
        joining.link(channel, address, contact, person=person.id, role=person.role, reason=reason)
    print(f"{channel}:{address} is {contact}'s")


def unlink(channel: Channel, address: Address, by: By, reason: NoReason = "") -> None:
    """Have nothing count as proved of an address; what waits to go there is stopped, and its cases wait for a proof."""
    from caseward.flows import joining

    with at_work(by) as person:
        proved = joining.unlink(channel, address, person=person.id, role=person.role, reason=reason)
    print(f"{channel}:{address} is nobody's" if proved else f"{channel}:{address} was nobody's")


def move(
    case: CaseName,
    by: By,
    to: Annotated[
        str, typer.Option(help="A channel, or channel:address; where the contact writes when left out.")
    ] = "",
) -> None:
    """Have a case go on at another address of its contact: proved to be theirs, or the one on their record."""
    from caseward.flows import joining

    with at_work(by) as person:
        moved = joining.move(case, to, person=person.id, role=person.role)
    print(f"#{moved.number} goes on at {moved.reach}" if moved.reach else f"#{moved.number} goes on where they write")


def prove(case: CaseName, contact: ContactName, by: By) -> None:
    """Ask the registered address of a contact whether it is they who write in a case."""
    from caseward.flows import joining

    with at_work(by) as person:
        asked = joining.prove(case, contact, person=person.id, role=person.role)
    print(f"the registered address of {contact} is asked about #{asked.number}")


def merge_cases(kept: Kept, gone: Gone, by: By, reason: NoReason = "", as_json: AsJson = False) -> None:
    """Make one case of two; what is asked about the one that goes is withdrawn, undone."""
    from caseward.flows import joining

    with at_work(by) as person:
        made = joining.merge(kept, gone, person=person.id, role=person.role, reason=reason)
    if as_json:
        document({"merge": made.id, "kept": made.kept, "gone": made.gone, "moved": made.moved})
    else:
        print(f"#{gone} is part of #{kept}; undo it with `caseward case unmerge {made.id}`")


def split(
    case: CaseName,
    messages: Annotated[list[str], typer.Argument(metavar="MESSAGE...", help="Ids of the messages that go.")],
    by: By,
    reason: NoReason = "",
    as_json: AsJson = False,
) -> None:
    """Make a case of its own of some messages of a case; you hold it."""
    from caseward.flows import joining

    with at_work(by) as person:
        made, new = joining.split(case, messages, person=person.id, role=person.role, reason=reason)
    if as_json:
        document({"merge": made.id, "case": new.id, "number": new.number})
    else:
        print(f"#{new.number} was split off; undo it with `caseward case unmerge {made.id}`")


@contextmanager
def at_work(by: str) -> Iterator[Person]:
    """Open the desk that the settings mean, for something that a person does; what has to be said follows from the desk
    that runs. What is refused is the answer no."""
    from caseward import app, durable
    from caseward.desk import current, tools
    from caseward.store import db

    with connected() as settings, TemporaryDirectory(prefix="caseward-release-") as place:
        pack = current.in_force(Path(place))
        if pack is None:
            raise BadInput("nothing has been published yet; start `caseward serve` once, which publishes its pack")
        app.load_stories()
        url = db.engine().url.render_as_string(hide_password=False)
        durable.launch(url, db.engine(), db.joining, executor_id=f"command-{secrets.token_hex(4)}", run=False)
        tools.use(app.make_tools(settings, pack, lambda: datetime.now(UTC), brain=tools.NoBrain()))
        try:
            with db.transaction():
                person = person_of(by)
            yield person
        except (Refused, Conflict) as error:
            complain(error)
            raise no() from None
        finally:
            tools.use(None)
            durable.shut_down()
