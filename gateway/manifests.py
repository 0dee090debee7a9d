"""Manifests of trusted documents, in the formats of client tools."""

import re
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

from gateway.domain.errors import RefusedStart
from gateway.domain.strict_json import Pairs, RefusedJson, read_json
from gateway.settings import Settings

# The name inside the one named format; the others are plain objects of ids and texts.
_APOLLO: Final = "apollo-persisted-query-manifest"
_APOLLO_VERSION: Final = 1
_ID: Final = re.compile(r"[!-~]{1,256}")
# JSON can escape half a surrogate pair, which UTF-8 text cannot contain.
_HALF: Final = re.compile("[\ud800-\udfff]")


class UnusableManifest(RefusedStart):
    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")


class UnfitDocuments(RefusedStart):
    def __init__(self, path: Path, faults: Mapping[str, str]) -> None:
        listed = "; ".join(f"{document_id}: {fault}" for document_id, fault in faults.items())
        super().__init__(f"{path}: these documents do not fit the schema: {listed}")


class NothingToRun(RefusedStart):
    def __init__(self) -> None:
        super().__init__("`trusted_documents_only` needs a manifest in `trusted_documents`.")


class UselessPage(RefusedStart):
    def __init__(self) -> None:
        super().__init__("`graphiql` cannot be used with `trusted_documents_only`: turn one off.")


def ensure_consistent(settings: Settings) -> None:
    """Refuse settings of trusted documents that contradict other settings.

    Raises:
        NothingToRun: if only trusted documents can run, and there are no trusted documents.
        UselessPage: if GraphiQL is enabled where only trusted documents can run.

    """
    if settings.trusted_documents_only and not settings.trusted_documents:
        raise NothingToRun
    if settings.trusted_documents_only and settings.graphiql:
        raise UselessPage


def read_manifest(path: Path) -> Mapping[str, str]:
    """Return a manifest's texts by id, in file order.

    Supports the files of GraphQL Code Generator's client preset and of the Relay compiler, both an
    object of ids and texts, and those of Apollo's generator.

    Raises:
        UnusableManifest: if the file has none of these formats.

    """
    try:
        # The same id can be there twice, as long as it names the same text.
        content = read_json(path.read_text("utf-8-sig"), to_object=Pairs)
    except OSError as error:
        raise UnusableManifest(path, f"{error.strerror or 'it cannot be read'}.") from None
    except (RefusedJson, UnicodeDecodeError):
        raise UnusableManifest(path, "it is not JSON.") from None
    texts: dict[str, str] = {}
    for entry in _entries(path, content):
        document_id, text = _usable(path, *entry)
        if texts.setdefault(document_id, text) != text:
            raise UnusableManifest(path, f"two documents have the id {document_id}.")
    if not texts:
        raise UnusableManifest(path, "it has no documents.")
    return texts


def merged(manifests: Mapping[Path, Mapping[str, str]]) -> Mapping[str, str]:
    """Return the texts of several manifests by id, and by the SHA-256 of each text.

    Clients also name a document by that hash, with or without the prefix `sha256:`.

    Raises:
        UnusableManifest: if two manifests use the same id for different texts.

    """
    texts: dict[str, str] = {}
    for path, manifest in manifests.items():
        for document_id, text in manifest.items():
            if texts.setdefault(document_id, text) != text:
                raise UnusableManifest(
                    path, f"another manifest has a different document {document_id}."
                )
    return dict(_hashes(texts.values())) | texts


def _entries(path: Path, content: object) -> Iterator[tuple[object, object]]:
    if not isinstance(content, Pairs):
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
        entry = dict(operation) if isinstance(operation, Pairs) else {}
        yield entry.get("id"), entry.get("body")


def _usable(path: Path, document_id: object, text: object) -> tuple[str, str]:
    if not isinstance(document_id, str) or not _ID.fullmatch(document_id):
        raise UnusableManifest(path, "an id must have 1 to 256 visible ASCII characters.")
    if not isinstance(text, str) or _HALF.search(text):
        raise UnusableManifest(path, f"the document {document_id} must be a text.")
    return document_id, text


def _hashes(texts: Iterable[str]) -> Iterator[tuple[str, str]]:
    for text in texts:
        digest = sha256(text.encode()).hexdigest()
        yield digest, text
        yield f"sha256:{digest}", text
