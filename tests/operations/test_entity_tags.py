"""Entity tags and preconditions on REST (RFC 9110 section 13)."""

from http import HTTPStatus
from typing import Any, Final

import httpx
import pytest
import pytest_asyncio

from gateway.domain.drafts import HolderReference
from gateway.domain.permissions import Role
from gateway.domain.principals import Principal
from gateway.domain.scopes import Scope
from tests.operations.places import PLACES
from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.rule("H1")]

JOB, PROJECT = PLACES["the job"], PLACES["the project"]
OTHER: Final = '"0123456789abcdef0123456789abcdef"'
FAILED: Final = (HTTPStatus.PRECONDITION_FAILED, "VERSION_CONFLICT")


class Made:
    """A secret of a job, its paths, and the tag that its creation answered."""

    def __init__(self, world: World, job_id: str, response: httpx.Response) -> None:
        self.client = world.client
        self.key = response.json()["key"]
        self.tag = response.headers["ETag"]
        self.list = f"/job/{job_id}/secret"
        self.path = f"{self.list}/{response.json()['id']}"
        self.single = f"/variable/{response.json()['id']}"

    async def put(self, value: str = "new", **headers: str) -> httpx.Response:
        """Change the value."""
        body = {"key": self.key, "value": value}
        return await self.client.put(self.path, json=body, headers=_headers(headers))

    async def delete(self, **headers: str) -> httpx.Response:
        """Delete it."""
        return await self.client.delete(self.path, headers=_headers(headers))

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """Read."""
        return await self.client.get(path, headers=_headers(headers))


def _headers(named: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): text for name, text in named.items()}


def _refusal(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


@pytest_asyncio.fixture(loop_scope="module")
async def made(shared_world: World, fresh_job: str, key: str) -> Made:
    """A secret of a job of its own."""
    path = f"/job/{fresh_job}/secret"
    response = await shared_world.client.post(path, json={"key": key, "value": "old"})
    return Made(shared_world, fresh_job, response)


async def _stored(world: World, made: Made) -> str:
    return await world.stored_value(made.path.rsplit("/", 1)[-1])


async def test_creation_edit_and_single_read_answer_the_same_kind_of_tag(made: Made) -> None:
    edited = await made.put()
    read = await made.get(made.single)

    assert edited.headers["ETag"] == read.headers["ETag"] != made.tag
    assert (made.tag[0], made.tag[-1], len(made.tag)) == ('"', '"', 34)
    assert read.headers["Cache-Control"] == "private, no-cache"
    assert edited.headers["Cache-Control"] == "no-store"
    assert {**read.json(), "updated_at": ""}.items() >= {"key": made.key, "value": None}.items()


async def test_graphql_has_the_same_tag(shared_world: World, made: Made) -> None:
    secret_id = made.path.rsplit("/", 1)[-1]

    data = await shared_world.graphql.ask(
        "query ($id: ID!) { secret(id: $id) { etag } }", {"id": secret_id}
    )

    assert data["secret"]["etag"] == made.tag


@pytest.mark.parametrize(
    "form", ["{}", "*", " * ", f"{OTHER}, {{}}", "{} , ,", 'W/"weak",{}'], ids=str
)
async def test_a_matching_tag_lets_a_change_through(
    shared_world: World, made: Made, form: str
) -> None:
    changed = await made.put(If_Match=form.format(made.tag))

    assert changed.status_code == HTTPStatus.OK
    assert await _stored(shared_world, made) == "new"
    assert (await made.delete(If_Match="*")).status_code == HTTPStatus.NO_CONTENT


async def _weak(made: Made) -> str:
    return f"W/{made.tag}"


async def _of_the_list(made: Made) -> str:
    return (await made.get(made.list)).headers["ETag"]


async def _outdated(made: Made) -> str:
    await made.put("old")
    return made.tag


async def _unquoted_in_another_tag(made: Made) -> str:
    return f'"prefix-{made.tag[1:]}'


@pytest.mark.parametrize("other", [_weak, _of_the_list, _outdated, _unquoted_in_another_tag])
async def test_any_other_tag_is_412_and_changes_nothing(
    shared_world: World, made: Made, other: Any
) -> None:
    tag = await other(made)

    refused = [await made.put(If_Match=tag), await made.delete(If_Match=tag)]

    assert [_refusal(each) for each in refused] == [FAILED, FAILED]
    assert await _stored(shared_world, made) == "old"


@pytest.mark.parametrize(
    "malformed", ["", "abc", '"abc', 'abc"', '"a" "b"', '"a b"', '*, "a"', "W/", ",", 'w/"a"', "**"]
)
async def test_what_is_no_list_of_tags_is_400_and_changes_nothing(
    shared_world: World, made: Made, malformed: str
) -> None:
    refused = [
        await made.put(If_Match=malformed),
        await made.delete(If_Match=malformed),
        await made.get(made.list, If_None_Match=malformed),
        await made.get(made.single, If_None_Match=malformed),
    ]

    assert [_refusal(each) for each in refused] == [(HTTPStatus.BAD_REQUEST, "BAD_USER_INPUT")] * 4
    assert await _stored(shared_world, made) == "old"


@pytest.mark.parametrize(
    ("method", "name"),
    [("PUT", "If-None-Match"), ("DELETE", "If-None-Match"), ("POST", "If-Match")],
)
async def test_a_precondition_that_an_operation_does_not_take_is_400(
    shared_world: World, made: Made, method: str, name: str
) -> None:
    """It would be ignored otherwise."""
    path = made.list if method == "POST" else made.path
    body = None if method == "DELETE" else {"key": f"{made.key}_2", "value": "new"}

    refused = await made.client.request(method, path, json=body, headers={name: "*"})

    assert _refusal(refused) == (HTTPStatus.BAD_REQUEST, "BAD_USER_INPUT")
    assert name in refused.json()["detail"]
    assert await _stored(shared_world, made) == "old"


async def test_a_row_that_is_not_there_is_404_whatever_is_expected(made: Made) -> None:
    await made.delete()

    answers = [await made.put(If_Match="*"), await made.delete(If_Match=made.tag)]

    assert [each.status_code for each in answers] == [HTTPStatus.NOT_FOUND] * 2


async def test_what_has_not_changed_is_304_without_a_body(made: Made) -> None:
    for path in (made.list, made.single):
        first = await made.get(path)

        again = await made.get(path, If_None_Match=f"W/{first.headers['ETag']}")

        assert (again.status_code, again.content) == (HTTPStatus.NOT_MODIFIED, b"")
        assert again.headers["ETag"] == first.headers["ETag"]
        assert again.headers["Cache-Control"] == "private, no-cache"


async def test_what_has_changed_is_sent_again(made: Made) -> None:
    """The control of the test above."""
    paths = (made.list, made.single)
    tags = [(await made.get(path)).headers["ETag"] for path in paths]
    await made.put()

    again = [await made.get(item, If_None_Match=tag) for item, tag in zip(paths, tags, strict=True)]

    assert [each.status_code for each in again] == [HTTPStatus.OK] * 2
    assert made.key in again[0].text


async def test_a_reading_whose_tag_is_another_is_412(made: Made) -> None:
    answers = [await made.get(path, If_Match=OTHER) for path in (made.list, made.single)]

    assert [_refusal(each) for each in answers] == [FAILED] * 2
    assert (await made.get(made.list, If_Match="*")).status_code == HTTPStatus.OK


async def test_the_tag_of_an_alias_changes_with_its_target(made: Made, key: str) -> None:
    secret_id = made.path.rsplit("/", 1)[-1]
    alias = await made.client.post(f"{made.path}/alias", json={"key": f"{key}_ALIAS"})
    path = f"/variable/{alias.json()['id']}"
    before = (await made.get(path)).headers["ETag"]
    await made.put()

    body = {"key": f"{key}_ALIAS", "description": "Late"}
    refused = await made.client.put(path, json=body, headers={"If-Match": before})

    assert alias.headers["ETag"] == before
    assert _refusal(refused) == FAILED
    assert (await made.get(path)).json()["aliased_variable"]["id"] == secret_id


async def test_a_version_that_is_given_again_has_another_tag(
    shared_world: World, made: Made
) -> None:
    """As after a restored backup: what was read of a state that is gone does not match."""
    secret_id = made.path.rsplit("/", 1)[-1]
    edit = """mutation ($id: ID!, $key: String!) {
        editSecret(secretId: $id, input: {key: $key, description: "Gone"}, dryRun: true) {
            secret { etag version } } }"""
    gone = (await shared_world.graphql.ask(edit, {"id": secret_id, "key": made.key}))["editSecret"]
    edited = (await made.put()).headers["ETag"]
    version = "query ($id: ID!) { secret(id: $id) { etag version } }"

    now = (await shared_world.graphql.ask(version, {"id": secret_id}))["secret"]
    refused = await made.put("lost", If_Match=gone["secret"]["etag"])
    read = await made.get(made.single, If_None_Match=gone["secret"]["etag"])

    assert now == {"etag": edited, "version": gone["secret"]["version"]}
    assert _refusal(refused) == FAILED
    assert read.status_code == HTTPStatus.OK
    assert (await made.put(If_Match=edited)).status_code == HTTPStatus.OK


async def test_the_tag_does_not_show_a_change_of_a_target_not_visible(
    shared_world: World, fresh_job: str, key: str
) -> None:
    """Who sees only the job cannot watch the project's secret by the alias; who sees both can."""
    target = await shared_world.rest.create(*PROJECT(shared_world), key=key)
    alias = await shared_world.rest.alias(Scope.JOB, fresh_job, target.row["id"], key=f"{key}_A")
    narrow = await shared_world.client_with(Role.VIEWER, on=HolderReference(Scope.JOB, fresh_job))
    path = f"/variable/{alias.row['id']}"
    clients = (narrow, shared_world.client)
    before = [(await client.get(path)).headers["ETag"] for client in clients]

    await shared_world.rest.edit(*PROJECT(shared_world), target.row["id"], key=key, value="new")

    after = [(await client.get(path)).headers["ETag"] for client in clients]
    assert [one == other for one, other in zip(before, after, strict=True)] == [True, False]


async def test_a_renamed_service_is_another_representation(
    shared_world: World, fresh_job: str, made: Made
) -> None:
    """The row has the service's name."""
    demo = shared_world.demo
    await shared_world.runtime.services.for_principal(
        Principal.operator(demo.organization_id)
    ).administration.rename_holder(
        holder_reference=HolderReference(Scope.JOB, fresh_job), name=f"renamed {fresh_job}"
    )

    again = await made.get(made.single, If_None_Match=made.tag)

    assert again.status_code == HTTPStatus.OK


async def test_a_single_secret_not_visible_is_404(shared_world: World, made: Made) -> None:
    other = HolderReference(Scope.JOB, shared_world.demo.job_id)
    narrow = await shared_world.client_with(Role.VIEWER, on=other)

    answers = [await narrow.get(path) for path in (made.single, f"/variable/{other.id}")]

    assert [each.status_code for each in answers] == [HTTPStatus.NOT_FOUND] * 2
