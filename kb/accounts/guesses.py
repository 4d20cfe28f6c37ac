"""How often a password or a code may be guessed, so that nobody can guess on and nobody can lock another out.

A guess from a browser in which this person has signed in before is counted for that browser. Any other guess is counted for
the network it comes from, and for the account, over all networks, more loosely. So a stranger who has used up what an account
allows keeps away other strangers, and the person only where they have never signed in; a new password, by the link in their
mailbox, makes that browser known too. A guess is counted before it is looked at, and given back when it was right.
"""

from dataclasses import dataclass

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from kb.accounts.secrets import is_signature, new_token, signature
from kb.limits import service as limits


@dataclass(frozen=True)
class Asker:
    """Where a request comes from: its network, the browser's own description, and its mark if it is known."""

    network: str
    browser: str = ""
    mark: str = ""


def new_mark(secret_key: str, email: str) -> str:
    """What a browser keeps, so that it is known as one in which this person has signed in."""
    nonce = new_token()
    return f"{nonce}.{signature(secret_key, 'browser', email, nonce)}"


def knows(secret_key: str, asker: Asker, email: str) -> bool:
    """Whether this person has signed in with that browser."""
    nonce, _, given = asker.mark.partition(".")
    return is_signature(given, secret_key, "browser", email, nonce)


def keys(secret_key: str, name: str, asker: Asker, email: str) -> list[tuple[str, str]]:
    """(limit, key) of all counters that a guess at this person's secret counts in."""
    if knows(secret_key, asker, email):
        return [(name, f"{email} {asker.mark}")]
    return [(name, asker.network), (f"{name}.account", email)]


def count(engine: Engine, secret_key: str, name: str, asker: Asker, email: str) -> None:
    """Count a guess before it is looked at. Raises TooMany."""
    for limit, key in keys(secret_key, name, asker, email):
        limits.check(engine, limit, key)


def give_back(session: Session, secret_key: str, name: str, asker: Asker, email: str) -> None:
    """It was right: it does not count."""
    for limit, key in keys(secret_key, name, asker, email):
        limits.give_back(session, limit, key)
