"""Figures by token: for roles that see the whole desk, with what each rests on."""

from __future__ import annotations

from caseward.core import kpis
from caseward.desk import figuring
from tests.contract.web.conftest import Site, problem

PATH = "/api/v1/figures"


def test_figures_are_read_by_tokens_that_see_the_whole_desk(site: Site) -> None:
    visitor = site.visitor()
    visitor.post("how much is the trial lesson?")
    site.case(visitor.conversation)
    figuring.catch_up()

    with site.client(site.token("ops_lead")) as client:
        found = client.get(PATH, params={"range": "today"}).raise_for_status().json()
        wrong = client.get(PATH, params={"from": "2026-11-23", "to": "2026-11-01"})
    with site.client(site.token("agent")) as client:
        refused = client.get(PATH)

    whole = {row["figure"]: row for row in found["figures"] if not (row["tier"] or row["channel"])}
    assert set(whole) == set(kpis.FIGURES)
    assert found["cases"] == whole["escalation_rate"]["n"] == 1
    assert whole["escalation_rate"]["provisional"].startswith("1 of at least 20")
    assert problem(wrong)[0] == 400
    assert problem(refused)[:2] == (403, "not_for_role")
