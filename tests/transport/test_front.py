"""What people see who type the address alone."""

from pathlib import Path

import httpx
import pytest

from gateway.app import build_app
from gateway.runtime import Runtime
from tests.patience import patient_settings


@pytest.mark.parametrize(
    ("graphiql", "page"), [(True, "/graphiql"), (False, "/reference")], ids=["with it", "without"]
)
async def test_the_address_alone_leads_to_a_page(
    data_dir: Path, *, graphiql: bool, page: str
) -> None:
    app = build_app(Runtime.over(patient_settings(data_dir, graphiql=graphiql)))
    transport = httpx.ASGITransport(app)

    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        led = await client.get("/")

    assert (led.status_code, led.headers["location"]) == (307, page)
