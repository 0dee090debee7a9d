"""What a secret was: each change makes a version, and none of them has a value."""

from http import HTTPStatus

import pytest

from gateway.domain.drafts import HolderReference
from gateway.domain.permissions import Role
from gateway.domain.scopes import Scope
from tests.faces import Face, GraphQLFace
from tests.operations.callers import Stranger
from tests.operations.past import Json, deleted_at, page_of_versions, restore, versions_of
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.rule("Y1")
async def test_each_change_makes_a_version_that_says_what_it_was(
    shared_world: World, shared_face: Face, fresh_job: str, key: str
) -> None:
    at = Scope.JOB, fresh_job
    made = await shared_face.create(*at, key=key, value="one", description="first")
    secret_id = made.row["id"]
    await shared_face.edit(*at, secret_id, key=key, value="two", description="first")
    await shared_face.edit(*at, secret_id, key=f"{key}_2", description="third")

    found = await versions_of(shared_world.graphql, secret_id)

    assert [(item["version"], item["key"], item["description"]) for item in found] == [
        (3, f"{key}_2", "third"),
        (2, key, "first"),
        (1, key, "first"),
    ]
    assert [item["isNewValue"] for item in found] == [False, True, True]
    assert [item["isValueKept"] for item in found] == [True, True, True]
    assert [item["endedHow"] for item in found] == [None, "CHANGED", "CHANGED"]


@pytest.mark.rule("Y1")
async def test_a_version_begins_when_the_one_before_it_ends(
    shared_world: World, shared_face: Face, fresh_job: str, key: str
) -> None:
    at = Scope.JOB, fresh_job
    made = await shared_face.create(*at, key=key, value="")
    for number in range(3):
        await shared_face.edit(*at, made.row["id"], key=key, value=f"{number}")

    newest_first = await versions_of(shared_world.graphql, made.row["id"])

    begins = [item["at"] for item in newest_first]
    assert [item["endedAt"] for item in newest_first] == [None, *begins[:-1]]
    assert begins == sorted(set(begins), reverse=True)


@pytest.mark.rule("Y1")
async def test_a_version_says_who_made_it_and_through_which_face(
    shared_world: World, fresh_job: str, key: str
) -> None:
    at = Scope.JOB, fresh_job
    made = await shared_world.rest.create(*at, key=key, value="")
    async with await shared_world.client_with(Role.EDITOR) as editor:
        await GraphQLFace(editor).edit(*at, made.row["id"], key=key, value="2")
    await shared_world.rest.delete(*at, made.row["id"])

    found = await versions_of(shared_world.graphql, made.row["id"])
    (deleted,) = await deleted_at(shared_world.graphql, fresh_job)

    assert [(item["by"]["name"], item["face"]) for item in found] == [
        ("a editor", "GRAPHQL"),
        (deleted["deletedBy"]["name"], "REST"),
    ]


@pytest.mark.rule("Y1")
async def test_who_cannot_read_the_audit_log_sees_no_authors(
    shared_world: World, fresh_job: str, key: str
) -> None:
    made = await shared_world.rest.create(Scope.JOB, fresh_job, key=key, value="")

    async with await shared_world.client_with(Role.VIEWER) as viewer:
        (seen,) = await versions_of(GraphQLFace(viewer), made.row["id"])

    (known,) = await versions_of(shared_world.graphql, made.row["id"])
    assert (seen["by"], seen["face"]) == (None, None)
    assert known["by"] is not None


@pytest.mark.rule("Y1")
async def test_pages_of_versions_have_each_version_once(
    shared_world: World, fresh_job: str, key: str
) -> None:
    at = Scope.JOB, fresh_job
    made = await shared_world.rest.create(*at, key=key, value="")
    for number in range(4):
        await shared_world.rest.edit(*at, made.row["id"], key=key, value=f"{number}")
    pages, after = list[Json](), None

    for _ in range(3):
        page = await page_of_versions(shared_world.graphql, made.row["id"], first=2, after=after)
        after = page["pageInfo"]["endCursor"]
        pages.append(page)

    assert [[item["version"] for item in page["nodes"]] for page in pages] == [[5, 4], [3, 2], [1]]
    assert [page["pageInfo"]["hasNextPage"] for page in pages] == [True, True, False]
    assert {page["totalCount"] for page in pages} == {5}


@pytest.mark.rule("Y1")
async def test_pages_from_the_end_have_the_same_versions(
    shared_world: World, fresh_job: str, key: str
) -> None:
    """Also around a restoration, which is no version of its own."""
    at = Scope.JOB, fresh_job
    made = await shared_world.rest.create(*at, key=key, value="")
    for _ in range(2):
        await shared_world.rest.delete(*at, made.row["id"])
        await restore(shared_world.graphql, made.row["id"])
    await shared_world.rest.edit(*at, made.row["id"], key=key, value="new")
    pages, before = list[Json](), None

    for _ in range(4):
        page = await page_of_versions(shared_world.graphql, made.row["id"], last=1, before=before)
        before = page["pageInfo"]["startCursor"]
        pages.append(page)

    whole = await versions_of(shared_world.graphql, made.row["id"])
    assert [page["nodes"][0] for page in pages] == whole[::-1]
    assert [page["pageInfo"]["hasPreviousPage"] for page in pages] == [True, True, True, False]
    assert [page["pageInfo"]["hasNextPage"] for page in pages] == [False, True, True, True]


@pytest.mark.rule("Y1")
async def test_a_refused_change_and_a_dry_run_make_no_version(
    shared_world: World, fresh_job: str, key: str
) -> None:
    at = Scope.JOB, fresh_job
    made = await shared_world.rest.create(*at, key=key, value="")
    taken = await shared_world.rest.create(*at, key=f"{key}_TAKEN", value="")

    await shared_world.rest.edit(*at, made.row["id"], key=taken.row["key"])
    await shared_world.graphql.ask(
        """mutation ($id: ID!, $input: SecretEditInput!) {
            editSecret(secretId: $id, input: $input, dryRun: true) { errors { code } } }""",
        {"id": made.row["id"], "input": {"key": key, "value": "other"}},
    )

    assert [
        item["version"] for item in await versions_of(shared_world.graphql, made.row["id"])
    ] == [1]


@pytest.mark.rule("Y1")
async def test_an_override_gets_a_version_when_its_target_is_renamed(
    shared_world: World, shared_face: Face, fresh_job: str, key: str
) -> None:
    project = Scope.PROJECT, shared_world.demo.project_id
    target = await shared_face.create(*project, key=key, value="")
    override = await shared_face.override(
        Scope.JOB, fresh_job, target.row["id"], value="of the job"
    )

    await shared_face.edit(*project, target.row["id"], key=f"{key}_2")

    of_target, of_override = [
        await versions_of(shared_world.graphql, made.row["id"]) for made in (target, override)
    ]
    assert [item["key"] for item in of_override] == [f"{key}_2", key]
    assert of_override[0]["at"] == of_target[0]["at"]


@pytest.mark.rule("Y1")
async def test_a_deleted_secret_is_listed_at_its_holder_with_its_versions(
    shared_world: World, shared_face: Face, fresh_job: str, key: str
) -> None:
    at = Scope.JOB, fresh_job
    made = await shared_face.create(*at, key=key, value="one")
    await shared_face.edit(*at, made.row["id"], key=key, value="two")
    await shared_face.delete(*at, made.row["id"])

    (deleted,) = await deleted_at(shared_world.graphql, fresh_job)
    found = await versions_of(shared_world.graphql, made.row["id"])

    assert (deleted["id"], deleted["key"], deleted["version"]) == (made.row["id"], key, 2)
    assert deleted["holder"] == {"id": fresh_job}
    assert deleted["isValueKept"]
    assert [(item["version"], item["endedHow"]) for item in found] == [
        (2, "DELETED"),
        (1, "CHANGED"),
    ]
    assert deleted["deletedAt"] == found[0]["endedAt"]


@pytest.mark.rule("Y1")
async def test_history_is_not_visible_to_those_who_cannot_see_the_secret(
    shared_world: World, shared_stranger: Stranger, fresh_job: str, key: str
) -> None:
    at = Scope.JOB, fresh_job
    made = await shared_world.rest.create(*at, key=key, value="one")
    await shared_world.rest.delete(*at, made.row["id"])
    other = HolderReference(Scope.JOB, shared_world.demo.other_job_id)
    ask = "query ($id: ID!) { deletedSecret(id: $id) { key } }"

    async with await shared_world.client_with(Role.VIEWER, on=other) as beside:
        seen = await GraphQLFace(beside).ask(ask, {"id": made.row["id"]})
    foreign = await GraphQLFace(shared_stranger.client).ask(ask, {"id": made.row["id"]})
    own = await shared_world.graphql.ask(ask, {"id": made.row["id"]})

    assert seen == foreign == {"deletedSecret": None}
    assert own == {"deletedSecret": {"key": key}}


@pytest.mark.rule("Y1")
async def test_who_sees_only_a_holder_by_name_sees_no_deleted_secrets_of_it(
    shared_world: World, key: str
) -> None:
    project = Scope.PROJECT, shared_world.demo.project_id
    made = await shared_world.rest.create(*project, key=key, value="")
    await shared_world.rest.delete(*project, made.row["id"])
    job = HolderReference(Scope.JOB, shared_world.demo.job_id)

    async with await shared_world.client_with(Role.VIEWER, on=job) as viewer:
        hidden = await deleted_at(GraphQLFace(viewer), shared_world.demo.project_id)

    assert hidden == []
    assert made.row["id"] in [
        item["id"] for item in await deleted_at(shared_world.graphql, shared_world.demo.project_id)
    ]


async def test_a_cursor_of_another_list_is_refused(
    shared_world: World, fresh_job: str, key: str
) -> None:
    made = await shared_world.rest.create(Scope.JOB, fresh_job, key=key, value="")

    response = await shared_world.client.post(
        "/graphql",
        json={
            "query": 'query ($id: ID!) { secret(id: $id) { versions(after: "WyJrZXkiXQ") '
            "{ nodes { version } } } }",
            "variables": {"id": made.row["id"]},
        },
    )

    assert response.status_code == HTTPStatus.OK
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
