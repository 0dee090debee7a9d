"""The manifests of docs/examples/kubernetes fit Kubernetes and the gateway."""

import copy
from collections.abc import Callable, Mapping
from typing import Final

import pytest
from kubernetes_validate.utils import ValidationError, latest_version, validate

from gateway.cli.commands import COMMANDS
from gateway.config.former_names import PREFIX
from gateway.config.settings import Settings
from gateway.http.health import LIVE, READY
from tests.docs.manifests import (
    DEPLOYMENT,
    FOLDER,
    GATEWAY,
    KEY,
    LABELS,
    MANIFESTS,
    MIGRATE,
    NAME,
    OTHERS,
    POD,
    Manifest,
    variables_of,
)

# The oldest one with ReadWriteOncePod, and the newest one that the validator knows.
VERSIONS: Final = ("1.29", latest_version())
OWN: Final = [manifest for (kind, _), manifest in MANIFESTS.items() if kind not in OTHERS]
PROBES: Final = {
    "startupProbe": LIVE,
    "livenessProbe": LIVE,
    "readinessProbe": READY,
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "manifest", OWN, ids=lambda item: f"{item['kind']} {item['metadata']['name']}"
)
def test_kubernetes_takes_each_manifest(manifest: Manifest, version: str) -> None:
    validate(manifest, version, strict=True)


@pytest.mark.parametrize(
    ("field", "value"),
    [("replicas", "one"), ("replica", 1), ("strategy", {"type": "Recreate", "rollingUpdates": {}})],
)
def test_control_a_manifest_with_a_fault_is_refused(field: str, value: object) -> None:
    faulty = copy.deepcopy(DEPLOYMENT)
    faulty["spec"][field] = value

    with pytest.raises(ValidationError):
        validate(faulty, VERSIONS[-1], strict=True)


def test_all_is_in_one_namespace() -> None:
    namespaces = {
        manifest["metadata"].get("namespace", manifest["metadata"]["name"])
        for manifest in MANIFESTS.values()
    }

    assert namespaces == {NAME}


# What the level `restricted` of the Pod Security Standards demands, and more.
_OF_THE_POD: Final[Mapping[str, Callable[[Manifest], bool]]] = {
    "user": lambda pod: pod["securityContext"].get("runAsNonRoot") is True,
    "seccomp": lambda pod: "seccompProfile" in pod["securityContext"],
    "token": lambda pod: pod.get("automountServiceAccountToken") is False,
}
_OF_A_CONTAINER: Final[Mapping[str, Callable[[Manifest], bool]]] = {
    "escalation": lambda own: own["securityContext"].get("allowPrivilegeEscalation") is False,
    "root": lambda own: own["securityContext"].get("readOnlyRootFilesystem") is True,
    "capabilities": lambda own: own["securityContext"].get("capabilities") == {"drop": ["ALL"]},
    "memory": lambda own: "memory" in own["resources"]["limits"],
}


def _faults(pod: Manifest) -> set[str]:
    """Return what a pod or one of its containers does not deny itself."""
    containers = (*pod["initContainers"], *pod["containers"])
    return {name for name, holds in _OF_THE_POD.items() if not holds(pod)} | {
        name for name, holds in _OF_A_CONTAINER.items() if not all(map(holds, containers))
    }


def test_the_pod_has_no_power() -> None:
    assert _faults(POD) == set()


@pytest.mark.parametrize(
    ("loosen", "fault"),
    [
        (lambda pod: pod["securityContext"].pop("runAsNonRoot"), "user"),
        (lambda pod: pod["securityContext"].pop("seccompProfile"), "seccomp"),
        (lambda pod: pod.pop("automountServiceAccountToken"), "token"),
        (lambda pod: pod["containers"][0].update(securityContext={}), "escalation"),
        (lambda pod: pod["containers"][0]["resources"].update(limits={}), "memory"),
    ],
)
def test_control_a_pod_with_more_power_is_seen(
    loosen: Callable[[Manifest], object], fault: str
) -> None:
    pod = copy.deepcopy(POD)
    loosen(pod)

    assert fault in _faults(pod)


def test_one_pod_at_a_time_has_the_database() -> None:
    claim = MANIFESTS["PersistentVolumeClaim", f"{NAME}-data"]
    (volume,) = (each for each in POD["volumes"] if each["name"] == "data")

    assert DEPLOYMENT["spec"]["replicas"] == 1
    assert DEPLOYMENT["spec"]["strategy"] == {"type": "Recreate"}
    assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    assert claim["spec"]["accessModes"] == ["ReadWriteOncePod"]


def test_probes_ask_for_paths_of_the_gateway() -> None:
    assert {name: GATEWAY[name]["httpGet"]["path"] for name in PROBES} == PROBES


def test_the_ports_are_those_that_the_gateway_listens_on() -> None:
    (port,) = GATEWAY["ports"]
    arguments = GATEWAY["args"]
    services = MANIFESTS["Service", NAME]["spec"]["ports"]
    rules = MANIFESTS["NetworkPolicy", NAME]["spec"]["ingress"]

    assert str(port["containerPort"]) == arguments[arguments.index("--port") + 1]
    assert {item["targetPort"] for item in services} == {port["name"]}
    assert {item["port"] for rule in rules for item in rule["ports"]} == {port["name"]}
    assert {GATEWAY[name]["httpGet"]["port"] for name in PROBES} == {port["name"]}


def test_the_metrics_port_is_the_same_everywhere() -> None:
    (command,) = (
        line
        for line in (FOLDER / "monitoring.yaml").read_text().splitlines()
        if "METRICS_PORT" in line
    )
    service = MANIFESTS["Service", f"{NAME}-metrics"]
    (port,) = service["spec"]["ports"]
    (endpoint,) = MANIFESTS["ServiceMonitor", NAME]["spec"]["endpoints"]
    ((allowed,),) = (
        rule["ports"] for rule in MANIFESTS["NetworkPolicy", f"{NAME}-metrics"]["spec"]["ingress"]
    )

    assert f"{PREFIX}METRICS_PORT={port['port']} {PREFIX}METRICS_HOST=" in command
    assert {"METRICS_PORT", "METRICS_HOST"} <= {name.upper() for name in Settings.model_fields}
    assert port["port"] == port["targetPort"] == allowed["port"]
    assert endpoint["port"] == port["name"]
    selected = MANIFESTS["ServiceMonitor", NAME]["spec"]["selector"]["matchLabels"]
    assert selected == service["metadata"]["labels"]


def test_policies_and_services_are_about_the_gateways_pods() -> None:
    selectors = [
        manifest["spec"].get("podSelector", {}).get("matchLabels") or manifest["spec"]["selector"]
        for (kind, _), manifest in MANIFESTS.items()
        if kind in {"NetworkPolicy", "Service"}
    ]

    assert DEPLOYMENT["spec"]["template"]["metadata"]["labels"] == LABELS
    assert selectors == [LABELS] * len(selectors)


def test_nothing_goes_out_unless_it_is_allowed() -> None:
    policy = MANIFESTS["NetworkPolicy", NAME]["spec"]

    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policy["egress"] == []


@pytest.mark.parametrize("container", [MIGRATE, GATEWAY], ids=["migrate", "gateway"])
def test_containers_run_commands_with_settings_that_exist(container: Manifest) -> None:
    names = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}

    assert container["args"][0] in COMMANDS
    assert variables_of(container).keys() <= names


def test_the_secret_of_the_key_is_the_one_that_is_mounted() -> None:
    secret = MANIFESTS["ExternalSecret", f"{NAME}-key"]["spec"]
    (volume,) = (each for each in POD["volumes"] if each["name"] == "key-secret")
    (entry,) = secret["data"]

    assert volume["secret"]["secretName"] == secret["target"]["name"]
    assert f"/key/{entry['secretKey']}" in KEY["command"]
