"""Log lines: structured, with the request's id, and without anything that a client wrote."""

import logging
import re
import sys
from typing import Final, TextIO

import structlog

from gateway.config.types import LogFormat, LogLevel

# Below warnings these libraries log statements with their parameters, schema checks, or requests to
# an issuer, which the gateway logs in its own words.
_QUIET: Final = ("aiosqlite", "alembic", "asyncio", "httpx", "sqlalchemy")
# Control characters, characters that change the writing direction, and line ends.
_UNSAFE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


class _StandardError(logging.StreamHandler[TextIO]):
    """Writes to what is standard error now: it can be replaced, and the former one closed."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


def configure_logs(log_format: LogFormat, level: LogLevel) -> None:
    """Send all log lines, including the libraries', through one chain to standard error."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = _StandardError()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(log_format),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _escape_line(
    _: object, __: str, line: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    # A line break would begin a forged line, and an escape could move a terminal's cursor. Only a
    # traceback has line breaks of its own.
    for name, value in line.items():
        # The quick look decides for nearly all texts.
        if isinstance(value, str) and not (value.isascii() and value.isprintable()):
            lines = value.split("\n") if name == "exception" else [value]
            line[name] = "\n".join(_UNSAFE.sub(_escape, part) for part in lines)
    return line


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")


def _renderers(log_format: LogFormat) -> list[structlog.typing.Processor]:
    # Local variables in a traceback would put values in a log; both renderers leave them out.
    if log_format is LogFormat.JSON:
        tracebacks = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        return [
            structlog.processors.ExceptionRenderer(tracebacks),
            _escape_line,
            structlog.processors.JSONRenderer(),
        ]
    return [
        structlog.processors.ExceptionRenderer(),
        _escape_line,
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            exception_formatter=structlog.dev.plain_traceback,
        ),
    ]
