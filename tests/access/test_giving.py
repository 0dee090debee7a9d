"""Nobody gives more than they have, nor where they have it not."""

from typing import Any

import httpx
import pytest

from gateway.domain.errors import ErrorCode
from gateway.domain.grants import MAX_GRANTS, GranteeKind, GranteeReference
from gateway.domain.holders import new_id
from gateway.domain.permissions import Role
from gateway.domain.principals import Principal
from gateway.domain.scopes import Scope
from tests.access.territories import Territory
from tests.world import World, user_principal

pytestmark = pytest.mark.asyncio(loop_scope="module")

CREATE_TOKEN = """mutation ($role: Role!, $holder: SecretHolderRef, $days: Int, $dryRun: Boolean) {
    payload: createApiToken(name: "made", role: $role, holder: $holder, days: $days,
        dryRun: $dryRun) {
        token apiToken { id name expiresAt grants { role } } grant { role holder { id } }
        errors { code path } } }"""
GRANT = """mutation ($grantee: GranteeRef!, $role: Role!, $holder: SecretHolderRef) {
    payload: grantRole(grantee: $grantee, role: $role, holder: $holder) {
        grant { id role granteeName tokenId userId holder { id } } errors { code path } } }"""
REVOKE = """mutation ($id: ID!) {
    payload: revokeRole(grantId: $id) { grant { id } errors { code path } } }"""
REVOKE_TOKEN = """mutation ($id: ID!) {
    payload: revokeApiToken(tokenId: $id) { apiToken { revokedAt } errors { code path } } }"""
REGISTER = """mutation ($subject: String!, $issuer: String!) {
    payload: registerUser(issuer: $issuer, subject: $subject, displayName: "Somebody") {
        user { id subject } errors { code path } } }"""
REMOVE = """mutation ($id: ID!) {
    payload: removeUser(userId: $id) { user { id } errors { code path } } }"""


async def _posted(client: httpx.AsyncClient, document: str, **variables: Any) -> Any:
    body = {"query": document, "variables": variables}
    return (await client.post("/graphql", json=body)).json()


async def _done(client: httpx.AsyncClient, document: str, **variables: Any) -> Any:
    payload = (await _posted(client, document, **variables))["data"]["payload"]
    assert payload["errors"] == []
    return payload


async def _refused(client: httpx.AsyncClient, document: str, **variables: Any) -> Any:
    answer = await _posted(client, document, **variables)
    if "errors" in answer:
        return answer["errors"][0]["extensions"]["code"], answer["errors"][0]["message"]
    (error,) = answer["data"]["payload"]["errors"]
    return error["code"], error["path"]


def _job(it: Territory) -> dict[str, str]:
    return {"jobId": it.ids["jobId"]}


def _project(it: Territory) -> dict[str, str]:
    return {"projectId": it.ids["projectId"]}


@pytest.mark.rule("S8")
async def test_a_token_is_made_for_one_service_and_shown_once(
    shared_world: World, inside: Territory
) -> None:
    """Its text is in the payload that made it, and in no other answer."""
    admin = await inside.client(shared_world, Role.ADMIN)

    made = await _done(admin, CREATE_TOKEN, role="RUNTIME", holder=_job(inside), days=1)

    running = shared_world.client_for(made["token"])
    document = "query ($id: ID!) { runtimeSecrets(serviceId: $id) { key } }"
    got = await _posted(running, document, id=inside.ids["jobId"])
    assert "TERRITORY_INSIDE_JOB" in str(got)
    assert made["apiToken"]["expiresAt"]
    assert made["apiToken"]["grants"] == [{"role": "RUNTIME"}]
    listing = "{ apiTokens { totalCount edges { node { id name grants { role } } } } }"
    listed = await _posted(admin, listing)
    assert made["apiToken"]["id"] in str(listed)
    assert made["token"] not in str(listed)


async def test_a_dry_run_makes_no_token(shared_world: World, inside: Territory) -> None:
    """A token that opens nothing must not look like one that does."""
    admin = await inside.client(shared_world, Role.ADMIN)

    tried = await _done(admin, CREATE_TOKEN, role="VIEWER", holder=_job(inside), dryRun=True)

    assert tried["token"] is None


@pytest.mark.rule("S22")
@pytest.mark.parametrize("role", ["VIEWER", "EDITOR", "RUNTIME", "ADMIN", "AUDITOR"])
async def test_an_administrator_gives_what_it_has(
    shared_world: World, inside: Territory, role: str
) -> None:
    """The control of what follows."""
    admin = await inside.client(shared_world, Role.ADMIN)

    made = await _done(admin, CREATE_TOKEN, role=role, holder=_project(inside))

    assert made["grant"] == {"role": role, "holder": {"id": inside.ids["projectId"]}}


@pytest.mark.rule("S22")
async def test_an_administrator_does_not_make_an_operator(
    shared_world: World, inside: Territory
) -> None:
    """Not even where it is administrator; an operator does."""
    admin = await inside.client(shared_world, Role.ADMIN)
    operator = await shared_world.client_with(Role.OPERATOR)

    code, message = await _refused(admin, CREATE_TOKEN, role="OPERATOR", holder=_job(inside))

    assert code == "FORBIDDEN"
    assert "instance:write" in message
    assert (await _done(operator, CREATE_TOKEN, role="OPERATOR"))["token"]


@pytest.mark.rule("S22")
async def test_an_administrator_of_a_place_gives_nothing_above_it_or_beside_it(
    shared_world: World, inside: Territory, outside: Territory
) -> None:
    """Above, what it sees is forbidden; beside, there is nothing."""
    admin = await inside.client(shared_world, Role.ADMIN, on=Scope.ENVIRONMENT)

    everywhere = await _refused(admin, CREATE_TOKEN, role="VIEWER")
    above = await _refused(admin, CREATE_TOKEN, role="VIEWER", holder=_project(inside))
    beside = await _refused(admin, CREATE_TOKEN, role="VIEWER", holder=_project(outside))

    assert [everywhere[0], above[0], beside[0]] == ["FORBIDDEN", "FORBIDDEN", "NOT_FOUND"]
    assert (await _done(admin, CREATE_TOKEN, role="VIEWER", holder=_job(inside)))["token"]


@pytest.mark.rule("S22")
@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR, Role.RUNTIME, Role.AUDITOR])
async def test_only_administrators_give(shared_world: World, inside: Territory, role: Role) -> None:
    client = await inside.client(shared_world, role)

    code, message = await _refused(client, CREATE_TOKEN, role="VIEWER", holder=_job(inside))

    assert code == "FORBIDDEN"
    assert "access:manage" in message


@pytest.mark.rule("S10")
async def test_a_grant_counts_at_once_and_goes_at_once(
    shared_world: World, inside: Territory
) -> None:
    """From the next request on, both ways."""
    admin = await inside.client(shared_world, Role.ADMIN)
    made = await _done(admin, CREATE_TOKEN, role="VIEWER", holder=_job(inside))
    client = shared_world.client_for(made["token"])
    url = f"/environment/{inside.ids['environmentId']}/secret"
    body = {"key": f"KEY_{new_id()[:8].upper()}", "value": "v"}
    token = {"tokenId": made["apiToken"]["id"]}
    holder = {"environmentId": inside.ids["environmentId"]}

    before = await client.post(url, json=body)
    given = await _done(admin, GRANT, grantee=token, role="EDITOR", holder=holder)
    between = await client.post(url, json=body)
    await _done(admin, REVOKE, id=given["grant"]["id"])
    after = await client.post(url, json=body)

    assert [before.status_code, between.status_code, after.status_code] == [403, 201, 403]


@pytest.mark.rule("S10")
async def test_a_revoked_token_is_refused_at_once(shared_world: World, inside: Territory) -> None:
    """The same answer as for one that never was."""
    admin = await inside.client(shared_world, Role.ADMIN)
    made = await _done(admin, CREATE_TOKEN, role="VIEWER", holder=_job(inside))
    client = shared_world.client_for(made["token"])
    before = await client.post("/graphql", json={"query": "{ __typename }"})

    gone = await _done(admin, REVOKE_TOKEN, id=made["apiToken"]["id"])

    after = await client.post("/graphql", json={"query": "{ __typename }"})
    assert gone["apiToken"]["revokedAt"]
    assert [before.status_code, after.status_code] == [200, 401]


@pytest.mark.rule("S22")
async def test_what_was_granted_more_than_one_may_give_cannot_be_revoked(
    shared_world: World, inside: Territory
) -> None:
    """An administrator of one project takes nothing that counts beyond it."""
    admin = await inside.client(shared_world, Role.ADMIN)
    operator = Principal.operator(shared_world.demo.organization_id)
    services = shared_world.runtime.services
    wide = await services.for_principal(operator).tokens.create(name="wide", role=Role.VIEWER)
    both = await services.for_principal(operator).grants.grant(
        grantee=wide.grant.grantee, role=Role.OPERATOR, on=inside.reference(Scope.JOB)
    )

    token = await _refused(admin, REVOKE_TOKEN, id=wide.facts.id)
    grant = await _refused(admin, REVOKE, id=both.id)
    hidden = await _refused(admin, REVOKE, id=wide.grant.id)

    assert [token[0], grant[0], hidden[0]] == ["FORBIDDEN", "FORBIDDEN", "NOT_FOUND"]


async def test_lists_of_grants_are_of_the_places_that_one_manages(
    shared_world: World, inside: Territory, outside: Territory
) -> None:
    admin = await inside.client(shared_world, Role.ADMIN)
    document = """query ($grantee: GranteeRef) {
        grants(grantee: $grantee, first: 100) { totalCount edges { node { id holder { id } } } }
        apiTokens(first: 100) { edges { node { id } } }
        users { edges { node { displayName } } } }"""

    result = (await _posted(admin, document))["data"]
    theirs = (await _posted(admin, document, grantee={"tokenId": outside.ids["tokenId"]}))["data"]
    own = (await _posted(admin, document, grantee={"tokenId": inside.ids["tokenId"]}))["data"]

    places = {edge["node"]["holder"]["id"] for edge in result["grants"]["edges"]}
    assert places <= set(inside.ids.values())
    assert inside.ids["tokenId"] in str(result["apiTokens"])
    assert outside.ids["tokenId"] not in str(result["apiTokens"])
    assert theirs["grants"]["totalCount"] == 0
    assert own["grants"]["totalCount"] == 2
    assert "territory inside user" in str(result["users"])


@pytest.mark.rule("S5", "S10")
async def test_a_user_is_let_in_granted_and_removed(shared_world: World) -> None:
    """An identity is its issuer and subject, and what it may do is read each time."""
    admin, demo = shared_world.client, shared_world.demo
    runtime = shared_world.runtime
    person = {"issuer": "https://login.example", "subject": new_id()}
    user = (await _done(admin, REGISTER, **person))["user"]

    await _done(
        admin, GRANT, grantee={"userId": user["id"]}, role="VIEWER", holder={"jobId": demo.job_id}
    )

    principal = await user_principal(runtime, **person)
    assert principal.id == user["id"]
    assert [(grant.role, grant.holder and grant.holder.id) for grant in principal.grants] == [
        (Role.VIEWER, demo.job_id)
    ]
    again = await _refused(admin, REGISTER, **person)
    assert again == ("CONFLICT", ["subject"])
    await _done(admin, REMOVE, id=user["id"])
    with pytest.raises(Exception, match="valid credential") as refused:
        await user_principal(runtime, **person)
    assert refused.value.code is ErrorCode.UNAUTHENTICATED  # type: ignore[attr-defined] # ours


@pytest.mark.parametrize(
    ("issuer", "subject", "path"),
    [
        ("", "s", "issuer"),
        ("https://i", "", "subject"),
        ("https://i", "s" * 256, "subject"),
        ("https://i", "a\nb", "subject"),
        ("https://i\0", "s", "issuer"),
    ],
)
async def test_what_is_no_identity_is_refused(
    shared_world: World, issuer: str, subject: str, path: str
) -> None:
    refused = await _refused(shared_world.client, REGISTER, issuer=issuer, subject=subject)

    assert refused == ("BAD_USER_INPUT", [path])


@pytest.mark.parametrize("days", [0, -1, 3_651])
async def test_a_lifetime_out_of_bounds_is_refused(shared_world: World, days: int) -> None:
    refused = await _refused(shared_world.client, CREATE_TOKEN, role="VIEWER", days=days)

    assert refused == ("BAD_USER_INPUT", ["days"])


async def test_the_same_is_not_granted_twice(shared_world: World, inside: Territory) -> None:
    admin = await inside.client(shared_world, Role.ADMIN)
    sent = {"grantee": {"tokenId": inside.ids["tokenId"]}, "holder": _project(inside)}

    assert await _refused(admin, GRANT, role="EDITOR", **sent) == ("CONFLICT", ["role"])


async def test_grants_are_bounded(shared_world: World, inside: Territory) -> None:
    """They are read with every request."""
    services = shared_world.runtime.services
    operator = Principal.operator(shared_world.demo.organization_id)
    user = await services.for_principal(operator).identities.register(
        issuer="https://login.example", subject="bounded", display_name="Bounded"
    )
    grantee = GranteeReference(kind=GranteeKind.USER, id=user.id)
    places = [
        (role, scope) for scope in inside.secrets for role in Role if role is not Role.OPERATOR
    ]
    for role, scope in places:
        await services.for_principal(operator).grants.grant(
            grantee=grantee, role=role, on=inside.reference(scope)
        )
    jobs = [
        await services.for_principal(operator).administration.create_holder(
            kind=Scope.JOB, name=f"bounded {number}", parent=inside.reference(Scope.ENVIRONMENT)
        )
        for number in range(MAX_GRANTS - len(places) + 1)
    ]

    answers = [
        (
            await _posted(
                shared_world.client,
                GRANT,
                grantee={"userId": user.id},
                role="VIEWER",
                holder={"jobId": job.id},
            )
        )["data"]["payload"]["errors"]
        for job in jobs
    ]

    assert answers == [[]] * (len(jobs) - 1) + [[{"code": "CONFLICT", "path": ["role"]}]]
