"""A house whose school was published as its first release, with a change of it proposed."""

from __future__ import annotations

from dataclasses import replace

from caseward.adapters import find
from caseward.core.release import Files
from caseward.desk import library, tools
from caseward.packs import shelf
from caseward.store.db import transaction
from tests.conftest import SCHOOL

FIRST, NEXT = "2026-11-21.1", "2026-11-23.1"
RULE = """\
- id: second-change-at-short-notice
  tier: R3
  when:
    intent: reschedule
    transactional: true
    identity: verified
    reschedules_this_month: {gte: 1}
    minutes_to_session: {gt: 60, lt: 90}
  because: The second change of a month, an hour before, costs the coach the hour.
  over: [all]
"""


def light_school() -> Files:
    """Return the school with the golden cases of one file and without its promises, which take a while to prove."""
    whole = shelf.snapshot(SCHOOL)
    left_out = [name for name in whole if name == "invariants.yaml" or name.startswith("golden/")]
    return {name: text for name, text in whole.items() if name not in left_out or name == "golden/reschedule.yaml"}


def propose(files: Files, *, author: str = "D", **changed: str) -> None:
    """Publish the school as the first release and propose the next one."""
    tools.use(replace(tools.given(), built_in=frozenset(find.skill_names(("records",)))))
    with transaction():
        library.open_with(files)
        library.propose({**files, **changed}, author=author, reason="An hour is lost otherwise", release=NEXT)


def stricter(files: Files, *, author: str = "D") -> None:
    """Publish the school and propose a rule that asks for more care."""
    propose(files, author=author, **{"rules/short-notice.yaml": RULE})
