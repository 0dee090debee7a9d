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


@pytest.mark.parametrize("code", ErrorCode)
def test_every_code_has_a_status(code: ErrorCode) -> None:
    assert STATUSES[code] >= HTTPStatus.BAD_REQUEST


def test_no_status_is_of_an_unknown_code() -> None:
    assert set(STATUSES) == set(ErrorCode)
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


@pytest.mark.parametrize("error", REPORTED)
def test_every_error_has_a_code_that_there_is(error: type[GatewayError]) -> None:
    assert error.code in ErrorCode


@pytest.mark.parametrize("code", ErrorCode)
def test_every_code_is_some_errors(code: ErrorCode) -> None:
    # Starlette raises these two itself; the boundary tells them.
    by_the_library = {ErrorCode.METHOD_NOT_ALLOWED, ErrorCode.PAYLOAD_TOO_LARGE}

    assert code in {error.code for error in REPORTED} | by_the_library


@pytest.mark.parametrize("outcome", [error for error in REPORTED if error in OUTCOMES])
def test_every_outcome_is_reported_as_a_typed_error(outcome: type[BusinessError]) -> None:
    builders = [kind for kind in outcome.__mro__ if kind in BUILDERS]

    assert builders
    assert MutationErrorCode[outcome.code.name].value.value == outcome.code


@pytest.mark.parametrize("code", MutationErrorCode)
def test_every_code_of_a_payload_is_a_code_of_the_domain(code: MutationErrorCode) -> None:
    described = schema().type_map["MutationErrorCode"]

    assert code.name in ErrorCode.__members__
    assert code.name in described.values  # type: ignore[attr-defined] # an enumeration


@pytest.mark.parametrize("code", MutationErrorCode)
def test_every_code_of_a_payload_says_its_status(code: MutationErrorCode) -> None:
    described = schema().type_map["MutationErrorCode"]

    status = STATUSES[ErrorCode[code.name]]
    shown = described.values[code.name].description  # type: ignore[attr-defined] # as above
    assert shown == f"REST: {status.value}"


@pytest.mark.parametrize("error_type", ERROR_TYPES)
def test_every_type_of_error_can_be_selected_by_the_three_common_fields(error_type: type) -> None:
    answer = schema().type_map[error_type.__name__]

    assert [interface.name for interface in answer.interfaces] == ["MutationError"]  # type: ignore[attr-defined] # an object
    assert {"code", "message", "path"} <= set(answer.fields)  # type: ignore[attr-defined] # as above
