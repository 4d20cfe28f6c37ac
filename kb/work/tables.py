"""The table of long jobs: one row a kind of job, for its last run."""

import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from kb.db import Base
from schemas.search import JobName


class WorkRow(Base):
    """The last run of a job: who does it, how far it is, how it ended."""

    __tablename__ = "work"

    name: Mapped[JobName] = mapped_column(String(20), primary_key=True)
    #: Machine and process.
    holder: Mapped[str] = mapped_column(String(200))
    done: Mapped[int]
    total: Mapped[int]
    started_at: Mapped[datetime.datetime]
    seen_at: Mapped[datetime.datetime]
    finished_at: Mapped[datetime.datetime | None]
    #: Why it failed, in one line; empty when it did not.
    error: Mapped[str] = mapped_column(String(500))
