"""Passwords and tokens: how they are made and compared."""

import hashlib
import hmac
import secrets
import threading
import unicodedata
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

#: OWASP's minimum for Argon2id, 19 MiB: about 20 ms. More would make signing in a lever against two cores.
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
#: Passwords that are hashed at once: a flood of sign-ins does not take all cores and memory.
_AT_ONCE: Final = threading.BoundedSemaphore(4)


def _same_everywhere(password: str) -> str:
    """Devices write the same accented letter in one character or in two."""
    return unicodedata.normalize("NFC", password)


def hash_password(password: str) -> str:
    """The hash to store."""
    with _AT_ONCE:
        return _HASHER.hash(_same_everywhere(password))


#: Compared where there is no account, so that it takes as long as where there is one.
_NOBODYS: Final = hash_password(secrets.token_urlsafe())


def is_password(stored: str | None, password: str) -> bool:
    """Whether this is the password; where there is none, no, after the same time."""
    with _AT_ONCE:
        try:
            return _HASHER.verify(stored or _NOBODYS, _same_everywhere(password)) and bool(stored)
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


def signature(secret_key: str, *parts: str) -> str:
    """What only who has the key can make of these parts."""
    return hmac.new(secret_key.encode(), "\0".join(parts).encode(), hashlib.sha256).hexdigest()


def is_signature(given: str, secret_key: str, *parts: str) -> bool:
    """Whether it is theirs; compared in the same time whatever was given."""
    return hmac.compare_digest(given.encode(), signature(secret_key, *parts).encode())
