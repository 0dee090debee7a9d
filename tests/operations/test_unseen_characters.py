"""Names and descriptions do not hold what nobody sees."""

from typing import Any, Final

import pytest

from gateway.domain import content
from gateway.domain.errors import Argument, ErrorCode, InvalidInput
from tests.cli.conftest import CommandLine, demo, line
from tests.faces import Face
from tests.operations.places import PLACES
from tests.world import World

__all__ = ["demo", "line"]

JOB: Final = PLACES["the job"]
# One of each category, and those that turn text around or hide it.
UNSEEN: Final = [
    *("\x07", "\x1b", "\x9b", "\u00ad", "\u200b", "\u200f", "\u202e", "\u2066"),
    *("\u2028", "\u2029", "\ufeff", "\U000e0041"),
]
EVERY_UNSEEN: Final = pytest.mark.parametrize("character", UNSEEN, ids=ascii)
DOCUMENTS: Final = {
    "createProject": "createProject(name: $name)",
    "renameHolder": "renameHolder(holder: $holder, name: $name)",
    "createApiToken": "createApiToken(name: $name, role: VIEWER)",
    "registerUser": 'registerUser(issuer: "https://i.test", subject: "s", displayName: $name)',
}


@pytest.mark.rule("S72")
@EVERY_UNSEEN
@pytest.mark.asyncio(loop_scope="module")
async def test_a_description_with_one_is_refused_wherever_it_is_written(
    shared_face: Face, shared_world: World, key: str, character: str
) -> None:
    scope, job_id = JOB(shared_world)
    made = await shared_face.create(scope, job_id, key=key, value="x", description="plain")
    description = f"safe{character}txt"

    outcomes = [
        await shared_face.create(scope, job_id, key=f"{key}_2", value="x", description=description),
        await shared_face.alias(
            scope, job_id, made.row["id"], key=f"{key}_3", description=description
        ),
        await shared_face.edit(scope, job_id, made.row["id"], key=key, description=description),
    ]

    assert [outcome.code for outcome in outcomes] == [ErrorCode.BAD_USER_INPUT] * 3
    assert all("control or format" in outcome.detail for outcome in outcomes)
    assert not any(character in outcome.detail for outcome in outcomes)
    rows = [
        item for item in await shared_face.visible(scope, job_id) if item["key"].startswith(key)
    ]
    assert [row["description"] for row in rows] == ["plain"]


@pytest.mark.rule("S72")
@pytest.mark.asyncio(loop_scope="module")
async def test_a_description_can_have_lines_and_tabs(
    shared_face: Face, shared_world: World, key: str
) -> None:
    """The control."""
    scope, job_id = JOB(shared_world)
    text = "one\n\ttwo\r\né \N{GRINNING FACE}"

    made = await shared_face.create(scope, job_id, key=key, value="x", description=text)

    assert made.row["description"] == text


@pytest.mark.rule("S72")
@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_there_already_stays_readable_and_can_be_mended(
    shared_face: Face, shared_world: World, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows from before the rule; without it, such a text is taken."""
    scope, job_id = JOB(shared_world)
    with monkeypatch.context() as before:
        before.setattr(content, "_has_unseen", lambda _: False)
        made = await shared_face.create(scope, job_id, key=key, description="a\u202eb", value="x")
    rows = [item for item in await shared_face.visible(scope, job_id) if item["key"] == key]

    mended = await shared_face.edit(scope, job_id, made.row["id"], key=key, description="ab")

    assert [row["description"] for row in rows] == ["a\u202eb"]
    assert mended.row["description"] == "ab"


async def _named(world: World, mutation: str, name: str) -> Any:
    is_rename = mutation == "renameHolder"
    declared = ", $holder: SecretHolderRef!" if is_rename else ""
    holder = {"holder": {"jobId": world.demo.job_id}} if is_rename else {}
    document = (
        f"mutation ($name: String!{declared}) "
        f"{{ payload: {DOCUMENTS[mutation]} {{ errors {{ code message }} }} }}"
    )
    return (await world.graphql.ask(document, {"name": name, **holder}))["payload"]


@pytest.mark.rule("S72")
@EVERY_UNSEEN
@pytest.mark.parametrize("mutation", DOCUMENTS)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_name_with_one_is_refused(
    shared_world: World, mutation: str, character: str
) -> None:
    payload = await _named(shared_world, mutation, f"shop{character}pohs")

    (error,) = payload["errors"]
    assert error["code"] == "BAD_USER_INPUT"
    assert "control or format" in error["message"]
    assert character not in error["message"]


COMMANDS: Final = {
    "project create": ("project", "create", "{name}", "--organization", "Demo"),
    "organization create": ("organization", "create", "{name}"),
    "token create": ("token", "create", "--organization", "Demo", "--name", "{name}"),
}


@pytest.mark.rule("S72")
@EVERY_UNSEEN
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_the_command_line_refuses_such_a_name(
    line: CommandLine, command: tuple[str, ...], character: str
) -> None:
    name = f"shop{character}pohs"

    refused = line(*(part.format(name=name) for part in command))

    assert refused.code == 1
    assert "control or format" in refused.complaint


@pytest.mark.rule("S72")
@EVERY_UNSEEN
def test_a_file_to_apply_is_refused_with_such_a_name(line: CommandLine, character: str) -> None:
    escaped = f"\\U{ord(character):08x}"
    refused = line("apply", "-f", "-", stdin=f'organization: Demo\nprojects: {{"a{escaped}b": }}\n')

    assert refused.code == 1
    assert "control or format" in refused.complaint


@pytest.mark.rule("S72")
@pytest.mark.parametrize("argument", [Argument.NAME, Argument.DESCRIPTION])
def test_the_refusal_names_its_argument(argument: Argument) -> None:
    ensure = content.ensure_name if argument is Argument.NAME else content.ensure_description

    with pytest.raises(InvalidInput) as refused:
        ensure("a\u202eb")

    assert refused.value.argument is argument
