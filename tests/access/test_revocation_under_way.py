"""What is revoked before a request's work begins is refused, however early its head came."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final

import httpx
import pytest
from sqlalchemy import text

from gateway.auth.request_principals import RequestPrincipals
from gateway.domain.permissions import Role
from gateway.domain.principals import Principal
from gateway.services.context import RequestScope
from gateway.services.execution import RequestPrincipal
from gateway.storage import grants, tokens
from gateway.storage.unit_of_work import ReadUnit, WriteUnit
from tests.access.halves import half_sent
from tests.patience import until
from tests.world import World, token_principal

pytestmark = pytest.mark.rule("S61")

NEW_TOKEN: Final = """mutation { createApiToken(name: "made late", role: ADMIN) {
    token errors { code } } }"""
VALUES: Final = "query ($id: ID!) { runtimeSecrets(serviceId: $id) { key value } }"

Sent = tuple[str, Mapping[str, Any]]


def _new_token(_: World) -> Sent:
    return "/graphql", {"query": NEW_TOKEN}


def _values(world: World) -> Sent:
    return "/graphql", {"query": VALUES, "variables": {"id": world.demo.job_id}}


def _new_secret(world: World) -> Sent:
    return f"/job/{world.demo.job_id}/secret", {"key": "MADE_LATE", "value": "late"}


REQUESTS: Final = [(Role.ADMIN, _new_token), (Role.RUNTIME, _values), (Role.ADMIN, _new_secret)]


async def _token(world: World, role: Role) -> tuple[str, str]:
    operator = Principal.operator(world.demo.organization_id)
    made = await world.runtime.services.for_principal(operator).tokens.create(
        name="passing", role=role
    )
    return made.facts.id, made.text


async def _revoke(world: World, token_id: str) -> None:
    answer = await world.client.post(
        "/graphql",
        json={
            "query": "mutation ($id: ID!) { revokeApiToken(tokenId: $id) { errors { code } } }",
            "variables": {"id": token_id},
        },
    )
    assert answer.json()["data"]["revokeApiToken"] == {"errors": []}


async def _take_roles_away(world: World, token_id: str) -> None:
    listed = await world.client.post(
        "/graphql",
        json={
            "query": """query ($id: ID!) {
                grants(grantee: {tokenId: $id}) { edges { node { id } } } }""",
            "variables": {"id": token_id},
        },
    )
    for edge in listed.json()["data"]["grants"]["edges"]:
        answer = await world.client.post(
            "/graphql",
            json={
                "query": "mutation ($id: ID!) { revokeRole(grantId: $id) { errors { code } } }",
                "variables": {"id": edge["node"]["id"]},
            },
        )
        assert answer.json()["data"]["revokeRole"] == {"errors": []}


def _code(answer: httpx.Response) -> str:
    result = answer.json()
    return str(result["errors"][0]["extensions"]["code"] if "errors" in result else result["error"])


async def _stored(world: World, statement: str) -> int:
    async with world.runtime.database.read() as unit:
        return len(await unit.rows(text(statement)))


@pytest.mark.parametrize(("role", "request_of"), REQUESTS)
async def test_a_token_that_is_revoked_before_the_last_byte_is_refused(
    world: World, role: Role, request_of: Callable[[World], Sent]
) -> None:
    token_id, token = await _token(world, role)
    half = half_sent(world, token, *request_of(world))

    answer = await half.answered_after(lambda: _revoke(world, token_id))

    assert answer.status_code == HTTPStatus.UNAUTHORIZED
    assert await _stored(world, "SELECT id FROM api_token WHERE name = 'made late'") == 0
    assert await _stored(world, "SELECT id FROM secret WHERE key = 'MADE_LATE'") == 0


@pytest.mark.parametrize(("role", "request_of"), REQUESTS)
async def test_a_role_that_is_revoked_before_the_last_byte_does_not_count(
    world: World, role: Role, request_of: Callable[[World], Sent]
) -> None:
    token_id, token = await _token(world, role)
    half = half_sent(world, token, *request_of(world))

    answer = await half.answered_after(lambda: _take_roles_away(world, token_id))

    assert _code(answer) in {"FORBIDDEN", "Forbidden", "NOT_FOUND", "Not Found"}
    assert "value" not in answer.text.replace("values", "")


async def _nothing() -> None:
    """Happens between two parts of a request where a test needs nothing."""


@pytest.mark.parametrize(("role", "request_of"), REQUESTS)
async def test_without_a_revocation_it_goes_through(
    world: World, role: Role, request_of: Callable[[World], Sent]
) -> None:
    """The control of what is sent."""
    _, token = await _token(world, role)
    half = half_sent(world, token, *request_of(world))

    answer = await half.answered_after(_nothing)

    assert answer.is_success
    assert "code" not in answer.text


async def test_without_reading_the_principal_again_a_revoked_token_makes_another(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the guard: the sign-in at the head is all that there is."""
    token_id, token = await _token(world, Role.ADMIN)
    early: list[RequestPrincipal] = []
    introduce = RequestPrincipals.introduce

    async def remember(
        callers: RequestPrincipals, authorization: str, scope: Any
    ) -> RequestPrincipal:
        early.append(await introduce(callers, authorization, scope))
        return early[-1]

    async def sign_in(_: RequestPrincipals, view: ReadUnit, *__: object) -> RequestPrincipal:
        return RequestPrincipal(early[0].principal, early[0].look_up, early[0].kind, view)

    async def trust(*_: object) -> None:
        """Do not look."""

    monkeypatch.setattr(RequestPrincipals, "introduce", remember)
    half = half_sent(world, token, *_new_token(world))

    async def revoke() -> None:
        await _revoke(world, token_id)
        monkeypatch.setattr(RequestPrincipals, "sign_in", sign_in)
        monkeypatch.setattr(RequestScope, "_read_principal_again", trust)

    answer = await half.answered_after(revoke)

    assert answer.json()["data"]["createApiToken"]["errors"] == []
    assert await _stored(world, "SELECT id FROM api_token WHERE name = 'made late'") == 1


@asynccontextmanager
async def _writing(world: World) -> AsyncIterator[WriteUnit]:
    # All others that want to write wait for the end of the block.
    async with world.runtime.database.write() as unit:
        await unit.rows(text("SELECT 1"))
        yield unit


async def _answered_behind_proxy(
    world: World, token: str, sent: Sent, change: Callable[[WriteUnit], Awaitable[object]]
) -> httpx.Response:
    """Send a request that has to wait for a writer who makes a change."""
    path, body = sent
    async with _writing(world) as unit:
        asking = asyncio.create_task(world.client_for(token).post(path, json=body))
        await until(lambda: world.runtime.database.write_admission.waiting == 1)
        await change(unit)
    return await asking


@pytest.mark.parametrize(("role", "request_of"), REQUESTS)
async def test_a_token_that_is_revoked_while_its_request_waits_to_write_is_refused(
    world: World, role: Role, request_of: Callable[[World], Sent]
) -> None:
    token_id, token = await _token(world, role)
    now = world.runtime.services.authentication.now()

    answer = await _answered_behind_proxy(
        world, token, request_of(world), lambda unit: tokens.revoke(unit, token_id, at=now)
    )

    assert _code(answer) in {"UNAUTHENTICATED", "Unauthorized"}
    assert await _stored(world, "SELECT id FROM api_token WHERE name = 'made late'") == 0
    assert await _stored(world, "SELECT id FROM secret WHERE key = 'MADE_LATE'") == 0


@pytest.mark.rule("S76")
@pytest.mark.parametrize("is_brought_forward", [True, False])
async def test_an_end_that_is_brought_forward_while_a_request_waits_to_write_counts(
    world: World, *, is_brought_forward: bool
) -> None:
    token_id, token = await _token(world, Role.ADMIN)
    end = world.runtime.services.authentication.now() + timedelta(hours=1)
    ended = [token_id] if is_brought_forward else []

    answer = await _answered_behind_proxy(
        world, token, _new_token(world), lambda unit: tokens.end_all(unit, ended, at=end)
    )

    made = answer.json()["data"]["createApiToken"]
    assert made["errors"] == []
    found = await token_principal(world.runtime, made["token"])
    assert found.expires_at == (end if is_brought_forward else None)


async def test_a_change_of_access_while_a_request_waits_to_write_is_a_conflict(
    world: World,
) -> None:
    """It was judged by the grants that its caller had; trying again judges by those of now."""
    token_id, token = await _token(world, Role.ADMIN)

    async def take_away(unit: WriteUnit) -> None:
        visibility = Principal.operator(world.demo.organization_id).visibility()
        for grant in await grants.of_tokens(unit, [token_id], visibility=visibility):
            await grants.remove(unit, grant.id)

    answer = await _answered_behind_proxy(world, token, _new_secret(world), take_away)

    assert answer.status_code == HTTPStatus.CONFLICT
    assert await _stored(world, "SELECT id FROM secret WHERE key = 'MADE_LATE'") == 0


def test_principals_are_compared_by_what_they_may_do() -> None:
    holder = Principal.operator("one").grants
    one = Principal(id="a", organization_id="one", grants=holder)

    assert one.has_access_of(Principal(id="a", organization_id="one", grants=holder * 2))
    assert not one.has_access_of(Principal(id="a", organization_id="one"))
    assert not one.has_access_of(Principal(id="b", organization_id="one", grants=holder))


async def test_a_body_is_not_read_for_a_token_that_is_not_valid(world: World) -> None:
    """A caller without a credential cannot make the gateway hold a body."""
    half = half_sent(world, "sgw_wrong", *_new_secret(world))
    asked = half._receive  # noqa: SLF001 - what the gateway asks for
    parts = []

    async def receive() -> Any:
        parts.append(await asked())
        return parts[-1]

    await half.app(half.scope, receive, half._send)  # noqa: SLF001 - as above

    assert half.heard[0]["status"] == HTTPStatus.UNAUTHORIZED
    assert len(parts) == 1


async def test_a_token_that_is_not_valid_is_refused_before_its_body_begins(world: World) -> None:
    """Nor can the caller make the gateway wait for one."""
    half = half_sent(world, "sgw_wrong", *_new_secret(world))

    async def receive() -> Any:
        await asyncio.Event().wait()

    await half.app(half.scope, receive, half._send)  # noqa: SLF001 - as above

    assert half.heard[0]["status"] == HTTPStatus.UNAUTHORIZED


async def test_a_body_that_begins_late_is_read_for_a_valid_token(world: World) -> None:
    """The control of the test above."""
    half = half_sent(world, world.demo.token, *_new_secret(world))
    asked_for, begins = 0, asyncio.Event()

    async def receive() -> Any:
        nonlocal asked_for
        asked_for += 1
        await begins.wait()
        begins.clear()
        return {"type": "http.request", "body": half.body, "more_body": False}

    running = asyncio.ensure_future(half.app(half.scope, receive, half._send))  # noqa: SLF001 - as above
    # The second time is when the credential was looked at.
    await until(lambda: asked_for == 2)
    begins.set()
    await running

    assert half.heard[0]["status"] == HTTPStatus.CREATED
