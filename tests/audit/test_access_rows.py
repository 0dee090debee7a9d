"""Old rows of tokens, grants and users that are put back are refused when they are used."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from gateway.domain.drafts import HolderReference
from gateway.domain.grants import GranteeKind, GranteeReference
from gateway.domain.permissions import Role
from gateway.domain.principals import Principal
from gateway.domain.scopes import Scope
from gateway.services.audit.trust import AccessSet, SetProof, TrustFault, refresh
from gateway.services.demo import Demo
from tests.audit.audit_log import by_force, events_of, row_faults, run_by_force, trust_fault_of
from tests.world import World, open_world

ISSUER: Final = "https://issuer.test"
SUBJECT: Final = "somebody"
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kept:
    """Rows as an attacker has copied them, with what is recorded of them."""

    table: str
    rows: Sequence[Row]
    states: Sequence[Row]


def _copied(data_dir: Path, table: str, where: str, value: str) -> Kept:
    with closing(sqlite3.connect(data_dir / "secrets.db")) as connection:
        connection.row_factory = sqlite3.Row
        found = connection.execute(f"SELECT * FROM {table} WHERE {where} = ?", (value,))
        rows = [dict(row) for row in found]
        states = [
            dict(row)
            for each in rows
            for row in connection.execute(
                "SELECT * FROM row_record WHERE table_name = ? AND row_id = ?", (table, each["id"])
            )
        ]
    assert rows
    assert states
    return Kept(table, rows, states)


def _put_back(data_dir: Path, kept: Kept, *, with_states: bool) -> None:
    with by_force(data_dir) as connection:
        for table, rows in ((kept.table, kept.rows), ("row_record", kept.states)):
            if table == kept.table or with_states:
                for row in rows:
                    names = ", ".join(row)
                    marks = ", ".join(f":{name}" for name in row)
                    connection.execute(
                        f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({marks})",
                        row,
                    )


@dataclass(frozen=True, slots=True)
class Attack:
    """A caller who had access until it was taken away, and the rows that gave it."""

    client: httpx.AsyncClient
    kept: Kept
    answer: HTTPStatus


async def _token_id(world: World, name: str) -> str:
    found = await world.runtime.operator.tokens.of_organization(world.demo.organization_id)
    (token_id,) = [token.id for token, _ in found if token.name == name]
    return token_id


async def _revoked_token(world: World, data_dir: Path) -> Attack:
    client = await world.client_with(Role.VIEWER)
    token_id = await _token_id(world, f"a {Role.VIEWER}")
    kept = _copied(data_dir, "api_token", "id", token_id)
    await world.runtime.operator.tokens.revoke(token_id)
    return Attack(client, kept, HTTPStatus.UNAUTHORIZED)


async def _removed_grant(world: World, data_dir: Path) -> Attack:
    at = HolderReference(Scope.ENVIRONMENT, world.demo.environment_id)
    client = await world.client_with(Role.VIEWER, on=at)
    token_id = await _token_id(world, f"a {Role.VIEWER}")
    kept = _copied(data_dir, "role_grant", "token_id", token_id)
    operator = Principal.operator(world.demo.organization_id)
    await world.runtime.services.for_principal(operator).grants.revoke(grant_id=kept.rows[0]["id"])
    return Attack(client, kept, HTTPStatus.FORBIDDEN)


MakeAttack = Callable[[World, Path], Awaitable[Attack]]
ATTACKS: Final[Mapping[str, MakeAttack]] = {
    "a revoked token": _revoked_token,
    "a removed grant": _removed_grant,
}


@pytest.fixture(params=list(ATTACKS))
async def attack(request: pytest.FixtureRequest, world: World, data_dir: Path) -> Attack:
    """Each of the attacks in turn, before anything is put back."""
    made = await ATTACKS[request.param](world, data_dir)
    before = await made.client.get(f"/job/{world.demo.job_id}/secret")
    assert before.status_code == made.answer
    return made


@pytest.mark.rule("S64")
@pytest.mark.parametrize("with_states", [False, True], ids=["the row", "the row and its state"])
async def test_an_old_row_put_back_is_refused_at_use(
    world: World, data_dir: Path, attack: Attack, *, with_states: bool
) -> None:
    """With its own MAC, and with what was recorded of it."""
    _put_back(data_dir, attack.kept, with_states=with_states)

    refused = await attack.client.get(f"/job/{world.demo.job_id}/secret")
    others = await world.client.get(f"/job/{world.demo.job_id}/secret")

    assert refused.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert others.status_code == HTTPStatus.OK
    assert trust_fault_of(world) is (TrustFault.ACCESS_DIFFERS if with_states else None)


@pytest.mark.parametrize("with_states", [False, True], ids=["the row", "the row and its state"])
async def test_an_old_row_put_back_gives_the_access_back_without_the_check(
    world: World,
    data_dir: Path,
    attack: Attack,
    monkeypatch: pytest.MonkeyPatch,
    *,
    with_states: bool,
) -> None:
    """The control of the test above: each row has the MAC that the gateway gave it."""
    monkeypatch.setattr(SetProof, "ensure_current", lambda *_: None)
    _put_back(data_dir, attack.kept, with_states=with_states)

    answer = await attack.client.get(f"/job/{world.demo.job_id}/secret")

    assert answer.status_code == HTTPStatus.OK


@pytest.mark.rule("S64")
@pytest.mark.parametrize("with_states", [False, True], ids=["the row", "the row and its state"])
async def test_a_row_put_back_while_the_server_is_down_is_refused(
    world: World, data_dir: Path, template: tuple[Path, Demo], attack: Attack, *, with_states: bool
) -> None:
    """A process that has just started has proven nothing before."""
    _put_back(data_dir, attack.kept, with_states=with_states)

    async with open_world(data_dir, template[1]) as started:
        client = started.client_for(attack.client.headers["Authorization"].split()[1])
        refused = await client.get(f"/job/{world.demo.job_id}/secret")
        others = await started.client.get(f"/job/{world.demo.job_id}/secret")

    # Where the sum does not prove what is recorded, nothing is: until the operator has looked.
    expected = HTTPStatus.SERVICE_UNAVAILABLE if with_states else HTTPStatus.OK
    assert refused.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert others.status_code == expected
    assert trust_fault_of(started) is (TrustFault.ACCESS_DIFFERS if with_states else None)


@pytest.mark.rule("S64")
async def test_nothing_is_written_while_access_rows_cannot_be_proven(
    world: World, data_dir: Path, attack: Attack
) -> None:
    """Or the sum would be made over what was put back."""
    _put_back(data_dir, attack.kept, with_states=True)
    await attack.client.get(f"/job/{world.demo.job_id}/secret")

    refused = await world.rest.create(Scope.JOB, world.demo.job_id, key="KEY", value="v")

    assert refused.status == HTTPStatus.SERVICE_UNAVAILABLE


@pytest.mark.rule("S64")
async def test_what_was_put_back_can_be_revoked_once_more(world: World, data_dir: Path) -> None:
    """The sum moves from what was proven, and so proves what is left."""
    attack = await _revoked_token(world, data_dir)
    _put_back(data_dir, attack.kept, with_states=True)

    await world.runtime.operator.tokens.revoke(attack.kept.rows[0]["id"])
    refused = await attack.client.get(f"/job/{world.demo.job_id}/secret")

    assert refused.status_code == HTTPStatus.UNAUTHORIZED
    assert await row_faults(world) == set()
    assert (await events_of(world))[-2]["action"] == "INTEGRITY_ALARM"
    assert trust_fault_of(world) is None


@pytest.mark.rule("S64")
async def test_an_acknowledgement_takes_the_access_rows_as_they_are(
    world: World, data_dir: Path, template: tuple[Path, Demo], attack: Attack
) -> None:
    """In another process, and the one that runs goes on with its next request."""
    _put_back(data_dir, attack.kept, with_states=True)
    await attack.client.get(f"/job/{world.demo.job_id}/secret")
    async with open_world(data_dir, template[1]) as operator:
        assert await operator.runtime.operator.audit.acknowledge()

    listed = await world.client.get(f"/job/{world.demo.job_id}/secret")
    made = await world.rest.create(Scope.JOB, world.demo.job_id, key="KEY", value="v")

    assert listed.status_code == HTTPStatus.OK
    assert made.code is None
    assert trust_fault_of(world) is None


async def test_a_row_that_is_put_right_is_used_again(
    world: World, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that was refused is looked at once more, and not only after the next change."""
    monkeypatch.setattr("gateway.services.audit.database_guard._PATIENCE", 0.0)
    now = _copied(data_dir, "api_token", "id", (await _token_id(world, "demo")))
    run_by_force(data_dir, "UPDATE api_token SET revoked_at = '2020-01-01 00:00:00.000000'")
    refused = await world.client.get(f"/job/{world.demo.job_id}/secret")
    _put_back(data_dir, now, with_states=False)

    listed = await world.client.get(f"/job/{world.demo.job_id}/secret")

    assert refused.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert listed.status_code == HTTPStatus.OK


async def _signed_in(world: World) -> Principal:
    async with world.runtime.database.read() as unit:
        return await world.runtime.services.authentication.user_principal(
            unit, issuer=ISSUER, subject=SUBJECT
        )


@pytest.mark.rule("S64")
async def test_a_removed_user_that_is_put_back_is_refused(world: World, data_dir: Path) -> None:
    """With its grant, both with what was recorded of them."""
    services, operator = world.runtime.services, Principal.operator(world.demo.organization_id)
    user = await services.for_principal(operator).identities.register(
        issuer=ISSUER, subject=SUBJECT, display_name="Somebody"
    )
    grantee = GranteeReference(kind=GranteeKind.USER, id=user.id)
    await services.for_principal(operator).grants.grant(grantee=grantee, role=Role.VIEWER)
    known = await _signed_in(world)
    kept = [
        _copied(data_dir, "user_account", "id", user.id),
        _copied(data_dir, "role_grant", "user_id", user.id),
    ]
    await services.for_principal(operator).identities.remove(user_id=user.id)
    for each in kept:
        _put_back(data_dir, each, with_states=True)

    with pytest.raises(Exception, match="failed its integrity check"):
        await _signed_in(world)
    assert known.id == user.id


async def test_another_process_changes_access_and_nothing_is_refused(
    world: World, data_dir: Path, template: tuple[Path, Demo]
) -> None:
    """The control of all above: whatever is granted and taken away elsewhere holds at once."""
    async with open_world(data_dir, template[1]) as other:
        made = await other.client_with(Role.VIEWER)
        client = world.client_for(made.headers["Authorization"].split()[1])
        granted = await client.get(f"/job/{world.demo.job_id}/secret")
        await other.runtime.operator.tokens.revoke(await _token_id(other, f"a {Role.VIEWER}"))
        revoked = await client.get(f"/job/{world.demo.job_id}/secret")

    assert granted.status_code == HTTPStatus.OK
    assert revoked.status_code == HTTPStatus.UNAUTHORIZED
    assert trust_fault_of(world) is None
    assert await row_faults(world) == set()


async def test_changed_access_rows_are_read_once_for_all_requests_of_a_moment(
    world: World, data_dir: Path, template: tuple[Path, Demo], monkeypatch: pytest.MonkeyPatch
) -> None:
    """There can be thousands of them."""
    async with open_world(data_dir, template[1]) as other:
        await other.client_with(Role.VIEWER)
    reads = list[object]()

    async def counted(*them: Any) -> AccessSet:
        reads.append(them)
        return await refresh(*them)

    monkeypatch.setattr("gateway.services.audit.database_guard.refresh", counted)
    path = f"/job/{world.demo.job_id}/secret"
    listed = await asyncio.gather(*(world.client.get(path) for _ in range(8)))

    assert {answer.status_code for answer in listed} == {HTTPStatus.OK}
    assert len(reads) == 1


@pytest.mark.rule("S64")
async def test_no_sum_is_made_over_what_the_log_does_not_prove(
    world: World, data_dir: Path, template: tuple[Path, Demo], attack: Attack
) -> None:
    """Taking the sum away makes nothing of what was put back current."""
    _put_back(data_dir, attack.kept, with_states=True)
    run_by_force(data_dir, "UPDATE audit_head SET sealed_access_sum = NULL")

    async with open_world(data_dir, template[1]) as started:
        client = started.client_for(attack.client.headers["Authorization"].split()[1])
        refused = await client.get(f"/job/{world.demo.job_id}/secret")

    assert refused.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert trust_fault_of(started) is TrustFault.ACCESS_DIFFERS


DAMAGE: Final[Mapping[str, str]] = {
    "gone": "UPDATE audit_head SET sealed_access_sum = NULL",
    "changed": "UPDATE audit_head SET sealed_access_sum = zeroblob(60)",
}


@pytest.mark.rule("S64")
@pytest.mark.parametrize("statement", DAMAGE.values(), ids=DAMAGE.keys())
async def test_a_running_server_goes_on_with_what_it_has_proven(
    world: World, data_dir: Path, statement: str
) -> None:
    """The alarm is up; who had access has it, and nothing is written."""
    run_by_force(data_dir, statement)

    listed = await world.client.get(f"/job/{world.demo.job_id}/secret")
    refused = await world.rest.create(Scope.JOB, world.demo.job_id, key="KEY", value="v")

    assert listed.status_code == HTTPStatus.OK
    assert refused.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert trust_fault_of(world) is TrustFault.ACCESS_DIFFERS


@pytest.mark.rule("S64")
async def test_a_column_that_no_type_reads_refuses_its_own_row_only(
    world: World, data_dir: Path, template: tuple[Path, Demo]
) -> None:
    """At the start all rows are read."""
    await world.client_with(Role.VIEWER)
    token_id = await _token_id(world, f"a {Role.VIEWER}")
    run_by_force(data_dir, f"UPDATE api_token SET created_at = 'never' WHERE id = '{token_id}'")

    async with open_world(data_dir, template[1]) as started:
        listed = await started.client.get(f"/job/{world.demo.job_id}/secret")

    assert listed.status_code == HTTPStatus.OK
