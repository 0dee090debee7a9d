"""`export`: what a service gets, as a text for another program."""

import json
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated, Final

import typer
import yaml

from gateway.cli.delivered import Delivered, delivered_at, delivered_to
from gateway.cli.options import HolderToExport, OnUnresolved, ServiceToExport, WhenUnresolved
from gateway.cli.printing import Refused, complain, counted, title_and_id_of
from gateway.cli.running import NotAService
from gateway.domain.drafts import HolderReference
from gateway.domain.env_files import (
    docker_text,
    dotenv_text,
    file_marks,
    github_text,
    kubernetes_name,
    kubernetes_text,
    shell_text,
)
from gateway.domain.scopes import Scope


class Format(StrEnum):
    DOTENV = "dotenv"
    JSON = "json"
    YAML = "yaml"
    K8S = "k8s"
    SHELL = "shell"
    DOCKER = "docker"
    GITHUB = "github"


_Renderer = Callable[[Delivered, str | None], str]
# What a holder that is not a service gives to those below it.
_OWN_AND_INHERITED: Final[Mapping[Scope, str]] = {
    Scope.PROJECT: "its own secrets",
    Scope.ENVIRONMENT: "its own secrets and those of its project",
}


def _marked(text_of: Callable[[Mapping[str, str]], str]) -> _Renderer:
    return lambda delivered, _: text_of(delivered.variables) + _marks(delivered)


def _github(delivered: Delivered, _: str | None) -> str:
    # A line that is no assignment makes the job fail, so files are not marked.
    return github_text(delivered.variables)


def _marks(delivered: Delivered) -> str:
    # At the end, where a shell that joins lines loses nothing by a comment.
    return file_marks({key: file.mount_path for key, file in delivered.files.items()})


def _json(delivered: Delivered, _: str | None) -> str:
    return json.dumps(delivered.variables, ensure_ascii=False, indent=2) + "\n"


def _yaml(delivered: Delivered, _: str | None) -> str:
    # Quoted, so that no reader takes `no` for false or `1e3` for a number; PyYAML alone would leave
    # plain what it takes for a text itself.
    text: str = yaml.safe_dump(
        dict(delivered.variables), default_style='"', width=float("inf"), sort_keys=False
    )
    return text + _marks(delivered)


def _k8s(delivered: Delivered, name: str | None) -> str:
    contents = {key: file.content for key, file in delivered.files.items()}
    name = name or kubernetes_name(delivered.holder.name)
    return kubernetes_text(name, delivered.variables, contents)


_RENDERERS: Final[Mapping[Format, _Renderer]] = {
    Format.DOTENV: _marked(dotenv_text),
    Format.JSON: _json,
    Format.YAML: _yaml,
    Format.K8S: _k8s,
    Format.SHELL: _marked(shell_text),
    Format.DOCKER: _marked(docker_text),
    Format.GITHUB: _github,
}


def render(form: Format, delivered: Delivered, name: str | None = None) -> str:
    """Return what a service gets as a text of that form; only a manifest has a name.

    Raises:
        InvalidInput: for what the form cannot hold.

    """
    return _RENDERERS[form](delivered, name)


def export(
    *,
    service: ServiceToExport = None,
    holder: HolderToExport = None,
    format: Annotated[Format, typer.Option(help="What to print.")],  # noqa: A002 - the option's name
    name: Annotated[
        str | None, typer.Option(help="The manifest's name; like the holder's if not given.")
    ] = None,
    on_unresolved: WhenUnresolved = OnUnresolved.KEEP,
) -> None:
    if name is not None and format is not Format.K8S:
        message = "only a k8s manifest has a name."
        raise typer.BadParameter(message, param_hint="--name")
    delivered = _deliver(service, holder, on_unresolved)
    # Bytes, since the terminal's encoding must not decide whether an export works.
    typer.echo(render(format, delivered, name).encode(), nl=False)
    if part := _OWN_AND_INHERITED.get(delivered.holder.kind):
        complain(f"{title_and_id_of(delivered.holder)} is not a service: these are {part}.")
    if delivered.files and format is not Format.K8S:
        files = counted(len(delivered.files), "file")
        complain(f"left out the content of {files}: {', '.join(delivered.files)}.")


def _deliver(
    service: str | None, holder: HolderReference | None, on_unresolved: OnUnresolved
) -> Delivered:
    if service is not None and holder is None:
        try:
            return delivered_to(service, on_unresolved)
        except NotAService as refused:
            message = f"{refused} --holder exports a project or an environment."
            raise Refused(message) from None
    if holder is not None and service is None:
        return delivered_at(holder, on_unresolved)
    message = "give one of --service and --holder."
    raise typer.BadParameter(message)
