"""Pages of results: which numbers to show, and where they lead."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode


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


def paged(asked: str, total: int, size: int, path: str, kept: Mapping[str, str]) -> Pages:
    """The pages of a list with so many entries, at a path with the parameters that are kept. ``asked`` is the number that
    an address has; one that is no page of the list is the nearest that is."""
    last = max(1, -(-total // size))
    current = min(max(int(asked), 1), last) if asked.isdecimal() and len(asked) < 9 else 1
    return Pages(current, last, lambda number: f"{path}?{urlencode({**kept, 'page': number})}")
