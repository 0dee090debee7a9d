"""Runs random documents over a gateway, for several principals, and compares the answers."""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from contextlib import aclosing, nullcontext
from dataclasses import dataclass, field
from random import Random
from typing import Final, Self, cast

from structlog.testing import capture_logs

from gateway.domain.drafts import AliasDraft, OverrideDraft, SecretDraft
from gateway.domain.permissions import Role
from gateway.domain.principals import Principal
from gateway.domain.scopes import HOLDER_SCOPES, Scope
from gateway.graphql.executor import Executor
from gateway.graphql.plans import PlannedExecutor
from gateway.graphql.schema import ExecutableSchema
from gateway.services.execution import ExecutionResult, RequestPrincipal
from schema.context import Context
from tests.access.territories import Territory, settle_territory
from tests.patience import patiently
from tests.plans.comparing import (
    CheckedExecutor,
    StockExecutor,
    UnequalAnswers,
    faulty,
    schema_with,
    to_bytes,
)
from tests.plans.grammar import Grammar, Request
from tests.world import World, token_principal

_NOBODY: Final = ("", "not-an-id", "00000000-0000-0000-0000-000000000000")
# Roles and where they are granted; None is the whole organization.
_GRANTS: Final = (
    (Role.ADMIN, None),
    (Role.ADMIN, None),
    (Role.VIEWER, Scope.JOB),
    (Role.EDITOR, Scope.ENVIRONMENT),
    (Role.RUNTIME, Scope.JOB),
    (Role.AUDITOR, Scope.PROJECT),
)
_DELIVERIES: Final = ("runtimeSecrets(", "delivery(")
# The share of documents that meet wrong values.
_FAULTY: Final = 0.4
_KINDS: Final = ("query", "query", "query", "query", "mutation", "subscription")


@dataclass(slots=True)
class Tally:
    """How many documents were compared, by kind and by whether they had errors."""

    answers: dict[tuple[str, bool], int] = field(default_factory=lambda: defaultdict(int))

    def count(self, kind: str, answer: ExecutionResult) -> None:
        """Count one answer."""
        self.answers[kind, bool(answer.errors)] += 1


@dataclass(frozen=True, slots=True)
class Scene:
    """A gateway with one of everything, and principals with wide and narrow grants."""

    world: World
    territory: Territory
    principals: Sequence[Principal]
    # A position of the change feed before all changes.
    start: str

    @classmethod
    async def of(cls, world: World) -> Self:
        """Fill a gateway."""
        start = (await world.graphql.ask("{ changeCursor }", {}))["changeCursor"]
        operator = Principal.operator(world.demo.organization_id)
        territory = await settle_territory(world, operator, "plans")
        services = world.runtime.services.for_principal(operator)
        job = territory.reference(Scope.JOB)
        for number in range(6):
            project = territory.reference(Scope.PROJECT)
            draft = SecretDraft(key=f"K_{number}", value=f"{{{{K_{number + 1}}}}}", description="d")
            made = await services.secrets.create(holder_reference=project, draft=draft)
            await services.aliases.create(
                holder_reference=job, target_id=made.id, draft=AliasDraft(key=f"ALIAS_{number}")
            )
            if number % 2:
                await services.overrides.create(
                    holder_reference=job, target_id=made.id, draft=OverrideDraft(value="other")
                )
        file = SecretDraft(key="A_FILE", value="content", mount_path="/etc/app/file")
        await services.secrets.create(holder_reference=job, draft=file)
        principals = []
        for role, scope in _GRANTS:
            on = territory.reference(scope) if scope else None
            token = await services.tokens.create(name=f"{role} of {scope}", role=role, on=on)
            principals.append(await token_principal(world.runtime, token.text))
        return cls(world, territory, principals, start)

    @property
    def ids(self) -> Mapping[str, tuple[str, ...]]:
        """The ids that documents can have, by what takes them."""
        own = {name.removesuffix("Id"): (found,) for name, found in self.territory.ids.items()}
        queries = {
            scope.field_name: own[scope.id_argument.removesuffix("Id")] for scope in HOLDER_SCOPES
        }
        secrets = (*self.territory.secrets.values(), self.territory.provided)
        holders = tuple(found for ids in queries.values() for found in ids)
        return own | queries | {"secret": secrets, "ids": (*secrets, *holders), "nobody": _NOBODY}

    @property
    def _changes(self) -> Mapping[str, str]:
        """Arguments of subscriptions that have a change to report at once."""
        job = self.territory.ids["jobId"]
        return {
            "after": f'"{self.start}"',
            "holder": f'{{jobId: "{job}"}}',
            "serviceId": f'"{job}"',
        }

    async def compare(self, seed: int, tally: Tally) -> None:
        """Run the document of a seed by plans and by the library.

        Raises:
            UnequalAnswers: if the answers differ.

        """
        random = Random(seed)  # noqa: S311 - makes documents, not secrets
        kind, principal = random.choice(_KINDS), random.choice(self.principals)
        fixed = self._changes if kind == "subscription" else {}
        grammar = Grammar(schema_with(StockExecutor).types, random, self.ids, fixed)
        request = grammar.request(kind)
        is_faulty = random.random() < _FAULTY
        with capture_logs(), faulty(seed) if is_faulty else nullcontext():
            # A delivery is written into the audit log, so a second one finds another log.
            if kind == "query" and not any(name in request.document for name in _DELIVERIES):
                answer = await self.equal_answer(principal, request)
            else:
                answer = await self.checked_answer(principal, request)
        tally.count(kind, answer)

    async def equal_answer(self, principal: Principal, request: Request) -> ExecutionResult:
        """Return the answer to a query, by plans and by the library alike.

        Raises:
            UnequalAnswers: if the answers differ.

        """
        answer = await self.checked_answer(principal, request)
        expected = await self.answer(StockExecutor, principal, request)
        if to_bytes(answer) != to_bytes(expected):
            raise UnequalAnswers(request, answer, expected)
        return answer

    async def checked_answer(self, principal: Principal, request: Request) -> ExecutionResult:
        """Return the answer by plans, of which each was checked.

        Raises:
            UnequalAnswers: if the library completes one of its values in another way.

        """
        CheckedExecutor.differences.clear()
        answer = await self.answer(CheckedExecutor, principal, request)
        if CheckedExecutor.differences:
            raise UnequalAnswers(request, *CheckedExecutor.differences)
        return answer

    async def answer(
        self,
        run_by: type[PlannedExecutor] | ExecutableSchema,
        principal: Principal,
        request: Request,
    ) -> ExecutionResult:
        """Return the answer to a document, of a subscription the first one."""

        async def look_up(_: object) -> Principal:
            return principal

        schema = (
            run_by
            if isinstance(run_by, ExecutableSchema)
            else schema_with(cast("Hashable", run_by))
        )
        runtime = self.world.runtime
        executor = Executor(schema, Context, runtime.services, runtime.database)
        caller = RequestPrincipal(principal, look_up)
        if not request.document.startswith("subscription"):
            async with patiently(), executor.open_run(caller) as run:
                return await run(request.document, request.variables)
        answers = executor.stream(caller, request.document, request.variables)
        async with patiently(), aclosing(answers):
            return await anext(answers)
