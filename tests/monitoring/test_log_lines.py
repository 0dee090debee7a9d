"""Log lines go to standard error, whatever that is when they are written."""

import io
import logging
import sys
from collections.abc import Iterator

import pytest

from gateway.config.logging import configure_logs
from gateway.config.types import LogFormat, LogLevel


@pytest.fixture
def as_before() -> Iterator[None]:
    """Give the root logger its handlers back."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)


@pytest.mark.usefixtures("as_before")
def test_a_line_goes_to_what_is_standard_error_by_then(monkeypatch: pytest.MonkeyPatch) -> None:
    former, present = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", former)
    configure_logs(LogFormat.JSON, LogLevel.INFO)
    former.close()
    monkeypatch.setattr(sys, "stderr", present)

    logging.getLogger("somewhere").warning("a line")

    assert '"event": "a line"' in present.getvalue()
    assert "Logging error" not in present.getvalue()


def test_control_another_handler_writes_to_the_closed_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    former, present = io.StringIO(), io.StringIO()
    handler = logging.StreamHandler(former)
    former.close()
    monkeypatch.setattr(sys, "stderr", present)

    handler.handle(logging.makeLogRecord({"msg": "a line"}))

    assert "Logging error" in present.getvalue()
