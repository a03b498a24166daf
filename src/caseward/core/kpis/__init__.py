"""The figures a business may watch: each a name, a unit, a written definition and one function over plain records.

A module here holds the figures of one flow. A pack says which of them it watches, and their targets (kpis.yaml); the
overview, the API, the export and the reference all read the registry.
"""

from caseward.core.kpis import support as support
from caseward.core.kpis.registry import FIGURES as FIGURES
from caseward.core.kpis.registry import Figure as Figure
from caseward.core.kpis.registry import Kpis as Kpis
from caseward.core.kpis.registry import Watch as Watch
from caseward.core.kpis.registry import provisional as provisional
from caseward.core.kpis.registry import state as state
