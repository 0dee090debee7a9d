"""The schema as it runs: cached documents, no suggestions, and no log that quotes documents."""

from collections.abc import Iterator
from typing import Any

import strawberry
from graphql import GraphQLError, GraphQLSchema
from strawberry.extensions import SchemaExtension
from strawberry.types import ExecutionContext

from gateway.graphql.documents import parsed, validated


class ExecutableSchema(strawberry.Schema):
    """A schema that does not log errors: Strawberry's log quotes documents and variables."""

    @property
    def types(self) -> GraphQLSchema:
        """The schema as a graphql-core object."""
        return self._schema

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Log nothing; the executor masks and logs errors."""

    def _get_custom_context_kwargs(
        self, operation_extensions: dict[str, Any] | None = None, *, sync: bool = False
    ) -> dict[str, Any]:
        # Suggestions would reveal names and cost time.
        stock = super()._get_custom_context_kwargs(operation_extensions, sync=sync)
        return stock | {"hide_suggestions": True}


class CachedDocuments(SchemaExtension):
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
