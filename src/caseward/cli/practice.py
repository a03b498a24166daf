"""What a demo and the simulators agree on, so that either may be started first and they find each other."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from caseward.core.roles import Role
from caseward.simulators import discord, mail, slack, telegram, whatsapp
from caseward.store import db, lanes
from caseward.store.lanes import Bound, Handle

HOST = "127.0.0.1"
PORTS = {"whatsapp": 8411, "telegram": 8412, "email": 8413, "slack": 8414, "discord": 8415}
"""Simulator → where its page and its interface are."""
SMTP_PORT, IMAP_PORT = 8425, 8443
LANES = dict(zip(("ops", "approvals", "incidents"), map(str, telegram.GROUPS), strict=True))
"""Lane → the Telegram group in which it is read."""
TEAM = {1001 + n: role for n, role in enumerate(Role)}
"""Telegram id → the role of the sample person whose it is."""
SLACK_LANES = {lane: channel for channel, lane in slack.CHANNELS.items()}
"""Lane → the Slack channel in which it is read."""
SLACK_TEAM = dict(zip(slack.PEOPLE, (Role.COACH, Role.AGENT), strict=True))
"""Slack id → the role of the sample person whose it is."""


def settings(beside: Collection[str] = ()) -> Mapping[str, str]:
    """Return the settings of a desk whose vendors are the simulators, with Slack or Discord `beside` them: field →
    value."""
    at = {name: f"http://{HOST}:{port}" for name, port in PORTS.items()}
    more = {
        "slack": {
            "slack_token": slack.TOKEN,
            "slack_signing_secret": slack.SIGNING_SECRET,
            "slack_api_url": f"{at['slack']}/api",
        },
        "discord": {
            "discord_token": discord.TOKEN,
            "discord_public_key": discord.PUBLIC_KEY,
            "discord_api_url": f"{at['discord']}/api/v10",
        },
    }
    return {
        "whatsapp_app_secret": whatsapp.APP_SECRET,
        "whatsapp_verify_token": whatsapp.VERIFY_TOKEN,
        "whatsapp_token": whatsapp.TOKEN,
        "whatsapp_phone_number_id": whatsapp.NUMBER_ID,
        "whatsapp_account_id": whatsapp.ACCOUNT_ID,
        "whatsapp_api_url": f"{at['whatsapp']}/v23.0",
        "telegram_token": telegram.TOKEN,
        "telegram_api_url": at["telegram"],
        "email_address": mail.DESK,
        "email_smtp_url": _mail_url("smtp", SMTP_PORT),
        "email_imap_url": _mail_url("imap", IMAP_PORT),
        "email_trusted_server": mail.SERVER,
        **{field: value for name in beside for field, value in more[name].items()},
    }


def _mail_url(scheme: str, port: int) -> str:
    return f"{scheme}://{mail.DESK.replace('@', '%40')}:{mail.PASSWORD}@{HOST}:{port}"


def introduce(now: datetime, beside: Collection[str] = ()) -> None:
    """Tell a demo's desk who its sample people are on the simulated Telegram, and on Slack where that is `beside` it,
    and where its lanes are read."""
    with db.transaction():
        for number, role in TEAM.items():
            lanes.link(Handle(channel="telegram", handle=str(number), person_id=f"sample_{role}"), now=now)
        for lane, chat in LANES.items():
            lanes.bind(Bound(lane=lane, channel="telegram", chat=chat, by="demo"), now=now)
        if "slack" in beside:
            for handle, role in SLACK_TEAM.items():
                lanes.link(Handle(channel="slack", handle=handle, person_id=f"sample_{role}"), now=now)
            for lane, chat in SLACK_LANES.items():
                lanes.bind(Bound(lane=lane, channel="slack", chat=chat, by="demo"), now=now)
