"""``check`` counts one more and refuses what is too much. Nothing is caught here: when the count fails, so does the request."""

import hashlib
import ipaddress
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Engine, delete, text, update
from sqlalchemy.orm import Session

from kb.db import transaction
from kb.errors import TooMany
from kb.limits.tables import LimitRow
from schemas.messages import N_

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

#: What is limited, to how many in how many seconds. kb/accounts/guesses.py says what the keys of guesses are.
RULES: Final[dict[str, tuple[int, int]]] = {
    "sign_in": (10, 5 * MINUTE),
    "sign_in.account": (50, HOUR),
    "second_factor": (10, 5 * MINUTE),
    "second_factor.account": (50, HOUR),
    "password": (10, 5 * MINUTE),
    "sign_up": (5, DAY),
    "reset": (5, DAY),
    "change_email": (5, DAY),
    "account_mail": (5, HOUR),
    "api": (120, MINUTE),
    # Texts that a network asks suggestions for: each costs seconds of a processor.
    "tagging": (20, MINUTE),
    # Pages of other servers that a network has us fetch for that.
    "tagging.page": (20, 10 * MINUTE),
    # What accounts write, new ones less; conversations that reach one contact's address; answers of such a contact.
    "message": (40, HOUR),
    "message.new": (10, HOUR),
    "conversation": (15, DAY),
    "conversation.new": (3, DAY),
    "conversation.contact": (10, DAY),
    "message.guest": (10, HOUR),
    # Tags that somebody disputes who is not of the team.
    "dispute": (10, DAY),
}

#: A window begins with the first count, and a count after its end begins the next one.
_COUNT: Final = text(
    "INSERT INTO limits (key, ends_at, count) VALUES (:key, :end, 1) ON CONFLICT (key) DO UPDATE SET"
    " count = CASE WHEN limits.ends_at <= :now THEN 1 ELSE limits.count + 1 END,"
    " ends_at = CASE WHEN limits.ends_at <= :now THEN :end ELSE limits.ends_at END"
    " RETURNING count, ends_at"
)


def check(database: Engine | Session, name: str, key: str) -> None:
    """Count one more ``name`` of ``key``: an address, an account. Raises TooMany, with ``retry_after`` in seconds.

    With an engine it is counted at once, whatever becomes of the request; call it before the request's session is used.
    With a session it counts when that is committed.
    """
    most, seconds = RULES[name]
    now = int(time.time())
    with _session(database) as session:
        count, ends_at = session.execute(_COUNT, {"key": _hash(name, key), "now": now, "end": now + seconds}).one()
    if count > most:
        wait = max(1, ends_at - now)
        raise TooMany(
            N_("That was too often. Wait %(minutes)s min, then try again."),
            retry_after=wait,
            minutes=-(-wait // MINUTE),
        )


def give_back(database: Engine | Session, name: str, key: str) -> None:
    """Count one less: what was counted turned out not to be what the limit is for."""
    with _session(database) as session:
        one_less = update(LimitRow).where(LimitRow.key == _hash(name, key), LimitRow.count > 0)
        session.execute(one_less.values(count=LimitRow.count - 1))


def forget_ended(session: Session) -> None:
    """Delete counters whose window is over; to be called now and then."""
    session.execute(delete(LimitRow).where(LimitRow.ends_at < int(time.time())))


def network_of(host: str) -> str:
    """Who shares this address, for a key: an IPv4 address itself; of an IPv6 address the first half, which one household
    has whole."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return host


def _hash(name: str, key: str) -> str:
    return hashlib.sha256(f"{name}\0{key}".encode()).hexdigest()


@contextmanager
def _session(database: Engine | Session) -> Iterator[Session]:
    if isinstance(database, Session):
        yield database
    else:
        with transaction(database, always=True) as session:
            yield session
