"""The counters of limits."""

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from kb.db import Base


class LimitRow(Base):
    """How often something was done by somebody, until its window ends. ``key`` is a hash: no address is stored."""

    __tablename__ = "limits"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    #: Seconds since 1970. The first count of a window sets it.
    ends_at: Mapped[int] = mapped_column(BigInteger, index=True)
    count: Mapped[int]
