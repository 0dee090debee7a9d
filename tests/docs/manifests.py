"""The manifests of docs/examples/kubernetes."""

from collections.abc import Mapping
from typing import Any, Final

import yaml

from tests.docs.sessions import DOCS

Manifest = dict[str, Any]

FOLDER: Final = DOCS / "examples" / "kubernetes"
# What belongs to other projects has no schema in Kubernetes.
OTHERS: Final = {"ExternalSecret", "ServiceMonitor"}
MANIFESTS: Final[Mapping[tuple[str, str], Manifest]] = {
    (manifest["kind"], manifest["metadata"]["name"]): manifest
    for file in sorted(FOLDER.glob("*.yaml"))
    for manifest in yaml.safe_load_all(file.read_text())
}
NAME: Final = "secrets-gateway"
LABELS: Final = {"app.kubernetes.io/name": NAME}
DEPLOYMENT: Final = MANIFESTS["Deployment", NAME]
POD: Final[Manifest] = DEPLOYMENT["spec"]["template"]["spec"]
_CONTAINERS: Final[list[Manifest]] = [*POD["initContainers"], *POD["containers"]]
KEY, MIGRATE, GATEWAY = _CONTAINERS


def variables_of(container: Manifest) -> dict[str, str]:
    """Return the settings of a container."""
    return {variable["name"]: variable["value"] for variable in container["env"]}
