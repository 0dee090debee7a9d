"""A manifest that is not to be used stops the start, in one line that says why."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from gateway.app import build_app, trusted_documents
from gateway.config.production_checks import NothingToRun, UselessPage
from gateway.config.settings import Settings
from gateway.domain.errors import RefusedStart
from gateway.graphql.limits import WORDS, Limit
from gateway.runtime import Runtime
from tests.cli.conftest import CommandLine
from tests.trusted.conftest import MANIFESTS, Write

TEXT: Final = "{ __typename }"
PREFIX: Final = "SECRETS_GATEWAY_TRUSTED_DOCUMENTS"
# What stands in a manifest, and what is said of it.
APOLLO: Final = {"format": "apollo-persisted-query-manifest", "version": 1}
UNUSABLE: Final[Mapping[str, tuple[Any, str]]] = {
    "no JSON": (b"{", "it is not JSON."),
    "no UTF-8": (b'{"a": "\xff"}', "it is not JSON."),
    "nested too deep": (b'{"a":' * 100_000, "it is not JSON."),
    "an array": ([TEXT], "it is not an object of ids and documents."),
    "a text": (TEXT, "it is not an object of ids and documents."),
    "nothing": ({}, "it has no documents."),
    "no text": ({"a": None}, "the document a must be a text."),
    "half a character": (b'{"a": "{ __typename } # \\ud800"}', "the document a must be a text."),
    "an empty id": ({"": TEXT}, "an id must have 1 to 256 visible ASCII characters."),
    "an id with a line break": ({"a\n": TEXT}, "an id must have 1 to 256 visible"),
    "an id twice": (
        b'{"a": "{ __typename }", "a": "{ a: __typename }"}',
        "two documents have the id a.",
    ),
    "another format": ({"format": "other", "operations": []}, "it is not 'apollo-"),
    "another version": (
        APOLLO | {"version": 2, "operations": [{"id": "a", "body": TEXT}]},
        "it is not 'apollo-",
    ),
    "no operations": (APOLLO, "it is not 'apollo-"),
    "an operation that is none": (APOLLO | {"operations": [1]}, "an id must have 1 to 256"),
    "an operation without a body": (APOLLO | {"operations": [{"id": "a"}]}, "the document a"),
}
UNFIT: Final[Mapping[str, tuple[str, str]]] = {
    "an unknown field": (
        "{ unknown }",
        "Cannot query field 'unknown' on type 'Query'. (line 1, column 3)",
    ),
    "an unknown type": (
        "fragment F on Jobb { id } { ...F }",
        "Unknown type 'Jobb'. (line 1, column 15)",
    ),
    "no GraphQL": ("{ __typename", "The document is not valid GraphQL. (line 1, column 13)"),
    "nothing": ("", "The document is not valid GraphQL. (line 1, column 1)"),
    "no operation": ("fragment F on Query { __typename }", "The document has no operation."),
    "a number that is quoted in no message": (
        "{ projects(first: " + "9" * 50 + ") { totalCount } }",
        "A value does not have the type that the schema requires. (line 1, column 19)",
    ),
    "more aliases than are given": (
        '{ node(id: "x") { ' + " ".join(f"a{n}: id" for n in range(21)) + " } }",
        WORDS[Limit.ALIASES].format("20"),
    ),
}


@pytest.mark.parametrize("manifest", MANIFESTS.values(), ids=MANIFESTS.keys())
def test_a_manifest_can_be_checked_by_itself(
    line: CommandLine, manifest: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where a client is built there is no database."""
    monkeypatch.setenv("SECRETS_GATEWAY_DATA_DIR", str(tmp_path / "nowhere"))

    answer = line("check", "--documents", str(manifest))

    assert (answer.code, answer.out) == (0, "2 trusted documents can be run here.\n")
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(("content", "reason"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_what_is_no_manifest_is_refused(
    line: CommandLine, write: Write, content: Any, reason: str
) -> None:
    manifest = write(content)

    refused = line("check", "--documents", str(manifest))

    assert refused.code == 1
    assert refused.complaint.startswith(f"{manifest}: {reason}")


@pytest.mark.parametrize(("text", "reason"), UNFIT.values(), ids=UNFIT.keys())
def test_a_document_that_could_never_run_is_named(
    line: CommandLine, write: Write, text: str, reason: str
) -> None:
    manifest = write({"fits": TEXT, "does-not": text})

    refused = line("check", "--documents", str(manifest))

    assert refused.code == 1
    assert refused.complaint == (
        f"{manifest}: these documents do not fit the schema: does-not: {reason}"
    )


def test_all_documents_that_could_never_run_are_named(line: CommandLine, write: Write) -> None:
    refused = line("check", "--documents", str(write({"one": "{ a }", "two": "{ b }"})))

    assert "one: Cannot query field 'a'" in refused.complaint
    assert "two: Cannot query field 'b'" in refused.complaint


@pytest.mark.parametrize("command", ["check", "serve"])
def test_the_start_is_stopped_by_a_document_that_does_not_fit(
    line: CommandLine, write: Write, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv(PREFIX, str(write({"does-not": "{ unknown }"})))

    refused = line(command)

    assert refused.code == 1
    assert "does-not: Cannot query field 'unknown'" in refused.complaint


def test_a_start_with_documents_that_fit_is_not_stopped(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above; several manifests have commas between them."""
    monkeypatch.setenv(PREFIX, ",".join(map(str, MANIFESTS.values())))
    monkeypatch.setenv(f"{PREFIX}_ONLY", "true")

    assert line("check").out == "All is well.\n"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (TEXT, "well   documents: All trusted documents can be run."),
        ("{ unknown }", "FAULT  documents: "),
    ],
)
def test_the_check_up_says_of_trusted_documents(
    line: CommandLine,
    write: Write,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    answer: str,
) -> None:
    monkeypatch.setenv(PREFIX, str(write({"some": text})))

    checked = line("doctor")

    assert checked.out.splitlines()[-1].startswith(answer)


def test_a_subscription_can_be_trusted(line: CommandLine, write: Write) -> None:
    text = "subscription ($id: ID!) { effectiveSecretsChanged(serviceId: $id) { cursor } }"

    assert line("check", "--documents", str(write({"watch": text}))).code == 0


def test_a_manifest_that_is_not_there_stops_the_start(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(PREFIX, str(tmp_path / "nowhere.json"))

    assert line("check").complaint == f"{tmp_path / 'nowhere.json'}: No such file or directory."


def test_an_application_is_not_built_over_a_document_that_does_not_fit(write: Write) -> None:
    settings = Settings(trusted_documents=(write({"does-not": "{ unknown }"}),))

    with pytest.raises(RefusedStart, match="does-not"):
        build_app(Runtime.over(settings))


def test_one_id_for_two_texts_stops_the_start(tmp_path: Path) -> None:
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    one.write_text(json.dumps({"a": TEXT, "b": TEXT}))
    other.write_text(json.dumps({"a": "{ a: __typename }"}))

    with pytest.raises(RefusedStart, match="another manifest has a different document a"):
        trusted_documents(Settings(trusted_documents=(one, other)))


def test_one_id_for_one_text_may_stand_in_two_manifests(tmp_path: Path) -> None:
    """The control of the test above: a client's next release has much of the last one."""
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    one.write_text(json.dumps({"a": TEXT}))
    other.write_text(json.dumps({"a": TEXT, "b": "{ b: __typename }"}))

    known = trusted_documents(Settings(trusted_documents=(one, other)))

    assert {"a", "b"} <= set(known.texts)


def test_to_run_nothing_at_all_is_not_meant() -> None:
    with pytest.raises(NothingToRun, match="trusted_documents"):
        trusted_documents(Settings(trusted_documents_only=True))


def test_a_page_that_could_run_nothing_is_not_meant() -> None:
    settings = Settings(
        trusted_documents=(MANIFESTS["relay"],), trusted_documents_only=True, graphiql=True
    )

    with pytest.raises(UselessPage, match="graphiql"):
        trusted_documents(settings)


@pytest.mark.parametrize(("only", "served"), [(True, False), (False, True)])
def test_the_page_is_left_out_where_it_could_run_nothing(*, only: bool, served: bool) -> None:
    assert Settings(trusted_documents_only=only).serves_graphiql is served
