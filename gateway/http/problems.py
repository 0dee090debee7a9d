"""REST errors: RFC 9457 problems with the legacy fields."""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

from starlette.responses import JSONResponse
from starlette.types import Scope

from gateway.domain.errors import ErrorCode
from gateway.http.statuses import HEADERS, STATUSES

MEDIA_TYPE: Final = "application/problem+json"


def problem(
    code: ErrorCode,
    detail: str,
    *,
    path: str,
    facts: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return the body of a REST error.

    `facts` are further fields, e.g. `existing_variable`; `path` is the request's.
    """
    status = STATUSES[code]
    named = {"type": f"urn:secrets-gateway:error:{code}", "code": code}
    return JSONResponse(
        {**fields(status, detail, path=path), **named, **(facts or {})},
        status_code=status,
        media_type=MEDIA_TYPE,
        headers={**HEADERS.get(code, {}), **(headers or {})},
    )


def fields(status: HTTPStatus, detail: str, *, path: str = "") -> dict[str, Any]:
    """Return the fields of every error body; the path is empty if the request was unreadable."""
    return {
        # RFC 9457: the status alone describes the problem.
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
        "instance": path,
        "error": status.phrase,
        "message": detail,
        "path": path,
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }


def path_of(scope: Scope) -> str:
    """Return the requested path."""
    return str(scope["path"])
