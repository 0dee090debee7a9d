"""What creating a secret takes and gives."""

from http import HTTPStatus
from typing import Any

import pytest

from gateway.domain.errors import ErrorCode
from gateway.domain.scopes import Scope
from tests.faces import Face
from tests.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.unmeasured]

LIMIT = 64 * 1024


@pytest.mark.rule("C1")
async def test_a_key_is_enough(shared_world: World, shared_face: Face, fresh_job: str) -> None:
    made = await shared_face.create(Scope.JOB, fresh_job, key="KEY")

    assert made.row["variable_type"] == "VALUE"
    assert made.row["scope"] == "JOB"
    assert await shared_world.stored_value(made.row["id"]) == ""


@pytest.mark.rule("C1")
@pytest.mark.parametrize("value", [None, ""])
async def test_an_empty_value_is_a_value(
    shared_world: World, shared_face: Face, fresh_job: str, value: str | None
) -> None:
    made = await shared_face.create(Scope.JOB, fresh_job, key="KEY", value=value)

    assert made.row["variable_type"] == "VALUE"
    assert await shared_world.stored_value(made.row["id"]) == ""


@pytest.mark.rule("C1")
async def test_a_mount_path_makes_a_file(
    shared_world: World, shared_face: Face, fresh_job: str
) -> None:
    made = await shared_face.create(
        Scope.JOB, fresh_job, key="KEY", value="content", mount_path="/etc/key"
    )

    assert made.row["variable_type"] == "FILE"
    assert await shared_world.stored_value(made.row["id"]) == "content"


@pytest.mark.rule("C1")
@pytest.mark.parametrize("mount_path", [None, ""])
async def test_an_empty_mount_path_makes_no_file(
    shared_face: Face, fresh_job: str, mount_path: str | None
) -> None:
    made = await shared_face.create(Scope.JOB, fresh_job, key="KEY", mount_path=mount_path)

    assert made.row["variable_type"] == "VALUE"


@pytest.mark.rule("C1")
@pytest.mark.parametrize(
    "fields",
    [
        {"description": "d" * 255},
        {"description": "\N{OLD KEY}" * 255},
        {"enable_interpolation_in_file": True},
        {"enable_interpolation_in_file": False},
    ],
    ids=["255 characters", "255 characters of four bytes", "interpolated", "not interpolated"],
)
async def test_what_is_given_is_kept(
    shared_face: Face, fresh_job: str, fields: dict[str, Any]
) -> None:
    made = await shared_face.create(Scope.JOB, fresh_job, key="KEY", **fields)

    assert made.code is None
    assert fields.items() <= made.row.items()


@pytest.mark.rule("C1")
async def test_a_secret_is_listed_as_it_was_created(shared_face: Face, fresh_job: str) -> None:
    made = await shared_face.create(Scope.JOB, fresh_job, key="KEY", description="A key")

    assert made.row in await shared_face.visible(Scope.JOB, fresh_job)


@pytest.mark.rule("C1")
async def test_a_description_of_256_characters_is_refused(
    shared_face: Face, fresh_job: str
) -> None:
    refused = await shared_face.create(Scope.JOB, fresh_job, key="KEY", description="d" * 256)

    assert (refused.status, refused.code) == (HTTPStatus.BAD_REQUEST, ErrorCode.BAD_USER_INPUT)


@pytest.mark.rule("C4")
async def test_a_value_that_is_a_key_stays_a_value(
    shared_world: World, shared_face: Face, fresh_job: str, key: str
) -> None:
    """An alias is only made where one is asked for."""
    there = await shared_face.create(
        Scope.PROJECT, shared_world.demo.project_id, key=key, value="secret"
    )

    made = await shared_face.create(Scope.JOB, fresh_job, key="KEY", value=key)

    assert made.row["variable_type"] == "VALUE"
    assert "aliased_secret" not in made.row
    assert await shared_world.stored_value(made.row["id"]) == key
    assert await shared_world.stored_value(there.row["id"]) == "secret"


@pytest.mark.rule("C9")
@pytest.mark.parametrize(
    "value",
    [
        "  spaces \t and\r\nlines\n",
        "{{TARGET}}",
        "\N{OLD KEY} é e\N{COMBINING ACUTE ACCENT}",
        "\N{ZERO WIDTH NO-BREAK SPACE}\x01\x7f\N{REPLACEMENT CHARACTER}",
        '"; DROP TABLE secret; --',
        "$(id) `id` ${HOME} %s {0}",
        "\\u0041\\n",
    ],
    ids=["white space", "interpolation", "unicode", "control", "SQL", "shell", "escapes"],
)
async def test_a_value_is_kept_byte_for_byte(
    shared_world: World, shared_face: Face, fresh_job: str, value: str
) -> None:
    made = await shared_face.create(Scope.JOB, fresh_job, key="KEY", value=value)

    assert await shared_world.stored_value(made.row["id"]) == value


SIZES = pytest.mark.parametrize(
    ("character", "size"),
    [("a", 1), ("é", 2), ("€", 3), ("\N{OLD KEY}", 4)],
    ids=["one byte", "two bytes", "three bytes", "four bytes"],
)


@pytest.mark.rule("C9")
@SIZES
async def test_a_value_may_have_64_kib(
    shared_world: World, shared_face: Face, fresh_job: str, character: str, size: int
) -> None:
    value = character * (LIMIT // size) + "x" * (LIMIT % size)

    made = await shared_face.create(Scope.JOB, fresh_job, key="KEY", value=value)

    assert len(value.encode()) == LIMIT
    assert made.code is None
    assert await shared_world.stored_value(made.row["id"]) == value


@pytest.mark.rule("C9")
@SIZES
async def test_a_value_of_a_byte_more_is_refused(
    shared_face: Face, fresh_job: str, character: str, size: int
) -> None:
    value = character * (LIMIT // size) + "x" * (LIMIT % size + 1)

    refused = await shared_face.create(Scope.JOB, fresh_job, key="KEY", value=value)

    assert len(value.encode()) == LIMIT + 1
    assert (refused.status, refused.code) == (HTTPStatus.BAD_REQUEST, ErrorCode.BAD_USER_INPUT)
    assert refused.detail == "A value must be at most 64 KiB of UTF-8."


@pytest.mark.rule("C8", "C9")
async def test_what_was_refused_leaves_nothing(shared_face: Face, fresh_job: str) -> None:
    before = await shared_face.visible(Scope.JOB, fresh_job)

    await shared_face.create(Scope.JOB, fresh_job, key="KEY", value="a\0b")

    assert await shared_face.visible(Scope.JOB, fresh_job) == before
