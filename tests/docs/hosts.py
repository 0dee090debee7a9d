"""The host of docs/production.md, below another root."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.docs.sessions import DOCS, Shell, Step, steps, with_the_program

SETTINGS_FOLDER: Final = "/etc/secrets-gateway"
DATA_FOLDER: Final = "/var/lib/secrets-gateway"
# The tests have one user.
_OTHER_USER: Final = re.compile(r"sudo -u secrets-gateway (?:--preserve-env=\S+ )?")


@dataclass(frozen=True, slots=True)
class Host:
    """A host with the folders and the settings of the page, and a shell on it."""

    root: Path
    shell: Shell

    @property
    def data_dir(self) -> Path:
        """The data folder, which is empty at first."""
        return self.root / DATA_FOLDER[1:]

    @property
    def key_file(self) -> Path:
        """Where the settings expect the key file."""
        return self.root / SETTINGS_FOLDER[1:] / "keys.json"

    def follow(self, page: str) -> None:
        """Run a page's commands, and compare what they print with what it shows."""
        for step in steps(page):
            here = Step(self._here(step.command), self._here(step.printed), step.response)
            code, printed = self.shell.run(here.command)

            assert code == 0, f"{here.command}{printed}"
            assert here.prints(printed), f"{here.command}{printed}"

    def _here(self, text: str) -> str:
        return _OTHER_USER.sub("", _below(self.root, text))


@contextmanager
def empty_host(root: Path) -> Iterator[Host]:
    """Prepare a host as the page says, as far as its settings file."""
    for folder, mode in ((SETTINGS_FOLDER, 0o755), (DATA_FOLDER, 0o700)):
        (root / folder[1:]).mkdir(mode, parents=True)
    page = (DOCS / "production.md").read_text()
    (settings,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    file = root / SETTINGS_FOLDER[1:] / "secrets-gateway.toml"
    file.write_text(_below(root, settings))
    with closing(Shell.started(root, with_the_program(root / "programs"))) as shell:
        yield Host(root, shell)


def _below(root: Path, text: str) -> str:
    for folder in (SETTINGS_FOLDER, DATA_FOLDER):
        text = text.replace(folder, f"{root}{folder}")
    return text
