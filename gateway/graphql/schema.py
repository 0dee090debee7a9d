"""The executable schema, which enforces the declared policies.

Use cases decide about each holder and each secret. A policy is a second line of defence: a
principal that has the permission nowhere gets nothing, even if a use case forgets its check.
"""

from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing
from functools import partial
from typing import Any, Final, NoReturn

import strawberry
import structlog
from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    execute,
    get_operation_ast,
)
from graphql import OperationType as Operation
from strawberry.execution.is_awaitable import optimized_is_awaitable
from strawberry.extensions import SchemaExtension
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types import ExecutionContext
from strawberry.types import ExecutionResult as StrawberryResult
from strawberry.types.graphql import OperationType
from strawberry.utils.await_maybe import AwaitableOrValue

from gateway.domain.errors import ErrorCode, Forbidden
from gateway.domain.permissions import Permission
from gateway.graphql.documents import parsed, validated
from gateway.graphql.plans import PlannedExecutor
from gateway.graphql.type_guards import TypeGuard

_log = structlog.get_logger(__name__)

Policies = Mapping[str, Permission | str]
Info = GraphQLResolveInfo[Any]
Resolve = Callable[..., Any]
Refused = Callable[[Resolve, Permission, Info], Any]

_AT_ONCE: Final = frozenset({OperationType.QUERY, OperationType.MUTATION})
_DRY_RUN: Final = "dryRun"
# The errors that a mutation can return to a principal without its permission: they are the same for
# an object that is absent and for one that is hidden.
_REVEALS_NOTHING: Final = frozenset({ErrorCode.NOT_FOUND.name, ErrorCode.BAD_USER_INPUT.name})


class UndeclaredPolicy(Exception):
    """A part of the schema has no declared permission."""


def enforce(schema: GraphQLSchema, fields: Policies, types: Policies) -> None:
    """Enforce the policies of root fields and of types.

    Raises:
        UndeclaredPolicy: if a part of the schema has none.

    """
    ensure_declared(schema, fields, types)
    enforce_fields(schema, fields)
    enforce_types(schema, types)


def ensure_declared(schema: GraphQLSchema, fields: Policies, types: Policies) -> None:
    """Refuse a schema with a query, a subscription or a type that has no policy.

    Raises:
        UndeclaredPolicy: naming all of them.

    """
    readable = filter(None, (schema.query_type, schema.subscription_type))
    names = [f"{root.name}.{name}" for root in readable for name in root.fields]
    roots = {schema.query_type, schema.mutation_type, schema.subscription_type}
    objects = [
        name
        for name, kind in schema.type_map.items()
        if isinstance(kind, GraphQLObjectType) and kind not in roots and not name.startswith("__")
    ]
    if undeclared := sorted({*names} - {*fields} | {*objects} - {*types}):
        raise UndeclaredPolicy(", ".join(undeclared))


def enforce_fields(schema: GraphQLSchema, policies: Policies) -> None:
    """Check each root field's declared permission before the field runs.

    A mutation declares its permission in its metadata, under the class.

    Raises:
        UndeclaredPolicy: naming a mutation that declares no permission or has no dry run.

    """
    for root in filter(None, (schema.query_type, schema.subscription_type)):
        for name, field in root.fields.items():
            policy = policies[f"{root.name}.{name}"]
            if isinstance(policy, Permission):
                _guard(field, policy)
    if schema.mutation_type:
        for name, field in schema.mutation_type.fields.items():
            permission = _permission_of(field)
            if permission is None or _DRY_RUN not in field.args:
                raise UndeclaredPolicy(name)
            field.resolve = _guard_resolver(_resolver(field), permission, _refuse_mutation)


def enforce_types(schema: GraphQLSchema, policies: Policies) -> None:
    """Check each type's declared permission wherever an answer contains an object of it."""
    for name, policy in policies.items():
        kind = schema.type_map.get(name)
        if isinstance(policy, Permission) and isinstance(kind, GraphQLObjectType):
            # The executor calls this for each object that it completes, from any field.
            kind.is_type_of = TypeGuard(name, policy, kind.is_type_of)


def _permission_of(field: GraphQLField) -> Permission | None:
    declared = field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].metadata.get(Permission)
    return declared if isinstance(declared, Permission) else None


def _guard(field: GraphQLField, permission: Permission) -> None:
    if field.subscribe:
        field.subscribe = _guard_resolver(field.subscribe, permission, _refuse_subscription)
    else:
        field.resolve = _guard_resolver(_resolver(field), permission, _refuse_query)


def _resolver(field: GraphQLField) -> Resolve:
    if field.resolve is None:
        raise TypeError(field)
    return field.resolve


def _guard_resolver(resolve: Resolve, permission: Permission, refused: Refused) -> Resolve:
    """Let a field run for a principal that has its permission on at least one holder."""

    def guarded(source: Any, info: Info, **arguments: Any) -> Any:  # noqa: ANN401 - what the GraphQL library passes
        if info.context.services.visibility(permission).is_anywhere:
            return resolve(source, info, **arguments)
        return refused(partial(resolve, source, info, **arguments), permission, info)

    return guarded


async def _refuse_query(run: Resolve, permission: Permission, info: Info) -> NoReturn:
    """Refuse as the use case does; it can report an error in the arguments instead."""
    await run()
    raise _refusal(permission, info)


async def _refuse_mutation(run: Resolve, permission: Permission, info: Info) -> Any:  # noqa: ANN401 - as above
    """Report the errors that a dry run finds in the arguments; write nothing."""
    payload = await run(**{_DRY_RUN: True})
    codes = {error.code.name for error in payload.errors}
    if codes and codes <= _REVEALS_NOTHING:
        return payload
    raise _refusal(permission, info)


async def _refuse_subscription(
    run: Resolve, permission: Permission, info: Info
) -> AsyncGenerator[Any, None]:
    """Refuse as the use case does, or at the first event without a grant."""
    async with aclosing(await run()) as events:
        async for event in events:
            if not info.context.services.visibility(permission).is_anywhere:
                raise _refusal(permission, info)
            yield event


def _refusal(permission: Permission, info: Info) -> Forbidden:
    # The use case accepted a principal that the policy refuses: one of the two is wrong.
    _log.error("policy_refused", field=f"{info.parent_type.name}.{info.field_name}")
    return Forbidden(permission)


class ExecutableSchema(strawberry.Schema):
    """A schema that completes by plans, and logs no errors.

    Strawberry's log quotes documents and variables.
    """

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - Strawberry's own
        super().__init__(execution_context_class=PlannedExecutor, **options)

    @property
    def types(self) -> GraphQLSchema:
        """The schema as a graphql-core object."""
        return self._schema

    def start(
        self, text: str, variables: dict[str, Any], context: object, operation_name: str | None
    ) -> AwaitableOrValue[ExecutionResult | StrawberryResult]:
        """Start a query or a mutation like `execute`, which also prepares hooks of extensions.

        Raises:
            InvalidOperationTypeError: for a subscription.

        """
        if self.extensions != (CachedDocuments,):
            return self.execute(text, variables, context, None, operation_name, _AT_ONCE)
        document = parsed(text)
        operation = get_operation_ast(document, operation_name)
        if operation and operation.operation is Operation.SUBSCRIPTION:
            raise InvalidOperationTypeError(OperationType.SUBSCRIPTION)
        if errors := validated(self._schema, text):
            return ExecutionResult(None, errors)
        return execute(
            self._schema,
            document,
            context_value=context,
            variable_values=variables,
            operation_name=operation_name,
            executor_class=self.execution_context_class,
            is_awaitable=optimized_is_awaitable,  # type: ignore[arg-type] # narrows no type
            hide_suggestions=True,
        )

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
