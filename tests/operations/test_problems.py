"""The one body of all errors of the REST paths."""

import re
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import httpx
import pytest

from gateway.domain.holders import new_id
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIELDS = {
    "type",
    "title",
    "status",
    "detail",
    "instance",
    "error",
    "message",
    "path",
    "timestamp",
    "code",
}
TARGET = "0d9c6a0e-5f1b-4c61-9a53-6f2d8f1c7b10"


async def _missing_key(world: World) -> httpx.Response:
    return await world.client.post(f"/job/{world.demo.job_id}/secret", json={})


async def _broken_body(world: World) -> httpx.Response:
    return await world.client.post(
        f"/job/{world.demo.job_id}/secret",
        content=b"{",
        headers={"Content-Type": "application/json"},
    )


async def _bad_key(world: World) -> httpx.Response:
    return await world.client.post(f"/job/{world.demo.job_id}/secret", json={"key": "1"})


async def _lower_target(world: World) -> httpx.Response:
    listed = await world.client.get(f"/job/{world.demo.job_id}/secret")
    target_id = next(row["id"] for row in listed.json()["results"] if row["scope"] == "JOB")
    path = f"/project/{world.demo.project_id}/secret/{target_id}/alias"
    return await world.client.post(path, json={"key": "KEY"})


async def _no_credential(world: World) -> httpx.Response:
    path = f"/job/{world.demo.job_id}/secret"
    return await world.client.get(path, headers={"Authorization": ""})


async def _unknown_holder(world: World) -> httpx.Response:
    return await world.client.get(f"/job/{new_id()}/secret")


async def _unknown_target(world: World) -> httpx.Response:
    path = f"/job/{world.demo.job_id}/secret/{TARGET}/alias"
    return await world.client.post(path, json={"key": "KEY"})


async def _unknown_path(world: World) -> httpx.Response:
    return await world.client.get("/unknown/path")


async def _wrong_method(world: World) -> httpx.Response:
    return await world.client.patch(f"/job/{world.demo.job_id}/secret")


async def _taken_key(world: World) -> httpx.Response:
    path = f"/job/{world.demo.job_id}/secret"
    return await world.client.post(path, json={"key": "INVOICE_SIGNING_KEY"})


async def _large_body(world: World) -> httpx.Response:
    path = f"/job/{world.demo.job_id}/secret"
    return await world.client.post(path, json={"key": "K" * 2**20})


async def _other_media_type(world: World) -> httpx.Response:
    path = f"/job/{world.demo.job_id}/secret"
    return await world.client.post(path, content=b"{}", headers={"Content-Type": "text/plain"})


EVERY_ERROR = pytest.mark.parametrize(
    ("cause", "status", "code"),
    [
        (_missing_key, HTTPStatus.BAD_REQUEST, "BAD_USER_INPUT"),
        (_broken_body, HTTPStatus.BAD_REQUEST, "BAD_USER_INPUT"),
        (_bad_key, HTTPStatus.BAD_REQUEST, "BAD_USER_INPUT"),
        (_lower_target, HTTPStatus.BAD_REQUEST, "SCOPE_VIOLATION"),
        (_no_credential, HTTPStatus.UNAUTHORIZED, "UNAUTHENTICATED"),
        (_unknown_holder, HTTPStatus.NOT_FOUND, "NOT_FOUND"),
        (_unknown_target, HTTPStatus.NOT_FOUND, "NOT_FOUND"),
        (_unknown_path, HTTPStatus.NOT_FOUND, "NOT_FOUND"),
        (_wrong_method, HTTPStatus.METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED"),
        (_taken_key, HTTPStatus.CONFLICT, "CONFLICT"),
        (_large_body, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "PAYLOAD_TOO_LARGE"),
        (_other_media_type, HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE"),
    ],
)


@pytest.mark.parametrize("path", ["/cluster", "/job/{}/status", "/job/{}/environmentVariable"])
async def test_what_is_not_served_says_what_is(shared_world: World, path: str) -> None:
    response = await shared_world.client.get(path.format(shared_world.demo.job_id))

    assert response.status_code == HTTPStatus.NOT_FOUND
    assert "serves the secrets domain" in response.json()["detail"]


@pytest.mark.rule("E1")
@EVERY_ERROR
async def test_every_error_has_the_one_body(
    shared_world: World, cause: Any, status: HTTPStatus, code: str
) -> None:
    response = await cause(shared_world)

    answer = response.json()
    path = response.request.url.path
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert set(answer) - {"existing_variable"} == FIELDS
    assert type(answer["status"]) is int
    assert answer["status"] == status
    assert answer["code"] == code
    assert answer["type"].endswith(code)
    assert answer["title"] == answer["error"] == status.phrase
    assert answer["detail"] == answer["message"] != ""
    assert answer["instance"] == answer["path"] == path


@pytest.mark.rule("E1")
@EVERY_ERROR
async def test_every_error_is_reported_at_its_time_under_its_requests_id(
    shared_world: World, cause: Any, status: HTTPStatus, code: str
) -> None:
    response = await cause(shared_world)

    moment = datetime.fromisoformat(response.json()["timestamp"])
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert abs(datetime.now(UTC) - moment) < timedelta(minutes=1)
    assert re.fullmatch(r"[0-9a-f-]{36}", response.headers["x-request-id"])
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.rule("E1")
async def test_a_wrong_method_is_reported_with_those_that_are_right(shared_world: World) -> None:
    response = await _wrong_method(shared_world)

    assert set(response.headers["allow"].split(", ")) >= {"GET", "POST"}


@pytest.mark.rule("E1")
@pytest.mark.parametrize("path", ["/graphql/", "/job/{job_id}/secret/", "/livez/"])
async def test_a_path_with_a_slash_too_many_leads_nowhere(shared_world: World, path: str) -> None:
    """A redirection would name the host that the request itself named."""
    response = await shared_world.client.post(
        path.format(job_id=shared_world.demo.job_id),
        json={"key": "KEY"},
        headers={"Host": "elsewhere.test"},
    )

    assert response.status_code == HTTPStatus.NOT_FOUND
    assert "location" not in response.headers


async def test_a_request_may_bring_its_own_id(shared_world: World) -> None:
    response = await shared_world.client.get("/unknown", headers={"X-Request-Id": "trace-1"})

    assert response.headers["x-request-id"] == "trace-1"


@pytest.mark.parametrize("given", ["", "a b", "é", "a" * 65, "a\tb", "<script>"], ids=ascii)
async def test_an_id_that_could_confuse_a_log_is_replaced(shared_world: World, given: str) -> None:
    response = await shared_world.client.get(
        "/unknown", headers=[(b"X-Request-Id", given.encode())]
    )

    assert re.fullmatch(r"[0-9a-f-]{36}", response.headers["x-request-id"])
