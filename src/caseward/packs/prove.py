"""What is proved of a pack, for all inputs: every combination of known and unknown facts, every phase and topology.

A statement that does not hold comes with its plainest counterexample, in the pack's own words.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from caseward.core.invariant import SETTING, Invariant, broken
from caseward.core.pack import Pack
from caseward.packs import matrix, table
from caseward.packs.inputs import negated
from caseward.packs.subject import Fault, Subject, agreed, answer, standing

PROMISES = "invariants.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A statement about a pack that holds for all inputs, or does not."""

    name: str
    holds: bool
    counterexample: str = ""
    """The first case in which it does not hold."""
    faults: tuple[Fault, ...] = ()
    """All that makes it fail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All that the prover has to say of a pack."""

    proofs: tuple[Proof, ...]
    unfit: tuple[Fault, ...]
    doubtful: tuple[Fault, ...]


_kept: deque[tuple[object, Findings]] = deque(maxlen=4)
"""What was proved of late, and of what."""


def findings(pack: Pack) -> Findings:
    """Return all that is found out about a pack; of the same rules, promises and lanes it is not found out again, as
    after a change of words alone. Raises CasewardError if the gate answers otherwise."""
    about = replace(pack.policy, release=""), pack.invariants, pack.profile.lanes
    for of, found in tuple(_kept):
        if of == about:
            return found
    subject = Subject(pack)
    made = Findings(proofs=proofs(subject), unfit=tuple(unfit(subject)), doubtful=tuple(doubtful(subject)))
    _kept.append((about, made))
    return made


def prove(pack: Pack) -> tuple[Proof, ...]:
    """Return what was proved of a pack, and what could not be; raise CasewardError if the gate answers otherwise."""
    return proofs(Subject(pack))


def proofs(subject: Subject) -> tuple[Proof, ...]:
    """Return every statement about a pack that was translated already."""
    return (
        _proof("every combination of known facts is decided by a rule", table.gaps(subject)),
        _proof("every rule and every break-glass trigger can match", table.unreachable(subject)),
        _proof("rules that hold together and ask for different things say so", table.overlaps(subject)),
        _proof("every decision finds its row of the approval matrix", matrix.unspoken(subject)),
        _proof("a higher tier never needs weaker consent", matrix.weaker(subject)),
        _proof("whatever needs consent has somebody who may give it", matrix.undecidable(subject)),
        _proof("R3 always needs a person", matrix.unattended(subject)),
        _proof("nothing goes out and nothing is executed while it is held", matrix.released_in_spite(subject)),
        *(
            _proof(f"{each.id}: {each.because}", _broken(subject, each), subject=each.id)
            for each in subject.pack.invariants
        ),
    )


def statement(name: str, counterexamples: Iterable[str]) -> Proof:
    """Return a statement that was tried and not proved, with the first case in which it does not hold."""
    first = next(iter(counterexamples), "")
    return Proof(name=name, holds=not first, counterexample=first)


def unfit(subject: Subject) -> Iterator[Fault]:
    """Yield what is plainly wrong, without any case in which it shows."""
    yield from table.misnamed(subject)
    yield from matrix.blank(subject)


def doubtful(subject: Subject) -> Iterator[Fault]:
    """Yield what should be looked at: what has no effect on any decision, and intents that nothing has an effect on."""
    yield from table.idle(subject)
    yield from table.idle_overs(subject)
    yield from table.unnamed(subject)
    yield from matrix.idle_rows(subject)
    for each in subject.pack.invariants:
        if not subject.search.ever(subject.inputs.truth(each.when, promised=True)[0]):
            message = "this promises something of a case that cannot be: the conditions exclude each other"
            yield Fault(file=PROMISES, id=each.id, at=("when",), message=message, fix="mend its `when`")


def _broken(subject: Subject, invariant: Invariant) -> Iterator[Fault]:
    asked = subject.inputs.truth(invariant.when, promised=True)[1]
    kept = subject.meaning.keeps(invariant.then)
    found = subject.search.example(asked, negated(kept), of=[subject.meaning])
    if found:
        case = found.case
        agreed(broken(case.of(subject.policy), invariant, case.facts), case)
        unknown = [f"{name} unknown" for name in sorted(invariant.when.names() - case.facts.keys() - SETTING.keys())]
        told = ", ".join((subject.facts(case), *unknown)) if case.facts else subject.facts(case)
        message = f"broken {standing(case)} on {told}: {answer(found.decisions[0])}"
        fix = "mend the rules or the matrix, or the promise"
        yield Fault(file=PROMISES, id=invariant.id, message=message, fix=fix)


def _proof(name: str, faults: Iterable[Fault], *, subject: str = "") -> Proof:
    found = tuple(faults)
    told = (f"{each.id}: {each.message}" if each.id not in ("", subject) else each.message for each in found)
    return Proof(name=name, holds=not found, counterexample=next(told, ""), faults=found)
