"""Whether the use of channels fits together: words exist and are approved, channels are named, spans are read."""

from __future__ import annotations

from collections.abc import Iterator

from caseward.core import outreach
from caseward.core.channels import Playbook
from caseward.core.errors import PackError
from caseward.core.pack import Pack
from caseward.packs import wording
from caseward.packs.places import Places
from caseward.packs.schema import did_you_mean
from caseward.packs.skills import OWN
from caseward.packs.yamlfile import Place

CHANNELS, PLAYBOOKS = "channels.yaml", "playbooks.yaml"
ASKED, TOLD = "formal-verification", "continues-by-email"
"""Templates that the desk says by name where a channel has a `formal` one."""
OURS = frozenset({"business", "reference", "case"})
"""Places that are filled with what is ours."""
Problem = tuple[Place, str, str]
"""Where, what is wrong, and the fix."""


def check(pack: Pack, places: Places) -> Iterator[PackError]:
    """Yield what channels.yaml and playbooks.yaml name and does not exist, and what could not be done as written."""
    for at, message, fix in (*_used(pack), *_bounds(pack), *_confirmed(pack), *_mailed(pack)):
        yield places.error(CHANNELS, message, at=at, fix=fix)
    for playbook in pack.playbooks:
        for at, message, fix in _playbook(pack, playbook):
            yield places.entry(PLAYBOOKS, playbook.id, message, at=at, fix=fix)


def _used(pack: Pack) -> Iterator[Problem]:
    own = pack.channels.channels
    for name, policy in own.items():
        at: Place = ("channels", name)
        if policy.formal and policy.formal not in own:
            yield (*at, "formal"), f"no channel is called {policy.formal!r}", did_you_mean(policy.formal, own)
        for template in (ASKED, TOLD) if policy.formal else ():
            yield from _said(pack, template, (*at, "formal"))
        if policy.refusal:
            yield from _said(pack, policy.refusal, (*at, "refusal"))
        if policy.lost:
            yield from _said(pack, policy.lost, (*at, "lost"))
        if policy.lost and not policy.formal:
            yield (*at, "lost"), "it has nowhere to go", "name the channel that it goes out on, as `formal`"
        if policy.instead and not policy.formal:
            yield (*at, "instead"), "it has nowhere to go", "name the channel that is formal, as `formal`"
        for template, approved in policy.approved.items():
            here: Place = (*at, "approved", template)
            yield from _said(pack, template, here)
            for language in approved.languages:
                if language not in pack.profile.languages:
                    fix = did_you_mean(language, pack.profile.languages)
                    yield (*here, "languages", language), f"the business does not speak {language!r}", fix
            shown = _places(pack, template)
            for i, value in enumerate(approved.values):
                if template in pack.templates and value not in shown:
                    fix = did_you_mean(value, shown) if shown else "leave `values:` out"
                    yield (*here, "values", i), f"template {template} has no place {{{value}}}", fix


def _bounds(pack: Pack) -> Iterator[Problem]:
    own = pack.channels.outreach
    if own.quiet and outreach.span(own.quiet) is None:
        yield ("outreach", "quiet"), f"{own.quiet!r} is no time of day", 'write such as "20:00-08:00", or "" for none'
    for name in ("most", "days"):
        if getattr(own, name) < 1:
            yield ("outreach", name), f"{name} is less than one", "give a whole number, or switch the playbooks off"
    for name in ("stopped", "started"):
        if getattr(own, name):
            yield from _said(pack, getattr(own, name), ("outreach", name))
    starts = {word.casefold() for words in own.start.values() for word in words}
    for language, words in own.stop.items():
        for i, word in enumerate(words):
            if word.casefold() in starts:
                yield ("outreach", "stop", language, i), f"{word!r} both stops and starts", "leave it out of one"
    if pack.playbooks and not any(own.stop.values()):
        yield ("outreach",), "nobody can forbid what playbooks send", "give `stop:` the words with which a contact does"


def _confirmed(pack: Pack) -> Iterator[Problem]:
    for template, mail in pack.channels.confirmations.items():
        at: Place = ("confirmations", template)
        yield from _said(pack, template, at)
        yield from _said(pack, mail.template, (*at, "template"))
        words = pack.templates.get(mail.template)
        yield from _has_subject(pack, mail.template, (*at, "template"))
        for name in sorted(_places(pack, mail.template) - _places(pack, template) - OURS if words is not None else ()):
            fix = "take the place out, or say it in the words before: only what was said is confirmed"
            yield (*at, "template"), f"template {template} says no {name!r} for template {mail.template}", fix
        if mail.channel not in pack.channels.channels:
            fix = did_you_mean(mail.channel, pack.channels.channels)
            yield (*at, "channel"), f"no channel is called {mail.channel!r}", fix


def _mailed(pack: Pack) -> Iterator[Problem]:
    mailed = pack.channels.transcript
    if mailed is None:
        return
    for field, own in (("template", OURS), ("code", OURS | {"code", "minutes"})):
        at: Place = ("transcript", field)
        template = getattr(mailed, field)
        yield from _said(pack, template, at)
        yield from _has_subject(pack, template, at)
        for name in sorted(_places(pack, template) - own):
            yield at, f"template {template} shows {name!r}, which nobody gives", f"show only {', '.join(sorted(own))}"
    if mailed.code in pack.templates and "code" not in _places(pack, mailed.code):
        yield ("transcript", "code"), f"template {mailed.code} does not say the code", "write {code} where it stands"
    for language in pack.profile.languages:
        if not mailed.you.get(language, "").strip():
            yield ("transcript", "you"), f"the contact's words have no heading in {language}", f"add `{language}: You`"


def _has_subject(pack: Pack, template: str, at: Place) -> Iterator[Problem]:
    """Yield in which languages a mail has no subject."""
    words = pack.templates.get(template)
    for language in pack.profile.languages if words is not None else ():
        if words is not None and not words.subject.get(language, "").strip():
            message = f"template {template} has no subject in {language}"
            yield at, message, f"add `subject:` with `{language}:` to templates/{template}.yaml"


def _playbook(pack: Pack, playbook: Playbook) -> Iterator[Problem]:
    if not playbook.owner.strip():
        yield ("owner",), "nobody owns this playbook", "name who keeps it up to date"
    yield from _said(pack, playbook.template, ("template",))
    own = pack.channels.channels
    for i, name in enumerate(playbook.channels):
        if name not in own:
            yield ("channels", i), f"channels.yaml has no {name!r}", did_you_mean(name, own)
    if not playbook.channels:
        yield ("channels",), "it reaches nobody", "name a channel"
    if playbook.every_minutes < 1:
        yield ("every_minutes",), "it is asked all the time", "give a whole number of minutes"
    skill = pack.skills.get(playbook.reads)
    if skill is None or skill.lists is None:
        known = [id for id, each in pack.skills.items() if each.lists is not None]
        fix = did_you_mean(playbook.reads, known) if known else "declare it in skills.yaml, with `lists:`"
        yield ("reads",), f"no skill lists {playbook.reads!r}", fix
        return
    values = [*skill.lists.values]
    for name in sorted(_places(pack, playbook.template) - {*values, *OWN}):
        yield ("template",), f"{playbook.reads} gives no {name!r} to fill its place", did_you_mean(name, values)
    asked = outreach.PLACE.findall(playbook.key)
    for name in asked:
        if name not in (*values, "contact"):
            yield ("key",), f"{playbook.reads} gives no {name!r}", did_you_mean(name, (*values, "contact"))
    if not asked:
        fix = "put in what it is about, such as {session_id}"
        yield ("key",), "all messages of this playbook would have one key", fix


def _said(pack: Pack, template: str, at: Place) -> Iterator[Problem]:
    """Yield why the desk could not say a template."""
    approved = [id for id, each in pack.templates.items() if each.status == "approved"]
    if template not in approved:
        yield at, f"{template!r} is no approved template", did_you_mean(template, approved)


def _places(pack: Pack, template: str) -> frozenset[str]:
    found = wording.places(pack.templates[template]) if template in pack.templates else {}
    return frozenset[str]().union(*found.values())
