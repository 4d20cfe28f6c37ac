"""The tables of accounts. No secret is stored that would open anything: passwords are hashed by Argon2, tokens by SHA-256."""

import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from kb.db import Base
from schemas.accounts import Role
from schemas.language import Language

_OF_ACCOUNT = "accounts.id"


class AccountRow(Base):
    """A person. ``state``: unconfirmed (the e-mail), waiting (for staff), active, or closed (by staff)."""

    __tablename__ = "accounts"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    #: In lower case.
    email: Mapped[str] = mapped_column(String(320), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    language: Mapped[Language] = mapped_column(String(2))
    state: Mapped[str] = mapped_column(String(20))
    password: Mapped[str] = mapped_column(String(200))
    #: The key of the authenticator app, in base 32; empty without one.
    totp_key: Mapped[str] = mapped_column(String(64), default="")
    #: The last time step whose code was used: a code is good once.
    totp_step: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime.datetime]


class RoleRow(Base):
    """A role that somebody was given. ``organisation_id`` is a record's id for a contributor, else empty."""

    __tablename__ = "account_roles"

    account_id: Mapped[str] = mapped_column(ForeignKey(_OF_ACCOUNT, ondelete="CASCADE"), primary_key=True)
    role: Mapped[Role] = mapped_column(String(20), primary_key=True)
    organisation_id: Mapped[str] = mapped_column(String(200), primary_key=True, default="")


class SessionRow(Base):
    """One browser that is signed in."""

    __tablename__ = "account_sessions"

    #: SHA-256 of the cookie's token.
    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    #: What its owner's list calls it by.
    id: Mapped[str] = mapped_column(String(32), unique=True)
    account_id: Mapped[str] = mapped_column(ForeignKey(_OF_ACCOUNT, ondelete="CASCADE"), index=True)
    #: Whether a second factor opened it.
    strong: Mapped[bool]
    browser: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime.datetime]
    seen_at: Mapped[datetime.datetime]


class CodeRow(Base):
    """A link that was mailed and works once: to confirm, to reset, to change the address, to take up an invitation."""

    __tablename__ = "account_codes"

    #: SHA-256 of the link's token.
    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey(_OF_ACCOUNT, ondelete="CASCADE"), index=True)
    purpose: Mapped[str] = mapped_column(String(20))
    data: Mapped[dict[str, Any]]
    expires_at: Mapped[datetime.datetime]


class RecoveryCodeRow(Base):
    """A code that stands in for the authenticator app, once."""

    __tablename__ = "account_recovery_codes"

    account_id: Mapped[str] = mapped_column(ForeignKey(_OF_ACCOUNT, ondelete="CASCADE"), primary_key=True)
    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)


class ApiTokenRow(Base):
    """A token for programs. ``scopes`` are permissions with blanks between."""

    __tablename__ = "account_api_tokens"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    id: Mapped[str] = mapped_column(String(32), unique=True)
    account_id: Mapped[str] = mapped_column(ForeignKey(_OF_ACCOUNT, ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    scopes: Mapped[str] = mapped_column(String(500))
    strong: Mapped[bool]
    created_at: Mapped[datetime.datetime]
    expires_at: Mapped[datetime.datetime]
    used_at: Mapped[datetime.datetime | None]
