"""Whether the skills that a pack declares can be run as they are written."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from caseward.core.declared import HOUSE, PLACE, RECORD, DeclaredSkill, Entry, Listing, Look, duration, figure
from caseward.core.errors import PackError
from caseward.core.pack import Intent, Pack, Plan
from caseward.packs.places import Places
from caseward.packs.schema import did_you_mean
from caseward.packs.yamlfile import Place

NAME = re.compile(r"[a-z][a-z0-9_]*")
VALUE = re.compile(r"[a-z][a-z_]*")
OWN = ("name", "business", "case", "reference")
"""What a playbook's words may say beside the values of a row."""
Problem = tuple[Place, str, str]
"""Where in the entry, what is wrong, and the fix."""


def problems(skill: DeclaredSkill, systems: Collection[str] | None) -> Iterator[Problem]:
    """Yield what is wrong with a skill; `systems` are the pack's, None where they could not be read."""
    if not NAME.fullmatch(skill.id):
        yield ("id",), "a name has lower-case letters, digits and underscores only", "rename it"
    if systems is not None and skill.system not in systems:
        yield ("system",), f"{skill.system!r} is none of the pack's systems", did_you_mean(skill.system, systems)
    if sum(each is not None for each in (skill.reads, skill.writes, skill.lists)) != 1:
        yield (), "a skill reads, writes or lists", "give one of `reads:`, `writes:` and `lists:`"
    if skill.reads is not None:
        yield from ((("reads", *at), message, fix) for at, message, fix in _reading(skill.reads))
    if skill.writes is not None:
        yield from ((("writes", *at), message, fix) for at, message, fix in _writing(skill.writes))
    if skill.lists is not None:
        yield from ((("lists", *at), message, fix) for at, message, fix in _listing(skill.lists))


def _reading(look: Look) -> Iterator[Problem]:
    if look.pick != "only" and not look.by:
        yield ("pick",), f"{look.pick} by what?", "add `by:`, the field that tells"
    if not (look.values or look.lists or look.count or look.found):
        yield (), "it returns nothing", "add `values:`"
    names = (*look.values, *look.lists, *look.otherwise, *filter(None, (look.found, look.count)))
    for name in names:
        if not VALUE.fullmatch(name):
            yield (), f"{name!r} is no name of a value", "use lower-case letters and underscores only"
    for name in {name for name in names if names.count(name) > 1} - (set(look.otherwise) & set(look.values)):
        yield (), f"the value {name!r} stands twice", "rename one"
    if look.named and look.of:
        yield ("of",), "the record is named by the contact or by an earlier reading", "leave one of the two out"
    if look.through and not look.owner:
        yield ("through",), "records about nobody are not looked up through the contact", "add `owner:`, or remove it"


def _listing(listing: Listing) -> Iterator[Problem]:
    spans = {name: getattr(listing, name) for name in ("before", "after", "until")}
    if bool(listing.by) != any(spans.values()):
        yield ("by",), "an instant and a span belong together", "give `by:` and one of `before:`, `after:` and `until:`"
    if listing.before and (listing.after or listing.until):
        yield ("before",), "it cannot be ahead and over at once", "leave out `before:`, or `after:` and `until:`"
    for name, span in spans.items():
        if span and duration(span) is None:
            yield (name,), f"{span!r} is no time", "write such as 90m, 2h or 14d"
    for name in listing.values:
        if not VALUE.fullmatch(name) or name in ("contact", *OWN):
            yield ("values", name), f"{name!r} is no name of a value here", "use other lower-case letters, underscores"


def _writing(entry: Entry) -> Iterator[Problem]:
    if not (entry.set or entry.add):
        yield (), "it changes nothing", "add `set:` or `add:`"
    if bool(entry.kind) != bool(entry.id):
        yield (), "which record it is about is not said", "give `kind:` and `id:`, the argument that names it"
    elif not entry.kind and (entry.set or entry.require):
        yield (), "`set` and `require` need a record", "give `kind:` and `id:`"
    if "contact" in entry.args:
        yield ("args",), "the contact is known by itself", "remove it"
    for i, each in enumerate(entry.require):
        at = ("require", i)
        for name in ("within", "past", "ahead"):
            span = getattr(each, name)
            if span and duration(span) is None:
                yield (*at, name), f"{span!r} is no time", "write such as 90m, 2h or 14d"
        for name in ("at_most", "at_least"):
            limit = getattr(each, name)
            if limit is not None and figure(limit) is None:
                yield (*at, name), f"{limit!r} is no number", "write a whole number, or an amount such as 100.00 EUR"
        if (
            not (each.one_of or each.equals or each.within or each.past or each.ahead)
            and each.at_most is each.at_least is None
        ):
            yield at, f"nothing is required of {each.field!r}", "say what it must be, such as `one_of:`"
    known = (*entry.arguments(), *HOUSE)
    for place, text in entry.texts():
        for first, second in PLACE.findall(text) if isinstance(text, str) else ():
            if second and (first != RECORD or not entry.kind):
                yield place, f"{{{first}.{second}}} is no field of a record", f"write {{{RECORD}.{second}}}"
            elif not second and first not in known:
                yield place, f"nothing is called {{{first}}}", did_you_mean(first, known)


def check(pack: Pack, places: Places, *, built_in: Collection[str]) -> Iterator[PackError]:
    """Yield where declared skills have the name of one that is built in, or are not used as they were declared."""
    for name in pack.skills:
        if name in built_in:
            fix = "choose another name"
            yield places.entry("skills.yaml", name, "a skill of this name is built in", at=("id",), fix=fix)
    for name, skill in pack.skills.items():
        entity = skill.reads.named if skill.reads else ""
        if entity and entity not in pack.entities:
            fix = did_you_mean(entity, pack.entities) if pack.entities else "declare it in entities.yaml"
            message = f"entities.yaml has no {entity!r}"
            yield places.entry("skills.yaml", name, message, at=("reads", "named"), fix=fix)
    for intent in pack.intents.values():
        for at, message, fix in _used(pack, intent):
            yield places.entry("intents.yaml", intent.id, message, at=at, fix=fix)


def _used(pack: Pack, intent: Intent) -> Iterator[Problem]:
    for i, name in enumerate(intent.reads):
        skill = pack.skills.get(name)
        if skill is not None and skill.lists is not None:
            yield ("reads", i), f"{name!r} lists what belongs to others too", "read with a skill that reads"
        elif skill is not None and skill.reads is None:
            yield ("reads", i), f"{name!r} writes", "read with a skill that reads; `task` is for writing"
    for i, plan in enumerate(intent.plans):
        yield from ((("plans", i, *at), message, fix) for at, message, fix in _tasked(pack, plan))


def _tasked(pack: Pack, plan: Plan) -> Iterator[Problem]:
    skill = pack.skills.get(plan.task)
    if skill is None:
        return
    if skill.writes is None:
        yield ("task",), f"{plan.task!r} only reads", "name a skill that writes"
        return
    wanted = skill.writes.arguments()
    for name in wanted:
        if name not in plan.args:
            yield ("task",), f"{plan.task!r} needs the argument {name!r}", f"add it to `args:`, `{name}: value`"
    for name in plan.args:
        if name not in wanted:
            yield ("args", name), f"{plan.task!r} takes no argument {name!r}", did_you_mean(name, wanted)
