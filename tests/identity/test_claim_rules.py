"""Signing in by claim rules: no user is registered, and the rules of one organization count."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from gateway.domain.claim_patterns import MAX_ELEMENTS
from gateway.domain.claim_rules import ClaimCondition, ClaimRule, Identity
from gateway.domain.drafts import HolderReference
from gateway.domain.grants import GranteeKind, GranteeReference
from gateway.domain.holders import new_id
from gateway.domain.pages import Window
from gateway.domain.permissions import Role
from gateway.domain.principals import Principal
from gateway.domain.scopes import Scope
from gateway.services.demo import Demo
from gateway.storage import claim_rules, grants
from tests.audit.audit_log import events_of, events_since, last_seq, row_faults
from tests.identity.local_issuer import LocalIssuer
from tests.identity.pipeline_tokens import GITHUB, GITHUB_HEADER, GITLAB, HEADER
from tests.identity.users import let_in
from tests.operations.answers import comparable
from tests.operations.callers import Stranger, nobody, settle
from tests.patience import until
from tests.world import World, open_world

pytestmark = pytest.mark.asyncio(loop_scope="module")

_VIEWER: Final = "{ viewer { id kind name claimRules { name role } } }"
_DELIVER: Final = "query ($id: ID!) { runtimeSecrets(serviceId: $id) { key } }"
_OWNER: Final = ("repository_owner_id", "65")
_PRODUCTION: Final = ("environment", "production")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(
    template: tuple[Path, Demo],
    issuing_process: LocalIssuer,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[World]:
    """A gateway that trusts the issuer, for all tests of this module."""
    folder, demo = template
    copied = shutil.copytree(folder, tmp_path_factory.mktemp("by_claims") / "data")
    issuing_process.behave()
    trusted = issuing_process.trusted(types=["JWT"])
    async with open_world(copied, demo, issuers=[trusted]) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def other(world: World) -> Stranger:
    """The administrator of another organization, who is hostile or not."""
    return await settle(world)


async def _rule(
    world: World,
    issuer: LocalIssuer | str,
    *conditions: tuple[str, str],
    organization_id: str | None = None,
    role: Role = Role.VIEWER,
    on: HolderReference | None = None,
    days: float | None = None,
) -> ClaimRule:
    operator = Principal.operator(organization_id or world.demo.organization_id)
    return await world.runtime.services.for_principal(operator).claim_rules.create(
        name="a rule",
        issuer=issuer if isinstance(issuer, str) else issuer.url,
        conditions=[ClaimCondition(*pair) for pair in conditions],
        role=role,
        on=on,
        lifetime=None if days is None else timedelta(days=days),
    )


async def _delete(world: World, rule: ClaimRule) -> None:
    operator = Principal.operator(rule.organization_id)
    await world.runtime.services.for_principal(operator).claim_rules.delete(rule_id=rule.id)


def _github(issuer: LocalIssuer, **changes: Any) -> str:
    return issuer.token(header=GITHUB_HEADER, **{**GITHUB, **changes})


async def _ask(
    world: World, token: str, organization_id: str | None, job_id: str | None = None
) -> tuple[httpx.Response, ...]:
    """Ask for what a viewer may see, over each face."""
    headers = {"Authorization": f"Bearer {token}"}
    if organization_id is not None:
        headers["X-Organization-Id"] = organization_id
    async with nobody(world) as client:
        return (
            await client.get(f"/job/{job_id or world.demo.job_id}/secret", headers=headers),
            await client.post("/graphql", json={"query": "{ __typename }"}, headers=headers),
        )


async def _statuses(
    world: World, token: str, organization_id: str | None, job_id: str | None = None
) -> list[int]:
    return [item.status_code for item in await _ask(world, token, organization_id, job_id)]


async def _demo_statuses(world: World, token: str) -> list[int]:
    return await _statuses(world, token, world.demo.organization_id)


async def _graphql(world: World, token: str, document: str, **variables: Any) -> Any:
    headers = {
        "Authorization": f"Bearer {token}",
        "X-Organization-Id": world.demo.organization_id,
    }
    body = {"query": document, "variables": variables}
    async with nobody(world) as client:
        return (await client.post("/graphql", json=body, headers=headers)).json()


_IN: Final = [HTTPStatus.OK, HTTPStatus.OK]
_OUT: Final = [HTTPStatus.UNAUTHORIZED, HTTPStatus.UNAUTHORIZED]


@pytest.mark.rule("S81")
@pytest.mark.parametrize(
    ("claims", "conditions"),
    [
        ((GITHUB, GITHUB_HEADER), [_OWNER, ("repository", "acme/*"), _PRODUCTION]),
        ((GITLAB, HEADER), [("namespace_id", "72"), ("ref_protected", "true"), ("ref", "main")]),
        ((GITLAB, HEADER), [("groups_direct", "acme"), ("runner_id", "1")]),
    ],
    ids=["github", "gitlab", "a list and a number"],
)
async def test_a_pipeline_is_let_in_by_its_claims(
    world: World, issuer: LocalIssuer, claims: Any, conditions: list[tuple[str, str]]
) -> None:
    token = issuer.token(header=claims[1], **claims[0])
    before = await _demo_statuses(world, token)

    rule = await _rule(world, issuer, *conditions)
    between = await _demo_statuses(world, token)
    await _delete(world, rule)

    assert (before, between, await _demo_statuses(world, token)) == (_OUT, _IN, _OUT)


@pytest.mark.rule("S81", "S14")
@pytest.mark.parametrize(
    "changes",
    [
        {"repository_owner_id": "66"},
        {"repository_owner_id": None},
        {"repository_owner_id": ["66", {"id": "65"}]},
        {"repository": "evil/acme/shop"},
        {"repository": "Acme/shop"},
        {"environment": "production\u200b"},
        {"environment": "staging"},
        {"event_name": "pull_request"},
    ],
    ids=str,
)
async def test_a_token_that_lacks_one_claim_is_answered_like_none(
    world: World, issuer: LocalIssuer, changes: dict[str, Any]
) -> None:
    """The control is the same token without the change."""
    rule = await _rule(
        world, issuer, _OWNER, ("repository", "acme/*"), _PRODUCTION, ("event_name", "push")
    )

    refused = await _ask(world, _github(issuer, **changes), world.demo.organization_id)
    admitted = await _demo_statuses(world, _github(issuer))
    nameless = await _ask(world, "none", world.demo.organization_id)
    await _delete(world, rule)

    assert [comparable(item) for item in refused] == [comparable(item) for item in nameless]
    assert admitted == _IN


@pytest.mark.rule("S81")
async def test_a_rule_counts_for_its_own_issuer(world: World, issuer: LocalIssuer) -> None:
    rule = await _rule(world, f"{issuer.url}/", _OWNER, _PRODUCTION)

    assert await _demo_statuses(world, _github(issuer)) == _OUT
    await _delete(world, rule)


@pytest.mark.rule("S81")
async def test_a_rule_that_has_ended_gives_nothing(world: World, issuer: LocalIssuer) -> None:
    """The control is a rule that ends a day later."""
    ended = await _rule(world, issuer, _OWNER, days=1e-9)
    with_ended = await _demo_statuses(world, _github(issuer))
    lasting = await _rule(world, issuer, _OWNER, _PRODUCTION, days=1)

    assert (with_ended, await _demo_statuses(world, _github(issuer))) == (_OUT, _IN)
    for rule in (ended, lasting):
        await _delete(world, rule)


@pytest.mark.rule("S81", "S67")
async def test_rules_count_only_in_the_organization_that_a_request_names(
    world: World, other: Stranger, issuer: LocalIssuer
) -> None:
    """So no rule of another organization leads somebody's requests there, or refuses them."""
    token, own = _github(issuer), world.demo.organization_id
    theirs = await _rule(world, issuer, _OWNER, organization_id=other.organization_id)
    nameless = await _statuses(world, token, None)
    before = await _statuses(world, token, own)
    rule = await _rule(world, issuer, _OWNER)

    answers = [
        nameless,
        before,
        await _statuses(world, token, None),
        await _statuses(world, token, own),
        await _statuses(world, token, other.organization_id, other.job_id),
        await _statuses(world, token, new_id()),
    ]

    assert answers == [_OUT, _OUT, _OUT, _IN, _IN, _OUT]
    for each in (theirs, rule):
        await _delete(world, each)


async def test_an_identity_has_another_id_in_each_organization(
    world: World, other: Stranger, issuer: LocalIssuer
) -> None:
    rules = [
        await _rule(world, issuer, _OWNER),
        await _rule(world, issuer, _OWNER, organization_id=other.organization_id),
    ]
    headers = {"Authorization": f"Bearer {_github(issuer)}"}
    seen = []

    async with nobody(world) as client:
        for named in (
            world.demo.organization_id,
            world.demo.organization_id,
            other.organization_id,
        ):
            sent = headers | {"X-Organization-Id": named}
            answer = await client.post("/graphql", json={"query": _VIEWER}, headers=sent)
            seen.append(answer.json()["data"]["viewer"]["id"])

    assert seen[0] == seen[1] != seen[2]
    for rule in rules:
        await _delete(world, rule)


async def test_a_viewer_sees_which_rules_give_it_roles(world: World, issuer: LocalIssuer) -> None:
    on = HolderReference(Scope.JOB, world.demo.job_id)
    rules = [
        await _rule(world, issuer, _OWNER, role=Role.RUNTIME, on=on),
        await _rule(world, issuer, _PRODUCTION, role=Role.VIEWER, on=on),
        await _rule(world, issuer, ("environment", "staging"), role=Role.ADMIN),
    ]

    viewer = (await _graphql(world, _github(issuer), _VIEWER))["data"]["viewer"]

    assert (viewer["kind"], viewer["name"]) == ("IDENTITY", GITHUB["sub"])
    assert sorted(rule["role"] for rule in viewer["claimRules"]) == ["RUNTIME", "VIEWER"]
    for rule in rules:
        await _delete(world, rule)


@pytest.mark.rule("S81")
async def test_an_answer_is_remembered_only_for_the_same_rules(
    world: World, issuer: LocalIssuer
) -> None:
    """Two tokens of one subject, which end at the same time, can have other claims."""
    on = HolderReference(Scope.JOB, world.demo.job_id)
    rules = [
        await _rule(world, issuer, _PRODUCTION, role=Role.RUNTIME, on=on),
        await _rule(world, issuer, ("groups", "admins"), role=Role.ADMIN),
    ]
    document = "{ viewer { claimRules { role } permissions } projects { totalCount } }"
    end = issuer.claims()["exp"]
    admin, pipeline = (_github(issuer, exp=end, **more) for more in ({"groups": ["admins"]}, {}))

    answers = [
        (await _graphql(world, token, document))["data"]["viewer"]
        for token in (admin, pipeline, admin, pipeline)
    ]

    roles = [sorted(rule["role"] for rule in answer["claimRules"]) for answer in answers]
    assert roles == [["ADMIN", "RUNTIME"], ["RUNTIME"]] * 2
    assert [bool(answer["permissions"]) for answer in answers] == [True, False] * 2
    for rule in rules:
        await _delete(world, rule)


async def test_a_registered_user_has_grants_and_rules(world: World, issuer: LocalIssuer) -> None:
    """Also without the header, in the user's home; and other organizations' rules add nothing."""
    subject = new_id()
    user_id = await let_in(
        world.runtime, world.demo.organization_id, issuer.url, subject, Role.VIEWER
    )
    token = issuer.token(header=HEADER, sub=subject, groups=["deployers"])
    headers = {"Authorization": f"Bearer {token}"}
    body = {"query": _DELIVER, "variables": {"id": world.demo.job_id}}
    async with nobody(world) as client:
        before = (await client.post("/graphql", json=body, headers=headers)).json()
        rule = await _rule(world, issuer, ("groups", "deployers"), role=Role.RUNTIME)
        after = (await client.post("/graphql", json=body, headers=headers)).json()
        viewer = await client.post("/graphql", json={"query": _VIEWER}, headers=headers)

    assert before["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert after["data"]["runtimeSecrets"]
    assert viewer.json()["data"]["viewer"]["id"] == user_id
    assert viewer.json()["data"]["viewer"]["claimRules"] == [{"name": "a rule", "role": "RUNTIME"}]
    await _delete(world, rule)


async def test_the_log_names_the_identity_that_acts(world: World, issuer: LocalIssuer) -> None:
    """Nobody has a row, and signing in writes none."""
    rule = await _rule(world, issuer, _OWNER, role=Role.ADMIN)
    since = await last_seq(world)
    token, actor_id = _github(issuer), f"{issuer.url} {GITHUB['sub']}"
    await _graphql(world, token, _VIEWER)
    after_sign_in = await last_seq(world)
    await _graphql(world, token, _DELIVER, id=world.demo.job_id)
    made = """mutation ($on: SecretHolderRef!) {
        createSecret: createProject(name: "by a pipeline") { errors { message } } }"""
    await _graphql(world, token, made.replace("($on: SecretHolderRef!)", ""))

    events = await events_since(world, since)
    shown = await world.graphql.ask(
        """query ($actor: String!) { auditEvents(first: 10, filter: {actorId: $actor}) { nodes {
            action actorKind actor { ... on Identity { issuer subject } } } } }""",
        {"actor": actor_id},
    )

    assert after_sign_in == since
    assert {(event["actor_kind"], event["actor_id"]) for event in events} == {
        ("IDENTITY", actor_id)
    }
    nodes = shown["auditEvents"]["nodes"]
    assert {node["action"] for node in nodes} >= {"HOLDER_CREATED", "VALUES_DELIVERED"}
    expected = {"issuer": issuer.url, "subject": GITHUB["sub"]}
    assert {str(node["actor"]) for node in nodes} == {str(expected)}
    await _delete(world, rule)


@pytest.mark.rule("S76", "S81")
async def test_what_an_identity_creates_ends_with_its_token(
    world: World, issuer: LocalIssuer
) -> None:
    """Nobody can remove an identity that is no user, so no token of it outlives the sign-in."""
    rule = await _rule(world, issuer, _OWNER, role=Role.ADMIN)
    create = """mutation { createApiToken(name: "made", role: VIEWER, days: 90) {
        apiToken { expiresAt createdBy { kind } } errors { message } } }"""

    end = issuer.claims()["exp"]

    made = (await _graphql(world, _github(issuer, exp=end), create))["data"]["createApiToken"]

    expires_at = datetime.fromisoformat(made["apiToken"].pop("expiresAt"))
    assert expires_at == datetime.fromtimestamp(end, UTC)
    assert made["apiToken"] == {"createdBy": {"kind": "IDENTITY"}}
    await _delete(world, rule)


async def test_a_write_is_repeated_under_its_idempotency_key(
    world: World, issuer: LocalIssuer
) -> None:
    """For the same identity; another one has keys of its own."""
    rule = await _rule(world, issuer, _OWNER, role=Role.ADMIN)
    create = """mutation ($name: String!) {
        createProject(name: $name, idempotencyKey: "once") { holder { id } errors { code } } }"""
    name = new_id()

    answers = [
        await _graphql(world, _github(issuer), create, name=name),
        await _graphql(world, _github(issuer), create, name=name),
        await _graphql(world, _github(issuer, sub="repo:acme/other"), create, name=name),
    ]

    payloads = [answer["data"]["createProject"] for answer in answers]
    assert payloads[0] == payloads[1]
    assert payloads[2]["errors"] == [{"code": "CONFLICT"}]
    await _delete(world, rule)


async def test_rules_go_with_their_organization_and_their_holder(
    world: World, issuer: LocalIssuer
) -> None:
    """Nothing keeps either from being deleted, and no rule is left to be a fault."""
    organizations = world.runtime.operator.organizations
    made = await organizations.create(name="leaving")
    await _rule(world, issuer, _OWNER, organization_id=made.id)
    project = await world.runtime.services.for_principal(
        Principal.operator(world.demo.organization_id)
    ).administration.create_holder(kind=Scope.PROJECT, name="leaving")
    on = HolderReference(Scope.PROJECT, project.id)
    await _rule(world, issuer, _OWNER, on=on)
    before = [await _statuses(world, _github(issuer), made.id)]
    before.append(await _demo_statuses(world, _github(issuer)))

    await organizations.delete(organization_id=made.id)
    deleted = await world.graphql.ask(
        "mutation ($id: ID!) { deleteHolder(holder: {projectId: $id}) { errors { code } } }",
        {"id": project.id},
    )

    after = [await _statuses(world, _github(issuer), made.id)]
    after.append(await _demo_statuses(world, _github(issuer)))
    assert deleted["deleteHolder"]["errors"] == []
    # The list over REST is of a job that neither rule gives.
    assert before == [[HTTPStatus.NOT_FOUND, HTTPStatus.OK]] * 2
    assert after == [_OUT] * 2
    assert await row_faults(world) == set()


async def test_a_claim_is_in_no_event_and_no_rule_shows_to_others(
    world: World, other: Stranger, issuer: LocalIssuer
) -> None:
    """The administrator of another organization learns of none."""
    rule = await _rule(world, issuer, ("groups", "a-secret-group"))
    await _demo_statuses(world, issuer.token(header=HEADER, groups=["a-secret-group"], extra="xyz"))

    listed = await other.client.post(
        "/graphql", json={"query": "{ claimRules(first: 100) { nodes { name } } }"}
    )

    assert listed.json()["data"]["claimRules"]["nodes"] == []
    assert "xyz" not in str(await events_of(world))
    await _delete(world, rule)


async def test_a_list_that_is_too_long_lets_nobody_in(world: World, issuer: LocalIssuer) -> None:
    """The log names the claim, and no element. The control is a list of the maximum."""
    rule = await _rule(world, issuer, ("groups", "team-*"))
    most = [f"team-{number}" for number in range(MAX_ELEMENTS)]
    longest, longer = (
        issuer.token(header=HEADER, groups=groups) for groups in (most, [*most, "one-more"])
    )

    with capture_logs() as logs:
        statuses = [await _demo_statuses(world, token) for token in (longest, longer)]

    lines = [line for line in logs if line["event"] == "claims_left_out"]
    assert statuses == [_IN, _OUT]
    assert lines[0] == {
        "event": "claims_left_out",
        "log_level": "warning",
        "reason": "too_many_elements",
        "claims": ["groups"],
    }
    assert {str(line) for line in lines} == {str(lines[0])}
    await _delete(world, rule)


@pytest.mark.rule("S67")
async def test_a_request_that_names_its_organization_reads_no_rules_of_another(
    world: World, other: Stranger, issuer: LocalIssuer
) -> None:
    """Another organization can register anybody. The control is a request without a name."""
    own, subject = world.demo.organization_id, new_id()
    for organization_id in (own, other.organization_id):
        await let_in(world.runtime, organization_id, issuer.url, subject, Role.VIEWER)
    rules = [
        await _rule(world, issuer, _OWNER, organization_id=organization_id)
        for organization_id in (own, other.organization_id)
    ]
    identity = Identity(issuer=issuer.url, subject=subject, claims={})

    async with world.runtime.database.read() as unit:
        named = await unit.rows(claim_rules.for_identity(identity, own))
        nameless = await unit.rows(claim_rules.for_identity(identity, None))

    assert {row.organization_id for row in named} == {own}
    assert {row.organization_id for row in nameless} == {own, other.organization_id}
    for rule in rules:
        await _delete(world, rule)


_LASTING: Final = {
    "a rule": """createClaimRule(name: "made", role: VIEWER, issuer: "https://issuer.example",
        conditions: [{claim: "groups", pattern: "NAME"}])""",
    "a user": """registerUser(displayName: "made", issuer: "https://issuer.example",
        subject: "NAME")""",
    "a grant": 'grantRole(role: VIEWER, grantee: {userId: "NAME"})',
    "a token that can make these": 'createApiToken(name: "made", role: ADMIN)',
}


async def _refusal(world: World, token: str, mutation: str) -> Any:
    answer = await _graphql(
        world, token, f"mutation {{ made: {mutation} {{ errors {{ code }} }} }}"
    )
    assert answer.get("data") is None or answer["data"]["made"]["errors"] == []
    return [error["extensions"]["code"] for error in answer.get("errors", ())]


@pytest.mark.rule("S76", "S81")
@pytest.mark.parametrize("what", _LASTING)
async def test_an_identity_gives_nobody_access_that_outlasts_its_token(
    world: World, issuer: LocalIssuer, what: str
) -> None:
    """The control is a registered user whom the same rule makes an administrator."""
    rule, subject = await _rule(world, issuer, _OWNER, role=Role.ADMIN), new_id()
    services = world.runtime.services.for_principal(Principal.operator(world.demo.organization_id))
    user = await services.identities.register(
        issuer=issuer.url, subject=subject, display_name="registered"
    )
    mutation = _LASTING[what].replace("NAME", user.id)

    refused = await _refusal(world, _github(issuer), mutation)
    made = await _refusal(world, _github(issuer, sub=subject), mutation)

    assert (refused, made) == (["FORBIDDEN"], [])
    await _delete(world, rule)


@pytest.mark.rule("S76")
async def test_what_a_user_creates_by_a_rule_ends_with_the_credential(
    world: World, issuer: LocalIssuer
) -> None:
    """The control is a role that the user's grants carry, beside the same rule."""
    subject, end = new_id(), issuer.claims()["exp"]
    await let_in(world.runtime, world.demo.organization_id, issuer.url, subject, Role.AUDITOR)
    other = new_id()
    await let_in(world.runtime, world.demo.organization_id, issuer.url, other, Role.ADMIN)
    rule = await _rule(world, issuer, _OWNER, role=Role.ADMIN, days=1)
    create = """mutation { createApiToken(name: "made", role: AUDITOR) {
        apiToken { expiresAt } errors { message } } }"""

    ends = [
        (await _graphql(world, _github(issuer, sub=sub, exp=end), create))["data"]
        for sub in (subject, other)
    ]

    by_rule, by_grant = (made["createApiToken"]["apiToken"]["expiresAt"] for made in ends)
    assert datetime.fromisoformat(by_rule) == datetime.fromtimestamp(end, UTC)
    assert by_grant is None
    await _delete(world, rule)


async def test_the_id_of_an_identity_leads_to_its_name(world: World, issuer: LocalIssuer) -> None:
    """By the id of the request in the access log, or of what it created."""
    rule, since = await _rule(world, issuer, _OWNER, role=Role.ADMIN), await last_seq(world)
    document = """mutation { createApiToken(name: "named", role: VIEWER) {
        apiToken { id createdBy { kind id } } } }"""
    with capture_logs() as logs:
        made = (await _graphql(world, _github(issuer), document))["data"]["createApiToken"]

    (line,) = [entry for entry in logs if entry["event"] == "request"]
    events = await events_since(world, since)

    token, name = made["apiToken"], f"{issuer.url} {GITHUB['sub']}"
    assert (line["actor_kind"], line["actor_id"]) == ("IDENTITY", token["createdBy"]["id"])
    assert {event["actor_id"] for event in events} == {name}
    created = [event for event in events if event["subject_id"] == token["id"]]
    assert [event["action"] for event in created] == ["TOKEN_CREATED"]
    assert created[0]["request_id"]
    await _delete(world, rule)


@pytest.mark.rule("S81")
async def test_a_removed_user_is_let_in_by_a_rule_until_it_is_deleted(
    world: World, issuer: LocalIssuer
) -> None:
    subject, organization_id = new_id(), world.demo.organization_id
    user_id = await let_in(world.runtime, organization_id, issuer.url, subject, Role.VIEWER)
    rule, token = await _rule(world, issuer, _OWNER), _github(issuer, sub=subject)
    operator = world.runtime.services.for_principal(Principal.operator(organization_id))

    await operator.identities.remove(user_id=user_id)
    removed = [await _statuses(world, token, None), await _demo_statuses(world, token)]
    await _delete(world, rule)

    assert removed == [_OUT, _IN]
    assert await _demo_statuses(world, token) == _OUT


@pytest.mark.rule("S81")
async def test_all_whom_a_rule_lets_in_share_its_allowance(
    template: tuple[Path, Demo], issuing_process: LocalIssuer, tmp_path: Path
) -> None:
    """So branches do not take the organization's. The control is another rule, and a token."""
    copied = shutil.copytree(template[0], tmp_path / "data")
    issuing_process.behave()
    async with open_world(
        copied,
        template[1],
        issuers=[issuing_process.trusted(types=["JWT"])],
        rate_per_minute=1,
        rate_burst=10,
    ) as world:
        await _rule(world, issuing_process, _OWNER)
        await _rule(world, issuing_process, ("repository_owner_id", "66"))
        branches = [_github(issuing_process, sub=f"repo:acme/shop:ref:{n}") for n in range(20)]
        other = _github(issuing_process, repository_owner_id="66")

        shared = [await _demo_statuses(world, token) for token in branches]

        assert shared[0] == _IN
        assert shared[-1] == [HTTPStatus.TOO_MANY_REQUESTS] * 2
        assert await _demo_statuses(world, other) == _IN
        assert (await world.client.get(f"/job/{world.demo.job_id}/secret")).is_success


@pytest.mark.rule("S76")
@pytest.mark.parametrize("is_revoked", [True, False])
async def test_a_grant_that_is_revoked_while_a_request_waits_to_write_does_not_count(
    world: World, issuer: LocalIssuer, *, is_revoked: bool
) -> None:
    """A rule carries the same role, so the user may go on, but what it creates has an end now."""
    subject, end = new_id(), issuer.claims()["exp"]
    organization_id = world.demo.organization_id
    user_id = await let_in(world.runtime, organization_id, issuer.url, subject, Role.ADMIN)
    rule = await _rule(world, issuer, ("sub", subject), role=Role.ADMIN, days=1)
    create = """mutation { createApiToken(name: "made", role: AUDITOR) {
        apiToken { expiresAt } errors { message } } }"""
    grantee = GranteeReference(kind=GranteeKind.USER, id=user_id)
    visibility = Principal.operator(organization_id).visibility()

    async with world.runtime.database.write() as unit:
        page = await grants.page(unit, Window(), visibility=visibility, of=grantee)
        sent = _graphql(world, _github(issuer, sub=subject, exp=end), create)
        asking = asyncio.create_task(sent)
        await until(lambda: world.runtime.database.write_admission.waiting == 1)
        for entry in page.entries if is_revoked else ():
            await grants.remove(unit, entry.item.id)
    made = (await asking)["data"]["createApiToken"]

    expires_at = made["apiToken"]["expiresAt"]
    found = expires_at and datetime.fromisoformat(expires_at)
    assert (found, made["errors"]) == (datetime.fromtimestamp(end, UTC) if is_revoked else None, [])
    await _delete(world, rule)
