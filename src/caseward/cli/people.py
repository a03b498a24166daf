"""Who may use a desk: people of the house, and programs with a token."""

from __future__ import annotations

import getpass
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from caseward.cli.looking import connected
from caseward.cli.say import AsJson, document
from caseward.core.errors import BadInput
from caseward.core.roles import Role

if TYPE_CHECKING:
    from caseward.store.people import Person

ROLES = ", ".join(Role)
RoleName = Annotated[Role, typer.Option("--role", help="What they are in the house.")]
LINK_HOURS = 24


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    token = typer.Typer(help="Tokens for programs.", no_args_is_help=True, rich_markup_mode=None)
    token.command("new")(new_token)
    app.add_typer(token, name="token")
    person = typer.Typer(help="People of the house.", no_args_is_help=True, rich_markup_mode=None)
    person.command("new")(new_person)
    person.command("link")(new_link)
    person.command("password")(set_password)
    person.command("disable")(disable)
    person.command("enable")(enable)
    person.command("list")(list_people)
    app.add_typer(person, name="person")


def new_token(
    role: RoleName,
    scope: Annotated[list[str] | None, typer.Option(help="Limit it to this; may be given several times.")] = None,
    name: Annotated[str, typer.Option(help="What it is for.")] = "",
    days: Annotated[int | None, typer.Option(min=1, max=3650, help="Days it is valid; for ever when left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make an API token and print it. It is shown this once and never again."""
    from caseward.store import log, tokens
    from caseward.store.db import transaction
    from caseward.web.tokens import Scope

    scopes = list(dict.fromkeys(scope or ()))
    unknown = [each for each in scopes if each not in set(Scope)]
    if unknown:
        raise BadInput(f"--scope {unknown[0]!r} does not exist; use any of {', '.join(Scope)}")
    now = datetime.now(UTC)
    expires = now + timedelta(days=days) if days else None
    with connected(), transaction():
        made = tokens.make(role, name=name, scopes=scopes, now=now, expires_at=expires)
        log.append("token", "house", {"what": "made", "token": made.id, "role": role, "name": name}, at=now)
    if as_json:
        document({"token": made.token, "role": role, "scopes": scopes, "expires_at": expires})
    else:
        print(made.token)


def new_person(
    name: Annotated[str, typer.Option(help="Their name, as colleagues read it.")],
    role: RoleName,
    email: Annotated[str, typer.Option(help="Where they are reached; what they sign in with.")],
    as_json: AsJson = False,
) -> None:
    """Add a person of the house and print a link that signs them in once."""
    from caseward.core import ids
    from caseward.store import people
    from caseward.store.db import transaction
    from caseward.store.people import Person

    if "@" not in email.strip("@") or not name.strip():
        raise BadInput("--email takes an address such as name@example.com, and --name a name")
    with connected() as settings, transaction():
        if people.credentials(email) is not None:
            raise BadInput(f"--email {email} belongs to somebody already; make them a link with `caseward person link`")
        person = Person(id=ids.new("per"), name=name.strip(), role=role, email=email)
        people.add(person, now=datetime.now(UTC))
        _record(person, "added", role=role)
        told = {"person": person.id, "link": _link(settings.base_url, person.id)}
    if as_json:
        document(told)
    else:
        print(told["link"])


def new_link(
    email: Annotated[str, typer.Argument(help="The person's e-mail address.")], as_json: AsJson = False
) -> None:
    """Print a link that signs a person in once, within a day."""
    from caseward.store import people
    from caseward.store.db import transaction

    with connected() as settings, transaction():
        found = people.credentials(email)
        if found is None:
            raise BadInput(f"nobody has the address {email}; add them with `caseward person new`")
        told = {"person": found[0].id, "link": _link(settings.base_url, found[0].id)}
    if as_json:
        document(told)
    else:
        print(told["link"])


PersonName = Annotated[str, typer.Argument(metavar="PERSON", help="Their id or e-mail address.")]


def set_password(
    person: PersonName,
    stdin: Annotated[bool, typer.Option("--stdin", help="Read it from standard input, one line.")] = False,
) -> None:
    """Set a person's password, asking for it twice; every session they have ends."""
    from caseward.store import passwords
    from caseward.store.db import transaction

    with connected():
        with transaction():
            found = _find(person)
        hashed = passwords.make(_typed(stdin), person=found)  # costly, so outside the transaction
        with transaction():
            passwords.set_for(found.id, hashed, now=datetime.now(UTC))
            _record(found, "password set")
    how = f"with {found.email}" if found.email else "once they have an e-mail address"
    print(f"{found.name} ({found.id}) signs in {how} and the new password; other sessions are over")


def disable(person: PersonName) -> None:
    """Shut a person out: their sessions end at once, and their votes on open requests no longer count."""
    _set_disabled(person, True)


def enable(person: PersonName) -> None:
    """Let a person in again who was disabled."""
    _set_disabled(person, False)


def list_people(as_json: AsJson = False) -> None:
    """List the people of the house: id, role, name, e-mail address."""
    from caseward.store import people
    from caseward.store.db import transaction

    with connected(), transaction():
        found = people.every()
    if as_json:
        document(
            [
                {
                    "person": each.id,
                    "name": each.name,
                    "role": each.role,
                    "email": each.email,
                    "disabled": each.disabled,
                }
                for each in found
            ]
        )
        return
    for each in found:
        print(f"{each.id}  {each.role}  {each.name}  {each.email}{'  disabled' if each.disabled else ''}")


def _set_disabled(person: str, disabled: bool) -> None:
    from caseward.store import people
    from caseward.store.db import transaction

    with connected(), transaction():
        found = _find(person)
        people.disable(found.id, disabled)
        _record(found, "disabled" if disabled else "enabled")
    print(f"{found.name} ({found.id}) is {'disabled' if disabled else 'enabled'}")


def _record(person: Person, what: str, **more: str) -> None:
    from caseward.store import log

    payload = {"what": what, "person": person.id, "name": person.name, **more}
    log.append("person", "house", payload, at=datetime.now(UTC))


def _find(given: str) -> Person:
    from caseward.store import people

    found = next((each for each in people.every() if given in (each.id, each.email) and given), None)
    if found is None:
        raise BadInput(f"nobody has the id or address {given!r}; see `caseward person list`")
    return found


def _typed(stdin: bool) -> str:
    """Return a password that somebody types twice, or the first line of standard input."""
    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise BadInput("nobody is there to be asked for the password; give it with --stdin")
    first = getpass.getpass("New password: ")
    if getpass.getpass("Once more: ") != first:
        raise BadInput("the two passwords differ; nothing was changed")
    return first


def _link(base_url: str, person_id: str) -> str:
    from caseward.store import people

    return f"{base_url}/sign-in/{people.link(person_id, expires_at=datetime.now(UTC) + timedelta(hours=LINK_HOURS))}"
