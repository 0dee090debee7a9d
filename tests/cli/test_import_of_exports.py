"""An export that is imported again: a file's content is never replaced by its mount path."""

import json
import sys
from base64 import b64decode

import pytest
import yaml

from gateway.services.demo import Demo
from tests.cli.conftest import CommandLine

FILE = "TLS_CERTIFICATE"
REASON = (
    "The value is the mount path of a file with this key, as an export writes it. Give the content "
    "of the file instead."
)


def _text(line: CommandLine, demo: Demo, form: str, *, is_marked: bool = True) -> str:
    text = line("export", "--service", demo.job_id, "--format", form).out
    return (
        text
        if is_marked
        else "".join(row for row in text.splitlines(keepends=True) if not row.startswith("#"))
    )


def _content(line: CommandLine, service_id: str) -> bytes:
    exported = line("export", "--service", service_id, "--format", "k8s", "--name", "x")
    _, files = yaml.safe_load_all(exported.out)
    return b64decode(files["data"][FILE])


def _is_skipped(out: str) -> bool:
    return f"skipped     {FILE}  {REASON}\n" in out


@pytest.mark.parametrize("holder", ["environment", "job", "application"])
@pytest.mark.parametrize(("form", "is_marked"), [("json", True), ("dotenv", False)])
def test_file_stays_where_an_export_is_imported_again(
    line: CommandLine, demo: Demo, holder: str, form: str, *, is_marked: bool
) -> None:
    """At its own holder, at the service that inherits it, and at one beside that."""
    text = _text(line, demo, form, is_marked=is_marked)
    at = f"{holder}:{getattr(demo, f'{holder}_id')}"

    imported = line("import", "--holder", at, "--format", form, "--overwrite", "-", stdin=text)

    assert _is_skipped(imported.out)
    assert {_content(line, item) for item in (demo.job_id, demo.application_id)} == {
        b"demo certificate"
    }


@pytest.mark.parametrize("form", ["dotenv", "yaml", "shell"])
def test_marks_keep_paths_out_where_nothing_is_known_of_the_file(
    line: CommandLine, demo: Demo, form: str
) -> None:
    """As on another machine: in another organization, which has no such file."""
    text = _text(line, demo, form)
    line("organization", "create", "Elsewhere")
    made = line("project", "create", "copy", "--organization", "Elsewhere", "--json").answer
    at = ["--holder", f"project:{made['id']}"]
    read_as = "dotenv" if form == "shell" else form

    imported = line("import", *at, "--format", read_as, "-", stdin=text)

    assert _is_skipped(imported.out)
    assert FILE not in line("export", *at, "--format", "json").answer


def test_other_values_of_a_file_are_imported(line: CommandLine, demo: Demo) -> None:
    """The control: a content is a value, also under a mark that is older than it."""
    text = _text(line, demo, "dotenv").replace(f"{FILE}='/etc/tls/shop.pem'", f"{FILE}='next'")
    at = f"environment:{demo.environment_id}"

    imported = line("import", "--holder", at, "--format", "dotenv", "--overwrite", "-", stdin=text)

    assert f"updated     {FILE}\n" in imported.out
    assert _content(line, demo.job_id) == b"next"


def test_programs_see_why_a_path_is_skipped(line: CommandLine, demo: Demo) -> None:
    at = f"job:{demo.job_id}"
    text = json.dumps({FILE: "/etc/tls/shop.pem"})

    imported = line("import", "--holder", at, "--format", "json", "--json", "-", stdin=text)

    assert imported.code == 0
    (row,) = imported.answer["rows"]
    assert (row["action"], row["error"]["message"]) == ("skipped", REASON)


def test_path_that_a_command_got_from_run_is_no_content_either(
    line: CommandLine, demo: Demo
) -> None:
    """As in `run -- env > live.env`."""
    printing = f"import os; print('{FILE}=' + os.environ['{FILE}'])"
    got = line("run", "--service", demo.job_id, "--", sys.executable, "-c", printing).out
    at = f"job:{demo.job_id}"
    arguments = ("import", "--holder", at, "--format", "dotenv", "--overwrite", "-")

    imported = line(*arguments, stdin=got)
    control = line(*arguments, stdin=f"{FILE}=/elsewhere/etc/tls/shop.pem")

    assert _is_skipped(imported.out)
    assert control.out.startswith(f"overridden  {FILE}\n")
