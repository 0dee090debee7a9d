"""How npm's client says who it is: it sends its `accessToken` as Bearer, its `apiKey` as it is."""

from collections.abc import Iterator
from http import HTTPStatus

import pytest

from gateway.domain.scopes import Scope
from tests.clients.npm_client import NpmClient
from tests.clients.problems import ensure_problem
from tests.servers import LiveServer

pytestmark = [pytest.mark.npm, pytest.mark.usefixtures("npm_is_there")]


@pytest.mark.rule("E5")
def test_token_is_accepted_as_an_access_token(live_server: LiveServer, key: str) -> None:
    token, job_id = live_server.demo["token"], live_server.demo["job_id"]

    with NpmClient.configured(live_server.url, access_token=token) as client:
        made = client.secrets_of(Scope.JOB, job_id).create(key=key)

    assert made.status == HTTPStatus.CREATED


@pytest.mark.rule("E5")
def test_token_is_accepted_as_an_api_key(live_server: LiveServer, key: str) -> None:
    token, job_id = live_server.demo["token"], live_server.demo["job_id"]

    with NpmClient.configured(live_server.url, api_key=f"Token {token}") as client:
        made = client.secrets_of(Scope.JOB, job_id).create(key=key)

    assert made.status == HTTPStatus.CREATED


@pytest.fixture(
    scope="module",
    params=[
        {},
        {"access_token": "wrong"},
        {"api_key": "Token wrong"},
        {"api_key": "wrong"},
        {"api_key": "Token "},
    ],
    ids=str,
)
def uninvited(request: pytest.FixtureRequest, live_server: LiveServer) -> Iterator[NpmClient]:
    with NpmClient.configured(live_server.url, **request.param) as client:
        yield client


@pytest.mark.rule("E2")
def test_client_without_a_valid_token_is_asked_for_one(
    uninvited: NpmClient, live_server: LiveServer, scope: Scope, key: str
) -> None:
    secrets = uninvited.secrets_of(scope, live_server.demo[f"{scope.lower()}_id"])

    listed = secrets.visible()
    made = secrets.create(key=key)

    ensure_problem(listed, HTTPStatus.UNAUTHORIZED)
    ensure_problem(made, HTTPStatus.UNAUTHORIZED)
    assert listed.headers["www-authenticate"].startswith("Bearer ")
    assert made.headers["www-authenticate"].startswith("Bearer ")
