"""What the team is shown in its lanes, made from what is stored: requests for consent, cases, tasks, alarms.

No customer's name, address or whole number is in any of it; amounts and dates stay, since they are what is judged.
"""

from caseward.desk.cards.asking import approval, hint, outcome
from caseward.desk.cards.made import BACK, READ, UNDO, VERBS, Made, Press, masked, pressed, read
from caseward.desk.cards.telling import line, packet, system, task, warning, words

__all__ = [
    "BACK",
    "READ",
    "UNDO",
    "VERBS",
    "Made",
    "Press",
    "approval",
    "hint",
    "line",
    "masked",
    "outcome",
    "packet",
    "pressed",
    "read",
    "system",
    "task",
    "warning",
    "words",
]
