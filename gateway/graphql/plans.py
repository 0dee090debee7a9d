"""The executor of the schema: it completes what it can by plans, and the rest as the library does.

A resolver runs once, and plans begin at what it returned. Where a plan raises an exception, the
library completes the same value: so errors, their paths and what they set to null are its own.
"""

from asyncio import gather
from collections import OrderedDict
from functools import cached_property
from typing import Any, Final

from graphql import (
    ExecutionResult,
    ExperimentalIncrementalExecutionResults,
    GraphQLList,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    OperationDefinitionNode,
)
from graphql.execution.collect_fields import FieldDetails
from graphql.pyutils import AwaitableOrValue, Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.utils.await_maybe import await_maybe

from gateway.graphql.completion import Compiler, Info, Plans

# One for each operation and each choice of its Boolean variables, which decide what is selected.
CACHED_PLANS: Final = 512
_Result = ExecutionResult | ExperimentalIncrementalExecutionResults
_Key = tuple[GraphQLSchema, int, tuple[tuple[str, bool], ...]]


class PlanCache:
    """The plans of the latest operations."""

    def __init__(self, size: int = CACHED_PLANS) -> None:
        self._size = size
        # Plans know nodes by their ids, so the operation is kept as long as its plans.
        self._kept: OrderedDict[_Key, tuple[OperationDefinitionNode, Plans]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def plans(self, executor: StrawberryGraphQLCoreExecutionContext) -> Plans:
        """Return the plans of an executor's operation; they are empty at its first run."""
        variables = executor.variable_values.coerced.items()
        switches = tuple((name, value) for name, value in variables if isinstance(value, bool))
        key = (executor.schema, id(executor.operation), switches)
        if key not in self._kept:
            self._kept[key] = (executor.operation, {})
            if len(self._kept) > self._size:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key][1]


CACHE: Final = PlanCache()


def _is_whole(result: _Result) -> bool:
    return isinstance(result, ExecutionResult) and not result.errors


class PlannedExecutor(StrawberryGraphQLCoreExecutionContext):
    """An executor that completes lists and objects by plans."""

    @cached_property
    def _compiler(self) -> Compiler | None:
        # Middleware wants to see each field.
        if self.middleware_manager and self.middleware_manager.middlewares:
            return None
        return Compiler(self, CACHE.plans(self))

    def execute_operation(
        self,
        serially: bool | None = None,  # noqa: FBT001 - the library's signature
    ) -> AwaitableOrValue[_Result]:
        """Execute the operation, and what failed fields left running beside it.

        Subscribers that ask for the same share what one of them has executed for a change.
        """
        asked: bytes | None = getattr(self.context_value, "asked", None)
        if asked is not None:
            return self._execute_once(asked)
        return self._execute(serially)

    async def _execute_once(self, asked: bytes) -> _Result:
        feed, change = self.context_value.services.change_feed, self.root_value
        result: ExecutionResult = await feed.once(
            (asked, change.cursor), self._execute_alone, is_shared=_is_whole
        )
        # What runs the subscription adds to it.
        return ExecutionResult(result.data, result.errors)

    async def _execute_alone(self) -> _Result:
        return await await_maybe(self._execute())

    def _execute(self, serially: bool | None = None) -> AwaitableOrValue[_Result]:  # noqa: FBT001 - as above
        result = super().execute_operation(serially)
        if self.is_awaitable(result) or self.background_futures:
            return self._settle(result)
        return result

    async def _settle(self, result: AwaitableOrValue[_Result]) -> _Result:
        try:
            return await await_maybe(result)
        finally:
            # After the answer, it would open another view, which nobody closes.
            await gather(*self.background_futures, return_exceptions=True)

    def complete_list_value(  # noqa: PLR0917 - the library's signature
        self,
        return_type: GraphQLList[Any],
        field_details_list: list[FieldDetails],
        info: Info,
        path: Path,
        result: Any,  # noqa: ANN401 - as above
        position_context: Any,  # noqa: ANN401 - as above
    ) -> AwaitableOrValue[list[Any]]:
        """Complete a list by its plan, or as the library does."""
        planned: list[Any] | None = self._planned(return_type, field_details_list, info, result)
        if planned is not None:
            return planned
        return super().complete_list_value(
            return_type, field_details_list, info, path, result, position_context
        )

    def complete_object_value(  # noqa: PLR0917 - the library's signature
        self,
        return_type: GraphQLObjectType,
        field_details_list: list[FieldDetails],
        info: Info,
        path: Path,
        result: object,
        position_context: Any,  # noqa: ANN401 - as above
    ) -> AwaitableOrValue[dict[str, Any]]:
        """Complete an object by its plan, or as the library does."""
        planned: dict[str, Any] | None = self._planned(
            return_type, field_details_list, info, result
        )
        if planned is not None:
            return planned
        return super().complete_object_value(
            return_type, field_details_list, info, path, result, position_context
        )

    def _planned(
        self, kind: GraphQLOutputType, details: list[FieldDetails], info: Info, result: object
    ) -> Any:  # noqa: ANN401 - the answer for any type
        compiler = self._compiler
        plan = compiler.find(kind, details) if compiler else None
        if plan is None:
            return None
        try:
            return plan((result,), info)[0]
        except Exception:  # noqa: BLE001 - whatever it is, the library decides what to report
            return None
