"""Errors as people and programs read them over REST: RFC 9457, with the legacy fields beside."""

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
    """Return the one body that every error of the REST face has.

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
    """Return what every error's body says; the path is empty where no request could be read."""
    return {
        # By RFC 9457: the status says it all.
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
    """Return the path that was asked for."""
    return str(scope["path"])
