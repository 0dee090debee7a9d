"""What a service gets, as manifests of Kubernetes."""

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
    """Return a name for a Kubernetes object that is like a service's name.

    Raises:
        InvalidInput: if nothing of the name can be in one.

    """
    likeness = re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")
    ensure_kubernetes_name(likeness)
    return likeness


def ensure_kubernetes_name(name: str) -> None:
    """Refuse what cannot be the name of a Secret, or of its companion for files.

    Raises:
        InvalidInput: naming the rule.

    """
    longest = MAX_KUBERNETES_NAME - len(FILES_SUFFIX)
    if len(name) > longest or not _KUBERNETES_NAME.fullmatch(name):
        raise InvalidInput(
            Argument.NAME,
            "A Kubernetes name has lower-case letters, digits, `-` and `.`, begins and ends with a "
            f"letter or digit, and is here at most {longest} characters long.",
        )


def kubernetes_secrets(
    name: str, variables: Mapping[str, str], files: Mapping[str, str]
) -> Sequence[Manifest]:
    """Return a `v1/Secret` of the variables, and one of the files' contents if there are any.

    Files are apart because a pod takes variables from a whole Secret (`envFrom`), and mounts the
    keys of another one as files.

    Raises:
        InvalidInput: for a name, a key or an amount that Kubernetes would refuse.

    """
    ensure_kubernetes_name(name)
    manifests = [_secret(name, variables)]
    return [*manifests, _secret(f"{name}{FILES_SUFFIX}", files)] if files else manifests


def _secret(name: str, texts: Mapping[str, str]) -> Manifest:
    if any(len(key) > MAX_KUBERNETES_NAME for key in texts):
        raise InvalidInput(
            Argument.KEY, f"Kubernetes takes keys of at most {MAX_KUBERNETES_NAME} characters."
        )
    if sum(len(text.encode()) for text in texts.values()) > MAX_KUBERNETES_BYTES:
        raise InvalidInput(
            Argument.VALUE, "Kubernetes takes at most 1 MiB in one Secret; there is more."
        )
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name},
        "type": "Opaque",
        "data": {key: b64encode(text.encode()).decode() for key, text in texts.items()},
    }
