"""Built-in secrets, whose values never stand on the command line."""

from pathlib import Path

import pytest

from gateway.services.demo import Demo
from tests.cli.conftest import CommandLine, Finished

MARKER = "marker-77c1e0"
SOURCE = (
    *("--source-id", "0d9c6a0e-5f1b-4c61-9a53-6f2d8f1c7b10"),
    *("--source-name", "cache", "--source-type", "database"),
)


def _register(line: CommandLine, demo: Demo, *more: str, stdin: str | bytes = b"") -> Finished:
    holder = f"environment:{demo.environment_id}"
    return line(
        "builtin", "register", "QOVERY_REDIS_HOST", "--holder", holder, *SOURCE, *more, stdin=stdin
    )


def _delivered(line: CommandLine, demo: Demo) -> dict[str, str]:
    return dict(line("export", "--service", demo.job_id, "--format", "json").answer)


@pytest.mark.rule("C6")
def test_registered_built_in_reaches_the_services(line: CommandLine, demo: Demo) -> None:
    registered = _register(line, demo, "--json", stdin=MARKER)

    assert registered.answer["key"] == "QOVERY_REDIS_HOST"
    assert registered.answer["version"] == 1
    assert _delivered(line, demo)["QOVERY_REDIS_HOST"] == MARKER
    explained = line("explain", "--service", demo.job_id, "QOVERY_REDIS_HOST", "--json").answer
    assert explained["winner"]["scope"] == "BUILT_IN"


def test_value_is_not_reported_to_one_who_registers_it(line: CommandLine, demo: Demo) -> None:
    registered = _register(line, demo, stdin=MARKER)

    assert registered.out.startswith("registered QOVERY_REDIS_HOST (")
    assert MARKER not in registered.out + registered.err


def test_value_comes_from_a_file(line: CommandLine, demo: Demo, tmp_path: Path) -> None:
    file = tmp_path / "value"
    file.write_text(f"{MARKER}\n")

    _register(line, demo, "--value-file", str(file))

    assert _delivered(line, demo)["QOVERY_REDIS_HOST"] == MARKER


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        (b"x", "x"),
        (b"x\n", "x"),
        (b"x\r\n", "x"),
        (b"x\n\n", "x\n"),
        (b"x\r", "x\r"),
        (b"", ""),
        (b"\n", ""),
        (b"\xef\xbb\xbfx", "\ufeffx"),
    ],
)
def test_one_line_end_is_no_part_of_a_value(
    line: CommandLine, demo: Demo, typed: bytes, stored: str
) -> None:
    line("builtin", "rotate", demo.built_in_secret_id, stdin=typed)

    assert _delivered(line, demo)["QOVERY_POSTGRESQL_ZF83A_PASSWORD"] == stored


def test_line_end_is_kept_if_that_is_asked_for(line: CommandLine, demo: Demo) -> None:
    line("builtin", "rotate", demo.built_in_secret_id, "--exact", stdin="x\n")

    assert _delivered(line, demo)["QOVERY_POSTGRESQL_ZF83A_PASSWORD"] == "x\n"


def test_rotated_value_reaches_the_services(line: CommandLine, demo: Demo) -> None:
    rotated = line("builtin", "rotate", demo.built_in_secret_id, stdin=MARKER)

    assert rotated.out == (
        f"rotated QOVERY_POSTGRESQL_ZF83A_PASSWORD ({demo.built_in_secret_id}), version 2\n"
    )
    assert _delivered(line, demo)["QOVERY_POSTGRESQL_ZF83A_PASSWORD"] == MARKER


@pytest.mark.rule("C9")
@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (b"x" * (64 * 1024 + 1), "A value must be at most 64 KiB of UTF-8."),
        (b"x" * 1024 * 1024, "A value must be at most 64 KiB of UTF-8."),
        (b"marker\0", "The text must not have a NUL character."),
        (b"marker\xff", "byte 7: this is not UTF-8."),
    ],
    ids=["long", "very long", "nul", "bytes"],
)
def test_value_against_the_rules_is_refused(
    line: CommandLine, demo: Demo, value: bytes, complaint: str
) -> None:
    refused = line("builtin", "rotate", demo.built_in_secret_id, stdin=value)

    assert refused.code == 1
    assert refused.complaint == complaint


@pytest.mark.rule("C9")
def test_longest_value_is_taken(line: CommandLine, demo: Demo) -> None:
    """The line end does not count."""
    longest = b"x" * 64 * 1024

    assert line("builtin", "rotate", demo.built_in_secret_id, stdin=longest + b"\r\n").code == 0


@pytest.mark.parametrize("secret_id", ["x", "00000000-0000-0000-0000-000000000000"])
def test_secret_that_is_not_there_is_reported(line: CommandLine, secret_id: str) -> None:
    refused = line("builtin", "rotate", secret_id, stdin=MARKER)

    assert refused.code == 1
    assert refused.complaint.startswith("No secret has ")


@pytest.mark.rule("C6")
def test_secret_of_a_caller_is_not_rotated(line: CommandLine, demo: Demo) -> None:
    """Only what the platform provides."""
    explained = line("explain", "--service", demo.job_id, "INVOICE_SIGNING_KEY", "--json").answer

    refused = line("builtin", "rotate", explained["winner"]["id"], stdin=MARKER)

    assert refused.code == 1


def test_source_is_a_kind_of_service(line: CommandLine, demo: Demo) -> None:
    refused = _register(line, demo, "--source-type", "queue", stdin=MARKER)

    assert refused.code == 2
    assert "a source is one of application, container, database" in refused.complaint


def test_missing_value_file_is_reported(line: CommandLine, demo: Demo, tmp_path: Path) -> None:
    refused = _register(line, demo, "--value-file", str(tmp_path / "missing"))

    assert refused.code == 1
    assert refused.complaint.endswith("missing: No such file or directory.")
