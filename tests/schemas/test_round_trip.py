"""A record and its import line say the same."""

import json

from hypothesis import HealthCheck, given, settings

from schemas.records import (
    REQUIRED,
    WELCOME,
    Record,
    completeness,
    missing,
    parse,
    to_value,
)
from tests.schemas.strategies import records

_patient = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@_patient
@given(records())
def test_a_record_is_the_same_after_going_through_its_import_line(record: Record) -> None:
    line = json.dumps(to_value(record), ensure_ascii=False, allow_nan=False)
    assert parse(json.loads(line)) == record


@_patient
@given(records())
def test_the_import_line_of_a_record_does_not_change_any_more(record: Record) -> None:
    value = to_value(record)
    assert to_value(parse(value)) == value


@_patient
@given(records())
def test_completeness_is_a_share_and_one_means_that_nothing_is_missing(record: Record) -> None:
    share = completeness(record)
    assert 0 <= share <= 1
    assert (share == 1) == (not missing(record, REQUIRED) and not missing(record, WELCOME))
