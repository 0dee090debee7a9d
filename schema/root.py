"""Builds the schema."""

from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any, Final

import strawberry
from graphql import GraphQLError, GraphQLSchema
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from schema.documents import admitted, parsed, validated
from schema.enforcement import enforce_fields, enforce_types
from schema.errors import ERROR_TYPES
from schema.holders import HOLDER_TYPES
from schema.limits import LimitExceeded
from schema.masking import masked
from schema.mutations import Mutation
from schema.policies import ensure_declared
from schema.queries import Query
from schema.scalars import DATE_TIME
from schema.subscriptions import Subscription

_DESCRIPTION: Final = (
    "A **secret** belongs to a **holder**: a project, an environment of a project, or a service in "
    "an environment. A service sees its own secrets, those of its environment and its project, and "
    "the **built-in** secrets of the platform. If several have the same key, the one with the "
    "narrowest scope wins. An **alias** gives a secret a second key and follows its target. An "
    "**override** gives the key of a wider scope another value, for its holder and all below it. "
    "You can write values but not read them: only `runtimeSecrets` returns them."
)


class InvalidDocument(Exception):
    """A document of the gateway does not fit the schema."""


class GatewaySchema(strawberry.Schema):
    """A schema that does not log errors: Strawberry's log quotes documents and variables."""

    @property
    def types(self) -> GraphQLSchema:
        """The schema as a graphql-core object."""
        return self._schema

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Log nothing; the executor masks and logs errors."""

    def ensure_declared(self) -> None:
        """Refuse a schema with parts that have no policy.

        Raises:
            UndeclaredPolicy: naming all of them.

        """
        ensure_declared(self._schema)

    def first_fault(self, document: str) -> str | None:
        """Return the first validation error of a document; None if it is valid."""
        errors = validated(self._schema, document)
        return errors[0].message if errors else None

    def _get_custom_context_kwargs(
        self, operation_extensions: dict[str, Any] | None = None, *, sync: bool = False
    ) -> dict[str, Any]:
        # Suggestions would reveal names and cost time.
        stock = super()._get_custom_context_kwargs(operation_extensions, sync=sync)
        return stock | {"hide_suggestions": True}


class KnownDocuments(SchemaExtension):
    """Reads syntax trees and validation errors from the caches."""

    def on_parse(self) -> Iterator[None]:
        """Set the cached syntax tree."""
        context = self.execution_context
        context.graphql_document = parsed(str(context.query))
        yield

    def on_validate(self) -> Iterator[None]:
        """Set the cached validation errors."""
        context = self.execution_context
        context.pre_execution_errors = validated(context.schema._schema, str(context.query))  # noqa: SLF001 - Strawberry has no public access to it
        yield


@cache
def build_schema() -> GatewaySchema:
    """Return the schema, which is built once per process.

    Raises:
        UndeclaredPolicy: if a part of it has no declared permission.

    """
    schema = GatewaySchema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=[*HOLDER_TYPES, *ERROR_TYPES],
        config=StrawberryConfig(
            scalar_map={datetime: DATE_TIME},
            disable_field_suggestions=True,
        ),
        extensions=[KnownDocuments],
    )
    schema.ensure_declared()
    enforce_fields(schema.types)
    enforce_types(schema.types)
    schema.types.description = _DESCRIPTION
    return schema


def fault_of(document: str) -> str | None:
    """Return why a stored document can never run; None if it can."""
    try:
        if not admitted(document).operations:
            return "The document has no operation."
        errors = validated(build_schema().types, document)
    except LimitExceeded as error:
        return error.message
    except GraphQLError as error:
        errors = [error]
    return _locate(errors[0]) if errors else None


def _locate(error: GraphQLError) -> str:
    # Masked as in an answer: a literal in the document can be a secret.
    masked_error = masked(error)
    at = [
        f" (line {item['line']}, column {item['column']})"
        for item in masked_error.get("locations", [])
    ]
    return f"{masked_error['message']}{''.join(at[:1])}"


@cache
def ensure_valid(document: str) -> None:
    """Refuse a document of the gateway that does not fit the schema.

    Raises:
        InvalidDocument: with the first validation error.

    """
    if fault := build_schema().first_fault(document):
        raise InvalidDocument(fault)
