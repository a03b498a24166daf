"""The API of figures: what the overview shows, for programs; by token."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from caseward.core.roles import Role
from caseward.desk import tools
from caseward.store.tokens import ApiToken
from caseward.web import exported, ranges
from caseward.web.api_shapes import At
from caseward.web.tokens import Scope, allowed, bearer

SEES_ALL = frozenset({Role.OPS_LEAD, Role.ADMIN})

router = APIRouter(prefix="/api/v1", dependencies=[Depends(bearer)], tags=["figures"])

Day = Annotated[str, Query(max_length=10, description="A day such as `2026-11-21`; with the other one, not `range`.")]


class FigureRow(BaseModel):
    """A figure over the range, or over its cases of one tier or channel."""

    figure: str
    name: str
    tier: str = Field(description="R0 to R3; empty for all.")
    channel: str = Field(description="Empty for all.")
    value: float | None = Field(description="None where there is nothing to measure.")
    unit: str = Field(description="minutes, percent, count, score (1 to 5), or a currency.")
    at_least: bool = Field(description="Only a lower bound is known: too much is still running.")
    n: int = Field(description="Observations it rests on.")
    hits: int | None = Field(description="Of a share: in how many of them it holds.")
    running: int = Field(description="Observations that may still change.")
    target: float | None
    state: str = Field("", description="met, near or missed; empty without a target, and for a part.")
    provisional: str = Field("", description="Why the whole may still change; empty where it will not.")
    before: float | None = Field(None, description="The whole over the same days before.")
    definition: str = Field("", description="What is counted; empty for a part.")


class FigureDocument(BaseModel):
    """Every figure that the pack watches, over a range of days in the house's time zone."""

    first: str = Field(alias="from")
    to: str
    zone: str
    measured_at: At
    cases: int = Field(description="Opened in the range.")
    sample_cases: int = Field(description="Of these, of sample contacts.")
    figures: list[FigureRow]


@router.get("/figures", summary="Read figures")
def read_figures(
    _token: Annotated[ApiToken, Depends(allowed(Scope.READ_FIGURES, SEES_ALL))],
    range: Annotated[Literal["today", "7d", "28d"], Query()] = "28d",
    first: Annotated[str, Query(alias="from", max_length=10, description="A day such as `2026-11-21`.")] = "",
    to: Day = "",
) -> FigureDocument:
    """Return the figures of a range, each as a whole, then by tier and by channel."""
    wanted = ranges.of(range, first, to, now=tools.now(), zone=tools.pack().hours.zone)
    return FigureDocument.model_validate(exported.document(wanted))
