"""Every error has its status, its type and its place: nothing that is added can be forgotten."""

from http import HTTPStatus

import pytest

from gateway.domain.errors import BusinessError, ErrorCode, GatewayError
from gateway.http.problems import HEADERS, STATUSES
from schema.enums import MutationErrorCode
from schema.errors import BUILDERS, ERROR_TYPES
from tests.contracts.walking import schema, subclasses

ERRORS = sorted(set(subclasses(GatewayError)), key=lambda error: error.__name__)
OUTCOMES = [error for error in ERRORS if issubclass(error, BusinessError)]
REPORTED = [error for error in ERRORS if hasattr(error, "code")]


def test_every_code_has_the_status_of_an_error() -> None:
    assert set(STATUSES) == set(ErrorCode)
    assert [code for code, status in STATUSES.items() if status < HTTPStatus.BAD_REQUEST] == []
    assert set(HEADERS) <= set(ErrorCode)


@pytest.mark.rule("E2")
@pytest.mark.parametrize(
    ("status", "header"),
    [
        (HTTPStatus.UNAUTHORIZED, "WWW-Authenticate"),
        (HTTPStatus.SERVICE_UNAVAILABLE, "Retry-After"),
        (HTTPStatus.TOO_MANY_REQUESTS, "Retry-After"),
    ],
)
def test_every_status_that_needs_a_header_has_it(status: HTTPStatus, header: str) -> None:
    codes = [code for code, value in STATUSES.items() if value == status]

    assert [code for code in codes if header not in HEADERS.get(code, {})] == []


def test_every_error_has_a_code_and_every_code_an_error() -> None:
    # Starlette raises these two itself; the boundary tells them.
    by_the_library = {ErrorCode.METHOD_NOT_ALLOWED, ErrorCode.PAYLOAD_TOO_LARGE}

    assert {error.code for error in REPORTED} | by_the_library == set(ErrorCode)


def test_every_outcome_is_reported_as_a_typed_error() -> None:
    outcomes = [error for error in REPORTED if error in OUTCOMES]
    untyped = [outcome for outcome in outcomes if not BUILDERS.keys() & set(outcome.__mro__)]
    codes = {outcome.code.name: outcome.code for outcome in outcomes}

    assert untyped == []
    assert {name: MutationErrorCode[name].value.value for name in codes} == codes


def test_every_code_of_a_payload_is_described_by_its_status() -> None:
    described = schema().type_map["MutationErrorCode"]

    shown = {name: value.description for name, value in described.values.items()}  # type: ignore[attr-defined] # an enumeration
    codes = [ErrorCode[code.name] for code in MutationErrorCode]
    assert shown == {code.name: f"REST: {STATUSES[code].value}" for code in codes}


@pytest.mark.parametrize("error_type", ERROR_TYPES)
def test_every_type_of_error_can_be_selected_by_the_three_common_fields(error_type: type) -> None:
    answer = schema().type_map[error_type.__name__]

    assert [interface.name for interface in answer.interfaces] == ["MutationError"]  # type: ignore[attr-defined] # an object
    assert {"code", "message", "path"} <= set(answer.fields)  # type: ignore[attr-defined] # as above
