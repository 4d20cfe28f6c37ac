"""Records for the tests of the database."""

from collections.abc import Callable
from typing import Any

import pytest

from schemas.records import Record, parse


@pytest.fixture
def case() -> Callable[..., Record]:
    """Makes a small case study: ``case("x-1", title={"en": "Trams"}, status="draft")``."""

    def make(record_id: str = "x-1", **fields: Any) -> Record:
        return parse(
            {"type": "case_study", "id": record_id, "language": "en", "status": "published", "title": {"en": "Trams"}}
            | fields
        )

    return make
