"""The parameters of a GraphQL request, for every transport."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from gateway.http.json_body import BodyFault, RefusedBody
from gateway.http.trusted import TrustedDocuments


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
