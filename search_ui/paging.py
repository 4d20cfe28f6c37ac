"""Pages of results: which numbers to show, and where they lead."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

#: Pages that an address can ask for where nobody knows how many there are.
MOST: Final = 999_999


@dataclass(frozen=True)
class Pages:
    """``href`` makes the address of a page from its number; numbers start at 1."""

    current: int
    last: int
    href: Callable[[int], str]

    def shown(self) -> list[int | None]:
        """The first, the last and those around the current one; None stands for a gap."""
        around = range(max(self.current - 2, 1), min(self.current + 2, self.last) + 1)
        wanted = sorted({1, self.last, *around})
        numbers: list[int | None] = []
        for number in wanted:
            previous = numbers[-1] if numbers else 0
            if previous is not None and number == previous + 2:
                numbers.append(number - 1)
            elif previous is not None and number > previous + 2:
                numbers.append(None)
            numbers.append(number)
        return numbers


def number(asked: str, last: int = MOST) -> int:
    """The page that an address asks for, or the nearest that there is; the first where it says nothing that makes sense."""
    return min(max(int(asked), 1), last) if asked.isdecimal() and len(asked) < 9 else 1


def paged(current: int, total: int, size: int, path: str, kept: Mapping[str, str]) -> Pages:
    """The pages of a list with so many entries, at a path with the parameters that are kept. A current page beyond the list
    is its last."""
    last = max(1, -(-total // size))
    return Pages(min(current, last), last, lambda wanted: f"{path}?{urlencode({**kept, 'page': wanted})}")
