"""Relay lists the secrets of a job, and changes them, with documents that its compiler accepts."""

from collections.abc import Callable

import pytest

from tests.clients.frontends import Outcome, Stage, play, use_tool
from tests.clients.watcher import ensure_kept_up_to_date

pytestmark = pytest.mark.npm

_PROGRAM = "relay/build/secrets.mjs"
# Relay says so of every mutation that is refused: there is no edge to append.
_NO_EDGE = "Warning: MutationHandlers: Expected the server edge to be non-null."


@pytest.fixture(scope="module")
def new_compiled_stage(new_stage: Callable[[], Stage]) -> Callable[[], Stage]:
    """Gives jobs for the programs, which are compiled against the schema as it is now."""
    built = use_tool("relay", "node", "build.mjs")
    assert built.returncode == 0, built.stderr
    return new_stage


@pytest.fixture(scope="module")
def answer(new_compiled_stage: Callable[[], Stage]) -> Outcome:
    return play(new_compiled_stage(), _PROGRAM)


def test_pages_join_in_the_connection_by_their_cursors(answer: Outcome) -> None:
    """Also where an alias was appended in between: it is there once."""
    assert [page["keys"] for page in answer.seen["pages"]] == [
        ["KEY_1", "KEY_2", "KEY_3"],
        ["KEY_1", "KEY_2", "KEY_3", "KEY_4", "KEY_5", "KEY_6"],
        ["KEY_1", "KEY_2", "KEY_3", "KEY_4", "KEY_5", "KEY_6", "ZZ_ALIAS", "KEY_7"],
    ]
    assert [page["more"] for page in answer.seen["pages"]] == [True, True, False]


def test_append_edge_puts_a_new_alias_into_the_list(answer: Outcome) -> None:
    assert answer.seen["withAlias"]["keys"][-1] == "ZZ_ALIAS"
    assert answer.seen["withAlias"]["totalCount"] == 8


def test_delete_edge_and_delete_record_take_all_that_went_out_of_the_list(answer: Outcome) -> None:
    assert len(answer.seen["deletedSecretIds"]) == 2
    assert answer.seen["withoutTarget"]["keys"] == [
        "KEY_2",
        "KEY_3",
        "KEY_4",
        "KEY_5",
        "KEY_6",
        "KEY_7",
    ]
    assert answer.seen["withoutTarget"]["totalCount"] == 6


def test_a_refusal_is_at_the_field_that_it_is_about(answer: Outcome) -> None:
    assert list(answer.seen["fields"]) == ["input.key"]
    assert "taken" in answer.seen["fields"]["input.key"][0]


def test_a_request_without_a_credential_has_its_code(answer: Outcome) -> None:
    assert answer.seen["code"] == "UNAUTHENTICATED"


def test_relay_complains_of_nothing_but_the_edge_that_a_refusal_lacks(answer: Outcome) -> None:
    assert answer.complaints == [_NO_EDGE]


def test_a_list_keeps_up_over_a_websocket(new_compiled_stage: Callable[[], Stage]) -> None:
    ensure_kept_up_to_date(play(new_compiled_stage(), "relay/build/watch.mjs"))


def test_relay_would_take_a_target_and_what_refers_to_it_for_one_by_their_ids(
    new_compiled_stage: Callable[[], Stage],
) -> None:
    """The control of `identify`: Relay's own way, the id alone."""
    answer = play(new_compiled_stage(), _PROGRAM, "byId")

    assert [line for line in answer.complaints if "conflicting types" in line] != []


def test_relay_would_not_find_what_was_deleted_by_types_with_ids(
    new_compiled_stage: Callable[[], Stage],
) -> None:
    """The control of `identify`: the type before every id, which `deletedSecretIds` do not have."""
    answer = play(new_compiled_stage(), _PROGRAM, "byTypeAndId")

    assert {"KEY_1", "ZZ_ALIAS"} <= set(answer.seen["withoutTarget"]["keys"])
