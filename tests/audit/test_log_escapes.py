"""What came from outside can neither begin a log line nor move a cursor."""

import json

import pytest
import structlog

from gateway.config.types import LogFormat
from tests.operations.canaries import all_logs

HOSTILE = {
    "a line break": "a\nb",
    "a return": "a\rb",
    "both": "a\r\nlevel=error event=forged",
    "a colour": "a\x1b[31mb",
    "a title": "a\x1b]0;b\x07",
    "a backspace": "a\x08b",
    "NUL": "a\x00b",
    "an eight-bit escape": "a\x9b31mb",
    "a next line": "a\x85b",
    "a line separator": "a\u2028b",
    "a paragraph separator": "a\u2029b",
    "an override of direction": "a\u202eb",
    "an isolate": "a\u2066b",
    "a lone surrogate": "a\ud800b",
}
PLAIN = "déjà vu — 秘密"


def _logged(log_format: LogFormat, text: str, **fields: str) -> str:
    with all_logs(log_format) as logs:
        structlog.get_logger("test").warning(text, **fields)
    return logs.getvalue()


@pytest.mark.rule("S51")
@pytest.mark.parametrize("log_format", LogFormat)
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_field_and_a_text_are_escaped(log_format: LogFormat, text: str) -> None:
    logged = _logged(log_format, text, field=text)

    assert len(logged.splitlines()) == 1
    assert all(character.isprintable() for character in logged.removesuffix("\n"))


@pytest.mark.rule("S51")
@pytest.mark.parametrize("log_format", LogFormat)
def test_what_is_only_foreign_stays_readable(log_format: LogFormat) -> None:
    """The control: escaping everything would pass the test above."""
    logged = _logged(log_format, "event", field=PLAIN)

    shown = json.loads(logged)["field"] if log_format is LogFormat.JSON else logged
    assert PLAIN in shown


@pytest.mark.rule("S51")
@pytest.mark.parametrize("log_format", LogFormat)
def test_a_traceback_keeps_its_lines_and_nothing_else(log_format: LogFormat) -> None:
    with all_logs(log_format) as logs:
        try:
            int("\x1b[31m")
        except ValueError:
            structlog.get_logger("test").exception("failed")

    lines = logs.getvalue().splitlines()
    assert (len(lines) > 1) is (log_format is LogFormat.CONSOLE)
    assert all(line.isprintable() for line in lines)
    assert "ValueError" in logs.getvalue()
