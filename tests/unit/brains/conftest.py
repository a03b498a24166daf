from __future__ import annotations

import pytest

from caseward.adapters.brains.local import LocalBrain
from caseward.core.pack import Pack


@pytest.fixture(scope="session")
def brain(school: Pack) -> LocalBrain:
    """The local brain of the sample school."""
    return LocalBrain(school)
