"""Who may do what: roles, permissions and the one table that joins them."""

import re
from typing import Annotated, Final, Literal

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, StringConstraints
from pydantic.dataclasses import dataclass

from schemas.language import Language
from schemas.messages import N_

Role = Literal["member", "expert", "contributor", "editor", "translator", "administrator"]
ROLES: Final[tuple[Role, ...]] = Role.__args__  # type: ignore[attr-defined]

#: ``contribute``: write cases and send them in. ``profile``: keep one's own expert profile. ``message``: write to people.
#: ``import``: bring in a file of records, as drafts. ``translate``: translate published records. ``review``: see the desk,
#: comment, ask for changes, assign, restore. ``publish``: put records before readers, take them away. ``moderate``: read what
#: was reported and block. ``administer``: people, roles, organisations, settings, erasure. ``audit``: search and export the log.
Permission = Literal[
    "contribute", "profile", "message", "import", "translate", "review", "publish", "moderate", "administer", "audit"
]
PERMISSIONS: Final[tuple[Permission, ...]] = Permission.__args__  # type: ignore[attr-defined]

_EVERYONE: Final[frozenset[Role]] = frozenset(ROLES)
_STAFF: Final[frozenset[Role]] = frozenset({"editor", "administrator"})

#: The permissions of a role are those in whose row it stands. Every account is a member.
TABLE: Final[dict[Permission, frozenset[Role]]] = {
    "contribute": _EVERYONE,
    "profile": _EVERYONE,
    "message": _EVERYONE,
    "import": _STAFF.union({"contributor"}),
    "translate": _STAFF.union({"translator"}),
    "review": _STAFF,
    "publish": _STAFF,
    "moderate": _STAFF,
    "administer": frozenset({"administrator"}),
    "audit": frozenset({"administrator"}),
}

#: Roles that count only in a session that was opened with a second factor.
STRONG: Final = _STAFF

_ACCOUNT_ID: Final = re.compile(r"[0-9a-f]{32}")


def is_account_id(author: str) -> bool:
    """Whether an author's name is the id of an account; else it is a program's, or what an import said."""
    return _ACCOUNT_ID.fullmatch(author) is not None


def _email(text: str) -> str:
    try:
        return validate_email(text, check_deliverability=False).normalized.lower()
    except EmailNotValidError as error:
        raise ValueError(N_("Write an e-mail address, as name@example.org.")) from error


#: An e-mail address as it is stored and compared: in lower case.
Email = Annotated[str, StringConstraints(strip_whitespace=True, max_length=320), AfterValidator(_email)]
#: What somebody is called: one line, without control characters, which break databases and terminals.
PersonName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")
]


@dataclass(frozen=True)
class Account:
    """A person who is signed in, as one request sees them.

    ``roles`` are those that count in this session: ``STRONG`` ones only after the second factor; ``waiting`` are those that
    would count after it. ``scopes``: what an API token is limited to; None for a session.
    """

    id: str
    email: str
    name: str
    language: Language
    roles: frozenset[Role]
    waiting: frozenset[Role] = frozenset()
    #: Organisations for which they contribute, as record ids.
    organisations: frozenset[str] = frozenset()
    scopes: frozenset[Permission] | None = None
    #: The session's or token's own id, so that it can be told from others.
    session_id: str = ""
    strong: bool = False
    #: The password was right, and the code of the authenticator app is still to come: not signed in yet.
    half: bool = False

    def may(self, permission: Permission) -> bool:
        """Whether the table and the token's scopes allow it."""
        within = self.scopes is None or permission in self.scopes
        return within and not self.roles.isdisjoint(TABLE[permission])

    def might(self, permission: Permission) -> bool:
        """Whether the second factor is all that is missing."""
        return self.scopes is None and not self.waiting.isdisjoint(TABLE[permission])

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """All that they may do here and now, in the table's order."""
        return tuple(permission for permission in PERMISSIONS if self.may(permission))
