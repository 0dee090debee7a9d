"""A service's secrets as Kubernetes manifests."""

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Final

from gateway.domain.errors import Argument, InvalidInput

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
    ensure_kubernetes_name(name)
    manifests = [_secret(name, variables)]
    return [*manifests, _secret(f"{name}{FILES_SUFFIX}", files)] if files else manifests


def _secret(name: str, texts: Mapping[str, str]) -> Manifest:
    if any(len(key) > MAX_KUBERNETES_NAME for key in texts):
        raise InvalidInput(
            Argument.KEY,
            f"A key must be at most {MAX_KUBERNETES_NAME} characters long for Kubernetes.",
        )
    if sum(len(text.encode()) for text in texts.values()) > MAX_KUBERNETES_BYTES:
        raise InvalidInput(
            Argument.VALUE, "The values must be at most 1 MiB together for a Kubernetes Secret."
        )
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name},
        "type": "Opaque",
        "data": {key: b64encode(text.encode()).decode() for key, text in texts.items()},
    }
