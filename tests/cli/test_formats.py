"""The other texts that an export can be."""

import json
from base64 import b64decode
from collections.abc import Mapping

import pytest
import yaml
from hypothesis import given

from gateway.cli.delivered import Delivered
from gateway.cli.renderings import Format, render
from gateway.domain.env_files import kubernetes_name, kubernetes_secrets
from gateway.domain.errors import InvalidInput
from gateway.domain.holders import Holder
from gateway.domain.scopes import Scope
from gateway.services.delivery import RuntimeFile, RuntimeSecret
from tests.cli.texts import SEARCHED, VARIABLES

SERVICE = Holder(
    id="job",
    kind=Scope.JOB,
    name="Nightly Invoices!",
    organization_id="organization",
    project_id="project",
    environment_id="environment",
)


def _delivered(variables: Mapping[str, str]) -> Delivered:
    return Delivered(SERVICE.name, [RuntimeSecret(key, value) for key, value in variables.items()])


@pytest.mark.unmeasured
@SEARCHED
@given(VARIABLES)
def test_any_value_comes_back_from_json(variables: Mapping[str, str]) -> None:
    assert json.loads(render(Format.JSON, _delivered(variables))) == variables


@pytest.mark.unmeasured
@SEARCHED
@given(VARIABLES)
def test_any_value_comes_back_from_yaml(variables: Mapping[str, str]) -> None:
    assert yaml.safe_load(render(Format.YAML, _delivered(variables))) == variables


@pytest.mark.unmeasured
@SEARCHED
@given(VARIABLES)
def test_any_value_comes_back_from_a_kubernetes_manifest(variables: Mapping[str, str]) -> None:
    (manifest,) = yaml.safe_load_all(render(Format.K8S, _delivered(variables)))

    assert {key: b64decode(value).decode() for key, value in manifest["data"].items()} == variables


def test_manifest_is_a_secret_with_a_name_like_the_service() -> None:
    (manifest,) = yaml.safe_load_all(render(Format.K8S, _delivered({"KEY": "value"})))

    assert manifest["apiVersion"] == "v1"
    assert manifest["kind"] == "Secret"
    assert manifest["type"] == "Opaque"
    assert manifest["metadata"] == {"name": "nightly-invoices"}


def test_every_text_of_a_manifest_is_quoted() -> None:
    """Kubernetes' reader takes more words and numbers for something else than PyYAML does."""
    text = render(Format.K8S, _delivered({"y": "\N{HEBREW LETTER GIMEL}z"}))

    assert '"y": "' in text


def test_files_are_in_a_secret_of_their_own() -> None:
    secret = RuntimeSecret("CERT", "/etc/cert.pem", RuntimeFile("/etc/cert.pem", "content"))

    variables, files = yaml.safe_load_all(
        render(Format.K8S, Delivered(SERVICE.name, [secret]), name="shop")
    )

    assert b64decode(variables["data"]["CERT"]) == b"/etc/cert.pem"
    assert files["metadata"] == {"name": "shop-files"}
    assert b64decode(files["data"]["CERT"]) == b"content"


@pytest.mark.parametrize("name", ["", "Shop", "-shop", "shop-", "a..b", "a_b", "a" * 248, "shop\n"])
def test_name_that_kubernetes_would_refuse_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        kubernetes_secrets(name, {}, {})


def test_longest_name_leaves_room_for_the_files() -> None:
    _, files = kubernetes_secrets("a" * 247, {}, {"KEY": ""})

    assert files["metadata"] == {"name": f"{'a' * 247}-files"}


def test_service_whose_name_has_no_likeness_needs_a_name() -> None:
    with pytest.raises(InvalidInput):
        kubernetes_name("服务")


def test_key_that_kubernetes_would_refuse_is_refused() -> None:
    kubernetes_secrets("shop", {"A" * 253: ""}, {})

    with pytest.raises(InvalidInput):
        kubernetes_secrets("shop", {"A" * 254: ""}, {})


def test_more_than_kubernetes_takes_is_refused() -> None:
    half = 512 * 1024
    kubernetes_secrets("shop", {"A": "a" * half, "B": "b" * half}, {})

    with pytest.raises(InvalidInput):
        kubernetes_secrets("shop", {"A": "a" * half, "B": "b" * half, "C": "c"}, {})
