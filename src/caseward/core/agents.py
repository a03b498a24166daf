"""Who does what in a business, as its pack says (agents.yaml): the six agents, and who answers for which work.

What an agent may do at most stands in `core/roles.py`; a pack that grants more fails its check, and is refused at the
place of the effect all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from caseward.core.roles import Actor, Effect

DUTIES: Mapping[str, Effect | None] = {
    "answer-contact": Effect.SEND,
    "approve": Effect.APPROVE,
    "execute-operation": Effect.EXECUTE,
    "publish-policy": Effect.PUBLISH_POLICY,
    "publish-knowledge": Effect.PUBLISH_KNOWLEDGE,
    "publish-template": Effect.PUBLISH_TEMPLATE,
    "declare-degraded": None,
    "privacy-request": None,
    "incident": None,
}
"""Activities that every business must have settled before it is served, and the effect that each is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """One of the six agents, A to F."""

    title: str
    """What people call it."""
    may: tuple[Effect, ...] = ()
    """The effects it may cause, never more than [the house allows](capabilities.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """A piece of work, and who has which part in it: agents (`A` … `F`) or roles of people (`coach` …)."""

    id: str
    """`answer-contact`, `approve`, `execute-operation`, `publish-policy`, `publish-knowledge`, `publish-template`,
    `declare-degraded`, `privacy-request` and `incident` must be there; others may be."""
    title: str
    effect: Effect | None = None
    """What the work causes; whoever is responsible must hold it."""
    responsible: tuple[str, ...]
    """Who does it."""
    accountable: str
    """Who answers for it: exactly one."""
    consulted: tuple[str, ...] = ()
    """Who is asked before."""
    informed: tuple[str, ...] = ()
    """Who is told after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agents:
    """agents.yaml: who does what, and who answers for it."""

    agents: Mapping[Actor, Agent]
    """All six, `A` to `F`."""
    raci: tuple[Activity, ...]
    """One entry for each kind of work."""

    def holders(self, effect: Effect) -> tuple[Actor, ...]:
        """Return the agents that the pack lets cause `effect`."""
        return tuple(actor for actor, agent in self.agents.items() if effect in agent.may)
