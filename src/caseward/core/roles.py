"""Who may do what (POL-4). Enforced where the effect happens: speaker, executor, approvals, and the console's doors."""

from __future__ import annotations

from enum import StrEnum

from caseward.core.errors import Refused


class Actor(StrEnum):
    """The six agents of the desk (AGT-1) and the house itself."""

    A = "A"
    """Decision: routes, checks, approves by policy; holds no transactional power."""
    B = "B"
    """Frontline: the only voice to a contact."""
    C = "C"
    """Operations: the only one that executes."""
    D = "D"
    """Advises."""
    E = "E"
    """Publishes knowledge and policy."""
    F = "F"
    """Publishes templates."""


class Role(StrEnum):
    """What a person may be in the console."""

    COACH = "coach"
    AGENT = "agent"
    OPS_LEAD = "ops_lead"
    ON_CALL = "on_call"
    ADMIN = "admin"


WORK_ON_CASES = frozenset({Role.COACH, Role.AGENT, Role.OPS_LEAD})
"""Roles that answer, own and mark cases, and may see a whole number or address; each such look is logged."""
HAND_OUT = frozenset({Role.OPS_LEAD})
"""Roles that may take a case from whoever has it, and give it to somebody else."""
SHARE_VIEWS = frozenset({Role.OPS_LEAD, Role.ADMIN})
"""Roles that save views for everybody."""

_INCLUDES: dict[Role, frozenset[Role]] = {
    Role.OPS_LEAD: frozenset({Role.AGENT}),
    Role.ADMIN: frozenset({Role.ON_CALL}),
}


def within(role: Role) -> frozenset[Role]:
    """Return the roles whose rights are all among those of `role`. An administrator decides no case, so no role that
    does is within theirs."""
    return _INCLUDES.get(role, frozenset()) | {role}


DECLARE_HEALTH = frozenset({Role.OPS_LEAD, Role.ON_CALL, Role.ADMIN})
"""Roles that may say that a system cannot be relied on, or can again."""

PUBLISH = frozenset({Role.ADMIN})
"""Roles that may have an approved release published, or an earlier one made current again, whatever they decide on.
Consent is another matter: only a lane's own people give it."""


class Effect(StrEnum):
    """Everything that leaves a mark outside the desk's own head."""

    SEND = "send"
    EXECUTE = "execute"
    PUBLISH_POLICY = "publish_policy"
    PUBLISH_KNOWLEDGE = "publish_knowledge"
    PUBLISH_TEMPLATE = "publish_template"
    ADVISE = "advise"
    APPROVE = "approve"
    ROUTE = "route"


CAPABILITIES: dict[Effect, frozenset[Actor]] = {
    Effect.SEND: frozenset({Actor.B}),
    Effect.EXECUTE: frozenset({Actor.C}),
    Effect.PUBLISH_POLICY: frozenset({Actor.E}),
    Effect.PUBLISH_KNOWLEDGE: frozenset({Actor.E}),
    Effect.PUBLISH_TEMPLATE: frozenset({Actor.F}),
    Effect.ADVISE: frozenset({Actor.D}),
    Effect.APPROVE: frozenset({Actor.A}),
    Effect.ROUTE: frozenset({Actor.A}),
}
"""Who may at most. A pack says who does (agents.yaml), and can only take away."""


def may(actor: str, effect: Effect) -> bool:
    """Return whether `actor` holds the capability; anyone unknown holds none."""
    return actor in CAPABILITIES[effect]


def require(actor: str, effect: Effect) -> None:
    """Return if `actor` may cause `effect`; raise Refused if not."""
    if not may(actor, effect):
        raise Refused(f"{actor} may not {effect.replace('_', ' ')}")
