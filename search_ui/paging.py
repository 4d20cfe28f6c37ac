"""Pages of results: which numbers to show, and where they lead."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import Request


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


def page_number(request: Request) -> int:
    """The page that an address asks for; the first where it says nothing that makes sense."""
    asked = request.query_params.get("page", "")
    return max(int(asked), 1) if asked.isdecimal() and len(asked) < 7 else 1


def pages_of(request: Request, current: int, count: int, size: int) -> Pages:
    """The pages of a list of ``count`` entries, at the same address with another ``page=``."""
    return Pages(
        current, max(1, -(-count // size)), lambda page: f"?{request.url.include_query_params(page=page).query}"
    )
