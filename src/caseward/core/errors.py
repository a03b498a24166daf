"""What can go wrong, drawn once.

    CasewardError ─┬─ Refused ── NotApproved    a rule of the house was about to be broken; never retried, always logged
                   ├─ PackError                 a pack file is wrong: file, line, what, and the fix
                   ├─ BadInput                  what came in cannot be used: what, where, and the fix
                   ├─ NotFound  ├─ Conflict     the record is gone; the record moved since it was read
                   ├─ Undeliverable(system)     a vendor surely did not take it and never will; a person is told
                   └─ SystemDown(system)        safe to retry; opens that system's circuit

An outcome that policy has an answer for (denied, pending, needs verification) is a value, never an error.
"""


class CasewardError(Exception):
    """Base of every error the product raises on purpose. `code` is stable and appears in HTTP problems and logs."""

    code = "error"


class Refused(CasewardError):
    """A rule of the house was about to be broken; never retried, always logged."""

    code = "refused"


class NotApproved(Refused):
    """The effect asked for is not covered by an approval."""

    code = "not_approved"


class PackError(CasewardError):
    """A pack file is wrong. Says the file, the line where known, the rule or entry, and the fix."""

    code = "pack_error"

    def __init__(self, message: str, *, file: str = "", line: int = 0, rule: str = "", fix: str = "") -> None:
        where = f"{file}:{line}" if line else file
        subject = f"{where}, {rule}" if where and rule else where or rule
        super().__init__(f"{subject}: {message}" if subject else message)
        self.message, self.file, self.line, self.rule, self.fix = message, file, line, rule, fix


class BadInput(CasewardError):
    """What came in cannot be used; the message names what, where and the fix."""

    code = "bad_input"


class NotFound(CasewardError):
    """No such record, or none that the asker may see."""

    code = "not_found"


class Conflict(CasewardError):
    """The record moved since it was read."""

    code = "conflict"


class SystemDown(CasewardError):
    """An outside system did not answer; safe to retry later."""

    code = "system_down"

    def __init__(self, system: str, why: str) -> None:
        super().__init__(f"{system} is not answering: {why}")
        self.system = system


class Undeliverable(CasewardError):
    """An outside system surely did not take it, and will not take it like this however often it is asked."""

    code = "undeliverable"

    def __init__(self, system: str, reason: str, why: str, *, closed: bool = False) -> None:
        super().__init__(f"{system} does not take it ({reason}): {why}")
        self.system = system
        self.reason = reason
        """The vendor's code."""
        self.closed = closed
        """Whether it would take wording that it approved beforehand."""
