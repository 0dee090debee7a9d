"""What the GraphiQL routes answer with, built and not built, and under which headers."""

import json
import re
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
from typing import Final

import pytest
from httpx import ASGITransport, AsyncClient
from starlette.applications import Starlette

from gateway.app import build_app
from gateway.pages.assets import ASSETS_PATH, BUILT, BUILT_FOLDER, assets_route
from gateway.pages.graphiql import GRAPHIQL_PATH, graphiql_route
from gateway.runtime import Runtime
from tests.patience import patient_settings

_LOCK: Final = BUILT_FOLDER.with_name("package-lock.json")

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)

# What has no script needs nothing that only scripts need.
_POLICY_NOT_BUILT: Final = (
    "default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)

_BOTH_PAGES = pytest.mark.parametrize("client", ["built", "not_built"], indirect=True)


@pytest.fixture
async def built(tmp_path: Path) -> AsyncIterator[AsyncClient]:
    for name in BUILT:
        (tmp_path / name).write_text(f"content of {name}")
    async with _client(tmp_path) as client:
        yield client


@pytest.fixture
async def not_built(tmp_path: Path) -> AsyncIterator[AsyncClient]:
    async with _client(tmp_path) as client:
        yield client


@pytest.fixture
def client(request: pytest.FixtureRequest) -> AsyncClient:
    """Return one of the two clients above, by its name."""
    chosen: AsyncClient = request.getfixturevalue(request.param)
    return chosen


def _client(folder: Path) -> AsyncClient:
    app = Starlette(routes=[graphiql_route(folder), assets_route(folder)])
    return AsyncClient(transport=ASGITransport(app), base_url="http://localhost")


def _nonces(html: str) -> set[str]:
    return set(re.findall(r'nonce="([^"]*)"', html))


@pytest.mark.rule("S31")
@pytest.mark.parametrize(
    ("client", "policy"),
    [("built", _POLICY), ("not_built", _POLICY_NOT_BUILT)],
    indirect=["client"],
)
async def test_the_policy_allows_the_page_its_own_nonce_and_little_else(
    client: AsyncClient, policy: str
) -> None:
    answer = await client.get(GRAPHIQL_PATH)

    (nonce,) = _nonces(answer.text)
    assert answer.headers["content-security-policy"] == policy.format(nonce=nonce)


@_BOTH_PAGES
async def test_each_answer_has_a_nonce_of_its_own(client: AsyncClient) -> None:
    first = await client.get(GRAPHIQL_PATH)
    second = await client.get(GRAPHIQL_PATH)

    assert _nonces(first.text).isdisjoint(_nonces(second.text))


@_BOTH_PAGES
async def test_the_page_is_neither_kept_nor_guessed_nor_named_to_others(
    client: AsyncClient,
) -> None:
    answer = await client.get(GRAPHIQL_PATH)

    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"


@_BOTH_PAGES
async def test_the_page_has_no_script_and_no_style_attribute_of_its_own(
    client: AsyncClient,
) -> None:
    page = (await client.get(GRAPHIQL_PATH)).text

    assert re.findall(r"<script(?![^>]* src=)", page) == []
    assert re.findall(r"\s(?:style|on\w+)=", page) == []


async def test_the_page_asks_only_for_files_that_are_served(built: AsyncClient) -> None:
    page = (await built.get(GRAPHIQL_PATH)).text

    asked = re.findall(r'(?:src|href)="(assets/[^"]*)"', page)

    assert {(await built.get(f"/{name}")).status_code for name in asked} == {HTTPStatus.OK}
    assert len(asked) > len(BUILT)


async def test_a_missing_build_is_explained(not_built: AsyncClient) -> None:
    answer = await not_built.get(GRAPHIQL_PATH)

    assert answer.status_code == 503
    assert "make graphiql" in answer.text
    assert "Node 20" in answer.text


@pytest.mark.parametrize("name", BUILT)
async def test_a_missing_build_names_each_missing_file(not_built: AsyncClient, name: str) -> None:
    answer = await not_built.get(GRAPHIQL_PATH)

    assert f"<code>{name}</code>" in answer.text


async def test_half_a_build_is_a_missing_build(tmp_path: Path) -> None:
    (tmp_path / "licences.txt").touch()

    async with _client(tmp_path) as client:
        answer = await client.get(GRAPHIQL_PATH)

    assert answer.status_code == 503
    assert "<code>graphiql.min.js</code>" in answer.text
    assert "<code>licences.txt</code>" not in answer.text


@pytest.mark.parametrize(("name", "media_type"), BUILT.items())
async def test_a_file_is_served_as_what_it_is(
    built: AsyncClient, name: str, media_type: str
) -> None:
    answer = await built.get(ASSETS_PATH + name)

    assert answer.text == f"content of {name}"
    assert answer.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_browser_that_has_a_file_is_not_sent_it_again(built: AsyncClient) -> None:
    first = await built.get(f"{ASSETS_PATH}boot.js")

    second = await built.get(
        f"{ASSETS_PATH}boot.js",
        headers={"If-None-Match": first.headers["etag"]},
    )

    assert first.headers["cache-control"] == "no-cache"
    assert second.status_code == 304
    assert second.content == b""
    assert second.headers["etag"] == first.headers["etag"]


async def test_a_browser_that_has_another_version_is_sent_the_file(built: AsyncClient) -> None:
    style = await built.get(f"{ASSETS_PATH}graphiql.min.css")

    script = await built.get(
        f"{ASSETS_PATH}boot.js",
        headers={"If-None-Match": style.headers["etag"]},
    )

    assert script.status_code == 200


@pytest.mark.parametrize(
    "name",
    [
        "",
        "unknown.js",
        "map.py",
        "style.css",
        "../map.py",
        "..%2Fmap.py",
        "%2e%2e/map.py",
        "%00",
    ],
)
async def test_no_other_file_is_served(built: AsyncClient, name: str) -> None:
    answer = await built.get(ASSETS_PATH + name)

    assert answer.status_code == 404


async def test_a_file_beside_the_listed_ones_is_not_served(tmp_path: Path) -> None:
    (tmp_path / "unlisted.js").touch()

    async with _client(tmp_path) as client:
        answer = await client.get(f"{ASSETS_PATH}unlisted.js")

    assert answer.status_code == 404


@pytest.mark.parametrize("path", [GRAPHIQL_PATH, f"{ASSETS_PATH}boot.js"])
@pytest.mark.parametrize(("is_wanted", "is_open"), [(True, True), (False, False)])
async def test_the_page_is_open_only_where_it_is_served(
    data_dir: Path, path: str, *, is_wanted: bool, is_open: bool
) -> None:
    app = build_app(Runtime.over(patient_settings(data_dir, graphiql=is_wanted)))

    async with AsyncClient(transport=ASGITransport(app), base_url="http://localhost") as client:
        answer = await client.get(path)

    assert (answer.status_code != HTTPStatus.UNAUTHORIZED) is is_open


@pytest.mark.parametrize("path", [GRAPHIQL_PATH, f"{ASSETS_PATH}boot.js"])
async def test_only_reading_is_allowed(built: AsyncClient, path: str) -> None:
    answer = await built.post(path)

    assert answer.status_code == 405
    assert sorted(answer.headers["allow"].split(", ")) == ["GET", "HEAD"]


def test_the_lock_file_names_no_place_to_download_from() -> None:
    packages = json.loads(_LOCK.read_text())["packages"]

    assert all("integrity" in package for path, package in packages.items() if path)
    assert [path for path, package in packages.items() if "resolved" in package] == []
