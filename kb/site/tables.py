"""The site's own settings."""

from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from kb.db import Base


class SiteRow(Base):
    """One setting, as JSON ``{"value": ...}``. What was never set has no row."""

    __tablename__ = "site"

    name: Mapped[str] = mapped_column(String(50), primary_key=True)
    data: Mapped[dict[str, Any]]
