"""The texts that a delivery can be written as, and what they cannot hold."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from gateway.domain.env_files import ensure_docker, ensure_kubernetes, kubernetes_name


class DeliveryFormat(StrEnum):
    JSON = "json"
    DOTENV = "dotenv"
    SHELL = "shell"
    DOCKER = "docker"
    K8S = "k8s"


_Texts = Mapping[str, str]


def _ensure_kubernetes(service_name: str, variables: _Texts, contents: _Texts) -> None:
    ensure_kubernetes(kubernetes_name(service_name), variables, contents)


# The others hold every value.
_CHECKS: Final[Mapping[DeliveryFormat, Callable[[str, _Texts, _Texts], None]]] = MappingProxyType(
    {
        DeliveryFormat.DOCKER: lambda _, variables, __: ensure_docker(variables),
        DeliveryFormat.K8S: _ensure_kubernetes,
    }
)


def ensure_fits(
    form: DeliveryFormat,
    service_name: str,
    variables: Mapping[str, str],
    contents: Mapping[str, str],
) -> None:
    """Refuse what a format cannot hold: variables, and the contents of files, by their keys.

    Raises:
        InvalidInput: naming the keys, or the rule that the service's name breaks.

    """
    if form in _CHECKS:
        _CHECKS[form](service_name, variables, contents)
