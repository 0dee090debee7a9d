"""The commands of the pod of docs/examples/kubernetes, on volumes as Kubernetes mounts them."""

from contextlib import closing
from pathlib import Path

import pytest

from gateway.config.former_names import PREFIX
from tests.docs.manifests import GATEWAY, KEY, MIGRATE, variables_of
from tests.docs.sessions import Shell, with_the_program


class _Node:
    """A folder in place of a node: the volumes as Kubernetes mounts them, and a shell."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.variables = {name: self.below(value) for name, value in variables_of(GATEWAY).items()}
        for folder in ("key", "run/keys", "data"):
            (root / folder).mkdir(parents=True)
        # What `fsGroup` makes of the mount.
        (root / "data").chmod(0o770)

    def below(self, text: str) -> str:
        """Return a path of the pod as one below the folder."""
        return f"{self.root}{text}" if text.startswith("/") else text

    def runs(self, *words: str, **variables: str) -> tuple[int, str]:
        settings = with_the_program(self.root / f"program {len(list(self.root.iterdir()))}")
        with closing(Shell.started(self.root, settings | self.variables | variables)) as shell:
            return shell.run(" ".join(map(self.below, words)))


@pytest.fixture
def node(tmp_path: Path) -> _Node:
    """A node whose Secret has a key file, and an empty volume."""
    node = _Node(tmp_path)
    code, printed = node.runs(
        *("secrets-gateway", "migrate", "&&", "secrets-gateway", "organization", "create", "Any"),
        SECRETS_GATEWAY_DATA_DIR=str(tmp_path / "elsewhere"),
        SECRETS_GATEWAY_KEY_FILE=str(tmp_path / "key" / "keys.json"),
    )
    assert code == 0, printed
    (tmp_path / "key" / "keys.json").chmod(0o444)
    return node


def test_the_pod_starts_on_an_empty_volume(node: _Node) -> None:
    copied = node.runs(*KEY["command"])
    (node.root / "run/keys").chmod(0o500)
    migrated = node.runs("secrets-gateway", *MIGRATE["args"])
    checked = node.runs("secrets-gateway", "check", SECRETS_GATEWAY_HOST="0.0.0.0")  # noqa: S104 - as in the manifest

    assert copied == (0, "")
    assert migrated[0] == 0, migrated[1]
    assert checked == (0, "All is well.\n")


@pytest.mark.parametrize(("name", "path"), [("KEY_FILE", "/key/keys.json"), ("DATA_DIR", "/data")])
def test_control_the_mounts_themselves_are_refused(node: _Node, name: str, path: str) -> None:
    node.runs(*KEY["command"])
    variables = {f"{PREFIX}{name}": node.below(path)}

    migrated = node.runs("secrets-gateway", *MIGRATE["args"], **variables)
    checked = node.runs("secrets-gateway", "check", **variables)

    assert {migrated[0], checked[0]} != {0}
