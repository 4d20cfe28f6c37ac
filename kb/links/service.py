"""External links: find them in published records, look at some of them every minute, list those that are broken."""

import datetime
import hashlib
import logging
import re
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urldefrag, urlsplit

from sqlalchemy import Engine, delete, func, select
from sqlalchemy.orm import Session

from kb import outbox
from kb.audit import service as audit
from kb.db import CHUNK, chunks, transaction, utcnow
from kb.errors import NotFound
from kb.links.looking import Answer, Looker
from kb.links.tables import LinkCheckRow, LinkPlaceRow, LinkScanRow
from kb.records import service as records
from kb.records.privacy import public_value
from kb.records.service import Stored
from kb.settings import Settings
from schemas.accounts import Account
from schemas.messages import N_

log = logging.getLogger(__name__)

#: Failures in a row, on as many days, until a link counts as broken.
BROKEN: Final = 2
#: Seconds of looking in one round: mail waits for the same thread.
_SLICE: Final = 8.0
_LEASE: Final = 60
_MOST_DUE: Final = 300
_LONGEST: Final = 2000
_WELL: Final = datetime.timedelta(days=14)
_FAILING: Final = datetime.timedelta(days=1)
_LOST: Final = datetime.timedelta(days=7)
_SOON: Final = datetime.timedelta(hours=1)
#: Failures after which it is looked at more seldom.
_HOPELESS: Final = 7
#: So many servers are not away at the same time.
_MANY: Final = 3
#: What also happens when it is our own network that is away.
_SILENCE: Final[frozenset[str]] = frozenset({"unknown_host", "unreachable", "timeout"})
_IN_TEXT: Final = re.compile(r"https?://[^\s<>\"“”«»]+", re.IGNORECASE)


# Finding them


def urls_in(value: Any) -> set[str]:
    """The web addresses in a value: fields that are one, and those that texts name."""
    return {url for text in _texts(value) for url in _in_text(text)}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)


def _in_text(text: str) -> Iterator[str]:
    for match in _IN_TEXT.finditer(text):
        url = urldefrag(_without_tail(match[0])).url
        if len(url) <= _LONGEST and _host(url):
            yield url


def _without_tail(url: str) -> str:
    """Without what the sentence around it put behind it."""
    while url[-1] in ".,;:!?'*_»”’" or any(
        url[-1] == end and url.count(end) > url.count(open_) for open_, end in ("()", "[]")
    ):
        url = url[:-1]
    return url


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "")[:300]
    except ValueError:
        return ""


def find(database: Engine, settings: Settings) -> int:
    """Take in the addresses of records that were published or changed since the last time, and forget those of others.
    Returns how many records were read."""
    if not settings.checks_links:
        return 0
    with transaction(database, readonly=True) as session:
        known = dict(session.execute(select(LinkScanRow.record_id, LinkScanRow.revision)).all())  # type: ignore[arg-type]
        there = dict(records.published_ids(session))
    changed = [record_id for record_id, revision in there.items() if known.get(record_id) != revision]
    for chunk in chunks([*changed, *(known.keys() - there.keys())], CHUNK // 5):
        with transaction(database) as session:
            _take_in(session, chunk, settings)
    if changed or known.keys() - there.keys():
        with transaction(database) as session:
            unused = LinkCheckRow.key.not_in(select(LinkPlaceRow.key))
            session.execute(delete(LinkCheckRow).where(unused).execution_options(synchronize_session=False))
    return len(changed)


def _take_in(session: Session, record_ids: Collection[str], settings: Settings) -> None:
    for table in (LinkPlaceRow, LinkScanRow):
        session.execute(delete(table).where(table.record_id.in_(record_ids)))
    found = {
        stored.record.id: (stored, _keyed(public_value(stored.record), settings))
        for stored in records.load_public(session, record_ids).values()
    }
    everything = {key: url for _, urls in found.values() for key, url in urls.items()}
    known = set(session.scalars(select(LinkCheckRow.key).where(LinkCheckRow.key.in_(everything))))
    now = utcnow()
    session.add_all(
        LinkCheckRow(key=key, url=url, host=_host(url), due_at=now)
        for key, url in everything.items()
        if key not in known
    )
    session.flush()
    for record_id, (stored, urls) in found.items():
        session.add(LinkScanRow(record_id=record_id, revision=stored.revision))
        session.add_all(LinkPlaceRow(record_id=record_id, key=key) for key in urls)


def _keyed(value: dict[str, Any], settings: Settings) -> dict[str, str]:
    own = _host(settings.public_url)
    return {hashlib.sha256(url.encode()).hexdigest(): url for url in urls_in(value) if _host(url) != own}


# Looking at them


def check(database: Engine, settings: Settings, looker: Looker | None = None) -> int:
    """Look at some of the links whose turn it is, one after the other and each host once. Returns how many.

    While this machine itself has no way out nothing counts as a failure; it is tried again later.
    """
    if not settings.checks_links:
        return 0
    looker = looker or Looker(f"{settings.site_name} link check (+{settings.public_url or 'http://localhost'})")
    end = time.monotonic() + _SLICE
    answers: dict[str, Answer] = {}
    with outbox.lease(database, "links", "links", _LEASE) as held:
        for key, url in _turn(database) if held else ():
            if time.monotonic() > end or not held.renew():
                break
            answers[key] = looker.look(url)
        with transaction(database) as session:
            cut_off = _is_cut_off(session, answers)
            for key, answer in answers.items():
                _note(session, key, answer, counts=not (cut_off and answer.reason in _SILENCE))
    return len(answers)


def _is_cut_off(session: Session, answers: Mapping[str, Answer]) -> bool:
    """Whether it is rather this machine that cannot be reached from: several servers are silent and none answers, or none
    ever did."""
    if not answers or any(answer.reason not in _SILENCE for answer in answers.values()):
        return False
    ever = session.scalar(select(LinkCheckRow.key).where(LinkCheckRow.status > 0).limit(1))
    if found := ever is None or len(answers) >= _MANY:
        log.warning("no link answers; has this machine a way out? Otherwise set KB_LINK_CHECKS=false")
    return found


def _turn(database: Engine) -> list[tuple[str, str]]:
    """(key, address) of what is due, the first of each host, the longest overdue first."""
    with transaction(database, readonly=True) as session:
        query = (
            select(LinkCheckRow).where(LinkCheckRow.due_at <= utcnow()).order_by(LinkCheckRow.due_at, LinkCheckRow.key)
        )
        first: dict[str, tuple[str, str]] = {}
        for row in session.scalars(query.limit(_MOST_DUE)):
            first.setdefault(row.host, (row.key, row.url))
    return list(first.values())


def _note(session: Session, key: str, answer: Answer, *, counts: bool) -> None:
    row, now = session.get(LinkCheckRow, key), utcnow()
    if row is None:
        return  # the record lost it meanwhile
    if not counts:
        row.due_at = now + _SOON
        return
    row.checked_at, row.status, row.reason = now, answer.status, answer.reason
    if answer.reason:
        row.failures, row.failing_since = row.failures + 1, row.failing_since or now
        row.due_at = now + (_FAILING if row.failures < _HOPELESS else _LOST)
    else:
        row.failures, row.failing_since, row.fine = 0, None, False
        row.due_at = now + _WELL


# Telling of them


@dataclass(frozen=True)
class Broken:
    """A record with its broken links, those that failed first in front."""

    stored: Stored
    links: list[LinkCheckRow]


def broken(session: Session, *, fine: bool = False, limit: int, offset: int = 0) -> list[Broken]:
    """Records with links that are broken (or that an editor found fine), those that fail longest first."""
    since = func.min(LinkCheckRow.failing_since)
    query = select(LinkPlaceRow.record_id).join(LinkCheckRow, LinkCheckRow.key == LinkPlaceRow.key)
    query = query.where(LinkCheckRow.failures >= BROKEN, LinkCheckRow.fine.is_(fine)).group_by(LinkPlaceRow.record_id)
    ids = list(session.scalars(query.order_by(since, LinkPlaceRow.record_id).limit(limit).offset(offset)))
    links = _links_of(session, ids, fine=fine)
    return [Broken(stored, links[record_id]) for record_id, stored in records.load_public(session, ids).items()]


def _links_of(session: Session, record_ids: Iterable[str], *, fine: bool) -> dict[str, list[LinkCheckRow]]:
    query = select(LinkPlaceRow.record_id, LinkCheckRow).join(LinkCheckRow, LinkCheckRow.key == LinkPlaceRow.key)
    query = query.where(
        LinkPlaceRow.record_id.in_(list(record_ids)), LinkCheckRow.failures >= BROKEN, LinkCheckRow.fine.is_(fine)
    )
    found: dict[str, list[LinkCheckRow]] = {}
    for record_id, row in session.execute(query.order_by(LinkCheckRow.failing_since, LinkCheckRow.url)):
        found.setdefault(record_id, []).append(row)
    return found


@dataclass(frozen=True)
class Counts:
    """How many links there are, how many were looked at, and in how many records some are broken, or said to be fine."""

    links: int
    checked: int
    broken: int
    fine: int


def counts(session: Session) -> Counts:
    """The figures."""
    links, checked = session.execute(select(func.count(), func.count(LinkCheckRow.checked_at))).one()
    return Counts(links, checked, _records_with(session, fine=False), _records_with(session, fine=True))


def _records_with(session: Session, *, fine: bool) -> int:
    query = select(func.count(LinkPlaceRow.record_id.distinct())).join(
        LinkCheckRow, LinkCheckRow.key == LinkPlaceRow.key
    )
    return session.scalar(query.where(LinkCheckRow.failures >= BROKEN, LinkCheckRow.fine.is_(fine))) or 0


def set_fine(session: Session, account: Account, key: str, fine: bool) -> None:
    """Note that an editor looked at it and found it fine, or no longer does. Raises NotFound."""
    row = session.get(LinkCheckRow, key)
    if row is None:
        raise NotFound(N_("This link is in no record any more."))
    if row.fine != fine:
        row.fine = fine
        audit.note(session, account.id, "link.fine" if fine else "link.broken", key)
