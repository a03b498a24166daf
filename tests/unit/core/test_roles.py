"""Who may do what: every effect has exactly one agent, and a person has none of them."""

from __future__ import annotations

import pytest

from caseward.core.errors import Refused
from caseward.core.roles import CAPABILITIES, Actor, Effect, Role, may, require

ALLOWED = {
    (Actor.A, Effect.APPROVE),
    (Actor.A, Effect.ROUTE),
    (Actor.B, Effect.SEND),
    (Actor.C, Effect.EXECUTE),
    (Actor.D, Effect.ADVISE),
    (Actor.E, Effect.PUBLISH_KNOWLEDGE),
    (Actor.E, Effect.PUBLISH_POLICY),
    (Actor.F, Effect.PUBLISH_TEMPLATE),
}
EVERYBODY = [*Actor, *Role, "house", "policy", "contact", "per_coach", "", "b", "AB", "admin "]


@pytest.mark.parametrize("effect", Effect)
@pytest.mark.parametrize("actor", EVERYBODY)
def test_an_effect_is_only_for_the_agent_that_holds_it(actor: str, effect: Effect) -> None:
    allowed = (actor, effect) in ALLOWED

    assert may(actor, effect) is allowed
    if allowed:
        require(actor, effect)
    else:
        with pytest.raises(Refused, match=f"may not {effect.replace('_', ' ')}"):
            require(actor, effect)


def test_every_effect_has_exactly_one_holder() -> None:
    assert {effect: len(holders) for effect, holders in CAPABILITIES.items()} == dict.fromkeys(Effect, 1)


def test_a_refusal_names_who_tried_what() -> None:
    with pytest.raises(Refused, match=r"^A may not execute$"):
        require(Actor.A, Effect.EXECUTE)
