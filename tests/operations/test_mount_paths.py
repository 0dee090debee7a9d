"""Where a FILE can be mounted."""

from http import HTTPStatus

import pytest

from gateway.domain.errors import ErrorCode
from gateway.domain.scopes import Scope
from tests.faces import Face
from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.rule("S42")]


@pytest.mark.rule("C9")
@pytest.mark.parametrize(
    "mount_path",
    [
        "relative",
        "relative/path",
        "./path",
        "~/path",
        "/",
        "//",
        "//path",
        "/path/",
        "/path//file",
        "/path/./file",
        "/path/../file",
        "/path/..",
        "/..",
        "/.",
        "/path\0",
        "/path\n",
        "/pa\tth",
        "/path\x7f",
        "/path\x85",
        "/" + "a" * 1_024,
        "/etc/" + "a" * 256 + "/key",
        "/etc/" + "é" * 128,
        "/proc",
        "/proc/1/environ",
        "/sys",
        "/sys/kernel",
        "/dev",
        "/dev/null",
        "C:\\path",
        " /path",
    ],
    ids=lambda path: repr(path[:20]),
)
async def test_such_a_mount_path_is_refused(
    shared_world: World, shared_face: Face, mount_path: str
) -> None:
    refused = await shared_face.create(
        Scope.JOB, shared_world.demo.job_id, key="KEY", mount_path=mount_path
    )

    assert (refused.status, refused.code) == (HTTPStatus.BAD_REQUEST, ErrorCode.BAD_USER_INPUT)


@pytest.mark.rule("C9")
@pytest.mark.parametrize(
    "mount_path",
    [
        "/a",
        "/etc/tls/key.pem",
        "/etc/.hidden",
        "/etc/..data/key",
        "/etc/a b",
        "/etc/schlüssel",
        "/process",
        "/devices/key",
        "/home/dev",
        "/etc/" + "é" * 127,
        "/" + "/".join(["a" * 255] * 4)[:1_023],
    ],
    ids=lambda path: repr(path[:20]),
)
async def test_such_a_mount_path_is_allowed(
    shared_face: Face, fresh_job: str, mount_path: str
) -> None:
    made = await shared_face.create(Scope.JOB, fresh_job, key="KEY", mount_path=mount_path)

    assert made.code is None
    assert made.row["variable_type"] == "FILE"
