"""Errors that a reader or client can be told. Each has its HTTP status; one handler renders them all.

A detail that readers meet is marked with ``schemas.messages.N_``, with parameters as members: it is shown translated.
"""

from typing import Any

from schemas.messages import N_


class KnowledgeBaseError(Exception):
    """The base. ``title`` is short and the same for each class; ``detail`` says what to do."""

    status = 500
    title = "Something went wrong"

    def __init__(self, detail: str = "", **members: Any) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        #: Further members of the RFC 9457 problem document, such as ``errors``.
        self.members = members


class Invalid(KnowledgeBaseError):
    """What was sent cannot be taken as it is. The member ``field`` names the field of a form that it is about."""

    status = 422
    title = "Invalid input"


class Unauthenticated(KnowledgeBaseError):
    """The asker must sign in first, or with a second factor. Pages lead there; the API answers 401."""

    status = 401
    title = "Sign in first"


class NotFound(KnowledgeBaseError):
    """There is no such thing, or the asker may not know of it."""

    status = 404
    title = "Not found"


class Forbidden(KnowledgeBaseError):
    """The asker is known and may not do this."""

    status = 403
    title = "Not allowed"


class Conflict(KnowledgeBaseError):
    """Somebody else changed it meanwhile, or it is there already."""

    status = 409
    title = "Conflict"


class TooMany(KnowledgeBaseError):
    """Too many of these in too short a time; ``retry_after`` says in how many seconds it may be tried again."""

    status = 429
    title = "Too many requests"


class Unavailable(KnowledgeBaseError):
    """A part of the system is away; the same request may succeed later."""

    status = 503
    title = "Not available right now"


class ReadOnly(Unavailable):
    """An administrator has switched the whole site to reading: nothing is written until it is switched back."""

    title = "Read-only"

    def __init__(self) -> None:
        super().__init__(
            N_("This site can only be read at the moment. Go back: what you typed is still there. Send it again later.")
        )
