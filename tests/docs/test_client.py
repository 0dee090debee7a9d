"""The commands of docs/client.md print what the page says, without the gateway's data."""

import shutil
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from gateway.cli.client.commands import CLIENT_COMMANDS
from gateway.services.demo import Demo
from tests.docs.sessions import DOCS, Shell, steps, with_the_program
from tests.servers import serving

_PAGE = (DOCS / "client.md").read_text()


def test_the_page_works_with_a_url_and_a_token(template: tuple[Path, Demo], tmp_path: Path) -> None:
    data_dir = Path(shutil.copytree(template[0], tmp_path / "data"))
    home = tmp_path / "home"
    home.mkdir()
    (home / "token").write_text(asdict(template[1])["token"])
    with serving(data_dir, template[1]) as server:
        variables = with_the_program(tmp_path / "programs") | {
            "HOME": str(home),
            "ADDRESS": server.url,
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        }
        variables.pop("XDG_CONFIG_HOME", None)
        with closing(Shell.started(home, variables)) as shell:
            for step in steps("client.md"):
                code, printed = shell.run(step.command)

                assert code == 0, f"{step.command}{printed}"
                assert step.prints(printed), f"{step.command}{printed}"


def test_the_page_names_the_commands_of_a_client() -> None:
    missing = [
        name for name in CLIENT_COMMANDS if f"`{name}" not in _PAGE and f"way {name}" not in _PAGE
    ]

    assert missing == []
