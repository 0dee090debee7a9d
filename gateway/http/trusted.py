"""Finds the document of a request: the text that it sends, or a trusted document that it names.

Existing clients send the name in `documentId`, in Relay's `id` or `doc_id`, or as the hash of a
persisted query in `extensions`. No request can add a document.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.domain.errors import ErrorCode, GatewayError
from gateway.http.json_body import BodyFault, RefusedBody

_NAMES: Final = ("documentId", "id", "doc_id")


class UnknownDocument(GatewayError):
    code = ErrorCode.PERSISTED_QUERY_NOT_FOUND

    def __init__(self) -> None:
        super().__init__("PersistedQueryNotFound")


class NoTrustedDocuments(GatewayError):
    code = ErrorCode.PERSISTED_QUERY_NOT_SUPPORTED

    def __init__(self) -> None:
        super().__init__("PersistedQueryNotSupported")


class UntrustedDocument(GatewayError):
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
