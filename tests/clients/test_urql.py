"""urql lists the secrets of a job, and changes them, on both of its caches."""

from collections.abc import Callable

import pytest

from tests.clients.frontends import Outcome, Stage, play
from tests.clients.watcher import ensure_kept_up_to_date

pytestmark = pytest.mark.npm

_REST = ["KEY_2", "KEY_3", "KEY_4", "KEY_5", "KEY_6", "KEY_7"]


@pytest.fixture(scope="module")
def whole(new_stage: Callable[[], Stage]) -> Outcome:
    """On the cache that keeps answers as a whole."""
    return play(new_stage(), "urql/document-cache.mjs")


@pytest.fixture(scope="module")
def apart(new_stage: Callable[[], Stage]) -> Outcome:
    """On Graphcache, which keeps every secret once."""
    return play(new_stage(), "urql/graphcache.mjs")


def test_each_page_is_a_query(whole: Outcome) -> None:
    assert whole.seen["pages"] == [
        ["KEY_1", "KEY_2", "KEY_3"],
        ["KEY_4", "KEY_5", "KEY_6"],
        ["KEY_7"],
    ]


def test_a_list_is_asked_for_again_after_a_mutation_of_its_holder(whole: Outcome) -> None:
    assert whole.seen["withAlias"]["totalCount"] == whole.seen["first"]["totalCount"] + 1
    assert whole.seen["withoutTarget"]["keys"] == ["KEY_2", "KEY_3", "KEY_4"]


def test_pages_join_in_graphcache_by_their_cursors(apart: Outcome) -> None:
    """Also where an alias was put at the end of the first page in between: it is there once."""
    assert [page["keys"] for page in apart.seen["pages"]] == [
        ["KEY_1", "KEY_2", "KEY_3"],
        ["KEY_1", "KEY_2", "KEY_3", "KEY_4", "KEY_5", "KEY_6"],
        ["KEY_1", "KEY_2", "KEY_3", "ZZ_ALIAS", "KEY_4", "KEY_5", "KEY_6", "KEY_7"],
    ]


def test_graphcache_asks_for_pages_and_for_nothing_again(apart: Outcome) -> None:
    assert "ZZ_ALIAS" in apart.seen["withAlias"]["keys"]
    assert apart.seen["withoutTarget"]["keys"] == _REST
    assert apart.seen["requests"] == [
        "JobSecrets",
        "JobSecrets",
        "CreateAlias",
        "JobSecrets",
        "CreateAlias",
        "DeleteSecret",
    ]


@pytest.mark.parametrize("cache", ["whole", "apart"])
def test_a_refusal_is_at_the_field_that_it_is_about(
    cache: str, request: pytest.FixtureRequest
) -> None:
    answer: Outcome = request.getfixturevalue(cache)

    assert list(answer.seen["fields"]) == ["input.key"]
    assert "taken" in answer.seen["fields"]["input.key"][0]


def test_a_request_without_a_credential_has_its_code(whole: Outcome) -> None:
    assert whole.seen["code"] == "UNAUTHENTICATED"


def test_urql_by_its_default_would_send_queries_that_are_refused(whole: Outcome) -> None:
    """The control of `preferGetMethod` in the client's settings."""
    assert whole.seen["codeOnGet"] == "METHOD_NOT_ALLOWED"


@pytest.mark.parametrize("cache", ["whole", "apart"])
def test_urql_complains_of_nothing(cache: str, request: pytest.FixtureRequest) -> None:
    """It warns of what its cache has no key for."""
    answer: Outcome = request.getfixturevalue(cache)

    assert answer.complaints == []


@pytest.mark.parametrize("connection", ["overWebSocket", "overEvents"])
def test_a_list_keeps_up(connection: str, new_stage: Callable[[], Stage]) -> None:
    ensure_kept_up_to_date(play(new_stage(), "urql/watch.mjs", connection))
