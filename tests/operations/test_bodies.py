"""Bodies of the REST paths: refused clearly, never with a fault of ours."""

import json
from collections.abc import Callable
from http import HTTPStatus

import httpx
import pytest

from gateway.domain.scopes import Scope
from tests.operations.bodies import BROKEN_INSIDE, NO_OBJECTS, inside
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

JSON = {"Content-Type": "application/json"}
PATHS: dict[str, Callable[[World], str]] = {
    "create": lambda world: f"/job/{world.demo.job_id}/secret",
    "alias": lambda world: f"/job/{world.demo.job_id}/secret/{world.demo.built_in_secret_id}/alias",
}
EVERY_PATH = pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
Path = Callable[[World], str]


def _ensure_refused(response: httpx.Response) -> None:
    answer = response.json()
    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert response.headers["content-type"] == "application/problem+json"
    assert answer["status"] == HTTPStatus.BAD_REQUEST
    # E4: a real client takes a 400 with this word for "not found".
    assert "exist" not in answer["detail"].lower()


@pytest.mark.rule("C8")
@EVERY_PATH
async def test_a_missing_body_is_refused(shared_world: World, path: Path) -> None:
    _ensure_refused(await shared_world.client.post(path(shared_world)))


@pytest.mark.rule("C8")
@EVERY_PATH
@pytest.mark.parametrize("body", NO_OBJECTS.values(), ids=NO_OBJECTS.keys())
async def test_what_is_no_json_object_is_refused(
    shared_world: World, path: Path, body: bytes
) -> None:
    _ensure_refused(await shared_world.client.post(path(shared_world), content=body, headers=JSON))


@pytest.mark.rule("C8")
@EVERY_PATH
@pytest.mark.parametrize("body", BROKEN_INSIDE.values(), ids=BROKEN_INSIDE.keys())
async def test_what_is_broken_inside_is_refused(
    shared_world: World, path: Path, body: bytes
) -> None:
    _ensure_refused(await shared_world.client.post(path(shared_world), content=body, headers=JSON))


NO_TEXTS = {
    "number": b"1",
    "fraction": b"1.5",
    "boolean": b"true",
    "array": b'["TEXT"]',
    "object": b'{"text": "TEXT"}',
    "empty array": b"[]",
    "empty object": b"{}",
}
NO_TEXT = pytest.mark.parametrize("wrong", NO_TEXTS.values(), ids=NO_TEXTS.keys())
UNSTORABLE = {
    "NUL": b'"a\\u0000b"',
    "high surrogate": b'"a\\ud800b"',
    "low surrogate": b'"\\udfff"',
    "surrogates the wrong way round": b'"\\udc00\\ud800"',
}


@pytest.mark.rule("C8")
@EVERY_PATH
@NO_TEXT
async def test_a_key_that_is_no_text_is_refused(
    shared_world: World, path: Path, wrong: bytes
) -> None:
    body = b'{"key": %s}' % wrong

    _ensure_refused(await shared_world.client.post(path(shared_world), content=body, headers=JSON))


@pytest.mark.rule("C1", "C8")
@EVERY_PATH
@pytest.mark.parametrize("body", [b"{}", b'{"key": null}', b'{"KEY": "KEY"}', b'{"value": "v"}'])
async def test_a_missing_key_is_refused_by_name(
    shared_world: World, path: Path, body: bytes
) -> None:
    response = await shared_world.client.post(path(shared_world), content=body, headers=JSON)

    _ensure_refused(response)
    assert "`key`" in response.json()["detail"]


@pytest.mark.rule("C8")
@NO_TEXT
@pytest.mark.parametrize("field", [b"value", b"mount_path", b"description"])
async def test_a_field_that_is_no_text_is_refused_by_name(
    shared_world: World, field: bytes, wrong: bytes
) -> None:
    path = PATHS["create"](shared_world)

    response = await shared_world.client.post(path, content=inside(field, wrong), headers=JSON)

    _ensure_refused(response)
    assert f"`{field.decode()}`" in response.json()["detail"]


@pytest.mark.rule("C8")
@EVERY_PATH
@pytest.mark.parametrize("wrong", [b"1", b"0", b'"true"', b'""', b"[true]", b"{}", b"1e400"])
async def test_a_switch_that_is_neither_true_nor_false_is_refused(
    shared_world: World, path: Path, wrong: bytes
) -> None:
    body = inside(b"enable_interpolation_in_file", wrong)

    _ensure_refused(await shared_world.client.post(path(shared_world), content=body, headers=JSON))


@pytest.mark.rule("C8", "C9")
@pytest.mark.parametrize("text", UNSTORABLE.values(), ids=UNSTORABLE.keys())
@pytest.mark.parametrize("field", [b"value", b"mount_path", b"description"])
async def test_a_text_that_not_every_database_can_hold_is_refused(
    shared_world: World, field: bytes, text: bytes
) -> None:
    path = PATHS["create"](shared_world)

    _ensure_refused(await shared_world.client.post(path, content=inside(field, text), headers=JSON))


@pytest.mark.rule("C8")
@pytest.mark.parametrize(
    "unknown",
    [
        {"unknown": "field"},
        {"id": "00000000-0000-0000-0000-000000000000", "scope": "PROJECT", "version": 7},
        {"mountPath": "/etc/key", "is_secret": True, "": None, "__proto__": {"a": []}},
        {"payload": 1, "after": "cursor", "$key": "OTHER", "secretId": "id"},
    ],
    ids=["any", "fields of the answer", "other families' fields", "names inside the document"],
)
async def test_unknown_fields_are_ignored(
    shared_world: World, fresh_job: str, unknown: dict[str, object]
) -> None:
    response = await shared_world.client.post(
        f"/job/{fresh_job}/secret", json={"key": "KEY", **unknown}
    )

    assert response.status_code == HTTPStatus.CREATED
    assert (
        response.json().items()
        >= {
            "key": "KEY",
            "scope": "JOB",
            "variable_type": "VALUE",
        }.items()
    )


@pytest.mark.rule("C8")
async def test_a_body_cannot_name_another_holder_or_target(
    shared_world: World, fresh_job: str
) -> None:
    """The document's own variables are not the caller's to set."""
    demo = shared_world.demo
    elsewhere = {"holder": demo.other_job_id, "target": demo.job_id, "jobId": demo.other_job_id}

    response = await shared_world.client.post(
        f"/job/{fresh_job}/secret/{demo.built_in_secret_id}/alias", json={"key": "K", **elsewhere}
    )

    assert response.json()["aliased_secret"]["id"] == demo.built_in_secret_id
    assert response.json()["service_id"] == fresh_job


@pytest.mark.rule("C8")
async def test_a_body_may_say_its_key_in_escapes(shared_world: World, fresh_job: str) -> None:
    """The control of the tests above, which send bytes as they are."""
    response = await shared_world.client.post(
        f"/{Scope.JOB.lower()}/{fresh_job}/secret",
        content=b' {"\\u006bey": "K\\u0045Y", "value": null}\n',
        headers=JSON,
    )

    assert response.status_code == HTTPStatus.CREATED
    assert json.loads(response.content)["key"] == "KEY"
