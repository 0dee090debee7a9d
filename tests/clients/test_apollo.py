"""Apollo Client lists the secrets of a job, and changes them."""

from collections.abc import Callable

import pytest

from tests.clients.frontends import Outcome, Stage, play
from tests.clients.watcher import ensure_kept_up_to_date

pytestmark = pytest.mark.npm


@pytest.fixture(scope="module")
def answer(new_stage: Callable[[], Stage]) -> Outcome:
    return play(new_stage(), "apollo/secrets.mjs")


def test_pages_join_in_the_cache_by_their_cursors(answer: Outcome) -> None:
    """Also where an alias was put at the end of the list in between: it is there once."""
    assert [page["keys"] for page in answer.seen["pages"]] == [
        ["KEY_1", "KEY_2", "KEY_3"],
        ["KEY_1", "KEY_2", "KEY_3", "KEY_4", "KEY_5", "KEY_6"],
        ["KEY_1", "KEY_2", "KEY_3", "KEY_4", "KEY_5", "KEY_6", "KEY_7", "ZZ_ALIAS"],
    ]
    assert [page["more"] for page in answer.seen["pages"]] == [True, True, False]


def test_a_new_alias_is_in_the_list_with_no_further_request(answer: Outcome) -> None:
    assert answer.seen["withAlias"]["keys"][-1] == "ZZ_ALIAS"
    assert answer.seen["withAlias"]["totalCount"] == 8
    assert answer.seen["requests"][:4] == ["JobSecrets", "JobSecrets", "CreateAlias", "JobSecrets"]


def test_an_alias_and_its_target_are_two_things_to_the_cache(answer: Outcome) -> None:
    node = answer.seen["created"]["secretEdge"]["node"]

    assert (node["__typename"], node["aliasedSecret"]["__typename"]) == ("Secret", "SecretAlias")
    assert node["aliasedSecret"]["key"] == "KEY_1"


def test_a_refusal_is_at_the_field_that_it_is_about(answer: Outcome) -> None:
    assert list(answer.seen["fields"]) == ["input.key"]
    assert "taken" in answer.seen["fields"]["input.key"][0]


def test_what_goes_with_a_deleted_secret_goes_from_the_list_too(answer: Outcome) -> None:
    assert answer.seen["deletedSecretIds"][1] == answer.seen["created"]["secretEdge"]["node"]["id"]
    assert answer.seen["withoutTarget"]["keys"] == [
        "KEY_2",
        "KEY_3",
        "KEY_4",
        "KEY_5",
        "KEY_6",
        "KEY_7",
    ]
    assert answer.seen["withoutTarget"]["totalCount"] == 6


def test_a_request_without_a_credential_has_its_code(answer: Outcome) -> None:
    assert answer.seen["code"] == "UNAUTHENTICATED"


def test_apollo_complains_of_nothing(answer: Outcome) -> None:
    """It warns of what its cache cannot keep apart or put together."""
    assert answer.complaints == []


def test_a_list_keeps_up_over_a_websocket(new_stage: Callable[[], Stage]) -> None:
    ensure_kept_up_to_date(play(new_stage(), "apollo/watch.mjs"))
