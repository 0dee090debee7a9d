"""What every error's body has to be, whichever client reads it."""

from datetime import datetime
from http import HTTPStatus
from typing import Final

from tests.clients.driver import ExecutionResult

_TEXTS: Final = ("type", "title", "detail", "instance", "error", "message", "path", "timestamp")


def ensure_problem(answer: ExecutionResult, status: HTTPStatus) -> None:
    """Assert an error of that status, with the body that all errors have."""
    assert answer.status == status, answer
    assert answer.headers["content-type"] == "application/problem+json", answer
    assert answer.row["status"] == status, answer
    assert [name for name in _TEXTS if not isinstance(answer.row.get(name), str)] == []
    assert datetime.fromisoformat(answer.row["timestamp"]).tzinfo is not None, answer
    # E4: a real client takes a 400 with this word for "not found".
    assert status != HTTPStatus.BAD_REQUEST or "exist" not in answer.row["detail"].lower(), answer
