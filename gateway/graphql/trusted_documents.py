"""Finds the document of a request: the text that it sends, or a trusted document that it names.

Trusted documents come from manifests, in the formats of client tools.

Existing clients send the name in `documentId`, in Relay's `id` or `doc_id`, or as the hash of a
persisted query in `extensions`. No request can add a document.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from graphql import GraphQLSchema

from gateway.domain.errors import ErrorCode, GatewayError, RefusedStart
from gateway.domain.strict_json import Pairs, RefusedJson, read_json
from gateway.graphql.documents import fault_of
from gateway.http.json_body import BodyFault, RefusedBody

_NAMES: Final = ("documentId", "id", "doc_id")
# The name inside the one named format; the others are plain objects of ids and texts.
_APOLLO: Final = "apollo-persisted-query-manifest"
_APOLLO_VERSION: Final = 1
_ID: Final = re.compile(r"[!-~]{1,256}")
# JSON can escape half a surrogate pair, which UTF-8 text cannot contain.
_HALF: Final = re.compile("[\ud800-\udfff]")


class UnknownDocument(GatewayError):
    """No trusted document has the id."""

    code = ErrorCode.PERSISTED_QUERY_NOT_FOUND

    def __init__(self) -> None:
        super().__init__("PersistedQueryNotFound")


class NoTrustedDocuments(GatewayError):
    """There are no trusted documents, so every id is unknown."""

    code = ErrorCode.PERSISTED_QUERY_NOT_SUPPORTED

    def __init__(self) -> None:
        super().__init__("PersistedQueryNotSupported")


class UntrustedDocument(GatewayError):
    """Only trusted documents run here, and requests must name them."""

    code = ErrorCode.DOCUMENT_NOT_TRUSTED

    def __init__(self) -> None:
        super().__init__("Only trusted documents run here. Send the id of one instead of `query`.")


@dataclass(frozen=True, slots=True)
class TrustedDocuments:
    """Texts by their ids. If `are_all` is set, no other documents run."""

    texts: Mapping[str, str] = field(default_factory=dict)
    are_all: bool = False

    def text_of(self, request: Mapping[str, Any]) -> str:
        """Return the text of the document that a request's parameters select.

        A sent text wins over any id beside it.

        Raises:
            RefusedBody: if there is neither a text nor an id, or several ids.
            UnknownDocument: if no trusted document has the id.
            NoTrustedDocuments: if there are none.
            UntrustedDocument: if there is a text but only trusted documents run.

        """
        sent = request.get("query")
        if sent is None:
            return self._trust(_named(request))
        if not isinstance(sent, str):
            raise RefusedBody(BodyFault.NO_DOCUMENT)
        # Also refuses the text of a trusted document, so that its client notices at once.
        if self.are_all:
            raise UntrustedDocument
        return sent

    def _trust(self, document_id: str) -> str:
        if not self.texts:
            raise NoTrustedDocuments
        if document_id not in self.texts:
            raise UnknownDocument
        return self.texts[document_id]


def _named(request: Mapping[str, Any]) -> str:
    names = [name for name in _names(request) if name is not None]
    if not names:
        raise RefusedBody(BodyFault.NO_DOCUMENT)
    first, *others = names
    if not isinstance(first, str) or any(other != first for other in others):
        raise RefusedBody(BodyFault.NO_DOCUMENT_ID)
    return first


def _names(request: Mapping[str, Any]) -> Iterator[object]:
    yield from map(request.get, _NAMES)
    extensions = request.get("extensions")
    persisted = extensions.get("persistedQuery") if isinstance(extensions, dict) else None
    if isinstance(persisted, dict):
        yield persisted.get("sha256Hash")


class UnusableManifest(RefusedStart):
    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")


class UnfitDocuments(RefusedStart):
    def __init__(self, path: Path, faults: Mapping[str, str]) -> None:
        listed = "; ".join(f"{document_id}: {fault}" for document_id, fault in faults.items())
        super().__init__(f"{path}: these documents do not fit the schema: {listed}")


def runnable_manifest(path: Path, schema: GraphQLSchema, *, depth: int) -> Mapping[str, str]:
    """Return a manifest's texts by id; each can run on the schema, with fields nested so deep.

    Raises:
        RefusedStart: if it is not a manifest; or naming each document that does not fit.

    """
    texts = read_manifest(path)
    found = {name: fault_of(schema, text, depth=depth) for name, text in texts.items()}
    faults = {name: fault for name, fault in found.items() if fault}
    if faults:
        raise UnfitDocuments(path, faults)
    return texts


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
