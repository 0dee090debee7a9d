"""The four REST routes of imports."""

from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any

import pytest

from gateway.domain.holders import new_id
from gateway.domain.scopes import HOLDER_SCOPES, Scope
from tests.operations.places import PLACES
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

Json = dict[str, Any]
Path = Callable[[World], str]


def _by_path(scope: Scope, world: World) -> str:
    return f"/{scope.lower()}/{world.holders[scope]}/environmentVariable/import"


def _by_query(scope: Scope, world: World) -> str:
    return f"/variable/import?service_id={world.holders[scope]}&service_type={scope}"


# Every path, and the scope of the holder that it names.
ROUTES: Mapping[str, tuple[Scope, Path]] = {
    **{
        f"path of {scope}": (scope, partial(_by_path, scope))
        for scope in (Scope.APPLICATION, Scope.CONTAINER, Scope.JOB)
    },
    **{f"service_type {scope}": (scope, partial(_by_query, scope)) for scope in HOLDER_SCOPES},
}
EVERY_ROUTE = pytest.mark.parametrize(("scope", "path"), ROUTES.values(), ids=ROUTES)


def _row(key: str, scope: Scope, value: str = "new", **fields: object) -> Json:
    return {"name": key, "value": value, "scope": scope, "is_secret": True, **fields}


def _body(*rows: Json, overwrite: bool = False) -> Json:
    return {"overwrite": overwrite, "vars": rows}


@pytest.mark.rule("V4")
@EVERY_ROUTE
async def test_every_route_imports(shared_world: World, key: str, scope: Scope, path: Path) -> None:
    """Service_type may also be ENVIRONMENT or PROJECT."""
    response = await shared_world.client.post(path(shared_world), json=_body(_row(key, scope)))

    assert response.status_code == HTTPStatus.CREATED
    assert response.json() == {
        "total_variables_to_import": 1,
        "successful_imported_variables": [{"name": key, "scope": scope, "is_secret": True}],
    }
    rows = await shared_world.rest.visible(scope, shared_world.holders[scope])
    secret_id = next(row["id"] for row in rows if row["key"] == key)
    assert await shared_world.stored_value(secret_id) == "new"


@pytest.mark.rule("V4")
@EVERY_ROUTE
async def test_every_route_says_every_outcome(
    shared_world: World, key: str, scope: Scope, path: Path
) -> None:
    """What was skipped or failed is counted, and not told as imported."""
    holder_id = shared_world.holders[scope]
    await shared_world.rest.create(scope, holder_id, key=f"{key}_THERE", value="old")
    sent = [_row(f"{key}_NEW", scope), _row(f"{key}_THERE", scope), _row("1BAD", scope)]

    skipped = await shared_world.client.post(path(shared_world), json=_body(*sent))
    updated = await shared_world.client.post(path(shared_world), json=_body(*sent, overwrite=True))

    counts = [answer.json()["total_variables_to_import"] for answer in (skipped, updated)]
    names = [
        [row["name"] for row in answer.json()["successful_imported_variables"]]
        for answer in (skipped, updated)
    ]
    assert (skipped.status_code, updated.status_code) == (HTTPStatus.CREATED,) * 2
    assert counts == [3, 3]
    assert names == [[f"{key}_NEW"], [f"{key}_NEW", f"{key}_THERE"]]


@pytest.mark.rule("V4")
async def test_a_key_of_a_higher_scope_is_reported_as_imported_at_the_lower(
    shared_world: World, key: str
) -> None:
    """An override is created."""
    await shared_world.rest.create(*PLACES["the project"](shared_world), key=key)
    _, path = ROUTES["path of JOB"]

    response = await shared_world.client.post(
        path(shared_world), json=_body(_row(key, Scope.JOB, "narrow"))
    )

    result = response.json()["successful_imported_variables"]
    assert result == [{"name": key, "scope": "JOB", "is_secret": True}]


@pytest.mark.rule("V3")
@EVERY_ROUTE
async def test_a_public_row_fails_alone(
    shared_world: World, key: str, scope: Scope, path: Path
) -> None:
    """A console's default row is public, and the others go through."""
    public = _row(key, scope, is_secret=False)

    mixed = await shared_world.client.post(
        path(shared_world), json=_body(public, _row(f"{key}_OTHER", scope))
    )
    alone = await shared_world.client.post(path(shared_world), json=_body(public))

    rows = await shared_world.rest.visible(scope, shared_world.holders[scope])
    assert (mixed.status_code, alone.status_code) == (HTTPStatus.CREATED, HTTPStatus.CREATED)
    assert mixed.json() == {
        "total_variables_to_import": 2,
        "successful_imported_variables": [
            {"name": f"{key}_OTHER", "scope": scope, "is_secret": True}
        ],
    }
    assert alone.json() == {"total_variables_to_import": 1, "successful_imported_variables": []}
    assert [row["key"] for row in rows if row["key"].startswith(key)] == [f"{key}_OTHER"]


@pytest.mark.rule("C8", "V4")
async def test_a_row_without_is_secret_refuses_the_whole_import(
    shared_world: World, key: str
) -> None:
    """Nothing says what it is, so nothing is imported."""
    scope, path = ROUTES["path of JOB"]
    unclear = {name: value for name, value in _row(key, scope).items() if name != "is_secret"}

    response = await shared_world.client.post(
        path(shared_world), json=_body(_row(f"{key}_OTHER", scope), unclear)
    )

    rows = await shared_world.rest.visible(scope, shared_world.holders[scope])
    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert "is_secret" in response.json()["detail"]
    assert not [row for row in rows if row["key"].startswith(key)]


@pytest.mark.rule("V4")
@pytest.mark.parametrize("is_secret", [True, False], ids=["secret", "public"])
async def test_public_rows_count_for_the_most_rows(shared_world: World, *, is_secret: bool) -> None:
    """A row more than 1,000, whatever it is."""
    scope, path = ROUTES["path of JOB"]
    rows = [_row(f"K{number}", scope, is_secret=number > 0 or is_secret) for number in range(1_001)]

    response = await shared_world.client.post(path(shared_world), json=_body(*rows))

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert "1,000" in response.json()["detail"]


@pytest.mark.rule("C8", "V4")
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"overwrite": True},
        {"vars": []},
        {"overwrite": "yes", "vars": []},
        {"overwrite": True, "vars": {}},
        {"overwrite": True, "vars": [1]},
        {"overwrite": True, "vars": [None]},
        {"overwrite": True, "vars": [{}]},
        {"overwrite": True, "vars": [_row("KEY", Scope.JOB) | {"name": 1}]},
        {"overwrite": True, "vars": [_row("KEY", Scope.JOB) | {"name": None}]},
        {"overwrite": True, "vars": [_row("KEY", Scope.JOB) | {"value": None}]},
        {"overwrite": True, "vars": [_row("KEY", Scope.JOB) | {"value": 1}]},
        {"overwrite": True, "vars": [_row("KEY", Scope.JOB) | {"scope": "DATABASE"}]},
        {"overwrite": True, "vars": [_row("KEY", Scope.JOB) | {"scope": None}]},
    ],
    ids=str,
)
async def test_a_body_of_another_shape_is_refused(shared_world: World, body: Json) -> None:
    """Never 500, and in the words of this body."""
    _, path = ROUTES["path of JOB"]

    response = await shared_world.client.post(path(shared_world), json=body)

    detail = response.json()["detail"]
    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert any(name in detail for name in ("`vars", "`overwrite`"))


@pytest.mark.rule("C8", "V4")
@pytest.mark.parametrize(
    ("wrong", "result"),
    [
        ({"name": 1}, "`vars[1].name` must be a string."),
        ({"value": None}, "`vars[1].value` must be a string."),
        ({"is_secret": None}, "`vars[1].is_secret` must be true or false."),
        (
            {"scope": "DATABASE"},
            f"`vars[1].scope` must be one of {', '.join(HOLDER_SCOPES)}.",
        ),
    ],
    ids=str,
)
async def test_a_row_of_another_shape_is_reported_with_its_place(
    shared_world: World, wrong: Json, result: str
) -> None:
    _, path = ROUTES["path of JOB"]
    row = _row("KEY", Scope.JOB)

    response = await shared_world.client.post(path(shared_world), json=_body(row, row | wrong))

    assert response.json()["detail"] == result


@pytest.mark.rule("V4")
@pytest.mark.parametrize(
    "query",
    [
        {"service_type": "DATABASE"},
        {"service_type": "BUILT_IN"},
        {"service_type": "job"},
        {"service_type": ""},
        {"service_id": ""},
        {"service_id": "no-uuid"},
    ],
    ids=str,
)
async def test_a_query_that_names_no_holder_is_refused(
    shared_world: World, query: dict[str, str]
) -> None:
    params = {"service_id": shared_world.demo.job_id, "service_type": "JOB", **query}

    response = await shared_world.client.post("/variable/import", params=params, json=_body())

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert next(iter(query)) in response.json()["detail"]


@pytest.mark.rule("V4")
@pytest.mark.parametrize("service_type", ["CONTAINER", "PROJECT"])
async def test_a_holder_of_another_kind_than_named_is_not_found(
    shared_world: World, service_type: str
) -> None:
    params = {"service_id": shared_world.demo.job_id, "service_type": service_type}

    response = await shared_world.client.post("/variable/import", params=params, json=_body())

    assert response.status_code == HTTPStatus.NOT_FOUND


@pytest.mark.rule("V4")
async def test_a_path_with_an_unknown_id_is_not_found(shared_world: World) -> None:
    response = await shared_world.client.post(
        f"/job/{new_id()}/environmentVariable/import", json=_body()
    )

    assert response.status_code == HTTPStatus.NOT_FOUND
