"""Messages of GraphQL over HTTP and WebSockets: what a client asks, and how it is answered."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from orjson import Fragment

from gateway.domain.errors import GatewayError, Internal
from gateway.domain.request_records import note_refusal
from gateway.graphql.trusted_documents import TrustedDocuments
from gateway.http.json_body import BodyFault, RefusedBody
from gateway.http.problems import error_entry
from gateway.services.execution import ExecutionResult


@dataclass(frozen=True, slots=True)
class GraphQLParams:
    document: str
    variables: Mapping[str, Any]
    operation_name: str | None

    @property
    def operation(self) -> tuple[str, str | None]:
        return self.document, self.operation_name

    @classmethod
    def read(cls, body: Mapping[str, Any], documents: TrustedDocuments) -> Self:
        """Read a request's parameters; look up a named document among the trusted ones.

        Raises:
            RefusedBody: naming the parameter that is missing or of another type.
            GatewayError: if the document is unknown or must not run.

        """
        document = documents.text_of(body)
        variables, name = body.get("variables"), body.get("operationName")
        if not isinstance(variables, dict | None):
            raise RefusedBody(BodyFault.NO_VARIABLES)
        if not isinstance(name, str | None):
            raise RefusedBody(BodyFault.NO_OPERATION_NAME)
        if not isinstance(body.get("extensions"), dict | None):
            raise RefusedBody(BodyFault.NO_EXTENSIONS)
        return cls(document, variables or {}, name)


def to_payload(answer: ExecutionResult) -> Mapping[str, Any]:
    """Return the JSON object of a result."""
    content: dict[str, Any] = {}
    if answer.errors:
        content["errors"] = answer.errors
    if not answer.is_request_error:
        known = answer.data_json
        content["data"] = answer.data if known is None else Fragment(known)
    if answer.extensions:
        content["extensions"] = answer.extensions
    return content


def error_response(error: Exception) -> ExecutionResult:
    """Return the result for an error of the gateway."""
    known = error if isinstance(error, GatewayError) else Internal()
    note_refusal(known.code)
    entry = error_entry(known.code, known.message)
    return ExecutionResult(data=None, errors=[entry], is_request_error=True)
