"""`export`: what a service gets, as a text for another program."""

import json
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Final

import typer
import yaml

from gateway.cli.delivered import Delivered, delivered_to
from gateway.cli.options import ServiceId
from gateway.cli.printing import complain, counted
from gateway.domain.formats import dotenv_text, kubernetes_name, kubernetes_secrets


class Format(StrEnum):
    """The texts that an export can be."""

    DOTENV = "dotenv"
    JSON = "json"
    YAML = "yaml"
    K8S = "k8s"


def _dotenv(delivered: Delivered, _: str | None) -> str:
    return dotenv_text(delivered.variables)


def _json(delivered: Delivered, _: str | None) -> str:
    return json.dumps(delivered.variables, ensure_ascii=False, indent=2) + "\n"


def _yaml(delivered: Delivered, _: str | None) -> str:
    return _quoted_yaml([dict(delivered.variables)])


def _k8s(delivered: Delivered, name: str | None) -> str:
    contents = {key: file.content for key, file in delivered.files.items()}
    manifests = kubernetes_secrets(
        name or kubernetes_name(delivered.service.name), delivered.variables, contents
    )
    return _quoted_yaml(manifests)


def _quoted_yaml(documents: Sequence[Mapping[str, object]]) -> str:
    # Quoted, so that no reader takes `no` for false or `1e3` for a number; PyYAML alone would leave
    # plain what it takes for a text itself.
    return yaml.safe_dump_all(
        documents,
        default_style='"',
        width=float("inf"),
        sort_keys=False,
        explicit_start=len(documents) > 1,
    )


_RENDERERS: Final[Mapping[Format, Callable[[Delivered, str | None], str]]] = MappingProxyType(
    {Format.DOTENV: _dotenv, Format.JSON: _json, Format.YAML: _yaml, Format.K8S: _k8s}
)


def render(form: Format, delivered: Delivered, name: str | None = None) -> str:
    """Return what a service gets as a text of that form; only a manifest has a name.

    Raises:
        InvalidInput: for what the form cannot hold.

    """
    return _RENDERERS[form](delivered, name)


def export(
    service: ServiceId,
    format: Annotated[Format, typer.Option(help="What to print.")],  # noqa: A002 - the option's name
    name: Annotated[
        str | None, typer.Option(help="The manifest's name; like the service's if not given.")
    ] = None,
) -> None:
    """Print all that a service gets, values included. Only k8s holds the content of files."""
    if name is not None and format is not Format.K8S:
        message = "only a k8s manifest has a name."
        raise typer.BadParameter(message, param_hint="--name")
    delivered = delivered_to(service)
    # Bytes, since the terminal's encoding must not decide whether an export works.
    typer.echo(render(format, delivered, name).encode(), nl=False)
    if delivered.files and format is not Format.K8S:
        files = counted(len(delivered.files), "file")
        complain(f"left out the content of {files}: {', '.join(delivered.files)}.")
