"""graphql-codegen makes types of the schema that tsc holds a program to."""

import re
from collections.abc import Callable

import pytest

from tests.clients.frontends import FOLDER, Outcome, Stage, play, use_tool

pytestmark = pytest.mark.npm

_SOURCES = FOLDER / "typescript" / "src"


@pytest.fixture(scope="module")
def generated(frontends_are_there: None) -> str:  # noqa: ARG001 - order
    """The types of what the program sends."""
    made = use_tool("typescript", "graphql-codegen", "--config", "codegen.ts")
    assert made.returncode == 0, made.stdout + made.stderr
    return (_SOURCES / "gql" / "graphql.ts").read_text()


@pytest.fixture(scope="module")
def answer(generated: str, new_stage: Callable[[], Stage]) -> Outcome:  # noqa: ARG001 - order
    compiled = use_tool("typescript", "tsc", "--project", "tsconfig.json", "--pretty", "false")
    assert compiled.returncode == 0, compiled.stdout
    return play(new_stage(), "typescript/run.mjs")


def test_a_reference_to_a_holder_is_a_union_with_one_member_a_kind(generated: str) -> None:
    found = re.search(r"export type SecretHolderRef =\n((?:  .+\n)+)", generated)

    assert found is not None
    members = re.findall(r"\{(.+?)\}", found[1], re.DOTALL)
    assert [re.findall(r"(\w+): string", member) for member in members] == [
        ["agenticWorkflowId"],
        ["applicationId"],
        ["containerId"],
        ["environmentId"],
        ["helmId"],
        ["jobId"],
        ["projectId"],
        ["terraformId"],
    ]


def test_the_compiled_program_pages_through_the_list(answer: Outcome) -> None:
    assert answer.seen["pages"] == [
        ["KEY_1", "KEY_2", "KEY_3"],
        ["KEY_4", "KEY_5", "KEY_6"],
        ["KEY_7"],
    ]


def test_the_compiled_program_creates_an_alias(answer: Outcome) -> None:
    assert answer.seen["created"]["secret"]["key"] == "ZZ_ALIAS"
    assert answer.seen["created"]["errors"] == []


def test_the_type_of_a_refusal_says_what_more_it_knows(answer: Outcome) -> None:
    assert answer.seen["taken"]["takenBy"] == [answer.seen["created"]["secret"]["id"]]
    assert list(answer.seen["fields"]) == ["input.key"]


def test_types_of_a_document_in_a_file_of_its_own_fit_the_answers(answer: Outcome) -> None:
    assert re.fullmatch(r"ZZ_ALIAS: ALIAS, since \d{4}", answer.seen["explained"][0])
    assert answer.seen["explained"][1] == "ZZ_NOWHERE: NEVER_DEFINED"


def test_each_misuse_of_the_types_is_refused_and_nothing_else(generated: str) -> None:  # noqa: ARG001 - order
    """The control of the program that compiles."""
    lines = (_SOURCES / "misuse.ts").read_text().splitlines()
    misuses = [number for number, line in enumerate(lines, 1) if line.endswith("// refused")]

    compiled = use_tool(
        "typescript", "tsc", "--project", "tsconfig.misuse.json", "--pretty", "false"
    )

    refused = re.findall(r"^src/misuse\.ts\((\d+),\d+\): error", compiled.stdout, re.MULTILINE)
    assert compiled.returncode != 0
    assert [int(number) for number in refused] == misuses
