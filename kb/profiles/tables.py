"""The tables of profiles. What a profile says is the expert's record; here is whose it is and what others say to it."""

import datetime
from typing import Any, Final, Literal

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from kb.db import Base

#: ``claimed``: they say that the record is about them, and staff decide. ``new``: they wrote it, and staff decide whether it
#: is published. ``kept``: it is theirs.
ProfileState = Literal["claimed", "new", "kept"]
#: ``stated``: only the expert says it. ``team``: the owners of the record confirmed it. ``staff``: the editorial team did.
ProofState = Literal["stated", "team", "staff", "refused"]
#: Why the profile of somebody who keeps it is not before readers.
Absence = Literal["", "unconfirmed", "own wish"]

_KEPT: Final = text("state = 'kept'")


class ProfileRow(Base):
    """Somebody and the record of type expert that is about them: one for each."""

    __tablename__ = "profiles"
    #: Nobody else keeps what somebody keeps.
    __table_args__ = (Index("uq_profiles_kept", "record_id", unique=True, sqlite_where=_KEPT, postgresql_where=_KEPT),)

    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    record_id: Mapped[str] = mapped_column(String(200), index=True)
    state: Mapped[ProfileState] = mapped_column(String(10), index=True)
    #: What they wrote to staff when they asked; empty once it is decided.
    note: Mapped[str] = mapped_column(Text, default="")
    asked_at: Mapped[datetime.datetime]


class UpkeepRow(Base):
    """What keeps an expert's record current, whether or not somebody has claimed it."""

    __tablename__ = "profile_upkeep"

    record_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    absence: Mapped[Absence] = mapped_column(String(20), default="")
    #: For what the last mail asked: one mail for each step.
    asked: Mapped[str] = mapped_column(String(60), default="")
    #: SHA-256 of the token of the link that was mailed last; empty once it was used.
    link_hash: Mapped[str] = mapped_column(String(64), default="", index=True)
    link_until: Mapped[datetime.datetime | None]


class ProofRow(Base):
    """What became of a link that an expert made to a record as proof."""

    __tablename__ = "profile_proofs"

    expert_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    record_id: Mapped[str] = mapped_column(String(200), primary_key=True, index=True)
    state: Mapped[ProofState] = mapped_column(String(10), index=True)
    #: What the expert's part was when it was asked for: who confirms, confirms these words.
    part: Mapped[dict[str, Any]]
    asked_at: Mapped[datetime.datetime]
    decided_at: Mapped[datetime.datetime | None]
    #: The account; empty while nobody has decided.
    decided_by: Mapped[str] = mapped_column(String(32), default="")
