"""A value, once written, is nowhere to be seen: no answer, no log line, no file."""

from http import HTTPStatus

import pytest

from gateway.config.types import LogFormat
from tests.operations.attempts import ATTEMPTS, Attempt, rest
from tests.operations.canaries import all_logs, is_traced, new_canary, stored_bytes
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS.keys())
async def test_a_value_leaves_no_trace(shared_world: World, attempt: Attempt) -> None:
    canary = new_canary()
    folder = shared_world.runtime.settings.data_dir

    with all_logs(LogFormat.JSON) as logs:
        response = await attempt(shared_world, canary)

    answer = f"{response.status_code} {response.headers} {response.text}"
    assert not is_traced(canary, answer.encode())
    assert not is_traced(canary, logs.getvalue().encode())
    assert not is_traced(canary, stored_bytes(folder))
    assert '"event": "request"' in logs.getvalue()


@pytest.mark.parametrize("fields", [{"description": "CANARY"}, {"mount_path": "/etc/CANARY"}])
async def test_the_search_finds_what_is_no_value(
    shared_world: World, fields: dict[str, str]
) -> None:
    """The control: what may be told is found where it is kept, and in the answer that tells it."""
    canary = new_canary()

    response = await rest(HTTPStatus.CREATED, **fields)(shared_world, canary)

    listed = await shared_world.client.get(
        f"/variable?parent_id={shared_world.demo.job_id}&scope=JOB"
    )
    assert response.status_code == HTTPStatus.CREATED
    assert is_traced(canary, listed.content)
    assert is_traced(canary, stored_bytes(shared_world.runtime.settings.data_dir))


@pytest.mark.parametrize(
    "written",
    [b"%s", b"\0%s\0", b'{"value": "%s"}'],
    ids=["plain", "among other bytes", "in JSON"],
)
async def test_the_search_finds_every_form(written: bytes) -> None:
    """The control of the search itself."""
    canary = new_canary()
    found = written % canary.encode()

    assert is_traced(canary, found)
    assert is_traced(canary, found.hex().encode())
    assert not is_traced(new_canary(), found)
