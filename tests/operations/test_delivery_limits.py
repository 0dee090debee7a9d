"""What would make a delivery too large is refused when it is written."""

from http import HTTPStatus

import pytest
import pytest_asyncio

from gateway.domain import delivery_sizes, interpolation
from gateway.domain.drafts import HolderReference
from gateway.domain.errors import ErrorCode
from gateway.domain.holders import new_id
from gateway.domain.principals import Principal
from gateway.domain.scopes import Scope
from tests.faces import Face, Outcome
from tests.operations.delivering import delivered
from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.rule("R5")]

Place = tuple[Scope, str]
REFUSED = (HTTPStatus.CONFLICT, ErrorCode.DELIVERY_LIMIT_EXCEEDED)
CREATE = """mutation ($holder: SecretHolderRef!, $input: SecretInput!) {
    createSecret(holder: $holder, input: $input) {
        errors { code message path ... on DeliveryLimitError { holderId } } } }"""
IMPORT = """mutation (
    $holder: SecretHolderRef!, $secrets: [ImportSecretInput!]!, $key: String) {
    importSecrets(holder: $holder, secrets: $secrets, overwrite: true, idempotencyKey: $key) {
        rows { action } errors { code path ... on DeliveryLimitError { holderId } } } }"""


@pytest_asyncio.fixture(loop_scope="module")
async def chain(shared_world: World) -> dict[str, Place]:
    """A project without secrets, an environment, and two jobs in it."""
    principal = Principal.operator(shared_world.demo.organization_id)
    services = shared_world.runtime.services.for_principal(principal)
    create = services.administration.create_holder
    made: dict[str, Place] = {}
    above: HolderReference | None = None
    for name, kind in (("project", Scope.PROJECT), ("environment", Scope.ENVIRONMENT)):
        holder = await create(kind=kind, name=f"{name} {new_id()}", parent=above)
        above = HolderReference(kind, holder.id)
        made[name] = (kind, holder.id)
    for name in ("job", "other job"):
        job = await create(kind=Scope.JOB, name=name, parent=above)
        made[name] = (Scope.JOB, job.id)
    return made


@pytest.fixture
def few_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """A delivery has at most three keys."""
    monkeypatch.setattr(delivery_sizes, "MAX_KEYS", 3)


@pytest.fixture
def few_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A delivery has at most a hundred bytes."""
    monkeypatch.setattr(delivery_sizes, "MAX_BYTES", 100)


def _is(outcome: Outcome) -> tuple[HTTPStatus, ErrorCode | None]:
    return outcome.status, outcome.code


async def test_the_limits_are_those_of_deliveries() -> None:
    limits = (delivery_sizes.MAX_KEYS, delivery_sizes.MAX_BYTES)

    assert limits == (interpolation.MAX_DELIVERED_KEYS, interpolation.MAX_DELIVERED_BYTES)


@pytest.mark.usefixtures("few_keys")
@pytest.mark.parametrize("at", ["project", "environment", "job"])
async def test_one_key_too_many_is_refused(
    shared_world: World, shared_face: Face, chain: dict[str, Place], at: str
) -> None:
    """Whether created or an alias, wherever in the chain; one less makes room again."""
    wide = await shared_face.create(*chain["project"], key="WIDE")
    await shared_face.create(*chain["environment"], key="MIDDLE")
    narrow = await shared_face.create(*chain["job"], key="NARROW")

    refused = await shared_face.create(*chain[at], key="MORE")
    alias = await shared_face.alias(*chain[at], wide.row["id"], key="ALIAS")
    override = await shared_face.override(*chain["job"], wide.row["id"], value="")
    elsewhere = await shared_face.create(*chain["other job"], key="NARROW")
    for place, secret in (("job", narrow), ("other job", elsewhere)):
        await shared_face.delete(*chain[place], secret.row["id"])
    made = await shared_face.create(*chain[at], key="MORE")

    assert (_is(refused), _is(alias)) == (REFUSED, REFUSED)
    assert "exist" not in f"{refused.detail}"
    assert (override.code, elsewhere.code, made.code) == (None, None, None)
    assert len(await delivered(shared_world, chain["job"][1])) == 3


@pytest.mark.usefixtures("few_bytes")
async def test_too_many_bytes_are_refused(
    shared_world: World, shared_face: Face, chain: dict[str, Place]
) -> None:
    """Of a new secret, a longer value, an alias or an override; a shorter value is allowed."""
    wide = await shared_face.create(*chain["environment"], key="WIDE", value="x" * 60)
    job = chain["job"]

    too_long = await shared_face.create(*job, key="OWN", value="x" * 41)
    own = await shared_face.create(*job, key="OWN", value="x" * 40)
    longer = await shared_face.edit(*job, own.row["id"], key="OWN", value="x" * 41)
    above = await shared_face.edit(
        *chain["environment"], wide.row["id"], key="WIDE", value="é" * 31
    )
    alias = await shared_face.alias(*job, wide.row["id"], key="ALIAS")
    shorter = await shared_face.edit(*job, own.row["id"], key="OWN", value="x" * 39)
    wider = await shared_face.override(*job, wide.row["id"], value="x" * 62)
    override = await shared_face.override(*job, wide.row["id"], value="x" * 61)

    refused = [_is(item) for item in (too_long, longer, above, alias, wider)]
    assert refused == [REFUSED] * 5
    assert (own.code, shorter.code, override.code) == (None, None, None)
    assert await delivered(shared_world, job[1]) == {"OWN": "x" * 39, "WIDE": "x" * 61}


@pytest.mark.usefixtures("few_bytes")
async def test_a_target_cannot_grow_in_aliases_either(
    shared_face: Face, chain: dict[str, Place]
) -> None:
    """The other job has one alias and more room."""
    wide = await shared_face.create(*chain["project"], key="WIDE", value="x" * 20)
    for key in ("A", "B", "C"):
        await shared_face.alias(*chain["job"], wide.row["id"], key=key)

    longer = await shared_face.edit(*chain["project"], wide.row["id"], key="WIDE", value="x" * 26)
    edited = await shared_face.edit(*chain["project"], wide.row["id"], key="WIDE", value="x" * 25)

    assert (_is(longer), edited.code) == (REFUSED, None)


async def test_what_is_beyond_the_limits_already_can_shrink(
    shared_face: Face, chain: dict[str, Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As services can be that are there from before the limits."""
    job = chain["job"]
    made = [await shared_face.create(*job, key=key, value="x" * 60) for key in "ABCD"]
    monkeypatch.setattr(delivery_sizes, "MAX_KEYS", 3)
    monkeypatch.setattr(delivery_sizes, "MAX_BYTES", 100)
    first, last = made[0].row["id"], made[-1].row["id"]

    longer = await shared_face.edit(*job, first, key="A", value="x" * 61)
    shorter = await shared_face.edit(*job, first, key="A", value="x" * 59)
    described = await shared_face.edit(*job, first, key="RENAMED", description="as before")
    gone = await shared_face.delete(*job, last)

    assert _is(longer) == REFUSED
    assert (shorter.code, described.code, gone.code) == (None, None, None)


@pytest.mark.usefixtures("few_keys")
async def test_the_typed_error_has_the_service(
    shared_world: World, chain: dict[str, Place]
) -> None:
    for key in ("A", "B", "C"):
        await shared_world.rest.create(*chain["job"], key=key)
    variables = {"holder": {"projectId": chain["project"][1]}, "input": {"key": "D", "value": ""}}

    payload = (await shared_world.graphql.ask(CREATE, variables))["createSecret"]

    (error,) = payload["errors"]
    assert error["holderId"] == chain["job"][1]
    assert error["code"] == ErrorCode.DELIVERY_LIMIT_EXCEEDED
    assert error["path"] == ["input", "key"]
    assert "more than 3 keys" in error["message"]


@pytest.mark.rule("V4")
async def test_rows_of_an_import_fail_alone(
    shared_world: World, chain: dict[str, Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows are counted with those before them."""
    scope, job_id = chain["job"]
    await shared_world.rest.create(scope, job_id, key="LONG", value="x" * 50)
    monkeypatch.setattr(delivery_sizes, "MAX_KEYS", 3)
    monkeypatch.setattr(delivery_sizes, "MAX_BYTES", 100)
    sizes = [("A", 20), ("LONG", 81), ("B", 31), ("B", 30), ("C", 0), ("LONG", 40), ("A", 31)]
    secrets = [{"key": key, "value": "x" * size} for key, size in sizes]
    variables = {"holder": {scope.id_argument: job_id}, "secrets": secrets, "key": new_id()}

    payload = (await shared_world.graphql.ask(IMPORT, variables))["importSecrets"]
    repeated = (await shared_world.graphql.ask(IMPORT, variables))["importSecrets"]

    actions = [row["action"] for row in payload["rows"]]
    done = ["CREATED", "FAILED", "FAILED", "CREATED", "FAILED", "UPDATED", "FAILED"]
    assert actions == done
    assert repeated == payload
    assert await delivered(shared_world, job_id)
    assert {error["holderId"] for error in payload["errors"]} == {job_id}
    assert {error["code"] for error in payload["errors"]} == {"DELIVERY_LIMIT_EXCEEDED"}
