"""Who may use a desk: people of the house, and programs with a token."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from caseward.cli.looking import connected
from caseward.cli.say import AsJson, document
from caseward.core.errors import BadInput
from caseward.core.roles import Role

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
    app.add_typer(person, name="person")


def new_token(
    role: RoleName,
    scope: Annotated[list[str] | None, typer.Option(help="Limit it to this; may be given several times.")] = None,
    name: Annotated[str, typer.Option(help="What it is for.")] = "",
    days: Annotated[int | None, typer.Option(min=1, max=3650, help="Days it is valid; for ever when left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make an API token and print it. It is shown this once and never again."""
    from caseward.store import people
    from caseward.store.db import transaction
    from caseward.web.tokens import Scope

    scopes = list(dict.fromkeys(scope or ()))
    unknown = [each for each in scopes if each not in set(Scope)]
    if unknown:
        raise BadInput(f"--scope {unknown[0]!r} does not exist; use any of {', '.join(Scope)}")
    now = datetime.now(UTC)
    expires = now + timedelta(days=days) if days else None
    with connected(), transaction():
        token = people.new_token(role, name=name, scopes=scopes, now=now, expires_at=expires)
    if as_json:
        document({"token": token, "role": role, "scopes": scopes, "expires_at": expires})
    else:
        print(token)


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


def _link(base_url: str, person_id: str) -> str:
    from caseward.store import people

    return f"{base_url}/sign-in/{people.link(person_id, expires_at=datetime.now(UTC) + timedelta(hours=LINK_HOURS))}"
