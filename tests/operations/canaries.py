"""Looking for a text that must have left no trace, in every form it could have taken."""

import base64
import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path

from gateway.config.logging import configure_logs
from gateway.config.types import LogFormat, LogLevel
from gateway.domain.holders import new_id


def new_canary() -> str:
    """Return a text that is nowhere else."""
    return f"canary{new_id().replace('-', '')}"


def is_traced(canary: str, where: bytes) -> bool:
    """Tell whether the text is there: plain, in UTF-16, in hexadecimal digits or in base64."""
    plain = canary.encode()
    return any(form in where for form in (plain, *_other_forms(plain)))


def _other_forms(plain: bytes) -> Iterator[bytes]:
    yield plain.decode().encode("utf-16-le")
    yield plain.hex().encode()
    # What stands before it shifts the digits; the outermost ones mix with those of neighbours.
    for shift in range(3):
        yield base64.b64encode(b"\0" * shift + plain)[4:-4]


def stored_bytes(data_dir: Path) -> bytes:
    """Return all that a data folder holds: the database, its journals, the key file."""
    return b"".join(path.read_bytes() for path in data_dir.rglob("*") if path.is_file())


@contextmanager
def all_logs(log_format: LogFormat) -> Iterator[io.StringIO]:
    """Collect every log line of the block, down to the libraries' last details, as it is shown."""
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers, root.level
    with redirect_stderr(stream):
        configure_logs(log_format, LogLevel.DEBUG)
        try:
            yield stream
        finally:
            root.handlers = handlers
            root.setLevel(level)
