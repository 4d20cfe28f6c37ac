"""Maps drawn by the server: an outline of the land, points that are links, near points as one.

The projection is Natural Earth I; one unit of the drawing is 0.18 degrees at the equator.
"""

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

from schemas.search import Near
from search_ui.render import STATIC

WIDTH: Final = 2000
HEIGHT: Final = 842
_SCALE: Final = WIDTH / (2 * 0.8707 * math.pi)
_TOP_LATITUDE: Final = 79.0
#: Pixels on a map 1000 pixels wide within which points become one.
_NEAR_PIXELS: Final = 20
_PIXELS: Final = 1000
#: The closest view: a fifth of the world's width, about 70 degrees.
_CLOSEST: Final = WIDTH / 5
_EARTH_KM: Final = 6371.0


class Spot(NamedTuple):
    """A place with what to call it and where it leads."""

    lat: float
    lon: float
    label: str
    href: str


#: A point of the drawing with its spot.
Placed = tuple[tuple[float, float], Spot]
#: The label and the address of a dot that stands for more than one spot.
Several = Callable[[Sequence[Spot]], tuple[str, str]]


@dataclass(frozen=True)
class Dot:
    """A point of the drawing, for one spot or several near ones."""

    x: float
    y: float
    radius: float
    label: str
    href: str
    count: int


@dataclass(frozen=True)
class Map:
    """What the macro ``svg_map`` draws. ``scale`` is how many units one pixel of a 1000 pixel map has."""

    view_box: str
    scale: float
    dots: list[Dot]
    arcs: list[str]

    @property
    def land(self) -> str:
        """The outline, as an SVG path."""
        return _land()


@cache
def _land() -> str:
    path: str = json.loads((STATIC / "map" / "land.json").read_text("utf-8"))["path"]
    return path


def _raw(lat: float, lon: float) -> tuple[float, float]:
    phi, p2 = math.radians(lat), math.radians(lat) ** 2
    x = 0.8707 + p2 * (-0.131979 + p2 * (-0.013791 + p2 * p2 * p2 * (0.003971 - 0.001529 * p2)))
    y = 1.007226 + p2 * (0.015085 + p2 * p2 * (-0.044475 + 0.028874 * p2 - 0.005916 * p2 * p2))
    return math.radians(lon) * x, phi * y


_TOP: Final = _raw(_TOP_LATITUDE, 0)[1]


def project(lat: float, lon: float) -> tuple[float, float]:
    """Degrees to units of the drawing."""
    x, y = _raw(lat, lon)
    return WIDTH / 2 + _SCALE * x, _SCALE * (_TOP - y)


def draw(
    spots: Sequence[Spot],
    *,
    arcs: Iterable[tuple[Spot, Spot]] = (),
    several: Several,
    fit: bool = True,
) -> Map:
    """A map of these spots. ``several`` gives the label and address of a dot that stands for more than one."""
    placed = [(project(spot.lat, spot.lon), spot) for spot in spots]
    left, top, width = _view([point for point, _ in placed]) if fit and placed else (0.0, 0.0, float(WIDTH))
    scale = width / _PIXELS
    groups = _groups(placed, _NEAR_PIXELS * scale)
    return Map(
        view_box=f"{left:.0f} {top:.0f} {width:.0f} {width * HEIGHT / WIDTH:.0f}",
        scale=round(scale, 3),
        dots=[_dot(group, several) for group in groups],
        arcs=[_arc(project(start.lat, start.lon), project(end.lat, end.lon)) for start, end in arcs],
    )


def _view(points: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Left, top and width of the smallest view of the map's own shape that holds the points with some air."""
    xs, ys = zip(*points, strict=True)
    wanted = max((max(xs) - min(xs)) * 1.2, (max(ys) - min(ys)) * 1.2 * WIDTH / HEIGHT, _CLOSEST)
    width = min(wanted, float(WIDTH))
    height = width * HEIGHT / WIDTH
    left = min(max((max(xs) + min(xs) - width) / 2, 0), WIDTH - width)
    top = min(max((max(ys) + min(ys) - height) / 2, 0), HEIGHT - height)
    return left, top, width


def _groups(placed: Iterable[Placed], near: float) -> list[list[Placed]]:
    """Each point joins the first group whose first point is near, else starts one; a grid keeps that fast."""
    groups: list[list[Placed]] = []
    cells: dict[tuple[int, int], list[int]] = {}
    for point, spot in placed:
        column, row = int(point[0] // near), int(point[1] // near)
        around = [index for dx in (-1, 0, 1) for dy in (-1, 0, 1) for index in cells.get((column + dx, row + dy), ())]
        home = next((index for index in around if math.dist(groups[index][0][0], point) < near), None)
        if home is None:
            cells.setdefault((column, row), []).append(len(groups))
            groups.append([(point, spot)])
        else:
            groups[home].append((point, spot))
    return groups


def _dot(group: list[Placed], several: Several) -> Dot:
    spots = [spot for _, spot in group]
    x = sum(point[0] for point, _ in group) / len(group)
    y = sum(point[1] for point, _ in group) / len(group)
    label, href = several(spots) if len(spots) > 1 else (spots[0].label, spots[0].href)
    radius = 5.5 if len(spots) == 1 else min(9 + 1.6 * math.log2(len(spots)), 18)
    return Dot(round(x, 1), round(y, 1), round(radius, 1), label, href, len(spots))


def _arc(start: tuple[float, float], end: tuple[float, float]) -> str:
    (x1, y1), (x2, y2) = start, end
    lift = 0.25 * math.dist(start, end)
    return f"M{x1:.0f} {y1:.0f}Q{(x1 + x2) / 2:.0f} {max((y1 + y2) / 2 - lift, 10):.0f} {x2:.0f} {y2:.0f}"


def circle_around(spots: Sequence[Spot]) -> Near:
    """A circle that holds all these spots, to ask for what is there."""
    lat = sum(spot.lat for spot in spots) / len(spots)
    lon = sum(spot.lon for spot in spots) / len(spots)
    km = max(_kilometres(lat, lon, spot.lat, spot.lon) for spot in spots)
    return Near(round(lat, 3), round(lon, 3), float(max(math.ceil(km * 1.05) + 1, 10)))


def _kilometres(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    a, b = math.radians(lat1), math.radians(lat2)
    cosine = math.sin(a) * math.sin(b) + math.cos(a) * math.cos(b) * math.cos(math.radians(lon2 - lon1))
    return _EARTH_KM * math.acos(min(1.0, max(-1.0, cosine)))
