"""The tasks of the Makefile, with programs that do nothing but note that they were started."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.patience import PATIENCE

ROOT: Final = Path(__file__).parents[2]
# Programs that the scripts of .ci need themselves.
_TOOLS: Final = ("sh", "awk", "date")
# Says which part of the tests it was asked for; the part that the test names fails.
_PYTHON: Final = """#!/bin/sh
case "$*" in
    *"coverage report"*) part=report ;;
    *" -n "*) part=spread ;;
    *) part=generated ;;
esac
echo "$part" >>"$RUNS"
[ "$part" != "$FAILS" ]
"""


def _program(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def _run(*command: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    # The tests may have been started by make, which hands its own flags down.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**inherited, **variables},
        capture_output=True,
        check=False,
        text=True,
        timeout=PATIENCE,
    )


def _tested(folder: Path, *arguments: str, fails: str) -> tuple[int, list[str]]:
    """Run `make test` with a Python of which one part fails; return its status and what it ran."""
    _program(folder, "venv/bin/python", _PYTHON)
    runs = folder / "runs"
    set_up = [f"--old-file={name}" for name in ("dev-setup", "graphiql", "clients")]
    ended = _run(
        *("make", "test", f"VENV={folder / 'venv'}", *set_up, *arguments),
        RUNS=str(runs),
        FAILS=fails,
    )
    return ended.returncode, runs.read_text().split()


@pytest.mark.parametrize("fails", ["none", "spread", "generated", "report"])
def test_each_part_of_the_tests_runs_whatever_became_of_the_others(
    tmp_path: Path, fails: str
) -> None:
    status, runs = _tested(tmp_path, fails=fails)

    # The generated ones run beside the others.
    assert sorted(runs[:2]) == ["generated", "spread"]
    assert runs[2:] == ["report"]
    assert (status == 0) is (fails == "none")


def test_a_choice_of_tests_leaves_the_generated_ones_out(tmp_path: Path) -> None:
    status, runs = _tested(tmp_path, "PYTEST_ARGS=-k alias", fails="spread")

    assert runs == ["spread"]
    assert status != 0


def _needs(folder: Path, python: str, programs: Mapping[str, str]) -> tuple[int, str]:
    """Return what .ci/needs says where there are these programs."""
    for name in _TOOLS:
        found = shutil.which(name)
        assert found
        _program(folder, f"bin/{name}", f'#!/bin/sh\nexec {found} "$@"\n')
    for name, text in programs.items():
        _program(folder, f"bin/{name}", f"#!/bin/sh\n{text}\n")
    ended = _run(".ci/needs", python, PATH=str(folder / "bin"))
    assert ended.stdout == ""
    return ended.returncode, ended.stderr


_DISK: Final = "echo header; echo disk 9 9 {free_kb} 9"
_ALL: Final[Mapping[str, str]] = {
    "df": _DISK.format(free_kb=9_000_000),
    "npm": "",
    "node": "",
    "python3": "",
}


def test_nothing_is_said_where_nothing_is_missing(tmp_path: Path) -> None:
    assert _needs(tmp_path, "python3", _ALL) == (0, "")


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"python3": "exit 1"}, 1, "Python 3.11 or newer"),
        ({"python3": 'case "$2" in *venv*) exit 1 ;; esac'}, 1, "apt-get install python3-venv"),
        ({"df": _DISK.format(free_kb=200_000)}, 1, "400 MB of disk (195 MB are free)"),
        ({"node": "exit 1"}, 0, "npm with Node 20 or newer"),
    ],
)
def test_what_is_missing_is_said_in_one_line(
    tmp_path: Path, changes: Mapping[str, str], status: int, words: str
) -> None:
    ended, said = _needs(tmp_path, "python3", {**_ALL, **changes})

    assert ended == status
    assert words in said
    assert said.count("\n") == 1


def test_all_that_is_missing_is_said_at_once(tmp_path: Path) -> None:
    status, said = _needs(tmp_path, "python9", {"df": _DISK.format(free_kb=1)})

    assert status == 1
    assert all(word in said for word in ("python9", "disk", "npm"))
    assert said.count("\n") == 1


def test_a_step_says_how_long_it_took_and_fails_as_its_command_does() -> None:
    passed = _run(".ci/step", "Doing nothing", "true")
    failed = _run(".ci/step", "Doing nothing", "sh", "-c", "exit 3")

    assert (passed.returncode, failed.returncode) == (0, 3)
    assert passed.stdout.startswith("Doing nothing ... ")
    assert passed.stdout.endswith(" s\n")
    assert failed.stdout == "Doing nothing ... failed\n"


# The control: a pattern that ends in a slash is about folders alone.
@pytest.mark.parametrize(("pattern", "said"), [("", True), ("/", False)])
def test_a_committed_link_to_an_environment_fails_the_check(
    tmp_path: Path, pattern: str, *, said: bool
) -> None:
    rules = (ROOT / ".gitignore").read_text().replace("node_modules\n", f"node_modules{pattern}\n")
    (tmp_path / ".gitignore").write_text(rules)
    (tmp_path / "node_modules").symlink_to(tmp_path)
    git = ("git", "-C", str(tmp_path))
    assert _run(*git, "init", "--quiet").returncode == 0
    assert _run(*git, "add", "--force", "node_modules").returncode == 0
    _program(tmp_path, "venv/bin/ruff", "#!/bin/sh\n")
    checked = _run(
        *("make", "lint", f"VENV={tmp_path / 'venv'}", "--old-file=dev-setup"),
        GIT_DIR=str(tmp_path / ".git"),
        GIT_WORK_TREE=str(tmp_path),
    )
    assert ("node_modules: committed, and in .gitignore" in checked.stdout) == said
    assert (checked.returncode != 0) == said
