"""Where things are and which plugs are allowed; never what the business decides.

Every setting is a variable `CASEWARD_<NAME>`, or the path of a file that holds its value in `CASEWARD_<NAME>_FILE`.
docs/settings.md lists them all; its table is written from this class.
"""

from __future__ import annotations

import contextlib
import difflib
import ipaddress
import logging
import os
import re
import secrets
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from caseward.core.errors import BadInput
from caseward.core.roles import Role

PREFIX = "CASEWARD_"
FILE = "_FILE"
DEFAULT_PACK = "vocal-coaching"
SECRET_CHARS = 32
"""A shorter signing secret could be guessed."""

_CHECKOUT = Path(__file__).parents[2]
_IN_CHECKOUT = (_CHECKOUT / "pyproject.toml").is_file() and (_CHECKOUT / "packs").is_dir()


def shipped_packs() -> Path:
    """Return the folder of the packs that came with the program: of the checkout, or inside the installed package."""
    return _CHECKOUT / "packs" if _IN_CHECKOUT else Path(__file__).parent / "_packs"


def default_data() -> Path:
    """Return `data` of the checkout, so that two checkouts never share a database; else the user's data folder."""
    if _IN_CHECKOUT:
        return _CHECKOUT / "data"
    return Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser() / "caseward"


def _database(value: SecretStr) -> SecretStr:
    scheme, mark, rest = value.get_secret_value().partition("://")
    if scheme not in {"postgresql", "postgres", "postgresql+psycopg"} or not mark or not rest:
        raise ValueError
    return SecretStr(f"postgresql://{rest}")


def _origins(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or value != f"{parts.scheme}://{parts.netloc}":
            raise ValueError
        if not re.fullmatch(r"[A-Za-z0-9.:\[\]-]+", parts.netloc):
            raise ValueError
    return values


def _folder(value: Path) -> Path:
    path = value.expanduser().absolute()
    if path.exists() and not path.is_dir():
        raise ValueError
    return path


def _pack(value: Path) -> Path:
    named = shipped_packs() / value
    path = named if len(value.parts) == 1 and named.is_dir() and not value.is_dir() else _folder(value)
    if not path.is_dir():
        raise ValueError
    return path


def _url(value: str) -> str:
    parts = urlsplit(value)
    bare = parts._replace(path="").geturl() == value.rstrip("/")
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0 or not bare:
        raise ValueError
    return value.rstrip("/")


def _api_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError
    return value.rstrip("/")


def _server(*schemes: str) -> Callable[[SecretStr | None], SecretStr | None]:
    """Return what accepts the address of a mail server, with its user and password inside."""

    def checked(value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parts = urlsplit(value.get_secret_value())
            if parts.scheme not in schemes or not parts.hostname or parts.query or parts.fragment:
                raise ValueError
        return value

    return checked


def _secret(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < SECRET_CHARS:
        raise ValueError
    return value


def _word(value: SecretStr) -> SecretStr:
    """Accept what Telegram lets one give as the secret of a webhook."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", value.get_secret_value()):
        raise ValueError
    return value


def _listed(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _networks(value: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(ipaddress.ip_network(part, strict=False)) for part in value)


def _issuer(value: str) -> str:
    """Accept where an identity provider is, exactly as its tokens name it: over TLS, or on this machine."""
    if not value:
        return value
    parts = urlsplit(value)
    here = parts.hostname in {"127.0.0.1", "::1", "localhost"}
    if not parts.hostname or parts.query or parts.fragment or (parts.scheme != "https" and not here):
        raise ValueError
    return value


def _mapped(value: object) -> object:
    if not isinstance(value, str):
        return value
    pairs = [part.rpartition("=") for part in value.split(",") if part.strip()]
    return {name.strip(): role.strip() for name, _mark, role in pairs}


Listed = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Names = Annotated[tuple[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], ...], BeforeValidator(_listed)]


def _setting(default: Any, meaning: str, *, takes: str, shown: str = "", **bounds: Any) -> Any:
    """Declare a setting: what it means, what it takes (said when a value is refused), and its default in words."""
    origin = {"default_factory": default} if callable(default) else {"default": default}
    return Field(description=meaning, json_schema_extra={"takes": takes, "shown": shown}, **origin, **bounds)


class Settings(BaseModel):
    """Everything an installation may choose, read once at the start by `load`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    database_url: Annotated[SecretStr, AfterValidator(_database)] | None = _setting(
        None,
        "The PostgreSQL (15 or newer) to use instead of the embedded one.",
        takes="an address such as `postgresql://user:password@host:5432/name`",
        shown="embedded, under `CASEWARD_DATA`",
    )
    data: Annotated[Path, AfterValidator(_folder)] = _setting(
        default_data,
        "Where the embedded database and the generated secret live.",
        takes="a folder, made when missing",
        shown="`data` in a checkout, else `~/.local/share/caseward`",
    )
    pack: Annotated[Path, AfterValidator(_pack)] = _setting(
        lambda: shipped_packs() / DEFAULT_PACK,
        "The business to serve.",
        takes="a pack's folder, or the name of one that came along, such as `vocal-coaching`",
        shown=f"`{DEFAULT_PACK}`",
    )
    host: str = _setting(
        "127.0.0.1",
        "The address to listen on; `0.0.0.0` for all, behind a proxy that speaks TLS.",
        takes="an IP address or host name of this machine",
        pattern=r"^[A-Za-z0-9.:_-]+$",
    )
    port: int = _setting(8400, "The port to listen on.", takes="a whole number from 1 to 65535", ge=1, le=65535)
    workers: int = _setting(
        2,
        "How many processes there are: one in four, and one at least, answers requests, the others work; 1 does both.",
        takes="a whole number from 1 to 64",
        ge=1,
        le=64,
    )
    public_url: Annotated[str, AfterValidator(_url)] = _setting(
        "",
        "What people type to get here; used in links, for cookies and as an allowed host.",
        takes="an address without a path, such as `https://desk.example.com`",
        shown="`http://` with host and port",
    )
    allowed_hosts: Listed = _setting(
        (),
        "Host names to answer to besides this machine's own and that of `CASEWARD_PUBLIC_URL`.",
        takes="host names without a port, separated by commas; `*` for any",
        shown="none",
    )
    chat_origins: Annotated[Listed, AfterValidator(_origins)] = _setting(
        (),
        "Sites that may show the chat in a page of theirs.",
        takes="addresses without a path, separated by commas, such as `https://www.example.com`",
        shown="none",
    )
    trusted_proxies: Annotated[Listed, AfterValidator(_networks)] = _setting(
        (),
        "Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.",
        takes="IP addresses or networks separated by commas, such as `10.0.0.0/8`",
        shown="none",
    )
    secret: Annotated[SecretStr, AfterValidator(_secret)] | None = _setting(
        None,
        "What the heads of the action log are signed with and second factors are sealed with; the same for all "
        "processes of one desk.",
        takes=f"at least {SECRET_CHARS} characters, such as those of `openssl rand -hex 32`",
        shown="made at the first start, kept in `CASEWARD_DATA`",
    )
    former_secret: Annotated[SecretStr, AfterValidator(_secret)] | None = _setting(
        None,
        "The secret before this one, for the one start that seals anew what was sealed with it.",
        takes=f"at least {SECRET_CHARS} characters: what `CASEWARD_SECRET` or the file `secret` said before",
        shown="none",
    )
    session_hours: int = _setting(
        12,
        "Hours after which a sign-in to the console ends.",
        takes="a whole number from 1 to 720",
        ge=1,
        le=720,
    )
    require_second_factor: Annotated[tuple[Role, ...], BeforeValidator(_listed)] = _setting(
        (),
        "Roles that need a second factor besides a password or link; who has none sets one up at the next sign-in.",
        takes=f"roles separated by commas, of {', '.join(Role)}",
        shown="none: each person decides",
    )
    oidc_issuer: Annotated[str, AfterValidator(_issuer)] = _setting(
        "",
        "Single sign-on: the issuer of an OpenID Connect provider.",
        takes="an `https` address, exactly as the provider's tokens name it",
        shown="none: people sign in with password or link",
    )
    oidc_client_id: str = _setting(
        "",
        "Single sign-on: the client id that the provider gave this desk.",
        takes="the id, as the provider shows it",
        shown="none: single sign-on stays off",
    )
    oidc_client_secret: SecretStr | None = _setting(
        None,
        "Single sign-on: the client's secret; a public client has none.",
        takes="the secret, as the provider shows it",
        shown="none: a public client",
    )
    oidc_name: str = _setting(
        "Single sign-on",
        "Single sign-on: what its button says after *Continue with*.",
        takes="1 to 40 characters",
        min_length=1,
        max_length=40,
    )
    oidc_roles_claim: str = _setting(
        "groups",
        "Single sign-on: the claim of the ID token that `CASEWARD_OIDC_ROLES` is read by.",
        takes="the name of a claim that holds a word or a list of words",
        min_length=1,
    )
    oidc_roles: Annotated[Mapping[str, Role], BeforeValidator(_mapped)] = _setting(
        lambda: {},
        "Single sign-on: who is let in uninvited, and as what, by a value of that claim. The first that fits counts.",
        takes="pairs such as `desk-admins=admin,support=agent`",
        shown="none: only who was invited",
    )
    log_level: Literal["debug", "info", "warning", "error"] = _setting(
        "info",
        "The least that is worth a line in the program's own log.",
        takes="`debug`, `info`, `warning` or `error`",
    )
    channels: Names | None = _setting(
        None,
        "Channels that may be used: modules of `adapters/channels`. One without its secrets stays off.",
        takes="names separated by commas",
        shown="all that came along",
    )
    skills: Names = _setting(
        ("records",),
        "Systems that may be read and written: modules of `adapters/skills`.",
        takes="names separated by commas",
    )
    brains: Names = _setting(
        ("local",),
        "Brains that may be asked, the first being the one in use: modules of `adapters/brains`.",
        takes="names separated by commas",
    )
    whatsapp_app_secret: SecretStr | None = _setting(
        None,
        "WhatsApp: the app secret, with which Meta signs what it sends us.",
        takes="the app secret of the Meta app",
        shown="none: the channel stays off",
    )
    whatsapp_verify_token: SecretStr | None = _setting(
        None,
        "WhatsApp: the word of our own choice that Meta repeats when our address is registered.",
        takes="the verify token given to the Meta app",
        shown="none: the channel stays off",
    )
    whatsapp_token: SecretStr | None = _setting(
        None,
        "WhatsApp: the access token with which we send.",
        takes="a system user's token with the right `whatsapp_business_messaging`",
        shown="none: the channel stays off",
    )
    whatsapp_phone_number_id: str = _setting(
        "",
        "WhatsApp: Meta's id of the number that we send from.",
        takes="digits, as the app's API set-up page shows them",
        shown="none: the channel stays off",
        pattern=r"^\d*$",
    )
    whatsapp_account_id: str = _setting(
        "",
        "WhatsApp: Meta's id of the business account, to look at how the wording there is judged.",
        takes="digits, as the app's API set-up page shows them",
        shown="none: it is not looked at",
        pattern=r"^\d*$",
    )
    whatsapp_api_url: Annotated[str, AfterValidator(_api_url)] = _setting(
        "https://graph.facebook.com/v23.0",
        "WhatsApp: where the Graph API is, with its version.",
        takes="an address such as `https://graph.facebook.com/v23.0`",
    )
    telegram_token: SecretStr | None = _setting(
        None,
        "Telegram: the token of the bot, for the team's lanes and for customers.",
        takes="the token that BotFather gave",
        shown="none: the channel stays off",
    )
    telegram_secret: Annotated[SecretStr, AfterValidator(_word)] | None = _setting(
        None,
        "Telegram: what Telegram repeats in a header of each webhook; without it the bot asks for its updates.",
        takes="1 to 256 letters, digits, `_` and `-`",
        shown="none: updates are fetched by long polling",
    )
    telegram_api_url: Annotated[str, AfterValidator(_api_url)] = _setting(
        "https://api.telegram.org",
        "Telegram: where the Bot API is.",
        takes="an address such as `https://api.telegram.org`",
    )
    email_address: str = _setting(
        "",
        "E-mail: the address that the desk writes from and is written to.",
        takes="a mail address, such as `desk@example.com`",
        shown="none: the channel stays off",
        pattern=r"^$|^[^@\s<>\"]+@[^@\s<>\"]+$",
    )
    email_imap_url: Annotated[SecretStr | None, AfterValidator(_server("imap", "imaps"))] = _setting(
        None,
        "E-mail: the mailbox to read, with user and password.",
        takes="an address such as `imaps://user:password@mail.example.com/INBOX`",
        shown="none: no mail is read",
    )
    email_smtp_url: Annotated[SecretStr | None, AfterValidator(_server("smtp", "smtps"))] = _setting(
        None,
        "E-mail: the server that sends, with user and password; `smtp` begins TLS where the server offers it.",
        takes="an address such as `smtps://user:password@mail.example.com:465`",
        shown="none: the channel stays off",
    )
    email_trusted_server: str = _setting(
        "",
        "E-mail: the name with which our own mail server signs `Authentication-Results`; nobody else's are believed.",
        takes="a host name, as it stands at the beginning of that header",
        shown="none: no mail counts as authentic",
        pattern=r"^[A-Za-z0-9.-]*$",
    )
    slack_token: SecretStr | None = _setting(
        None,
        "Slack: the bot token of the app, for the team's lanes.",
        takes="a token that begins with `xoxb-`",
        shown="none: the channel stays off",
    )
    slack_signing_secret: SecretStr | None = _setting(
        None,
        "Slack: the signing secret of the app.",
        takes="the signing secret of the Slack app",
        shown="none: the channel stays off",
    )
    slack_api_url: Annotated[str, AfterValidator(_api_url)] = _setting(
        "https://slack.com/api",
        "Slack: where the Web API is.",
        takes="an address such as `https://slack.com/api`",
    )
    discord_token: SecretStr | None = _setting(
        None,
        "Discord: the token of the bot, a channel to customers.",
        takes="the token of the Discord app's bot",
        shown="none: the channel stays off",
    )
    discord_public_key: str = _setting(
        "",
        "Discord: the app's public key, with which its interactions are checked.",
        takes="64 hexadecimal digits",
        shown="none: buttons are not offered",
        pattern=r"^$|^[0-9a-fA-F]{64}$",
    )
    discord_api_url: Annotated[str, AfterValidator(_api_url)] = _setting(
        "https://discord.com/api/v10",
        "Discord: where the API is, with its version.",
        takes="an address such as `https://discord.com/api/v10`",
    )
    demo: bool = _setting(
        False,
        "Whether this is a demo: sample records are loaded and the chat may be opened as a sample contact.",
        takes="`true` or `false`",
    )
    debounce_ms: int | None = _setting(
        None,
        "Milliseconds to wait for more messages before a turn begins, in place of the pack's; for measuring and tests.",
        takes="a whole number from 0 to 60000",
        shown="the pack's `limits.debounce_ms`",
        ge=0,
        le=60_000,
    )

    @classmethod
    def load(cls, **options: Any) -> Settings:
        """Return the settings of the environment, with the command line's `options` (None is not given) on top.

        Raises:
            BadInput: one line for each wrong value: its name, the value (a secret's is masked), and what to give.
        """
        given = {name: value for name, value in options.items() if value is not None}
        values = _environment() | given
        try:
            return cls(**values)
        except ValidationError as error:
            wrong = dict.fromkeys(str(each["loc"][0]) for each in error.errors())
            raise BadInput("\n".join(_complaint(name, values[name], given) for name in wrong)) from None

    @property
    def base_url(self) -> str:
        """What links begin with, without a slash at the end."""
        host = "localhost" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104
        return self.public_url or f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def hosts(self) -> tuple[str, ...]:
        """Every host name that a request may be addressed to."""
        own = ("localhost", "127.0.0.1", "[::1]", self.host, urlsplit(self.base_url).hostname or "")
        return tuple(dict.fromkeys(name for name in (*own, *self.allowed_hosts) if name))

    def secrets(self) -> tuple[str, ...]:
        """Return the secret to seal with, then the one before it where it is given."""
        former = (self.former_secret.get_secret_value(),) if self.former_secret else ()
        return (self.signing_secret(), *former)

    def signing_secret(self) -> str:
        """Return the secret given, or the one kept in the data folder, which is made when there is none yet.

        Several processes may ask at once: they all get the same one.
        """
        if self.secret:
            return self.secret.get_secret_value()
        kept = self.data / "secret"
        try:
            if not kept.exists():
                _keep(kept, secrets.token_hex(SECRET_CHARS))
            return kept.read_text("ascii").strip()
        except OSError as error:
            raise BadInput(
                f"{PREFIX}DATA is {str(self.data)!r}: no secret can be kept there ({error.strerror}); "
                f"name a folder that this user may write to, or give {PREFIX}SECRET"
            ) from error


def variable(field: str) -> str:
    """Return the name of the variable that sets `field`."""
    return PREFIX + field.upper()


def _environment() -> dict[str, str]:
    """Return field → text for what the environment gives; an empty variable is one not given."""
    given = {name: value for name, value in os.environ.items() if name.startswith(PREFIX) and value}
    _refuse_slips(given)
    values = {}
    for field in Settings.model_fields:
        name = variable(field)
        if name in given and name + FILE in given:
            raise BadInput(f"{name} and {name}{FILE} are both given; leave one of them out")
        if name in given:
            values[field] = given[name]
        elif name + FILE in given:
            values[field] = _contents(name + FILE, given[name + FILE])
    return values


def _contents(name: str, path: str) -> str:
    try:
        return Path(path).expanduser().read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise BadInput(f"{name} is {path!r}, which cannot be read ({why}); name a readable text file") from error


def _refuse_slips(given: Mapping[str, str]) -> None:
    """Refuse what looks like a slip of the pen; warn of the rest, which another release may know."""
    known = {variable(field) + end for field in Settings.model_fields for end in ("", FILE)}
    for name in sorted(given.keys() - known):
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.86)
        if near:
            raise BadInput(f"{name} is not a setting; did you mean {near[0]}?")
        logging.getLogger(__name__).warning("%s is not a setting of this release and is ignored", name)


def _complaint(field: str, value: object, given: Mapping[str, object]) -> str:
    info = Settings.model_fields.get(field)
    if info is None or not isinstance(info.json_schema_extra, dict):
        return f"{field} is not a setting; the settings are {', '.join(Settings.model_fields)}"
    name = f"--{field.replace('_', '-')}" if field in given else variable(field)
    shown = "********" if "SecretStr" in str(info.annotation) else repr(str(value))
    return f"{name} is {shown}: give {info.json_schema_extra['takes']}"


def _keep(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all, unless another process was first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, scratch = tempfile.mkstemp(dir=path.parent)  # made with mode 0600
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text)
        with contextlib.suppress(FileExistsError):
            os.link(scratch, path)
    finally:
        Path(scratch).unlink()
