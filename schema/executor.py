"""Runs documents against the schema; the one way in for every face."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from graphql import GraphQLError, OperationDefinitionNode
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from gateway.domain.errors import ErrorCode, GatewayError
from gateway.domain.execution import Answer, Run
from gateway.domain.principals import Principal
from gateway.services.container import Services
from gateway.storage.unit_of_work import Database
from schema.context import Context
from schema.documents import Document, admitted, cost_of
from schema.limits import LIMITS, Limit, LimitExceeded, ensure_short
from schema.masking import masked
from schema.root import GatewaySchema

_ALLOWED: Final = frozenset({OperationType.QUERY, OperationType.MUTATION})
_MOST_SHOWN: Final = 2**53 - 1
_FIELDS_A_POINT: Final = 100


class IntrospectionIsOff(GatewayError):
    """The schema is not told here."""

    code = ErrorCode.FORBIDDEN

    def __init__(self) -> None:
        """Say that it is off for everybody."""
        super().__init__("The introspection is switched off on this server.")


def _free(_caller_id: str, _points: int) -> None:
    """Charge nobody."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for documents that callers write; the gateway's own have none.

    `charge` takes a caller's id and how much a document counts, before it runs; it may refuse.
    """

    introspection: bool = True
    charge: Callable[[str, int], None] = _free


class Executor:
    """A schema over services."""

    def __init__(
        self,
        schema: GatewaySchema,
        services: Services,
        database: Database,
        terms: Terms | None = None,
    ) -> None:
        """Take the schema, the services its resolvers call, and where views come from.

        Without terms, documents are the gateway's own, and no limit holds for them.
        """
        self._schema = schema
        self._services = services
        self._database = database
        self._terms = terms

    @asynccontextmanager
    async def open_run(self, viewer: Principal) -> AsyncIterator[Run]:
        """Give a runner for one caller's request; all it runs sees one view of the database."""
        async with self._database.read() as view:
            context = Context(viewer=viewer, services=self._services, view=view)

            async def run(
                document: str,
                variables: Mapping[str, Any] | None = None,
                operation_name: str | None = None,
            ) -> Answer:
                try:
                    return await self._answer(context, document, variables or {}, operation_name)
                except GraphQLError as error:
                    return _refused(masked(error))
                except (LimitExceeded, IntrospectionIsOff) as error:
                    return _request_error(error.message, error.code)

            yield run

    async def _answer(
        self,
        context: Context,
        text: str,
        variables: Mapping[str, Any],
        operation_name: str | None,
    ) -> Answer:
        if self._terms is None:
            return await self._executed(context, text, variables, operation_name)
        try:
            document = self._admitted(text, variables, self._terms)
            operation = document.operation(operation_name)
            fields = self._fields(text, operation, variables) if operation else 0
        except (GraphQLError, LimitExceeded, IntrospectionIsOff):
            # Who is refused has asked for something, too.
            self._terms.charge(context.viewer.id, 1)
            raise
        self._terms.charge(context.viewer.id, _points(fields))
        if operation is None:
            return _request_error(_unclear(document, operation_name))
        if fields > LIMITS[Limit.COST]:
            return replace(_over_cost(), extensions=_price(fields))
        answer = await self._executed(context, text, variables, operation_name)
        return replace(answer, extensions=_price(fields))

    def _admitted(self, text: str, variables: Mapping[str, Any], terms: Terms) -> Document:
        document = admitted(text)
        ensure_short(variables)
        if document.introspects and not terms.introspection:
            raise IntrospectionIsOff
        return document

    def _fields(
        self, text: str, operation: OperationDefinitionNode, variables: Mapping[str, Any]
    ) -> int:
        return cost_of(self._schema.types, text, operation, variables).fields

    async def _executed(
        self,
        context: Context,
        text: str,
        variables: Mapping[str, Any],
        operation_name: str | None,
    ) -> Answer:
        try:
            result = await self._schema.execute(
                text,
                variable_values=dict(variables),
                context_value=context,
                operation_name=operation_name,
                allowed_operation_types=_ALLOWED,
            )
        except InvalidOperationTypeError:
            return _request_error("The document has no operation that can be run here.")
        return _told(result)


def _price(fields: int) -> dict[str, dict[str, int]]:
    return {"cost": {"requested": min(fields, _MOST_SHOWN), "limit": LIMITS[Limit.COST]}}


def _points(fields: int) -> int:
    """Return how much a document counts where callers are limited."""
    return 1 + min(fields, LIMITS[Limit.COST]) // _FIELDS_A_POINT


def _told(result: ExecutionResult) -> Answer:
    errors = [masked(error) for error in result.errors or ()]
    nothing_ran = bool(errors) and all(error.path is None for error in result.errors or ())
    return Answer(data=result.data, errors=errors, is_request_error=nothing_ran)


def _unclear(document: Document, operation_name: str | None) -> str:
    if operation_name is None and document.operations:
        return "The document has several operations: say which by its name."
    return "The document has no operation that could be run by that name."


def _over_cost() -> Answer:
    error = LimitExceeded(Limit.COST)
    return _request_error(error.message, error.code)


def _request_error(message: str, code: ErrorCode = ErrorCode.BAD_USER_INPUT) -> Answer:
    return _refused({"message": message, "extensions": {"code": code}})


def _refused(error: Mapping[str, Any]) -> Answer:
    return Answer(data=None, errors=[error], is_request_error=True)
