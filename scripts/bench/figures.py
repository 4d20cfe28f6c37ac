"""What is measured: one number, or how times are spread; and how both are written."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Spread(NamedTuple):
    """Percentiles, in milliseconds."""

    p50: float
    p95: float
    p99: float

    def __str__(self) -> str:
        return " / ".join(f"{value:.1f}" for value in self)


Figures = dict[str, "float | Spread"]
#: Figures of each contender, by its letter.
Contest = dict[str, Figures]


def spread(milliseconds: Sequence[float]) -> Spread:
    """Of at least one measurement."""
    ordered = sorted(milliseconds)
    return Spread(*(ordered[min(int(len(ordered) * share), len(ordered) - 1)] for share in (0.5, 0.95, 0.99)))


def written(figure: float | Spread | None) -> str:
    """As in a table; what was not measured is a dash."""
    if figure is None:
        return "-"
    if isinstance(figure, Spread):
        return str(figure)
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.1f}" if figure >= 10 else f"{figure:.2g}"


def table(head: str, columns: Mapping[str, Figures]) -> str:
    """One column for each of the mapping, one row a figure."""
    names = dict.fromkeys(name for found in columns.values() for name in found)
    rows = [[head, *columns], *([name, *(written(found.get(name)) for found in columns.values())] for name in names)]
    widths = [max(len(row[place]) for row in rows) + 2 for place in range(len(rows[0]))]
    return "\n".join(
        row[0].ljust(widths[0]) + "".join(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in rows
    )


def plain(found: Figures) -> dict[str, object]:
    """For JSON."""
    return {name: figure._asdict() if isinstance(figure, Spread) else figure for name, figure in found.items()}
