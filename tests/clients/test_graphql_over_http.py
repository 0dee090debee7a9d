"""GraphQL over HTTP as its specification's own audits see it: npm's `graphql-http`."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.patience import PATIENCE
from tests.servers import LiveServer

pytestmark = pytest.mark.npm

Results = Sequence[Mapping[str, Any]]

_SCRIPT: Final = Path(__file__).with_name("npm") / "audit.mjs"
_AUDITS: Final = 61
# These three want documents to run on GET, which a link or a page of another site can send (S27).
# The specification leaves it to the server, and the audits call it a notice, not a failure.
_WANT_GET: Final = {
    "5A70": "MAY accept application/x-www-form-urlencoded formatted GET requests",
    "D6D5": (
        "MAY allow URL-encoded JSON string {variables} parameter in GETs when accepting "
        "application/graphql-response+json"
    ),
    "6A70": (
        "MAY allow URL-encoded JSON string {variables} parameter in GETs when accepting "
        "application/json"
    ),
}


def _audited(url: str, token: str) -> Results:
    answer = subprocess.run(
        ["node", str(_SCRIPT)],
        env=dict(os.environ) | {"AUDIT_URL": url, "AUDIT_TOKEN": token, "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        check=True,
        timeout=PATIENCE,
    )
    results: Results = json.loads(answer.stdout)
    return results


@pytest.fixture(scope="module")
def results(npm_is_there: None, live_server: LiveServer) -> Results:  # noqa: ARG001 - order
    return _audited(f"{live_server.url}/graphql", live_server.demo["token"])


@pytest.mark.rule("S27", "S28")
def test_every_audit_ran(results: Results) -> None:
    assert len({result["id"] for result in results}) == len(results) == _AUDITS


@pytest.mark.parametrize("level", ["MUST", "SHOULD"])
def test_all_that_must_or_should_be_is(results: Results, level: str) -> None:
    of_level = [result for result in results if result["name"].startswith(f"{level} ")]

    assert len(of_level) > 10
    assert [result for result in of_level if result["status"] != "ok"] == []


@pytest.mark.rule("S27")
def test_all_that_may_be_is_but_documents_on_get(results: Results) -> None:
    missed = {result["id"]: result["name"] for result in results if result["status"] != "ok"}

    assert missed == _WANT_GET
    assert {result["status"] for result in results} == {"ok", "notice"}


def test_the_audits_see_what_is_no_graphql_server(
    npm_is_there: None,  # noqa: ARG001 - order
    live_server: LiveServer,
) -> None:
    """The control of the tests above."""
    seen = _audited(f"{live_server.url}/livez", live_server.demo["token"])

    assert len([result for result in seen if result["status"] == "error"]) > 10


@pytest.mark.rule("S27")
def test_documents_on_get_are_refused_with_the_method_that_is_taken(
    live_server: LiveServer,
) -> None:
    """What the three audits miss, over the same socket."""
    answer = httpx.get(
        f"{live_server.url}/graphql",
        params={"query": "{ __typename }"},
        headers={"Authorization": f"Bearer {live_server.demo['token']}"},
        timeout=PATIENCE,
    )

    assert (answer.status_code, answer.headers["allow"]) == (HTTPStatus.METHOD_NOT_ALLOWED, "POST")
    assert answer.json()["errors"][0]["extensions"]["code"] == "METHOD_NOT_ALLOWED"
