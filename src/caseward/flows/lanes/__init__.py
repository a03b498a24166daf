"""The team's lanes: what people are shown there, and what they say there (SUP-8, SUP-9)."""

from caseward.flows.lanes.hearing import lane_event
from caseward.flows.lanes.posting import post_card
from caseward.flows.lanes.showing import announce, catch_up

__all__ = ["announce", "catch_up", "lane_event", "post_card"]
