"""What became of an import, row by row and in sum."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from kb.records.service import Outcome


@dataclass(frozen=True)
class Problem:
    """Something about a row, or about a whole file (line 0). ``field`` is a dotted path, or empty for the row."""

    file: str
    line: int
    field: str
    reason: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (place, self.field, self.reason) if part)


@dataclass(frozen=True)
class Repair:
    """A change that a mapping made to a row so that it can be used; or, where ``done`` is false, one that it
    would have needed and nobody can make by machine."""

    file: str
    line: int
    field: str
    kind: str
    before: str
    after: str
    done: bool = True


@dataclass
class ImportReport:
    """Counts and lists. ``read`` = created + updated + unchanged + merged + skipped, unless nothing was written."""

    read: int = 0
    skipped: int = 0
    #: Rows that were added to the record of the row before, as another language of it.
    merged: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    repairs: list[Repair] = field(default_factory=list)
    #: False after a dry run, and after a strict import that found a problem.
    written: bool = False

    def count(self, outcome: Outcome) -> int:
        """How many records were created, updated or unchanged (or would be, in a dry run)."""
        return self.outcomes[outcome]

    def repaired(self) -> Counter[str]:
        """How often each kind of repair was made."""
        return Counter(repair.kind for repair in self.repairs if repair.done)

    def unrepaired(self) -> Counter[str]:
        """How often each kind of flaw was seen and left."""
        return Counter(repair.kind for repair in self.repairs if not repair.done)

    def reasons(self) -> Counter[str]:
        """How often each kind of problem was seen: reasons without the values that they quote."""
        return _kinds(self.problems)

    def warned(self) -> Counter[str]:
        """How often each kind of warning was given."""
        return _kinds(self.warnings)


def _kinds(problems: Iterable[Problem]) -> Counter[str]:
    return Counter(re.sub(r"'[^']*'", "'…'", problem.reason) for problem in problems)
