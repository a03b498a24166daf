from __future__ import annotations

import pytest

from caseward.adapters.brains.local import LocalBrain
from caseward.core.ports import Brain


@pytest.fixture(scope="session")
def brain(brain: Brain) -> LocalBrain:
    """The local brain of the sample school."""
    assert isinstance(brain, LocalBrain)
    return brain
