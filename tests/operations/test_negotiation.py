"""In which of the two media types a GraphQL answer comes, and with which status."""

from http import HTTPStatus

import pytest

from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.rule("S27", "S28")]

OLD, NEW = "application/json", "application/graphql-response+json"
ACCEPTED = {
    "": OLD,
    "*/*": OLD,
    "application/*": OLD,
    "text/html": OLD,
    "text/html, */*;q=0.1": OLD,
    OLD: OLD,
    NEW: NEW,
    NEW.upper(): NEW,
    f"{OLD}, {NEW}": NEW,
    f"{NEW}, {OLD};q=0.9": NEW,
    f"{NEW};q=0.5, {OLD}": OLD,
    f"{NEW};q=0.5, */*": OLD,
    f"{NEW};q=0, {OLD}": OLD,
    f"{NEW};q=0": OLD,
    f"{NEW};q=x, {OLD}": OLD,
    f"{NEW}; charset=utf-8; q=0.8, */*;q=0.1": NEW,
    ",;,;q=": OLD,
    "a" * 5_000: OLD,
}


@pytest.mark.parametrize(("accept", "media_type"), ACCEPTED.items())
async def test_the_answer_is_of_the_type_that_is_liked_best(
    shared_world: World, accept: str, media_type: str
) -> None:
    response = await shared_world.client.post(
        "/graphql", json={"query": "{ __typename }"}, headers={"Accept": accept}
    )

    assert response.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert response.status_code == HTTPStatus.OK


DOCUMENTS = {
    "no document": ("{", {OLD: 200, NEW: 400}),
    "an unknown field": ("{ unknown }", {OLD: 200, NEW: 400}),
    "no operation of that name": ("query A { __typename }", {OLD: 200, NEW: 400}),
    "over a limit": ("{ " + "a { " * 20 + "b" + " }" * 21, {OLD: 400, NEW: 400}),
    "a field that failed": ("{ projects(first: 101) { totalCount } }", {OLD: 200, NEW: 200}),
}


@pytest.mark.parametrize("accept", [OLD, NEW])
@pytest.mark.parametrize(("document", "statuses"), DOCUMENTS.values(), ids=DOCUMENTS.keys())
async def test_each_type_has_its_own_statuses(
    shared_world: World, document: str, statuses: dict[str, int], accept: str
) -> None:
    body = {"query": document, "operationName": "B" if document.startswith("query A") else None}

    response = await shared_world.client.post("/graphql", json=body, headers={"Accept": accept})

    assert response.status_code == statuses[accept]
    assert response.headers["content-type"].startswith(accept)
    assert response.json()["errors"]


@pytest.mark.parametrize("accept", [OLD, NEW])
@pytest.mark.parametrize("body", [b"", b"{", b"null", b'[{"query": "{ __typename }"}]'])
async def test_a_body_that_is_no_request_is_refused_in_both(
    shared_world: World, body: bytes, accept: str
) -> None:
    headers = {"Accept": accept, "Content-Type": "application/json"}

    response = await shared_world.client.post("/graphql", content=body, headers=headers)

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert response.headers["content-type"].startswith(accept)


@pytest.mark.parametrize("extensions", ["text", 0, False, ["array"]])
async def test_extensions_that_are_no_object_are_refused(
    shared_world: World, extensions: object
) -> None:
    response = await shared_world.client.post(
        "/graphql", json={"query": "{ __typename }", "extensions": extensions}
    )

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert response.json()["errors"][0]["message"] == "`extensions` must be a JSON object."


@pytest.mark.rule("S23")
async def test_a_batch_is_refused_with_a_word_about_it(shared_world: World) -> None:
    response = await shared_world.client.post("/graphql", json=[{"query": "{ __typename }"}] * 2)

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert "one request, not a batch" in response.json()["errors"][0]["message"]
