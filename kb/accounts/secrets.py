"""Passwords and tokens: how they are made and compared."""

import hashlib
import secrets
import threading
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

#: OWASP's minimum for Argon2id, 19 MiB: about 20 ms. More would make signing in a lever against two cores.
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
#: Passwords that are hashed at once: a flood of sign-ins does not take all cores and memory.
_AT_ONCE: Final = threading.BoundedSemaphore(4)


def hash_password(password: str) -> str:
    """The hash to store."""
    with _AT_ONCE:
        return _HASHER.hash(password)


#: Compared where there is no account, so that it takes as long as where there is one.
_NOBODYS: Final = hash_password(secrets.token_urlsafe())


def is_password(stored: str | None, password: str) -> bool:
    """Whether this is the password; for None, no, after the same time."""
    with _AT_ONCE:
        try:
            return _HASHER.verify(stored or _NOBODYS, password) and stored is not None
        except (VerificationError, InvalidHashError):
            return False


def new_token() -> str:
    """256 bits that nobody guesses, for a cookie or a link."""
    return secrets.token_urlsafe(32)


def new_id() -> str:
    """An id that says nothing."""
    return secrets.token_hex(16)


def token_hash(token: str) -> str:
    """What is stored of a token: enough to find it, not enough to use it."""
    return hashlib.sha256(token.encode()).hexdigest()
