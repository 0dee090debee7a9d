"""`import`: what becomes of each secret of a file."""

import json
import os
import pty
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.services.demo import Demo
from tests.cli.conftest import CommandLine
from tests.servers import command, environment

MARKER = "marker-77c1e0"
# At the job: its own key, one of the environment above, a new one, a reserved one, and no key.
MIXED = {
    "INVOICE_SIGNING_KEY": MARKER,
    "TRACING_API_KEY": MARKER,
    "NEW_KEY": MARKER,
    "QOVERY_KEY": MARKER,
    MARKER: MARKER,
}


def _values(line: CommandLine, service: str) -> dict[str, str]:
    return dict(line("export", "--service", service, "--format", "json").answer)


@pytest.mark.rule("V4")
def test_every_key_is_reported_what_became_of_it(line: CommandLine, demo: Demo) -> None:
    imported = line(
        *("import", "--holder", f"job:{demo.job_id}", "--format", "json", "-"),
        stdin=json.dumps(MIXED),
    )

    rows = [row.split(maxsplit=2) for row in imported.out.splitlines()]
    assert [row[:2] for row in rows[:4]] == [
        ["skipped", "INVOICE_SIGNING_KEY"],
        ["overridden", "TRACING_API_KEY"],
        ["created", "NEW_KEY"],
        ["failed", "QOVERY_KEY"],
    ]
    assert rows[4][0] == "failed"
    assert imported.out.splitlines()[4].startswith(
        "failed      (line 1, entry 5)  A key must begin with"
    )
    assert imported.out.splitlines()[5] == (
        f"job nightly-invoices ({demo.job_id}): "
        "1 created, 0 updated, 1 overridden, 1 skipped, 2 failed."
    )


@pytest.mark.rule("V4")
def test_import_with_a_failed_row_ends_with_1_and_keeps_the_others(
    line: CommandLine, demo: Demo
) -> None:
    """The others go through."""
    imported = line(
        *("import", "--holder", f"job:{demo.job_id}", "--format", "json", "-"),
        stdin=json.dumps(MIXED),
    )

    assert imported.code == 1
    assert imported.complaint == "2 of 5 secrets could not be imported."
    values = _values(line, demo.job_id)
    assert values["NEW_KEY"] == MARKER
    assert values["TRACING_API_KEY"] == MARKER
    assert values["INVOICE_SIGNING_KEY"] == "demo-signing-key"


def test_nothing_that_is_reported_holds_a_value(line: CommandLine, demo: Demo) -> None:
    for as_json in ([], ["--json"]):
        imported = line(
            *("import", "--holder", f"job:{demo.job_id}", "--format", "json", "-", *as_json),
            stdin=json.dumps(MIXED),
        )

        assert MARKER not in imported.out + imported.err


@pytest.mark.rule("V4")
def test_values_are_replaced_only_if_that_is_asked_for(
    line: CommandLine, demo: Demo, tmp_path: Path
) -> None:
    file = tmp_path / "live.env"
    file.write_text("INVOICE_SIGNING_KEY=next\n")

    imported = line("import", "--holder", f"job:{demo.job_id}", "--overwrite", str(file))

    assert imported.code == 0
    assert imported.out.startswith("updated     INVOICE_SIGNING_KEY\n")
    assert _values(line, demo.job_id)["INVOICE_SIGNING_KEY"] == "next"


def test_dry_run_says_the_same_and_changes_nothing(line: CommandLine, demo: Demo) -> None:
    arguments = ("import", "--holder", f"job:{demo.job_id}", "--format", "dotenv", "-")
    before = _values(line, demo.job_id)

    rehearsed = line(*arguments, "--dry-run", stdin="NEW_KEY=x")

    assert _values(line, demo.job_id) == before
    done = line(*arguments, stdin="NEW_KEY=x")
    assert rehearsed.out == f"{done.out}Dry run: nothing was changed.\n"


def test_programs_are_reported_everything_in_one_object(line: CommandLine, demo: Demo) -> None:
    answer = line(
        *("import", "--holder", f"environment:{demo.environment_id}", "--format", "yaml", "-"),
        "--json",
        stdin="NEW_KEY: 1\nQOVERY_KEY: 2\nnot a key: 3\n",
    ).answer

    assert answer["holder"] == {
        "id": demo.environment_id,
        "kind": "environment",
        "name": "production",
    }
    assert answer["dry_run"] is False
    assert [row["key"] for row in answer["rows"]] == ["NEW_KEY", "QOVERY_KEY", None]
    assert [row["action"] for row in answer["rows"]] == ["created", "failed", "failed"]
    assert [row["place"] for row in answer["rows"]] == ["line 1", "line 2", "line 3"]
    assert answer["rows"][0]["id"]
    assert answer["rows"][1]["error"]["code"] == "BAD_USER_INPUT"
    assert answer["summary"]["failed"] == 2


@pytest.mark.rule("V4")
def test_more_than_a_thousand_are_refused_before_anything_is_done(
    line: CommandLine, demo: Demo
) -> None:
    """All in one transaction, or none."""
    many = "\n".join(f"KEY_{number}={number}" for number in range(1_001))

    imported = line(
        *("import", "--holder", f"job:{demo.job_id}", "--format", "dotenv", "-"), stdin=many
    )

    assert imported.code == 1
    assert imported.complaint.startswith("the file has 1001 secrets; at most 1000")
    assert "KEY_0" not in _values(line, demo.job_id)


@pytest.mark.parametrize("holder", ["job", "job:", "database:x", "JOB:x", ":x"])
def test_holder_is_a_kind_and_an_id(line: CommandLine, holder: str) -> None:
    imported = line("import", "--holder", holder, "--format", "dotenv", "-")

    assert imported.code == 2
    assert "a holder is KIND:ID" in imported.complaint


def test_holder_of_another_kind_is_not_found(line: CommandLine, demo: Demo) -> None:
    imported = line(
        *("import", "--holder", f"helm:{demo.job_id}", "--format", "dotenv", "-"), stdin="A=1"
    )

    assert imported.code == 1
    assert imported.complaint == f"No helm has the id {demo.job_id}."


def test_file_that_cannot_be_read_is_reported_by_its_name_and_place(
    line: CommandLine, demo: Demo, tmp_path: Path
) -> None:
    file = tmp_path / "live.env"
    file.write_text(f"A=1\nB='{MARKER}\n")

    imported = line("import", "--holder", f"job:{demo.job_id}", str(file))

    assert imported.code == 1
    assert imported.complaint == (
        "live.env: line 2: the quotes around this value are not closed, or text follows them."
    )


def test_file_that_is_not_utf8_is_refused(line: CommandLine, demo: Demo) -> None:
    imported = line(
        *("import", "--holder", f"job:{demo.job_id}", "--format", "dotenv", "-"), stdin=b"A=1\xff"
    )

    assert imported.complaint == "standard input: byte 4: this is not UTF-8."


def _all_of(screen: int) -> bytes:
    shown = bytearray()
    # Linux tells with an error that nobody writes there any more, others with nothing.
    with suppress(OSError):
        while more := os.read(screen, 4_096):
            shown += more
    os.close(screen)
    return bytes(shown)


@pytest.mark.parametrize(("count", "is_shown"), [(60, True), (3, False)], ids=["long", "short"])
def test_long_imports_show_on_a_terminal_how_far_they_are(
    data_dir: Path, demo: Demo, tmp_path: Path, *, count: int, is_shown: bool
) -> None:
    file = tmp_path / "long.env"
    file.write_text("".join(f"KEY_{number}=x\n" for number in range(count)))
    screen, terminal = pty.openpty()

    with subprocess.Popen(
        command("import", "--holder", f"job:{demo.job_id}", str(file)),
        env=environment(data_dir) | {"TERM": "xterm"},
        stdout=subprocess.DEVNULL,
        stderr=terminal,
    ) as process:
        os.close(terminal)
        shown = _all_of(screen)

    assert process.returncode == 0
    assert (b"100%" in shown) is is_shown


def test_imports_show_nothing_where_nobody_looks(line: CommandLine, demo: Demo) -> None:
    many = "\n".join(f"KEY_{number}={number}" for number in range(60))

    imported = line(
        *("import", "--holder", f"job:{demo.job_id}", "--format", "dotenv", "-"), stdin=many
    )

    assert imported.err == ""
