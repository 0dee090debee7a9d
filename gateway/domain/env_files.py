"""A service's secrets as text: dotenv files, shell exports and Kubernetes manifests."""

import json
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Final

from gateway.domain.errors import Argument, InvalidInput

# The scanner that Docker reads an env-file with takes no longer line, including its end.
MAX_DOCKER_LINE_BYTES: Final = 64 * 1024 - 1

_LINE_END: Final = re.compile(r"[\r\n]")
_ENDS_IN_CR: Final = re.compile(r"\r\Z")
_ESCAPES: Final = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r"})
# A comment that marks a file, since the value of its variable does not show that it is one.
_MARK: Final = "# mount path of a file, which an import leaves alone:"
_MARKED: Final = re.compile(rf'^{_MARK} ([A-Za-z0-9_]+) (".*")$', re.MULTILINE)


def dotenv_text(variables: Mapping[str, str]) -> str:
    """Return the variables as dotenv, each quoted so that most parsers read it correctly.

    Single quotes allow no replacement and no escapes. Parsers disagree about them only in the cases
    of `_needs_double_quotes`.
    """
    return "".join(f"{key}={_dotenv_quoted(value)}\n" for key, value in variables.items())


def _dotenv_quoted(value: str) -> str:
    return f'"{value.translate(_ESCAPES)}"' if _needs_double_quotes(value) else f"'{value}'"


def _needs_double_quotes(value: str) -> bool:
    has_disputed_backslash = "\\\\" in value or value.endswith("\\")
    return "'" in value or "\r" in value or has_disputed_backslash


def shell_text(variables: Mapping[str, str]) -> str:
    """Return the variables as commands of a POSIX shell, for `eval` or `source`."""
    quoted = {key: value.replace("'", "'\\''") for key, value in variables.items()}
    return "".join(f"export {key}='{value}'\n" for key, value in quoted.items())


def docker_text(variables: Mapping[str, str]) -> str:
    """Return the variables as an env-file for Docker, without quotes or escapes.

    Raises:
        InvalidInput: naming the keys whose values have line ends or are too long.

    """
    ensure_docker(variables)
    return "".join(_docker_line(*pair) for pair in variables.items())


def ensure_docker(variables: Mapping[str, str]) -> None:
    """Refuse what `docker_text` cannot write; errors as there."""
    _refuse("docker", "with a line end", _keys_that(_LINE_END, variables))
    too_long = [
        key
        for key, value in variables.items()
        if len(_docker_line(key, value).encode()) > MAX_DOCKER_LINE_BYTES
    ]
    _refuse("docker", f"in a line of more than {MAX_DOCKER_LINE_BYTES} bytes", too_long)


def _docker_line(key: str, value: str) -> str:
    return f"{key}={value}\n"


def _keys_that(pattern: re.Pattern[str], variables: Mapping[str, str]) -> Sequence[str]:
    return [key for key, value in variables.items() if pattern.search(value)]


def _refuse(form: str, what: str, keys: Sequence[str]) -> None:
    if keys:
        raise InvalidInput(
            Argument.VALUE, f"The format {form} cannot hold a value {what}: {', '.join(keys)}."
        )


def github_text(variables: Mapping[str, str]) -> str:
    """Return the variables as lines for `$GITHUB_ENV`, with a delimiter that no value contains.

    Raises:
        InvalidInput: naming the keys whose values end in a carriage return, which a runner on
            Windows would read as a part of the line end.

    """
    _refuse("github", "that ends in a carriage return", _keys_that(_ENDS_IN_CR, variables))
    together = "\n".join(variables.values())
    delimiter = next(
        item for item in map("SECRETS_GATEWAY_{}".format, count()) if item not in together
    )
    return "".join(
        f"{key}<<{delimiter}\n{value}\n{delimiter}\n" for key, value in variables.items()
    )


def file_marks(mount_paths: Mapping[str, str]) -> str:
    """Return comment lines that name the variables whose values are mount paths of files."""
    return "".join(f"{_MARK} {key} {json.dumps(path)}\n" for key, path in mount_paths.items())


def marked_files(text: str) -> Mapping[str, str]:
    """Return the mount paths in the comments of an exported text, by key."""
    return {key: _path(quoted) for key, quoted in _MARKED.findall(text)}


def _path(quoted: str) -> str:
    try:
        return str(json.loads(quoted))
    except json.JSONDecodeError:
        return ""


MAX_KUBERNETES_NAME: Final = 253
MAX_KUBERNETES_BYTES: Final = 1024 * 1024
FILES_SUFFIX: Final = "-files"

_LABEL: Final = "[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_KUBERNETES_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.ASCII)

Manifest = Mapping[str, object]


def kubernetes_name(name: str) -> str:
    """Return a name for a Kubernetes object that resembles a service's name.

    Raises:
        InvalidInput: if the name has no usable characters or is too long.

    """
    likeness = re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")
    ensure_kubernetes_name(likeness)
    return likeness


def ensure_kubernetes_name(name: str) -> None:
    """Refuse a text that cannot name a Secret or its companion for files.

    Raises:
        InvalidInput: naming the rule.

    """
    longest = MAX_KUBERNETES_NAME - len(FILES_SUFFIX)
    if len(name) > longest or not _KUBERNETES_NAME.fullmatch(name):
        raise InvalidInput(
            Argument.NAME,
            "A Kubernetes name must have only lower-case letters, digits, `-` and `.`, begin and "
            f"end with a letter or digit, and be at most {longest} characters long.",
        )


def kubernetes_secrets(
    name: str, variables: Mapping[str, str], files: Mapping[str, str]
) -> Sequence[Manifest]:
    """Return a `v1/Secret` of the variables, and a second one of the files' contents if any.

    Files have their own Secret because a pod takes variables from a whole Secret (`envFrom`) and
    mounts the keys of another one as files.

    Raises:
        InvalidInput: for a name, a key or a size that Kubernetes would refuse.

    """
    ensure_kubernetes(name, variables, files)
    manifests = [_secret(name, variables)]
    return [*manifests, _secret(f"{name}{FILES_SUFFIX}", files)] if files else manifests


def ensure_kubernetes(name: str, variables: Mapping[str, str], files: Mapping[str, str]) -> None:
    """Refuse what `kubernetes_secrets` cannot write; errors as there."""
    ensure_kubernetes_name(name)
    for texts in (variables, files):
        _ensure_kubernetes_texts(texts)


def _ensure_kubernetes_texts(texts: Mapping[str, str]) -> None:
    if any(len(key) > MAX_KUBERNETES_NAME for key in texts):
        raise InvalidInput(
            Argument.KEY,
            f"A key must be at most {MAX_KUBERNETES_NAME} characters long for Kubernetes.",
        )
    if sum(len(text.encode()) for text in texts.values()) > MAX_KUBERNETES_BYTES:
        raise InvalidInput(
            Argument.VALUE, "The values must be at most 1 MiB together for a Kubernetes Secret."
        )


def _secret(name: str, texts: Mapping[str, str]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name},
        "type": "Opaque",
        "data": {key: b64encode(text.encode()).decode() for key, text in texts.items()},
    }


def kubernetes_text(name: str, variables: Mapping[str, str], files: Mapping[str, str]) -> str:
    """Return the manifests of `kubernetes_secrets` as YAML; errors as there."""
    manifests = kubernetes_secrets(name, variables, files)
    start = "---\n" if len(manifests) > 1 else ""
    return "".join(f"{start}{_yaml(manifest)}" for manifest in manifests)


def _yaml(manifest: Manifest, indent: str = "") -> str:
    """Return mappings of texts as YAML, each text quoted as JSON does, which YAML reads too."""
    lines = ""
    for name, content in manifest.items():
        if isinstance(content, Mapping) and content:
            lines += f"{indent}{json.dumps(name)}:\n{_yaml(content, f'{indent}  ')}"
        else:
            lines += f"{indent}{json.dumps(name)}: {json.dumps(content)}\n"
    return lines
