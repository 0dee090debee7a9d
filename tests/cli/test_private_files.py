"""Files that a process finds for as long as it runs."""

from pathlib import Path

import pytest

from gateway.cli.delivered import CollidingFiles, private_files
from gateway.services.delivery import RuntimeFile


def _file(path: str, content: str = "content") -> RuntimeFile:
    return RuntimeFile(path, content)


def test_file_and_its_alias_are_one_file() -> None:
    files = {"FILE": _file("/etc/a"), "ALIAS": _file("/etc/a")}

    with private_files(files, within=None) as paths:
        assert paths["FILE"] == paths["ALIAS"]
        assert Path(paths["FILE"]).read_text() == "content"


@pytest.mark.parametrize(
    "other",
    [_file("/etc/a", "other"), _file("/etc/a/b"), _file("/etc")],
    ids=lambda item: item.mount_path,
)
def test_files_that_cannot_be_together_are_refused(other: RuntimeFile, tmp_path: Path) -> None:
    with (
        pytest.raises(CollidingFiles, match="/etc"),
        private_files({"ONE": _file("/etc/a"), "OTHER": other}, within=tmp_path),
    ):
        pass

    assert list(tmp_path.iterdir()) == []


def test_without_files_there_is_no_folder(tmp_path: Path) -> None:
    with private_files({}, within=tmp_path) as paths:
        assert paths == {}
        assert list(tmp_path.iterdir()) == []
