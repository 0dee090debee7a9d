"""Which document a request means: the text that it brings, or a trusted one that it names.

Names are given as the clients there are give them: in `documentId`, in Relay's `id` or `doc_id`, or
as the hash of a persisted query in `extensions`. Nothing that is sent adds a document.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.domain.errors import ErrorCode, GatewayError
from gateway.http.json_body import BodyFault, RefusedBody

_NAMES: Final = ("documentId", "id", "doc_id")


class UnknownDocument(GatewayError):
    """No trusted document has the id."""

    code = ErrorCode.PERSISTED_QUERY_NOT_FOUND

    def __init__(self) -> None:
        super().__init__("PersistedQueryNotFound")


class NoTrustedDocuments(GatewayError):
    """There are none at all, so no id is ever known."""

    code = ErrorCode.PERSISTED_QUERY_NOT_SUPPORTED

    def __init__(self) -> None:
        super().__init__("PersistedQueryNotSupported")


class UntrustedDocument(GatewayError):
    """Only trusted documents run here, and they are named."""

    code = ErrorCode.DOCUMENT_NOT_TRUSTED

    def __init__(self) -> None:
        super().__init__("Only trusted documents run here: send the id of one, and no `query`.")


@dataclass(frozen=True, slots=True)
class TrustedDocuments:
    """Texts by their ids. `are_all` says that nothing else is run."""

    texts: Mapping[str, str] = field(default_factory=dict)
    are_all: bool = False

    def text_of(self, request: Mapping[str, Any]) -> str:
        """Return the text of the document that a request's parameters mean.

        A text that is sent is what is meant, whatever id stands beside it.

        Raises:
            RefusedBody: if there is neither a text nor an id, or several ids.
            UnknownDocument: if no trusted document has the id.
            NoTrustedDocuments: if there are none.
            UntrustedDocument: if there is a text, where only trusted documents are run.

        """
        sent = request.get("query")
        if sent is None:
            return self._trust(_named(request))
        if not isinstance(sent, str):
            raise RefusedBody(BodyFault.NO_DOCUMENT)
        # Also the text of a trusted one: who sends texts is to notice now, not with the next text.
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
