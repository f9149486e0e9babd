"""The whole scenario, in the order in which it is played."""

from typing import Final

from tests.differential.scenario.adding import ADDING
from tests.differential.scenario.door import DOOR
from tests.differential.scenario.labels import LABELS
from tests.differential.scenario.leaving import LEAVING
from tests.differential.scenario.program import PROGRAM
from tests.differential.scenario.reading import READING
from tests.differential.scenario.syncing import SYNCING
from tests.differential.scenario.writing import WRITING

SCENARIO: Final = (
    *DOOR,
    *PROGRAM,
    *ADDING,
    *READING,
    *LABELS,
    *WRITING,
    *SYNCING,
    *LEAVING,
)
