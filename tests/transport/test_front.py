"""What people see who type the address alone."""

import re
from pathlib import Path
from typing import Final

import httpx
import pytest

from gateway.app import build_app
from gateway.runtime import Runtime
from tests.patience import patient_settings

_BROWSER: Final = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def _client(data_dir: Path, *, graphiql: bool) -> httpx.AsyncClient:
    app = build_app(Runtime.over(patient_settings(data_dir, graphiql=graphiql)))
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost")


@pytest.mark.parametrize(
    ("graphiql", "page"), [(True, "/graphiql"), (False, "/reference")], ids=["with it", "without"]
)
async def test_the_address_alone_leads_to_a_page(
    data_dir: Path, *, graphiql: bool, page: str
) -> None:
    async with _client(data_dir, graphiql=graphiql) as client:
        led = await client.get("/")

    assert (led.status_code, led.headers["location"]) == (307, page)


@pytest.mark.parametrize(
    ("graphiql", "page"), [(True, "/graphiql"), (False, "/reference")], ids=["with it", "without"]
)
async def test_the_endpoint_in_a_browser_leads_to_a_page(
    data_dir: Path, *, graphiql: bool, page: str
) -> None:
    async with _client(data_dir, graphiql=graphiql) as client:
        led = await client.get("/graphql", headers={"Accept": _BROWSER})

    assert (led.status_code, led.headers["location"]) == (307, page)


@pytest.mark.parametrize(
    ("method", "accept"),
    [("GET", "*/*"), ("GET", "application/json"), ("HEAD", _BROWSER), ("POST", _BROWSER)],
)
async def test_control_other_clients_of_the_endpoint_are_not_led_away(
    data_dir: Path, method: str, accept: str
) -> None:
    async with _client(data_dir, graphiql=True) as client:
        refused = await client.request(method, "/graphql", headers={"Accept": accept})

    assert refused.status_code == 401


async def test_the_map_alone_leads_to_its_page(data_dir: Path) -> None:
    async with _client(data_dir, graphiql=True) as client:
        led = await client.get("/map")
        page = await client.get(f"/{led.headers['location']}")

    assert (led.status_code, page.status_code) == (307, 200)


async def test_where_no_other_page_is_the_reference_links_to_none(data_dir: Path) -> None:
    async with _client(data_dir, graphiql=False) as client:
        page = (await client.get("/reference")).text

    bar = page[page.index('<nav aria-label="Pages">') : page.index("</header>")]
    assert re.findall('href="([^"]*)"', bar) == ["reference", "openapi.json"]
