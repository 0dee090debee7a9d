"""What a service gets, as a text for another program."""

import json
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated, Final

import typer
import yaml

from gateway.cli.delivered import Delivered
from gateway.cli.printing import complain, counted
from gateway.domain.env_files import (
    docker_text,
    dotenv_text,
    file_marks,
    github_text,
    kubernetes_name,
    kubernetes_text,
    shell_text,
)


class Format(StrEnum):
    DOTENV = "dotenv"
    JSON = "json"
    YAML = "yaml"
    K8S = "k8s"
    SHELL = "shell"
    DOCKER = "docker"
    GITHUB = "github"


_Renderer = Callable[[Delivered, str | None], str]


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
    chosen = name or kubernetes_name(delivered.name)
    return kubernetes_text(chosen, delivered.variables, contents)


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


ExportFormat = Annotated[Format, typer.Option("--format", help="What to print.")]
ManifestName = Annotated[
    str | None,
    typer.Option("--name", help="The manifest's name; like the holder's if not given."),
]


def ensure_takes_name(form: Format, name: str | None) -> None:
    if name is not None and form is not Format.K8S:
        message = "only a k8s manifest has a name."
        raise typer.BadParameter(message, param_hint="--name")


def print_export(delivered: Delivered, form: Format, name: str | None) -> None:
    """Print what a service gets, and say on standard error what is left out."""
    # Bytes, since the terminal's encoding must not decide whether an export works.
    typer.echo(render(form, delivered, name).encode(), nl=False)
    if delivered.note:
        complain(delivered.note)
    if delivered.files and form is not Format.K8S:
        files = counted(len(delivered.files), "file")
        complain(f"left out the content of {files}: {', '.join(delivered.files)}.")
