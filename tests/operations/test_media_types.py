"""What a body must say it is, and how large it may be."""

from collections.abc import AsyncIterator, Callable
from http import HTTPStatus

import httpx
import pytest

from tests.operations.bodies import BODY_LIMIT
from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.rule("C8")]

PATHS: dict[str, Callable[[World], str]] = {
    "create": lambda world: f"/job/{world.demo.job_id}/secret",
    "alias": lambda world: f"/job/{world.demo.job_id}/secret/{world.demo.built_in_secret_id}/alias",
    "graphql": lambda _: "/graphql",
}
EVERY_PATH = pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
Path = Callable[[World], str]
BODY = b'{"key": "KEY", "query": "{ __typename }"}'


@pytest.mark.rule("E2")
@EVERY_PATH
@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain",
        "text/json",
        "application/jsonp",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=latin-1",
        "application/json; charset=utf-16",
        "application/json, text/plain",
        "*/*",
        "",
    ],
)
async def test_another_media_type_than_json_is_refused(
    shared_world: World, path: Path, media_type: str
) -> None:
    response = await shared_world.client.post(
        path(shared_world), content=BODY, headers={"Content-Type": media_type}
    )

    assert response.status_code == HTTPStatus.UNSUPPORTED_MEDIA_TYPE


@pytest.mark.rule("E2")
@EVERY_PATH
async def test_a_body_without_a_media_type_is_refused(shared_world: World, path: Path) -> None:
    response = await shared_world.client.post(path(shared_world), content=BODY)

    assert "content-type" not in response.request.headers
    assert response.status_code == HTTPStatus.UNSUPPORTED_MEDIA_TYPE


@pytest.mark.rule("E2", "S36")
@EVERY_PATH
async def test_a_compressed_body_is_refused(shared_world: World, path: Path) -> None:
    """Nothing is ever unpacked."""
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}

    response = await shared_world.client.post(path(shared_world), content=BODY, headers=headers)

    assert response.status_code == HTTPStatus.UNSUPPORTED_MEDIA_TYPE


@pytest.mark.rule("E2")
@pytest.mark.parametrize(
    "media_type",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        'application/json; charset="utf-8"',
    ],
)
async def test_json_may_be_declared_in_every_way(
    shared_world: World, fresh_job: str, media_type: str
) -> None:
    headers = {"Content-Type": media_type}

    over_rest = await shared_world.client.post(
        f"/job/{fresh_job}/secret", content=BODY, headers=headers
    )
    over_graphql = await shared_world.client.post("/graphql", content=BODY, headers=headers)

    assert over_rest.status_code == HTTPStatus.CREATED
    assert over_graphql.json()["data"] == {"__typename": "Query"}


def _of_size(size: int) -> bytes:
    # In texts of at most 64 KiB, as no longer one is read.
    frame = b'{"key": "KEY", "query": "{ __typename }", "padding": ["%s"]}'
    text, joint = b"x" * 60_000, b'", "'
    whole, rest = divmod(size - len(frame) + len(b"%s"), len(text) + len(joint))
    return frame % ((text + joint) * whole + b"x" * rest)


async def _send(world: World, path: str, body: bytes, *, is_chunked: bool) -> httpx.Response:
    async def chunks() -> AsyncIterator[bytes]:
        yield body[:1_000]
        yield body[1_000:]

    content = chunks() if is_chunked else body
    return await world.client.post(
        path, content=content, headers={"Content-Type": "application/json"}
    )


SENT = pytest.mark.parametrize("is_chunked", [False, True], ids=["with its length", "chunked"])


@pytest.mark.rule("E2")
@EVERY_PATH
@SENT
async def test_a_body_of_more_than_a_mebibyte_is_refused(
    *, shared_world: World, path: Path, is_chunked: bool
) -> None:
    body = _of_size(BODY_LIMIT + 1)

    response = await _send(shared_world, path(shared_world), body, is_chunked=is_chunked)

    assert ("content-length" in response.request.headers) is not is_chunked
    assert response.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert "PAYLOAD_TOO_LARGE" in response.text


@EVERY_PATH
async def test_a_body_whose_declared_length_has_thousands_of_digits_is_refused(
    shared_world: World, path: Path
) -> None:
    response = await shared_world.client.post(
        path(shared_world), content=b"{}", headers={"Content-Length": "9" * 5_000}
    )

    assert response.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert "PAYLOAD_TOO_LARGE" in response.text


@pytest.mark.rule("E2")
@SENT
async def test_a_body_of_a_mebibyte_is_taken(
    *, shared_world: World, fresh_job: str, is_chunked: bool
) -> None:
    body, path = _of_size(BODY_LIMIT), f"/job/{fresh_job}/secret"

    over_rest = await _send(shared_world, path, body, is_chunked=is_chunked)
    over_graphql = await _send(shared_world, "/graphql", body, is_chunked=is_chunked)

    assert len(body) == BODY_LIMIT
    assert over_rest.status_code == HTTPStatus.CREATED
    assert over_graphql.status_code == HTTPStatus.OK
