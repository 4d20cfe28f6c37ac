"""Stored values back into records, also when a vocabulary has moved on since they were stored."""

import logging
from typing import Any

from pydantic import ValidationError

from schemas import records
from schemas.records import Record

log = logging.getLogger(__name__)


def read(value: dict[str, Any]) -> Record:
    """The record of a stored value. What no longer fits the schema, such as a term that was withdrawn from
    its vocabulary, is left out: one old word must not make a page fail."""
    try:
        return records.parse(value)
    except ValidationError as error:
        log.warning("record %s: %d stored values no longer fit and are left out", value.get("id"), error.error_count())
        fitting = without(value, [path for problem in error.errors(include_url=False) if (path := problem["loc"][1:])])
        return records.parse(fitting)


def without(value: Any, paths: list[tuple[int | str, ...]]) -> Any:
    """A copy of a value without what stands at these paths."""
    here = {path[0] for path in paths if len(path) == 1}
    below: dict[int | str, list[tuple[int | str, ...]]] = {}
    for path in filter(None, paths):
        below.setdefault(path[0], []).append(path[1:])
    if isinstance(value, dict):
        return {key: without(part, below.get(key, [])) for key, part in value.items() if key not in here}
    if isinstance(value, list):
        return [without(part, below.get(i, [])) for i, part in enumerate(value) if i not in here]
    return value
