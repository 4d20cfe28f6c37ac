"""Keyword search by the database alone, for as long as the search index is away.

It knows titles, other names, places and summaries (``kb.records.lookups``), no meaning, and of grammar only plurals. What
it finds is what readers may see: rows are there for published records only, without what experts keep to themselves.
"""

import re
from collections.abc import Iterator, Sequence
from math import pi, sin
from typing import Any, Final

from sqlalchemy import ColumnElement, Float, and_, case, false, func, literal, not_, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from indexer.analysis import is_stop_word
from indexer.engines.base import Answer, Hit
from indexer.query import Parsed
from kb.db import holds
from kb.errors import Unavailable
from kb.records.facets import LENT
from kb.records.lookups import facet, on_sphere, searchable
from kb.records.tables import LookupRow
from schemas.parts import Coordinates
from schemas.search import Near, SearchQuery
from schemas.text import folded_words

#: What an engine raises that does not answer; a local one's files may be out of reach.
AWAY: Final = (Unavailable, OSError)
#: Words of a question that are looked for; a longer question is a pasted text, which no summary holds in full.
MAX_WORDS: Final = 16
EARTH_RADIUS_KM: Final = 6371.0
#: Endings that a word loses and takes in the plural, in the three languages; at least three letters stay.
_ENDING = re.compile(r"(?<=\w{3})(?:ies|es|s|x|y)$")
_ENDINGS: Final = ("", "e", "s", "es", "x", "y", "ies")
#: Words of fewer letters have no plural here.
_SHORT: Final = 3
#: A root of so many letters stands for every word that begins with it; a shorter one has too many neighbours.
_LONG_ROOT: Final = 5

_City = aliased(LookupRow)
Condition = ColumnElement[bool]
ColumnOrder = ColumnElement[Any] | InstrumentedAttribute[Any]


def search(session: Session, query: SearchQuery, typed: Parsed) -> Answer:
    """Records with all words of the question, those with more of them in the title first, then the newest."""
    words = _telling(typed.text)
    conditions = [*_asked(words, typed), *_filters(query)]
    page = select(LookupRow.record_id, _total(conditions)).where(*conditions).order_by(*_order(query, words))
    rows = session.execute(page.limit(query.limit).offset(query.offset)).all()
    counted = rows
    if not rows and (query.offset or not query.limit):  # an empty page does not tell how many there are elsewhere
        counted = session.execute(page.order_by(None).limit(1)).all()
    hits = [Hit(id, query.lang, score=0, passage=-1, closeness=None, coverage=1, exact=False) for id, _ in rows]
    return Answer(counted[0][1] if counted else 0, hits, facets={}, incomplete=False)


def names_starting(session: Session, text: str, limit: int) -> list[str]:
    """Ids of records with a name in which a word starts like this; those that start with it first, then the shortest."""
    start = searchable(text).rstrip()
    if not start:
        return []
    first = func.substr(LookupRow.names, 1, len(start)) == start
    order = (first.desc(), func.length(LookupRow.names), LookupRow.record_id)
    query = select(LookupRow.record_id).where(holds(LookupRow.names, start)).order_by(*order).limit(limit)
    return list(session.scalars(query))


def _total(conditions: Sequence[Condition]) -> ColumnElement[int]:
    """How many rows there are, told with each: a page and its count in one look through the table. Without conditions
    an index knows it."""
    if conditions:
        return func.count().over()
    return select(func.count()).select_from(_City).scalar_subquery()


def _telling(text: str) -> list[str]:
    """The words to look for, the longest first: they are the rarest."""
    words = list(dict.fromkeys(folded_words(text)))
    telling = [word for word in words if not is_stop_word(word)] or words
    return sorted(telling[:MAX_WORDS], key=len, reverse=True)


def _asked(words: Sequence[str], typed: Parsed) -> Iterator[Condition]:
    for word in words:
        of_city = or_(_word(_City.names, word), _word(_City.place, word))
        yield or_(_word(LookupRow.text, word), _city_is(of_city))
    phrases = typed.phrases if typed.insists else ()
    yield from (holds(LookupRow.text, searchable(phrase)) for phrase in phrases if folded_words(phrase))
    yield from (not_(holds(LookupRow.text, searchable(phrase))) for phrase in typed.excluded if folded_words(phrase))


def _word(text: Any, word: str) -> Condition:
    """Whether a text has this word, in the singular or plural."""
    if len(word) < _SHORT:
        return holds(text, f" {word} ")
    root = _ENDING.sub("", word)
    begins = holds(text, f" {root}")
    if len(root) >= _LONG_ROOT:
        return begins
    # The first test alone is cheap, and few rows pass it.
    return and_(begins, or_(*(holds(text, f" {root}{ending} ") for ending in _ENDINGS)))


def _city_is(condition: Condition) -> Condition:
    """Whether the record's city is such. Cities are few: the database looks through them once in a question."""
    return LookupRow.city_id.in_(select(_City.record_id).where(_City.type == "city", condition))


def _filters(query: SearchQuery) -> Iterator[Condition]:
    for name, values in query.chosen().items():
        yield or_(
            false(), *(_has_facet(name, value) for value in values if "\x00" not in value)
        )  # PostgreSQL refuses NUL
    if query.year_from is not None:
        yield LookupRow.dated >= query.year_from * 10_000
    if query.year_to is not None:
        yield LookupRow.dated.between(1, query.year_to * 10_000 + 9_999)
    if query.near is not None:
        yield _is_near(query.near)


def _has_facet(name: str, value: str) -> Condition:
    """Like ``facets_of`` with a city: what a record's own place says goes before what its city lends."""
    wanted = f" {facet(name, value)} "
    own = holds(LookupRow.facets, wanted)
    if name not in LENT:
        return own
    silent = not_(holds(LookupRow.facets, f" {facet(name, '')}"))
    return or_(own, and_(silent, _city_is(holds(_City.facets, wanted))))


def _is_near(near: Near) -> Condition:
    reach = (2 * sin(min(near.km / EARTH_RADIUS_KM, pi) / 2)) ** 2
    lent = and_(LookupRow.x.is_(None), _city_is(_chord(_City, near) <= reach))
    return or_(_chord(LookupRow, near) <= reach, lent)


def _chord(row: Any, near: Near) -> ColumnElement[float]:
    """The square of the straight line through the earth, in earth radii: it grows with the distance."""
    point = on_sphere(Coordinates(lat=near.lat, lon=near.lon))
    x, y, z = (column - literal(at, Float) for column, at in zip((row.x, row.y, row.z), point, strict=True))
    line: ColumnElement[float] = x * x + y * y + z * z
    return line


def _order(query: SearchQuery, words: Sequence[str]) -> list[ColumnOrder]:
    by_title: list[ColumnOrder] = [LookupRow.names, LookupRow.record_id]
    if query.sort == "title":
        return by_title
    if query.sort == "oldest":
        return [LookupRow.dated == 0, LookupRow.dated, *by_title]
    if query.sort == "distance" and query.near:
        city = select(_chord(_City, query.near)).where(_City.record_id == LookupRow.city_id).scalar_subquery()
        return [func.coalesce(_chord(LookupRow, query.near), city), *by_title]
    newest: list[ColumnOrder] = [LookupRow.dated.desc(), *by_title]
    if query.sort == "relevance" and words:
        in_title = (case((_word(LookupRow.names, word), 1), else_=0) for word in words)
        return [sum(in_title, start=literal(0)).desc(), *newest]
    return newest
