"""An operator who follows docs/upgrade.md sees what it shows; its table has every revision."""

import re
import shutil
from pathlib import Path

from gateway.services.demo import Demo
from gateway.storage.migrate import revisions
from tests.docs.hosts import empty_host
from tests.docs.sessions import DOCS

_PAGE = (DOCS / "upgrade.md").read_text()


def test_an_operator_rehearses_an_upgrade_and_checks_it(
    template: tuple[Path, Demo], tmp_path: Path
) -> None:
    with empty_host(tmp_path) as host:
        shutil.copytree(template[0], host.data_dir, dirs_exist_ok=True)
        (host.data_dir / "keys.json").rename(host.key_file)

        # The page's new version is the one that is tested.
        host.shell.run("NEW=secrets-gateway")
        host.follow("upgrade.md")


def test_the_table_has_every_revision_of_the_schema() -> None:
    listed = re.findall(r"^\| `(\d{4})` \|", _PAGE, re.MULTILINE)

    assert listed == sorted(revisions())
