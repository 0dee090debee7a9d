"""Runs documents against the schema, for every interface."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from graphql import ExecutionResult as LibraryResult
from graphql import GraphQLError, OperationDefinitionNode
from graphql import OperationType as Operation
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.types import ExecutionResult as StrawberryResult
from strawberry.utils.await_maybe import await_maybe

from gateway.domain.errors import ErrorCode, GatewayError, RateLimited
from gateway.domain.request_records import note_operation, note_refusal
from gateway.graphql.charging import OWN, RunningCost, Terms
from gateway.graphql.documents import Document, admitted, cost_of, name_of
from gateway.graphql.limits import Limit, LimitExceeded, ensure_short
from gateway.graphql.masking import masked
from gateway.graphql.schema import ExecutableSchema
from gateway.http.problems import to_json
from gateway.services.container import Services
from gateway.services.execution import Execute, ExecutionResult, RequestPrincipal
from gateway.services.kept_answers import KeptAnswers, hash_of
from gateway.storage.database import Database

_NEEDS_A_STREAM: Final = (
    "A subscription needs a stream. Send `Accept: text/event-stream`, or use a WebSocket."
)


class IntrospectionIsOff(GatewayError):
    """Introspection is switched off."""

    code = ErrorCode.FORBIDDEN

    def __init__(self) -> None:
        super().__init__("Introspection is switched off on this server.")


# Makes what resolvers get; its fields are the schema's affair.
NewContext = Callable[..., object]


class _Refused(Exception):
    """A document is refused before it runs."""

    def __init__(self, answer: ExecutionResult) -> None:
        super().__init__()
        self.answer = answer


_REFUSALS: Final = (GraphQLError, LimitExceeded, IntrospectionIsOff, _Refused)


@dataclass(frozen=True, slots=True)
class _Run:
    """What one request's documents run with."""

    context: object
    cost: RunningCost
    answers: KeptAnswers


class Executor:
    """A schema over services."""

    def __init__(
        self,
        schema: ExecutableSchema,
        new_context: NewContext,
        services: Services,
        database: Database,
        terms: Terms = OWN,
    ) -> None:
        """Create an executor. Without terms, documents are the gateway's own, and free."""
        self._schema = schema
        self._new_context = new_context
        self._services = services
        self._database = database
        self._terms = terms

    @asynccontextmanager
    async def open_run(self, caller: RequestPrincipal) -> AsyncIterator[Execute]:
        """Yield a function that runs one request's documents, all on one view of the database.

        The principal is read on that view.

        Raises:
            Unauthenticated: if the credential is no longer valid.

        """
        view = caller.view or self._database.view()
        try:
            principal = caller.principal if caller.view else await caller.look_up(view)
            cost = RunningCost(self._terms, principal)
            context = self._new_context(
                self._services.for_principal(principal, view),
                supports_external=caller.supports_external,
                max_page_size=self._terms.max_page_size,
                surcharge=cost.add,
            )
            kept = KeptAnswers.of(view, principal, supports_external=caller.supports_external)
            yield partial(self._run, _Run(context, cost, kept))
        finally:
            await view.close()

    def is_subscription(self, document: str, operation_name: str | None = None) -> bool:
        """Return whether the selected operation is a subscription; False if none is selected."""
        return self._is(Operation.SUBSCRIPTION, document, operation_name)

    def _is(self, kind: Operation, document: str, operation_name: str | None) -> bool:
        try:
            operation = admitted(document, self._terms.max_depth).operation(operation_name)
        except (GraphQLError, LimitExceeded):
            return False
        return operation is not None and operation.operation is kind

    async def stream(
        self,
        caller: RequestPrincipal,
        document: str,
        variables: Mapping[str, Any] | None = None,
        operation_name: str | None = None,
    ) -> AsyncGenerator[ExecutionResult, None]:
        """Yield the results of a subscription until the client stops listening.

        Each result costs as much as the document. Each is computed on the view that the change
        feed opens for it. The view is closed before the result is yielded, so that a slow client
        holds no view open.
        """
        try:
            results = self._stream(caller, document, variables or {}, operation_name)
            async with aclosing(results):
                async for answer in results:
                    yield answer
        except (*_REFUSALS, RateLimited) as error:
            yield _refusal(error)

    async def _stream(
        self,
        caller: RequestPrincipal,
        text: str,
        variables: Mapping[str, Any],
        operation_name: str | None,
    ) -> AsyncGenerator[ExecutionResult, None]:
        cost = RunningCost(self._terms, caller.principal)
        self._charge(cost, text, variables, operation_name)
        # A client that is already subscribed waits for a view like all others; it is not refused.
        view = self._database.view(is_bounded=False)
        services = self._services.for_principal(caller.principal, view, caller.look_up)
        asked = to_json({"document": text, "operation": operation_name, "variables": variables})
        results = await self._schema.subscribe(
            text,
            variable_values=dict(variables),
            context_value=self._new_context(services, asked=hash_of(asked)),
            operation_name=operation_name,
        )
        async with aclosing(results):
            async for result in results:
                await view.close()
                yield replace(_to_result(result), extensions=cost.extensions)
                cost.charge_document()

    async def _run(
        self,
        run: _Run,
        text: str,
        variables: Mapping[str, Any] | None = None,
        operation_name: str | None = None,
    ) -> ExecutionResult:
        cost, variables = run.cost, variables or {}
        if not self._terms.is_limited:
            # REST keeps its answers itself, as it sends them.
            cost.charge(1)
            return await self._execute(run.context, text, variables, operation_name)
        try:
            self._charge(cost, text, variables, operation_name)
        except _REFUSALS as error:
            return _refusal(error)
        answer = await self._recall(run, text, variables, operation_name)
        return replace(answer, extensions=cost.extensions)

    async def _recall(
        self, run: "_Run", text: str, variables: Mapping[str, Any], operation_name: str | None
    ) -> ExecutionResult:
        """Return the answer to a document: an earlier one, if it must be the same."""
        answers = run.answers
        if not self._is(Operation.QUERY, text, operation_name):
            return await self._execute(run.context, text, variables, operation_name)
        asked = {"document": text, "operation": operation_name, "variables": variables}
        key = answers.key(to_json(asked))
        if (known := await answers.find(key)) is not None:
            return ExecutionResult(data=None, data_json=known.content)
        answer = await self._execute(run.context, text, variables, operation_name)
        if answer.data is None or answer.errors:
            return answer
        found = to_json(answer.data)
        await answers.keep(key, found)
        return replace(answer, data_json=found)

    def _note(self, text: str, operation: OperationDefinitionNode | None) -> None:
        if operation is not None:
            name = name_of(self._schema.types, operation, is_trusted=text in self._terms.trusted)
            note_operation(name, is_stream=operation.operation is Operation.SUBSCRIPTION)

    def _charge(
        self,
        cost: RunningCost,
        text: str,
        variables: Mapping[str, Any],
        operation_name: str | None,
    ) -> None:
        """Charge the principal for a document before it runs."""
        try:
            document = self._admit(text, variables)
            operation = document.operation(operation_name)
            self._note(text, operation)
            if operation is not None:
                types = self._schema.types
                cost.fields = cost_of(types, text, document, operation, variables).fields
        except (GraphQLError, LimitExceeded, IntrospectionIsOff):
            # A refused document is charged too, or refusals would be free.
            cost.charge(1)
            raise
        cost.charge_document()
        if operation is None:
            raise _Refused(_request_error(_unclear(document, operation_name)))
        if cost.fields > (most := self._terms.max_cost):
            raise _Refused(replace(_over_cost(most), extensions=cost.extensions))

    def _admit(self, text: str, variables: Mapping[str, Any]) -> Document:
        document = admitted(text, self._terms.max_depth)
        ensure_short(variables)
        if document.introspects and not self._terms.introspection:
            raise IntrospectionIsOff
        return document

    async def _execute(
        self, context: object, text: str, variables: Mapping[str, Any], operation_name: str | None
    ) -> ExecutionResult:
        result: LibraryResult | StrawberryResult
        try:
            started = self._schema.start(text, dict(variables), context, operation_name)
            result = await await_maybe(started)
        except InvalidOperationTypeError:
            return _request_error(_NEEDS_A_STREAM)
        except Exception as error:  # noqa: BLE001 - the document broke the library
            if not isinstance(error, GraphQLError):
                error = GraphQLError(str(error), original_error=error)
            result = LibraryResult(None, [error])
        return _to_result(result)


def _to_result(result: StrawberryResult | LibraryResult) -> ExecutionResult:
    errors = [masked(error) for error in result.errors or ()]
    nothing_ran = bool(errors) and all(error.path is None for error in result.errors or ())
    answer = ExecutionResult(data=result.data, errors=errors, is_request_error=nothing_ran)
    note_refusal(answer.first_code)
    return answer


def _unclear(document: Document, operation_name: str | None) -> str:
    if operation_name is None and document.operations:
        return "The document has several operations. Set the operation name."
    return "The document has no operation with that name."


def _over_cost(most: int) -> ExecutionResult:
    error = LimitExceeded(Limit.COST, most)
    return _request_error(error.message, error.code)


def _request_error(message: str, code: ErrorCode = ErrorCode.BAD_USER_INPUT) -> ExecutionResult:
    return _to_refusal({"message": message, "extensions": {"code": code}})


def _refusal(error: Exception) -> ExecutionResult:
    if isinstance(error, _Refused):
        return error.answer
    if isinstance(error, GatewayError):
        return _request_error(error.message, error.code)
    if isinstance(error, GraphQLError):
        return _to_refusal(masked(error))
    raise error


def _to_refusal(error: Mapping[str, Any]) -> ExecutionResult:
    refused = ExecutionResult(data=None, errors=[error], is_request_error=True)
    note_refusal(refused.first_code)
    return refused
