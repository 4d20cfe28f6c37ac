"""The API as its own description promises it, tried by schemathesis with made-up requests: as nobody, and with a token of each
role. No server error, no answer that is not described."""

from collections.abc import Iterator

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import CHECKS, load_all_checks, not_a_server_error
from schemathesis.specs.openapi.schemas import OpenApiSchema

from kb.accounts import tokens
from kb.db import transaction
from schemas.accounts import PERMISSIONS, ROLES
from tests.people import person
from tests.search_ui.browser.serving import serving
from tests.search_ui.own_site import prepared_in

load_all_checks()
PROMISED = [
    not_a_server_error,
    *CHECKS.get_by_names(["status_code_conformance", "content_type_conformance", "response_schema_conformance"]),
]
CASE = {"type": "case_study", "id": "trams", "language": "en", "title": {"en": "Trams"}, "status": "published"}
EXAMPLES = 25


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    return prepared_in(tmp_path_factory.mktemp("contract"), CASE)


@pytest.fixture(scope="module")
def schema(app: FastAPI) -> Iterator[OpenApiSchema]:
    """The description, from a server that really serves it."""
    with serving(app) as address:
        yield schemathesis.openapi.from_url(f"{address}/api/openapi.json")


def _headers(app: FastAPI, role: str) -> dict[str, str]:
    if role == "nobody":
        return {}
    account = person(app.state.engine, f"{role}@example.org", role)  # type: ignore[arg-type]
    with transaction(app.state.engine) as session:
        token = tokens.make(session, account, "contract", [each for each in PERMISSIONS if account.may(each)], 1)
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("role", ["nobody", *ROLES])
def test_promise_22_the_api_answers_as_it_is_described(schema: OpenApiSchema, app: FastAPI, role: str) -> None:
    headers = _headers(app, role)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) >= 10

    @settings(max_examples=EXAMPLES * len(operations), deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(operations).flatmap(lambda operation: operation.as_strategy()))
    def check(case: schemathesis.Case) -> None:
        case.call_and_validate(headers=headers, checks=PROMISED)

    check()
