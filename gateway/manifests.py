"""Manifests of trusted documents, as the tools of clients write them."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from gateway.domain.errors import RefusedStart
from gateway.settings import Settings

# How the one format that has a name names itself; the others are plain objects of ids and texts.
_APOLLO: Final = "apollo-persisted-query-manifest"
_APOLLO_VERSION: Final = 1
_ID: Final = re.compile(r"[!-~]{1,256}")
# JSON can escape half of a character, which no text in UTF-8 has.
_HALF: Final = re.compile("[\ud800-\udfff]")


class UnusableManifest(RefusedStart):
    """A manifest cannot be read as one."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")


class UnfitDocuments(RefusedStart):
    """Documents of a manifest could never be run here."""

    def __init__(self, path: Path, faults: Mapping[str, str]) -> None:
        listed = "; ".join(f"{document_id}: {fault}" for document_id, fault in faults.items())
        super().__init__(f"{path}: documents that this schema does not take: {listed}")


class NothingToRun(RefusedStart):
    """Only trusted documents are run, and there are none."""

    def __init__(self) -> None:
        super().__init__("`trusted_documents_only` needs a manifest in `trusted_documents`.")


class UselessPage(RefusedStart):
    """GraphiQL is asked for where everything that is written in it would be refused."""

    def __init__(self) -> None:
        super().__init__("`graphiql` runs documents that `trusted_documents_only` refuses.")


def ensure_consistent(settings: Settings) -> None:
    """Refuse settings of trusted documents that contradict others.

    Raises:
        NothingToRun: if only trusted documents are run, and there are none.
        UselessPage: if GraphiQL is asked for where only trusted documents are run.

    """
    if settings.trusted_documents_only and not settings.trusted_documents:
        raise NothingToRun
    if settings.trusted_documents_only and settings.graphiql:
        raise UselessPage


def read_manifest(path: Path) -> Mapping[str, str]:
    """Return a manifest's texts by their ids, in the order written.

    Taken are the files of GraphQL Code Generator's client preset and of the Relay compiler, both an
    object of ids and texts, and those of Apollo's generator.

    Raises:
        UnusableManifest: if the file is none of these.

    """
    try:
        content = json.loads(path.read_bytes(), object_pairs_hook=_Pairs)
    except OSError as error:
        raise UnusableManifest(path, f"{error.strerror or 'it cannot be read'}.") from None
    except (ValueError, RecursionError):
        raise UnusableManifest(path, "it is not JSON.") from None
    texts: dict[str, str] = {}
    for entry in _entries(path, content):
        document_id, text = _usable(path, *entry)
        if texts.setdefault(document_id, text) != text:
            raise UnusableManifest(path, f"two documents have the id {document_id}.")
    if not texts:
        raise UnusableManifest(path, "there is no document in it.")
    return texts


def merged(manifests: Mapping[Path, Mapping[str, str]]) -> Mapping[str, str]:
    """Return the texts of several manifests by their ids, and by the SHA-256 of each text.

    Clients name a document by that hash, too: as it is, or with the prefix `sha256:`.

    Raises:
        UnusableManifest: if two of them have one id for different texts.

    """
    texts: dict[str, str] = {}
    for path, manifest in manifests.items():
        for document_id, text in manifest.items():
            if texts.setdefault(document_id, text) != text:
                raise UnusableManifest(path, f"another manifest has another text {document_id}.")
    return dict(_hashes(texts.values())) | texts


class _Pairs(list[tuple[str, Any]]):
    """An object as it is written: one that has an id twice is not to pass for one that has not."""


def _entries(path: Path, content: object) -> Iterator[tuple[object, object]]:
    if not isinstance(content, _Pairs):
        raise UnusableManifest(path, "it is not an object of ids and documents.")
    fields = dict(content)
    if "format" not in fields:
        yield from content
        return
    operations = fields.get("operations")
    is_known = fields["format"] == _APOLLO and fields.get("version") == _APOLLO_VERSION
    if not is_known or not isinstance(operations, list):
        raise UnusableManifest(path, f"it is not {_APOLLO!r} of version {_APOLLO_VERSION}.")
    for operation in operations:
        entry = dict(operation) if isinstance(operation, _Pairs) else {}
        yield entry.get("id"), entry.get("body")


def _usable(path: Path, document_id: object, text: object) -> tuple[str, str]:
    if not isinstance(document_id, str) or not _ID.fullmatch(document_id):
        raise UnusableManifest(path, "an id is not 1 to 256 visible characters of ASCII.")
    if not isinstance(text, str) or _HALF.search(text):
        raise UnusableManifest(path, f"the document {document_id} is not a text.")
    return document_id, text


def _hashes(texts: Iterable[str]) -> Iterator[tuple[str, str]]:
    for text in texts:
        digest = sha256(text.encode()).hexdigest()
        yield digest, text
        yield f"sha256:{digest}", text
