"""Rules that somebody writes into the database give nothing, and a deleted rule gives nothing more.

Each attack has a control: without the check of access rows, it would let somebody in.
"""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import closing
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text

from gateway.domain.claim_rules import ClaimCondition, ClaimRule, Identity
from gateway.domain.drafts import HolderReference
from gateway.domain.permissions import Role
from gateway.domain.principals import Principal
from gateway.domain.scopes import Scope
from gateway.services.audit.trust import TrustFault
from gateway.services.change_notifier import CredentialMonitor
from gateway.services.demo import Demo
from gateway.services.execution import RequestPrincipal
from gateway.storage import claim_rules
from gateway.storage.checked_view import CheckedView
from gateway.storage.unit_of_work import ReadUnit
from tests.audit.audit_log import by_force, row_faults, run_by_force, trust_fault_of
from tests.identity.local_issuer import LocalIssuer
from tests.identity.pipeline_tokens import GITHUB, GITHUB_HEADER
from tests.operations.callers import nobody
from tests.patience import patiently, until
from tests.world import World, open_world

_REQUIRED: Final = (
    ClaimCondition("environment", "production"),
    ClaimCondition("repository_owner_id", "65"),
)


@pytest_asyncio.fixture
async def world(
    template: tuple[Path, Demo], issuing_process: LocalIssuer, tmp_path: Path
) -> AsyncIterator[World]:
    """A gateway that trusts the issuer, for one test alone."""
    folder = shutil.copytree(template[0], tmp_path / "data")
    issuing_process.behave()
    trusted = issuing_process.trusted(types=["JWT"])
    async with open_world(folder, template[1], issuers=[trusted]) as opened:
        yield opened


async def _rule(world: World, local: LocalIssuer, **changes: Any) -> ClaimRule:
    organization_id = changes.pop("organization_id", world.demo.organization_id)
    operator = world.runtime.services.for_principal(Principal.operator(organization_id))
    wanted = {
        "name": "production of acme",
        "issuer": local.url,
        "conditions": _REQUIRED,
        "role": Role.VIEWER,
    }
    return await operator.claim_rules.create(**{**wanted, **changes})


async def _delete(world: World, rule: ClaimRule) -> None:
    operator = world.runtime.services.for_principal(Principal.operator(rule.organization_id))
    await operator.claim_rules.delete(rule_id=rule.id)


def _client(world: World, issuer: LocalIssuer, **changes: Any) -> httpx.AsyncClient:
    client = nobody(world)
    token = issuer.token(header=GITHUB_HEADER, **{**GITHUB, **changes})
    client.headers["Authorization"] = f"Bearer {token}"
    client.headers["X-Organization-Id"] = world.demo.organization_id
    return client


async def _listed(world: World, client: httpx.AsyncClient) -> list[int]:
    """Return the statuses of a list of secrets, over each face."""
    document = "query ($id: ID!) { job(id: $id) { secrets(first: 1) { totalCount } } }"
    body = {"query": document, "variables": {"id": world.demo.job_id}}
    graphql = await client.post("/graphql", json=body)
    rest = await client.get(f"/job/{world.demo.job_id}/secret")
    codes = {error["extensions"]["code"] for error in graphql.json().get("errors", ())}
    return [rest.status_code, 403 if codes == {"FORBIDDEN"} else graphql.status_code]


# By name: how the rule was made, the token's own claims, and what somebody does to the rule's row.
_EDITS: Final[Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any], str]]] = {
    "a condition removed": (
        {},
        {"repository_owner_id": "66"},
        """UPDATE claim_rule SET conditions = '[["environment","production"]]'""",
    ),
    "a pattern widened": (
        {},
        {"environment": "staging"},
        "UPDATE claim_rule SET conditions = replace(conditions, 'production', '*')",
    ),
    "a role raised": ({"role": Role.AUDITOR}, {}, "UPDATE claim_rule SET role = 'viewer'"),
    "another issuer": (
        {"issuer": "https://elsewhere.example"},
        {},
        "UPDATE claim_rule SET issuer = (SELECT issuer FROM own)",
    ),
    "an end put off": (
        {"lifetime": timedelta(microseconds=1)},
        {},
        "UPDATE claim_rule SET expires_at = NULL",
    ),
    "the rule of another organization": (
        {"organization_id": "other"},
        {},
        "UPDATE claim_rule SET organization_id = (SELECT organization_id FROM own)",
    ),
    "a rule inserted": (
        {"issuer": "https://elsewhere.example"},
        {},
        (
            "INSERT INTO claim_rule SELECT 'own', organization_id, name, (SELECT issuer FROM own), "
            "conditions, role, holder_id, created_at, expires_at, created_by, mac FROM claim_rule"
        ),
    ),
}


async def _attacked(world: World, issuer: LocalIssuer, name: str) -> httpx.AsyncClient:
    """Edit the row of a rule past the gateway, and return a client whom the edit would let in."""
    made, claims, statement = _EDITS[name]
    if "organization_id" in made:
        other = await world.runtime.operator.organizations.create(name="Other")
        made = {"organization_id": other.id}
    await _rule(world, issuer, **made)
    client = _client(world, issuer, **claims)
    assert set(await _listed(world, client)) <= {401, 403}
    with by_force(world.runtime.settings.data_dir) as connection:
        own = (issuer.url, world.demo.organization_id)
        connection.execute("CREATE TEMP TABLE own AS SELECT ? AS issuer, ? AS organization_id", own)
        connection.execute(statement)
    return client


@pytest.mark.rule("S55", "S64", "S81")
@pytest.mark.parametrize("name", _EDITS)
async def test_an_edited_rule_is_refused_at_use(
    world: World, issuer: LocalIssuer, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await _attacked(world, issuer, name)

    refused = await _listed(world, client)
    others = await _listed(world, world.client)

    assert refused == [HTTPStatus.SERVICE_UNAVAILABLE] * 2
    assert others == [HTTPStatus.OK] * 2
    assert {table for _, table in await row_faults(world)} == {"claim_rule"}
    # Control: the edit gives access without the check.
    monkeypatch.setattr(CheckedView, "ensure_current", lambda *_: None)
    assert await _listed(world, client) == [HTTPStatus.OK] * 2


def _copied(data_dir: Path, rule: ClaimRule) -> list[tuple[str, Mapping[str, Any]]]:
    with closing(sqlite3.connect(data_dir / "secrets.db")) as connection:
        connection.row_factory = sqlite3.Row
        (row,) = connection.execute("SELECT * FROM claim_rule WHERE id = ?", (rule.id,))
        (record,) = connection.execute("SELECT * FROM row_record WHERE row_id = ?", (rule.id,))
    return [("claim_rule", dict(row)), ("row_record", dict(record))]


async def _put_back(world: World, issuer: LocalIssuer, *, with_record: bool) -> httpx.AsyncClient:
    """Delete a rule, and put its row back with the MAC that the gateway gave it."""
    rule = await _rule(world, issuer)
    data_dir = world.runtime.settings.data_dir
    kept, client = _copied(data_dir, rule), _client(world, issuer)
    assert await _listed(world, client) == [HTTPStatus.OK] * 2
    await _delete(world, rule)
    assert await _listed(world, client) == [HTTPStatus.UNAUTHORIZED] * 2
    with by_force(data_dir) as connection:
        for table, row in kept if with_record else kept[:1]:
            names, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
            statement = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 - our names
            connection.execute(statement, row)
    return client


@pytest.mark.rule("S64", "S81")
@pytest.mark.parametrize("with_record", [False, True], ids=["the row", "the row and its record"])
async def test_a_deleted_rule_that_is_put_back_is_refused_at_use(
    world: World, issuer: LocalIssuer, monkeypatch: pytest.MonkeyPatch, *, with_record: bool
) -> None:
    client = await _put_back(world, issuer, with_record=with_record)

    refused = await _listed(world, client)
    others = await _listed(world, world.client)

    assert refused == [HTTPStatus.SERVICE_UNAVAILABLE] * 2
    assert others == [HTTPStatus.OK] * 2
    assert trust_fault_of(world) is (TrustFault.ACCESS_DIFFERS if with_record else None)
    # Control: as above.
    monkeypatch.setattr(CheckedView, "ensure_current", lambda *_: None)
    assert await _listed(world, client) == [HTTPStatus.OK] * 2


async def test_conditions_that_cannot_be_read_are_an_integrity_fault(
    world: World, issuer: LocalIssuer
) -> None:
    await _rule(world, issuer)
    client, refused = _client(world, issuer), list[list[int]]()

    for conditions in ("", "{", "1", "[1]", '[["a"]]', '[["a", "b", "c"]]', "null"):
        statement = f"UPDATE claim_rule SET conditions = '{conditions}'"  # noqa: S608 - ours
        run_by_force(world.runtime.settings.data_dir, statement)
        refused.append(await _listed(world, client))

    assert refused == [[HTTPStatus.SERVICE_UNAVAILABLE] * 2] * 7
    assert await _listed(world, world.client) == [HTTPStatus.OK] * 2


@pytest.mark.rule("S55")
async def test_a_rule_whose_holder_is_gone_is_not_widened(
    world: World, issuer: LocalIssuer
) -> None:
    """Its role would otherwise count in the whole organization."""
    operator = world.runtime.services.for_principal(Principal.operator(world.demo.organization_id))
    made = await operator.administration.create_holder(kind=Scope.PROJECT, name="going")
    await _rule(world, issuer, on=HolderReference(Scope.PROJECT, made.id))
    statement = f"DELETE FROM holder WHERE id = '{made.id}'"  # noqa: S608 - ours
    run_by_force(world.runtime.settings.data_dir, statement)

    refused = await _listed(world, _client(world, issuer))

    assert refused == [HTTPStatus.SERVICE_UNAVAILABLE] * 2


async def _write_behind(
    world: World, client: httpx.AsyncClient, rule: ClaimRule, *, deletes: bool
) -> int:
    """Return the status of a write that waits for another writer, who can delete the rule."""
    async with world.runtime.database.write() as unit:
        await unit.rows(text("SELECT 1"))
        body = {"key": "MADE_LATE", "value": "v"}
        asking = asyncio.create_task(client.post(f"/job/{world.demo.job_id}/secret", json=body))
        await until(lambda: world.runtime.database.write_admission.waiting == 1)
        if deletes:
            await claim_rules.remove(unit, rule.id)
    return (await asking).status_code


@pytest.mark.rule("S61", "S81")
async def test_a_rule_that_is_deleted_while_a_request_waits_to_write_refuses_it(
    world: World, issuer: LocalIssuer
) -> None:
    """The control is a rule that stays."""
    rule, client = await _rule(world, issuer, role=Role.EDITOR), _client(world, issuer)

    refused = await _write_behind(world, client, rule, deletes=True)
    kept = await _rule(world, issuer, role=Role.EDITOR)

    assert refused == HTTPStatus.UNAUTHORIZED
    assert await _write_behind(world, client, kept, deletes=False) == HTTPStatus.CREATED


@pytest.mark.rule("S29", "S81")
async def test_what_lasts_ends_when_the_rule_is_deleted(world: World, issuer: LocalIssuer) -> None:
    """A socket's credential is looked at again after each change of access."""
    rule, runtime = await _rule(world, issuer), world.runtime
    authentication = runtime.services.authentication

    async def look_up(unit: ReadUnit) -> Principal:
        return await authentication.user_principal(
            unit,
            issuer=issuer.url,
            subject=GITHUB["sub"],
            claims=GITHUB,
            organization_id=world.demo.organization_id,
        )

    async with runtime.database.read() as unit:
        caller = RequestPrincipal(await look_up(unit), look_up)
    monitor = CredentialMonitor(runtime.services.notifier, runtime.database, authentication.now)
    async with runtime.services.notifier.running():
        waiting = asyncio.create_task(monitor.wait_until_invalid(caller))
        await until(lambda: runtime.services.notifier._subscriptions)  # noqa: SLF001 - nothing else shows it
        await _delete(world, rule)

        async with patiently():
            await waiting

    assert waiting.done()


async def test_a_principal_lasts_until_its_first_rule_ends(
    world: World, issuer: LocalIssuer
) -> None:
    first = await _rule(world, issuer, lifetime=timedelta(days=1))
    await _rule(world, issuer, lifetime=timedelta(days=2), role=Role.EDITOR)

    async with world.runtime.database.read() as unit:
        principal = await world.runtime.services.authentication.user_principal(
            unit,
            issuer=issuer.url,
            subject=GITHUB["sub"],
            claims=GITHUB,
            organization_id=world.demo.organization_id,
        )

    assert principal.expires_at == first.expires_at
    assert principal.identity == Identity(issuer=issuer.url, subject=GITHUB["sub"], claims=GITHUB)
    assert GITHUB["job_workflow_ref"] not in repr(principal)
