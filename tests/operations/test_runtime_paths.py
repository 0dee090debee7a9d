"""What machines get from `/runtime`: a service's values as an object or a text, or one alone."""

import asyncio
import subprocess
from base64 import b64encode
from http import HTTPStatus
from typing import Any

import httpx
import pytest
import yaml
from sqlalchemy import text

from gateway.domain.drafts import HolderReference
from gateway.domain.holders import new_id
from gateway.domain.permissions import ROLES, Permission, Role
from gateway.domain.scopes import Scope
from tests.deletions.large import another, delete
from tests.operations.answers import comparable
from tests.operations.callers import Stranger, nobody
from tests.operations.delivering import delivered
from tests.operations.places import PLACES
from tests.patience import until
from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.rule("R7")]

PROJECT = PLACES["the project"]
JOB = PLACES["the job"]


async def _runtime(world: World, path: str = "", **query: str) -> httpx.Response:
    return await world.client.get(f"/runtime/{world.demo.job_id}{path}", params=query)


async def _file(world: World, key: str, content: str) -> None:
    made = await world.rest.create(
        *JOB(world), key=key, value=content, mount_path=f"/etc/{key.lower()}"
    )
    assert made.code is None


@pytest.mark.rule("R1", "R2")
async def test_all_values_are_one_object(shared_world: World) -> None:
    response = await _runtime(shared_world)

    assert response.status_code == HTTPStatus.OK
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert response.json() == await delivered(shared_world, shared_world.demo.job_id)
    assert response.json()["INVOICE_SIGNING_KEY"] == "demo-signing-key"


@pytest.mark.rule("R1")
async def test_only_the_requested_keys_are_delivered(shared_world: World) -> None:
    """A key that the service does not have is left out."""
    response = await _runtime(shared_world, keys="SMTP_PASSWORD,NO_KEY,INVOICE_SIGNING_KEY")

    assert response.json() == {
        "INVOICE_SIGNING_KEY": "demo-signing-key",
        "SMTP_PASSWORD": "demo-bulk-smtp",
    }


@pytest.mark.rule("R1")
async def test_one_value_is_a_text(shared_world: World) -> None:
    response = await _runtime(shared_world, "/SMTP_PASSWORD")

    assert response.content == b"demo-bulk-smtp"
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.rule("E1")
@pytest.mark.parametrize(
    "key", ["NO_KEY", "smtp_password", "1", "SMTP_PASSWORD%2C", "%F0%9F%94%91"]
)
async def test_a_key_that_the_service_lacks_is_not_found(shared_world: World, key: str) -> None:
    response = await _runtime(shared_world, f"/{key}")

    assert response.status_code == HTTPStatus.NOT_FOUND
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"] == "The service has no secret with this key."


@pytest.mark.rule("R2")
async def test_the_contents_of_files_are_delivered_on_request(
    shared_world: World, key: str
) -> None:
    """Each under the path of its file, which no key is."""
    await _file(shared_world, key, "-----BEGIN-----\n")
    path = f"/etc/{key.lower()}"

    without, with_files, alone, content = [
        await _runtime(shared_world, suffix, **query)
        for suffix in ("", f"/{key}")
        for query in ({}, {"include": "files"})
    ]

    assert without.json()[key] == path
    assert path not in without.json()
    assert with_files.json() == without.json() | {
        path: "-----BEGIN-----\n",
        "/etc/tls/shop.pem": "demo certificate",
    }
    assert (alone.text, content.text) == (path, "-----BEGIN-----\n")


@pytest.mark.rule("R3", "R4")
async def test_references_to_keys_that_were_not_requested_are_resolved(
    shared_world: World, key: str
) -> None:
    world = shared_world
    await world.rest.create(*PROJECT(world), key=f"{key}_HOST", value="db")
    await _file(world, f"{key}_CA", "x")
    await world.rest.create(*JOB(world), key=f"{key}_ADDRESS", value=f"{{{{{key}_HOST}}}}:5432")
    value = f"pg://{{{{{key}_ADDRESS}}}}?ca={{{{{key}_CA}}}}&{{{{NO_KEY}}}}"
    await world.rest.create(*JOB(world), key=key, value=value)

    response = await _runtime(world, f"/{key}")

    assert response.text == f"pg://db:5432?ca=/etc/{key.lower()}_ca&{{{{NO_KEY}}}}"
    assert response.text == (await _runtime(world)).json()[key]


@pytest.mark.rule("R4")
async def test_an_unresolved_reference_refuses_a_delivery_if_that_is_asked_for(
    shared_world: World, key: str
) -> None:
    """Of the key itself and of one that refers to it; not of others."""
    world = shared_world
    await world.rest.create(*JOB(world), key=key, value="{{NOWHERE}} s3cr3t")
    await world.rest.create(*JOB(world), key=f"{key}_URL", value=f"x{{{{{key}}}}}")

    answers = [
        await _runtime(world, f"/{name}", onUnresolved="FAIL")
        for name in (key, f"{key}_URL", "SMTP_PASSWORD")
    ]

    assert [answer.status_code for answer in answers] == [409, 409, 200]
    assert answers[0].json()["code"] == "REFERENCE_UNRESOLVED"
    assert f"{key} to {{{{NOWHERE}}}}" in answers[1].json()["detail"]
    assert "s3cr3t" not in answers[0].text + answers[1].text


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ({"format": "toml"}, "`format` must be one of json, dotenv, shell, docker, k8s."),
        ({"include": "all"}, "`include` must be one of files."),
        ({"onUnresolved": "fail"}, "`onUnresolved` must be one of KEEP, FAIL."),
        ({"keys": "A,"}, "A key must begin with a letter"),
        ({"keys": ",".join(f"K{n}" for n in range(101))}, "A delivery must name at most 100 keys."),
        ({"format": "shell", "include": "files"}, "cannot hold the contents of files"),
    ],
)
async def test_a_query_that_cannot_be_read_is_refused(
    shared_world: World, query: dict[str, str], detail: str
) -> None:
    response = await _runtime(shared_world, **query)

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert detail in response.json()["detail"]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("", "key=SMTP_PASSWORD"),
        ("", "Keys=SMTP_PASSWORD"),
        ("", "keys[]=SMTP_PASSWORD"),
        ("", "keys=SMTP_PASSWORD&keys=TLS_CERTIFICATE"),
        ("", "format=json&format=shell"),
        ("/SMTP_PASSWORD", "format=json"),
    ],
)
async def test_a_parameter_that_is_unknown_or_repeated_delivers_nothing(
    shared_world: World, path: str, query: str
) -> None:
    """A slip of the pen must not deliver more than was meant."""
    at = f"/runtime/{shared_world.demo.job_id}{path}"

    response = await shared_world.client.get(f"{at}?{query}")

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert "A query parameter is unknown or repeated." in response.json()["detail"]
    assert (await shared_world.client.get(at)).status_code == HTTPStatus.OK


@pytest.mark.parametrize("tag", ["*", '"a1b2"'])
async def test_a_key_that_the_service_lacks_is_never_unchanged(
    shared_world: World, tag: str
) -> None:
    at = f"/runtime/{shared_world.demo.job_id}/NO_KEY"

    response = await shared_world.client.get(at, headers={"If-None-Match": tag})

    assert response.status_code == HTTPStatus.NOT_FOUND


async def _recorded(world: World) -> int:
    events = await world.graphql.ask(
        "{ auditEvents(filter: {actions: [VALUES_DELIVERED]}) { totalCount } }", {}
    )
    return int(events["auditEvents"]["totalCount"])


@pytest.mark.parametrize(("path", "status"), [("", 200), ("/SMTP_PASSWORD", 200), ("/NO_KEY", 404)])
async def test_head_delivers_nothing_and_records_nothing(
    shared_world: World, path: str, status: int
) -> None:
    at = f"/runtime/{shared_world.demo.job_id}{path}"
    before = await _recorded(shared_world)

    head = await shared_world.client.head(at)

    assert (head.status_code, head.content) == (status, b"")
    assert await _recorded(shared_world) == before
    # The control, which has the same tag.
    assert (await shared_world.client.get(at)).headers.get("etag") == head.headers.get("etag")
    assert await _recorded(shared_world) == before + (status == HTTPStatus.OK)


async def test_a_service_that_is_deleted_during_a_delivery_is_not_found(
    shared_world: World,
) -> None:
    """With a token for it alone: the deletion takes its grant away as well."""
    world = shared_world
    job_id = await another(
        world, Scope.JOB, HolderReference(Scope.ENVIRONMENT, world.demo.environment_id)
    )
    job = HolderReference(Scope.JOB, job_id)
    database, client = world.runtime.database, await world.client_with(Role.RUNTIME, on=job)
    delivered = await client.get(f"/runtime/{job_id}")
    async with asyncio.TaskGroup() as tasks, database.write(dry_run=True) as unit:
        await unit.rows(text("SELECT 1"))
        deletion = tasks.create_task(delete(world, Scope.JOB, job_id))
        await until(lambda: database.write_admission.waiting == 1)
        refused = tasks.create_task(client.get(f"/runtime/{job_id}"))
        await until(lambda: database.write_admission.waiting == 2)

    assert (await deletion)["deletedHolderIds"] == [job_id]
    assert (delivered.status_code, refused.result().status_code) == (200, 404)


VALUE = "two\nlines of 'quotes' \"and\" $MONEY \\ `x`"


async def test_a_shell_reads_the_text_for_it(shared_world: World, key: str) -> None:
    await shared_world.rest.create(*JOB(shared_world), key=key, value=VALUE)

    response = await _runtime(shared_world, format="shell", keys=key)
    read = await asyncio.to_thread(
        subprocess.run,
        ["/bin/sh", "-c", f'{response.text}\nprintf %s "${key}"'],
        capture_output=True,
        check=True,
        text=True,
    )

    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert read.stdout == VALUE


async def test_a_dotenv_text_marks_the_paths_of_files(shared_world: World, key: str) -> None:
    """As an export of the command line does, so that an import leaves them alone."""
    await _file(shared_world, key, "content")

    response = await _runtime(shared_world, format="dotenv", keys=key)

    path = f"/etc/{key.lower()}"
    assert response.text == (
        f"{key}='{path}'\n# mount path of a file, which an import leaves alone: {key} \"{path}\"\n"
    )


async def test_a_value_that_a_format_cannot_hold_is_named(shared_world: World, key: str) -> None:
    await shared_world.rest.create(*JOB(shared_world), key=key, value=VALUE)

    before = await _recorded(shared_world)
    response = await _runtime(shared_world, format="docker", keys=f"SMTP_PASSWORD,{key}")
    refused = await _recorded(shared_world)
    control = await _runtime(shared_world, format="docker", keys="SMTP_PASSWORD")

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert response.json()["detail"].endswith(f"cannot hold a value with a line end: {key}.")
    assert control.text == "SMTP_PASSWORD=demo-bulk-smtp\n"
    # Nothing was delivered before the control.
    assert (refused, await _recorded(shared_world)) == (before, before + 1)


@pytest.mark.parametrize("form", ["DOCKER", "K8S"])
async def test_a_format_is_checked_on_graphql_too(shared_world: World, form: str) -> None:
    world, key, name = shared_world, f"FIT_{form}", "服" * len(form)
    job_id = await another(
        world, Scope.JOB, HolderReference(Scope.ENVIRONMENT, world.demo.environment_id)
    )
    await world.rest.create(Scope.JOB, job_id, key=key, value=VALUE)
    rename = """mutation ($id: ID!, $name: String!) {
        renameHolder(holder: {jobId: $id}, name: $name) { errors { code } } }"""
    renamed = await world.graphql.ask(rename, {"id": job_id, "name": name})
    document = """query ($id: ID!, $keys: [String!], $format: DeliveryFormat) {
        delivery(serviceId: $id, keys: $keys, format: $format) { secrets { key } } }"""
    before = await _recorded(world)

    def body(chosen: str | None) -> dict[str, Any]:
        variables = {"id": job_id, "keys": [key], "format": chosen}
        return {"query": document, "variables": variables}

    refused = await world.client.post("/graphql", json=body(form))
    unchanged = await _recorded(world)
    delivered = await world.client.post("/graphql", json=body("DOTENV"))

    assert renamed["renameHolder"]["errors"] == []
    assert refused.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert delivered.json()["data"]["delivery"]["secrets"] == [{"key": key}]
    assert (unchanged, await _recorded(world)) == (before, before + 1)


async def test_a_head_has_the_status_of_a_format_that_does_not_fit(
    shared_world: World, key: str
) -> None:
    await shared_world.rest.create(*JOB(shared_world), key=key, value=VALUE)
    at = f"/runtime/{shared_world.demo.job_id}"
    query = {"format": "docker", "keys": key}

    head = await shared_world.client.head(at, params=query)

    assert (head.status_code, head.content) == (HTTPStatus.BAD_REQUEST, b"")


async def test_another_tag_than_the_expected_one_delivers_nothing(shared_world: World) -> None:
    at = f"/runtime/{shared_world.demo.job_id}"
    tag = (await shared_world.client.get(at)).headers["etag"]
    before = await _recorded(shared_world)

    refused = await shared_world.client.get(at, headers={"If-Match": '"other"'})
    unchanged = await _recorded(shared_world)
    delivered = await shared_world.client.get(at, headers={"If-Match": tag})

    assert (refused.status_code, delivered.status_code) == (412, 200)
    assert (unchanged, await _recorded(shared_world)) == (before, before + 1)


async def test_the_manifests_of_kubernetes_have_the_values(shared_world: World, key: str) -> None:
    await _file(shared_world, key, "content")
    keys = f"SMTP_PASSWORD,{key}"

    response = await _runtime(shared_world, format="k8s", keys=keys)
    with_files = await _runtime(shared_world, format="k8s", keys=keys, include="files")

    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    (variables,) = yaml.safe_load_all(response.text)
    assert variables["metadata"]["name"] == "nightly-invoices"
    assert variables["data"]["SMTP_PASSWORD"] == b64encode(b"demo-bulk-smtp").decode()
    first, files = yaml.safe_load_all(with_files.text)
    assert first == variables
    assert files["metadata"]["name"] == "nightly-invoices-files"
    assert files["data"] == {key: "Y29udGVudA=="}


@pytest.mark.rule("E2")
@pytest.mark.parametrize("path", ["", "/SMTP_PASSWORD"])
@pytest.mark.parametrize("role", Role)
async def test_only_one_who_may_have_values_gets_them(
    shared_world: World, role: Role, path: str
) -> None:
    client = await shared_world.client_with(role)

    response = await client.get(f"/runtime/{shared_world.demo.job_id}{path}")

    may = Permission.SECRET_DELIVER in ROLES[role]
    assert response.status_code == (HTTPStatus.OK if may else HTTPStatus.FORBIDDEN)
    assert ("demo-" in response.text) is may


@pytest.mark.rule("E2", "S1")
@pytest.mark.parametrize("path", ["", "/SMTP_PASSWORD"])
async def test_nobody_gets_values_without_a_credential(shared_world: World, path: str) -> None:
    async with nobody(shared_world) as client:
        response = await client.get(f"/runtime/{shared_world.demo.job_id}{path}")

    assert response.status_code == HTTPStatus.UNAUTHORIZED


@pytest.mark.rule("E2")
@pytest.mark.parametrize("path", ["", "/SMTP_PASSWORD"])
@pytest.mark.parametrize("role", [Role.EDITOR, Role.RUNTIME])
async def test_a_service_of_others_is_as_one_that_does_not_exist(
    shared_world: World, shared_stranger: Stranger, role: Role, path: str
) -> None:
    client = await shared_world.client_with(role)

    theirs = comparable(await client.get(f"/runtime/{shared_stranger.job_id}{path}"))

    assert theirs == comparable(await client.get(f"/runtime/{new_id()}{path}"))
    assert theirs[0] == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize(
    "id_of",
    [lambda _: "no-uuid", lambda world: world.demo.project_id],
    ids=["malformed", "a project"],
)
async def test_what_is_no_service_is_not_found(shared_world: World, id_of: Any) -> None:
    response = await shared_world.client.get(f"/runtime/{id_of(shared_world)}")

    assert response.status_code == HTTPStatus.NOT_FOUND


async def test_another_organization_gets_its_own_values(shared_stranger: Stranger) -> None:
    """The control of the refusals above."""
    response = await shared_stranger.client.get(f"/runtime/{shared_stranger.job_id}")

    assert response.json() == {"THEIRS": "theirs"}
