"""One identity in several organizations: none learns of another, and none is in its way."""

import shutil
import time
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from gateway.auth.attempts import GuardedSignIn
from gateway.auth.request_principals import RequestPrincipals, SignIn
from gateway.domain.holders import new_id
from gateway.domain.permissions import Role
from gateway.identity.verifier import Verifier
from gateway.services.demo import Demo
from gateway.services.limits import Limiter
from tests.identity.local_issuer import LocalIssuer
from tests.identity.users import let_in
from tests.operations.answers import comparable
from tests.operations.callers import Stranger, nobody, settle
from tests.world import World, open_world

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.rule("S67")]

REGISTER = """mutation ($issuer: String!, $subject: String!, $dry: Boolean) {
    payload: registerUser(issuer: $issuer, subject: $subject, displayName: "Somebody",
        dryRun: $dry) { user { issuer displayName } errors { code message path } } }"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(
    template: tuple[Path, Demo],
    issuing_process: LocalIssuer,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[World]:
    """A gateway that trusts the issuer, for all tests of this module."""
    folder, demo = template
    copied = shutil.copytree(folder, tmp_path_factory.mktemp("several") / "data")
    issuing_process.behave()
    async with open_world(copied, demo, issuers=[issuing_process.trusted()]) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def other(world: World) -> Stranger:
    """The administrator of another organization, who is hostile or not."""
    return await settle(world)


async def _join(world: World, organization_id: str, issuer: LocalIssuer, subject: str) -> None:
    await let_in(world.runtime, organization_id, issuer.url, subject, Role.ADMIN)


async def _get(world: World, job_id: str, token: str, *named: str) -> httpx.Response:
    headers = [(b"authorization", f"Bearer {token}".encode())]
    headers += [(b"x-organization-id", name.encode()) for name in named]
    async with nobody(world) as client:
        return await client.get(f"/job/{job_id}/secret", headers=headers)


async def _status(world: World, job_id: str, token: str, *named: str) -> int:
    return (await _get(world, job_id, token, *named)).status_code


async def _registered(client: httpx.AsyncClient, issuer: str, subject: str, *, dry: bool) -> Any:
    variables = {"issuer": issuer, "subject": subject, "dry": dry}
    return (await client.post("/graphql", json={"query": REGISTER, "variables": variables})).json()


@pytest.mark.parametrize("dry", [True, False])
async def test_registering_says_nothing_of_other_organizations(
    world: World, other: Stranger, issuer: LocalIssuer, *, dry: bool
) -> None:
    known, unknown = new_id(), new_id()
    await _join(world, world.demo.organization_id, issuer, known)

    answers = [
        await _registered(other.client, issuer.url, item, dry=dry) for item in (known, unknown)
    ]

    assert answers[0] == answers[1]
    assert answers[0]["data"]["payload"]["errors"] == []


async def test_an_identity_is_registered_once_in_an_organization(
    world: World, issuer: LocalIssuer
) -> None:
    """The control arm: what is the organization's own is said."""
    known = new_id()
    await _join(world, world.demo.organization_id, issuer, known)

    answer = await _registered(world.client, issuer.url, known, dry=True)

    assert answer["data"]["payload"]["errors"][0]["code"] == "CONFLICT"


async def test_another_organization_does_not_get_in_the_way_of_a_user(
    world: World, other: Stranger, issuer: LocalIssuer
) -> None:
    """A user who has signed in goes on without a header, whoever registers the identity."""
    subject, job_id = new_id(), world.demo.job_id
    token = issuer.token(sub=subject)
    await _join(world, world.demo.organization_id, issuer, subject)
    before = await _status(world, job_id, token)
    await world.runtime.operator.token_uses.store()

    await _join(world, other.organization_id, issuer, subject)

    assert (before, await _status(world, job_id, token)) == (HTTPStatus.OK, HTTPStatus.OK)
    assert await _status(world, other.job_id, token) == HTTPStatus.NOT_FOUND


async def test_a_user_reaches_the_organization_that_a_request_names(
    world: World, other: Stranger, issuer: LocalIssuer
) -> None:
    subject, own, named = new_id(), world.demo.job_id, other.organization_id
    token = issuer.token(sub=subject)
    await _join(world, world.demo.organization_id, issuer, subject)
    await _status(world, own, token)
    await world.runtime.operator.token_uses.store()
    await _join(world, named, issuer, subject)

    statuses = [
        await _status(world, other.job_id, token, named),
        await _status(world, own, token, named),
        await _status(world, own, token),
    ]

    assert statuses == [HTTPStatus.OK, HTTPStatus.NOT_FOUND, HTTPStatus.OK]


async def test_who_joins_another_organization_stays_signed_in_where_they_are(
    world: World, other: Stranger, issuer: LocalIssuer
) -> None:
    """A subscription reads its principal again, and named no organization when it began."""
    subject = new_id()
    token = issuer.token(sub=subject)
    await _join(world, world.demo.organization_id, issuer, subject)
    services, database = world.runtime.services, world.runtime.database
    async with Verifier(world.runtime.settings.issuers) as verifier:
        sign_in = SignIn(services.authentication, verifier)
        callers = RequestPrincipals(
            database, GuardedSignIn(sign_in, Limiter(None, time.monotonic)), sign_in
        )
        caller = await callers.introduce(f"Bearer {token}", {"headers": []})
        await _join(world, other.organization_id, issuer, subject)

        async with database.read() as unit:
            again = await caller.look_up(unit)

    assert again.organization_id == caller.principal.organization_id == world.demo.organization_id


async def test_who_was_registered_elsewhere_first_names_the_organization_once(
    world: World, other: Stranger, issuer: LocalIssuer
) -> None:
    """Squatting an identity before its own organization registers it gets nobody anything."""
    subject, own = new_id(), world.demo.organization_id
    token = issuer.token(sub=subject)
    await _join(world, other.organization_id, issuer, subject)
    await _join(world, own, issuer, subject)

    asked = await _get(world, world.demo.job_id, token)
    named = await _status(world, world.demo.job_id, token, own)
    await world.runtime.operator.token_uses.store()

    assert asked.status_code == HTTPStatus.FORBIDDEN
    assert asked.json()["code"] == "ORGANIZATION_REQUIRED"
    assert own in asked.json()["detail"]
    assert other.organization_id in asked.json()["detail"]
    assert named == HTTPStatus.OK
    assert await _status(world, world.demo.job_id, token) == HTTPStatus.OK


async def test_what_is_asked_over_graphql_is_answered_alike(
    world: World, other: Stranger, issuer: LocalIssuer
) -> None:
    subject = new_id()
    await _join(world, other.organization_id, issuer, subject)
    await _join(world, world.demo.organization_id, issuer, subject)
    headers = {"Authorization": f"Bearer {issuer.token(sub=subject)}"}

    async with nobody(world) as client:
        body = {"query": "{ __typename }"}
        asked = await client.post("/graphql", json=body, headers=headers)
        named = headers | {"X-Organization-Id": other.organization_id}
        result = await client.post("/graphql", json=body, headers=named)

    assert asked.status_code == HTTPStatus.FORBIDDEN
    assert asked.json()["errors"][0]["extensions"]["code"] == "ORGANIZATION_REQUIRED"
    assert result.status_code == HTTPStatus.OK


@pytest.mark.rule("S14")
async def test_an_organization_that_a_credential_is_nothing_in_is_answered_like_none(
    world: World, other: Stranger, issuer: LocalIssuer
) -> None:
    """A foreign organization and one that there is not, for users and tokens."""
    subject, job_id = new_id(), world.demo.job_id
    await _join(world, world.demo.organization_id, issuer, subject)
    credentials = (issuer.token(sub=subject), world.demo.token)
    hostile: list[tuple[str, ...]] = [(other.organization_id,), (new_id(),), ("none",), ("",)]
    hostile.append((world.demo.organization_id, other.organization_id))
    nameless = comparable(await _get(world, job_id, "none"))

    answers = [
        await _get(world, job_id, credential, *named)
        for credential in credentials
        for named in hostile
    ]

    assert [comparable(answer) for answer in answers] == [nameless] * len(answers)


async def test_a_token_can_name_its_own_organization(world: World) -> None:
    """The control arm of the one above."""
    demo = world.demo

    assert await _status(world, demo.job_id, demo.token, demo.organization_id) == HTTPStatus.OK


async def test_where_a_users_home_is_shows_in_no_organizations_log(
    world: World, other: Stranger, issuer: LocalIssuer
) -> None:
    """Else an organization without that entry would know that there is another."""
    subject = new_id()
    await _join(world, other.organization_id, issuer, subject)
    await _status(world, other.job_id, issuer.token(sub=subject))

    await world.runtime.operator.token_uses.store()

    document = "{ auditEvents(first: 100) { edges { node { action } } } }"
    shown = (await other.client.post("/graphql", json={"query": document})).json()
    recorded = [item async for item in world.runtime.operator.audit.exported()]
    assert "USER_CHANGED" not in str(shown)
    assert "USER_CREATED" in str(shown)
    assert recorded[-1]["action"] == "USER_CHANGED"
    assert recorded[-1]["organization_id"] is None
