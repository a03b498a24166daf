"""Releases are proposed, consented to, published and rolled back here: what the desk goes by from then on.

Nothing that fails its check is taken in, nobody consents to their own change, and what is published is what was
proposed: the whole pack, against the release that is current still.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from caseward.core import roles
from caseward.core.errors import BadInput, Conflict, NotFound, Refused
from caseward.core.pack import Pack
from caseward.core.release import (
    PUBLISHERS,
    Files,
    Part,
    State,
    changes,
    digest,
    high_risk,
    lane,
    parts,
    parts_of,
)
from caseward.core.roles import Actor, Effect
from caseward.core.text import clean
from caseward.desk import tools
from caseward.packs import check, shelf
from caseward.packs.load import load
from caseward.store import db, log, releases
from caseward.store.releases import Release, Switch

HOUSE = "house"
POLICY = "policy"
MAX_REASON = 2000
REMEMBERED = 4
"""Packs found sound that a process keeps in mind."""
UNDECIDED = (State.PROPOSED, State.APPROVED)


class Unsound(BadInput):
    """A pack that fails its check was about to be taken in."""

    code = "unsound"


# --- verbs ------------------------------------------------------------------------------------------------------------


def open_with(files: Files) -> Release:
    """Publish the very first release: nobody is asked, because nothing was in force before.

    Raises:
        Unsound: the pack fails its check.
        Conflict: there is a release already, or its id was used for something else.
    """
    return _by_the_house(files, reason="first release")


def follow(files: Files) -> Release:
    """Publish what a demo's folder holds now, under the next number that is free; raise Unsound, Conflict."""
    return _by_the_house(files, reason="the demo's folder was changed")


def followed(files: Files) -> bool:
    """Return whether these are the files that the house itself published last."""
    own = (each for each in releases.every() if each.author == HOUSE and not each.approver)
    last = next((each for each in own if each.state is State.PUBLISHED), None)
    return last is not None and last.digest == digest(files)


def propose(files: Files, *, author: str, reason: str, release: str = "") -> Release:
    """Store a change of the pack for consent; one that policy may consent to is approved at once.

    Args:
        files: the whole pack, as it would be.
        author: a person's id, or the agent (D, F) that drafted it.
        reason: why, for those who consent and those who look back.
        release: the id; what pack.yaml says when empty.

    Raises:
        BadInput: no reason, or nothing changes.
        Unsound: the pack fails its check.
        Conflict: the id was used before, or another release than the one in force is current by now.
    """
    reason, now = _reason(reason), tools.now()
    pack, told = _sound(files)
    before, base = _base()
    changed = changes(releases.files(base.release), files)
    if not changed:
        raise BadInput(f"nothing differs from the current release {base.release}")
    if not release and releases.exists(pack.profile.release):
        fix = f"raise `release` in pack.yaml, such as to {free_id(pack.profile.release)}"
        raise Conflict(f"release {pack.profile.release} exists already; {fix}")
    risks = high_risk(changed, before, pack)
    touched = parts_of(changed)
    proposed = Release(
        id=release or pack.profile.release,
        pack=pack.profile.name,
        digest=digest(files),
        state=State.PROPOSED,
        author=author,
        reason=reason,
        proposed_at=now,
        base=base.release,
        parts={str(part): of for part, of in parts(files).items()},
        changed=tuple(map(str, touched)),
        lane=lane(touched, before, risky=bool(risks)),
        high_risk=bool(risks),
        checked=told,
    )
    releases.propose(proposed, files)
    _log(proposed, author, "proposed", reason=reason, lane=proposed.lane, risks=list(risks))
    if not before.profile.lanes[proposed.lane].roles:
        roles.require(Actor.A, Effect.APPROVE)
        why = f"a change of low risk; the lane {proposed.lane} asks for nobody"
        releases.move(proposed.id, [State.PROPOSED], State.APPROVED, by=POLICY, reason=why, at=now)
        _log(proposed, Actor.A, "approved", reason=why)
    return releases.get(proposed.id)


def renew(release: str, *, person: str, day: str) -> Release:
    """Propose an outdated change anew on the release that is current; when its author does, the old one is withdrawn.

    Args:
        release: its id.
        person: whose the new proposal is.
        day: the day that names it, such as `2026-11-23`.

    Raises:
        NotFound: there is no such release, or its files were not kept.
        Conflict: it is settled or not outdated, or a file that it changes was changed by others meanwhile.
        Unsound: both together fail the check.
    """
    it, base = releases.get(release, lock=True), releases.current()
    if it.state not in UNDECIDED or base is None:
        raise Conflict(f"release {it.id} is {it.state} already")
    if it.base == base.release:
        raise Conflict(f"release {it.id} is up to date")
    was, now = releases.files(it.base), dict(releases.files(base.release))
    wanted = changes(was, releases.files(it.id))
    moved = [each.path for each in wanted if now.get(each.path, "") not in (each.before, each.after)]
    if moved:
        raise Conflict(f"{', '.join(moved)} changed since; open it and make the change again")
    for each in wanted:
        if each.after:
            now[each.path] = each.after
        else:
            now.pop(each.path, None)
    if person == it.author:
        _move(it, UNDECIDED, State.WITHDRAWN, person, "", f"proposed again on {base.release}")
    return propose(now, author=person, reason=it.reason, release=free_id(f"{day}.1"))


def approve(release: str, *, person: str, role: str, reason: str) -> Release:
    """Consent to a proposal.

    Raises:
        NotFound: there is no such release.
        Refused: the role may not decide in the release's lane, or the person made the proposal.
        Conflict: it was decided, or proposed against a release that is current no more.
    """
    it, reason = releases.get(release, lock=True), _reason(reason)
    _require_decider(it, person, role, Effect.APPROVE)
    if person == it.author:
        _denied(it.id, person, Effect.APPROVE, role=role, why="own proposal")
        raise Refused(f"{person} proposed release {it.id} and cannot consent to it; somebody else must")
    _require_current_base(it)
    _move(it, [State.PROPOSED], State.APPROVED, person, role, reason)
    return releases.get(release)


def refuse(release: str, *, person: str, role: str, reason: str) -> Release:
    """Turn a proposal down for good, consented to or not; raises as `approve` does."""
    it, reason = releases.get(release, lock=True), _reason(reason)
    _require_decider(it, person, role, Effect.APPROVE)
    _move(it, UNDECIDED, State.REFUSED, person, role, reason)
    return releases.get(release)


def withdraw(release: str, *, person: str, reason: str) -> Release:
    """Take one's own proposal back for good; raise Refused for somebody else's."""
    it, reason = releases.get(release, lock=True), _reason(reason)
    if person != it.author:
        raise Refused(f"release {it.id} was proposed by {it.author}, who alone may withdraw it")
    _move(it, UNDECIDED, State.WITHDRAWN, person, "", reason)
    return releases.get(release)


def publish(release: str, *, actor: str = "", person: str = "", role: str = "", reason: str = "") -> Release:
    """Make an approved proposal current, everywhere within seconds.

    Args:
        release: its id.
        actor: the agent that does it; left out, each changed part is published by the agent whose it is.
        person: who asked for it, if anybody did; somebody who decides in a lane of the pack, or publishes.
        role: theirs.
        reason: why now; the proposal's when empty.

    Raises:
        Refused: an agent that may not publish a changed part, or a person who decides nowhere.
        Conflict: it is not approved, or another release became current since it was proposed.
        Unsound: the pack fails its check by now.
    """
    it = releases.get(release, lock=True)
    if person:
        _require_somebody(it.id, person, role)
    agents = _publishers(it, actor, [Part(each) for each in it.changed])
    if it.state is not State.APPROVED:
        raise Conflict(f"release {it.id} is {it.state}" + _still_needed(it))
    base = _require_current_base(it)
    _sound(releases.files(it.id))
    _switch(it, base, "publish", person or ", ".join(agents), role, clean(reason).strip() or it.reason)
    releases.move(it.id, [State.APPROVED], State.PUBLISHED, at=tools.now())
    for agent, touched in agents.items():
        _log(it, agent, "published", was=base.release, parts=touched, asked_by=person)
    return releases.get(release)


def roll_back(release: str = "", *, person: str, role: str, reason: str) -> Release:
    """Make a release that was current before current again, in one step; the one before the current when none is named.

    Raises:
        NotFound: there is none.
        Refused: the person may not decide in the strictest lane of the parts that change back, nor publishes.
        Conflict: it never was current, or is, or another became current meanwhile.
        Unsound: this version of the program cannot serve it.
    """
    reason, base = _reason(reason), releases.current()
    if base is None:
        raise NotFound("nothing has been published yet")
    it = releases.get(release or previous(base), lock=True)
    if it.id == base.release:
        raise Conflict(f"release {it.id} is the current one")
    if it.state is not State.PUBLISHED:
        raise Conflict(f"release {it.id} is {it.state} and was never current; propose and publish it")
    files = releases.files(it.id)
    before, _base_now = _base()
    changed = changes(releases.files(base.release), files)
    back = lane(parts_of(changed), before, risky=True)  # whatever changes back, a person answers for it
    if role not in roles.PUBLISH:
        _require_decider(replace(it, lane=back), person, role, "roll_back")
    _sound(files)
    agents = _publishers(it, "", parts_of(changed))
    _switch(it, base, "rollback", person, role, reason)
    _log(it, person, "rolled back", role=role, reason=reason, was=base.release, published_by=list(agents))
    return releases.get(it.id)


def previous(switch: Switch) -> str:
    """Return the release that was current before `switch`'s was first published; raise NotFound."""
    history = releases.switches(limit=10_000)
    first = min((each for each in history if each.release == switch.release), key=lambda each: each.id)
    if not first.was:
        raise NotFound(f"there is nothing before {switch.release} to roll back to")
    return first.was


def free_id(release: str) -> str:
    """Return the first id of that day, from this one on, that was never used."""
    day, _, number = release.rpartition(".")
    n = int(number)
    while releases.exists(f"{day}.{n}"):
        n += 1
    return f"{day}.{n}"


# --- what the verbs stand on ------------------------------------------------------------------------------------------


def _by_the_house(files: Files, *, reason: str) -> Release:
    """Publish files as they are, on nobody's consent: where there is nobody yet, or only samples."""
    pack, told = _sound(files)
    now, base, wanted = tools.now(), releases.current(), pack.profile.release
    if not releases.adopt(wanted, expected=pack.digest, files=files):
        wanted = free_id(wanted)
        first = Release(
            id=wanted,
            pack=pack.profile.name,
            digest=digest(files),
            state=State.APPROVED,
            author=HOUSE,
            reason=reason,
            proposed_at=now,
            base=base.release if base else "",
            parts={str(part): of for part, of in parts(files).items()},
            changed=tuple(map(str, parts_of(changes(releases.files(base.release) if base else {}, files)))),
            checked=told,
        )
        releases.propose(first, files)
        releases.move(wanted, [State.APPROVED], State.PUBLISHED, at=now)
    it = releases.get(wanted)
    _switch(it, base, "publish", HOUSE, "", reason)
    _log(it, HOUSE, "published", was=base.release if base else "", reason=reason)
    return it


_found: dict[tuple[str, ...], tuple[Pack, str]] = {}
"""What was found sound, of late: a proposal is looked at again when it is published, and nothing came between."""


def _sound(files: Files) -> tuple[Pack, str]:
    """Return the pack that files make, and what its check says; raise Unsound."""
    today = tools.now().date()
    key = (digest(files), today.isoformat(), *sorted(tools.built_in()))
    known = _found.pop(key, None)
    if known is not None:
        _found[key] = known
        return known
    with shelf.laid_out(files) as folder:
        report = check.check(folder, skills=tools.built_in(), today=today)
    wrong = [f"{error}; {error.fix}" if error.fix else str(error) for error in report.errors]
    wrong += [f"{proof.name} does not hold: {proof.counterexample}" for proof in report.proofs if not proof.holds]
    if report.pack is None or wrong:
        more = f" (and {len(wrong) - 1} more; run `caseward check`)" if len(wrong) > 1 else ""
        raise Unsound(f"the pack fails its check: {wrong[0]}{more}")
    told = f"sound: {len(report.proofs)} statements hold, {len(report.pack.golden)} golden cases, "
    sound = report.pack, told + f"{len(report.warnings)} warnings"
    for oldest in tuple(_found)[: max(0, len(_found) - REMEMBERED + 1)]:
        _found.pop(oldest, None)
    _found[key] = sound
    return sound


def _base() -> tuple[Pack, Switch]:
    """Return the pack in force and the switch that made it so."""
    base = releases.current()
    if base is None:
        raise NotFound("there is no release yet; start the desk once, which publishes its pack as the first")
    pack = tools.pack()
    if pack.profile.release != base.release:  # this process has yet to follow
        with shelf.laid_out(releases.files(base.release)) as folder:
            pack = shelf.named(load(folder), base.release)
    return pack, base


def _publishers(it: Release, actor: str, touched: Sequence[Part]) -> dict[str, list[str]]:
    """Return agent → parts it publishes; raise Refused, on record, where one may not."""
    agents: dict[str, list[str]] = {}
    for part in touched:
        owner, effect = PUBLISHERS[part]
        try:
            roles.require(actor or owner, effect)
        except Refused:
            _denied(it.id, actor, effect, part=part)
            raise
        agents.setdefault(actor or owner, []).append(str(part))
    return agents


def _require_decider(it: Release, person: str, role: str, effect: str) -> None:
    profile = tools.pack().profile
    lane_ = profile.lanes.get(it.lane) or profile.lanes[list(profile.lanes)[-1]]
    if not lane_.roles:
        _require_somebody(it.id, person, role)
    elif role not in lane_.roles or (lane_.people and person not in lane_.people):
        _denied(it.id, person, effect, role=role, lane=it.lane)
        raise Refused(f"the role {role.replace('_', ' ')} does not decide in the lane {it.lane}")


def _require_somebody(release: str, person: str, role: str) -> None:
    decides = any(role in each.roles for each in tools.pack().profile.lanes.values())
    if not decides and role not in roles.PUBLISH:
        _denied(release, person, "publish", role=role)
        raise Refused(f"a {role.replace('_', ' ')} reads releases and does not publish them")


def _require_current_base(it: Release) -> Switch:
    base = releases.current()
    if base is None or base.release != it.base:
        now = base.release if base else "none"
        raise Conflict(f"release {it.id} was proposed against {it.base}, and {now} is current by now; propose it again")
    return base


def _still_needed(it: Release) -> str:
    return f"; somebody of the lane {it.lane} must approve it first" if it.state is State.PROPOSED else ""


def _move(it: Release, of: Sequence[State], to: State, person: str, role: str, reason: str) -> None:
    if not releases.move(it.id, of, to, by=person, reason=reason, at=tools.now()):
        raise Conflict(f"release {it.id} is {it.state} already")
    _log(it, person, str(to), role=role, reason=reason)


def _switch(it: Release, base: Switch | None, kind: str, by: str, role: str, reason: str) -> None:
    releases.switch(it.id, follows=base, kind=kind, by=by, role=role, reason=reason, at=tools.now())


def _reason(given: str) -> str:
    reason = clean(given).strip()
    if not reason:
        raise BadInput("reason: say why, so that it can be understood later")
    if len(reason) > MAX_REASON:
        raise BadInput(f"reason: write at most {MAX_REASON} characters")
    return reason


def _denied(release: str, actor: str, effect: str, **more: object) -> None:
    with db.apart():  # kept though the caller's transaction is not
        log.append("denied", actor, {"effect": effect, "release": release, **more}, at=tools.now(), release=release)


def _log(it: Release, actor: str, state: str, **more: object) -> None:
    payload = {
        "release": it.id,
        "state": state,
        "pack": it.pack,
        "digest": it.digest,
        "changed": list(it.changed),
        **more,
    }
    log.append("release", actor, payload, at=tools.now(), release=it.id)
