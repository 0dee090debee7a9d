"""A gateway whose keys are in AWS KMS, from the first start to an outage."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest

from gateway.app import build_app
from gateway.config.settings import Settings
from gateway.config.types import KeyProviderName
from gateway.runtime import Runtime, SilentKeyProvider, migrate_database
from gateway.services.demo import Demo, ensure_demo
from gateway.storage import data_keys
from tests.kms import FailingKms, credentials, kms_client, moto_server, patient_kms
from tests.patience import PATIENCE

__all__ = ["credentials", "patient_kms"]

DELIVER = "query ($id: ID!) { runtimeSecrets(serviceId: $id) { key value } }"
pytestmark = [pytest.mark.usefixtures("credentials", "patient_kms"), pytest.mark.rule("S59")]


@pytest.fixture
def moto(tmp_path: Path) -> Iterator[str]:
    """A server of moto's."""
    with moto_server(tmp_path) as address:
        yield address


@asynccontextmanager
async def _served(runtime: Runtime, token: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=build_app(runtime)),
        base_url="http://localhost",
        headers={"Authorization": f"Bearer {token}"},
    ) as client:
        yield client


async def _delivered(client: httpx.AsyncClient, demo: Demo) -> httpx.Response:
    return await client.post("/graphql", json={"query": DELIVER, "variables": {"id": demo.job_id}})


async def test_values_sealed_under_keys_of_kms(moto: str, tmp_path: Path) -> None:
    """No key file is made; an outage is bridged for a time, then 503; no start without KMS."""
    key_id = kms_client(moto).create_key()["KeyMetadata"]["KeyId"]
    settings = Settings(
        data_dir=tmp_path / "data",
        graphiql=False,
        key_provider=KeyProviderName.AWS_KMS,
        kms_key_id=key_id,
        kms_endpoint=moto,
        deadline_seconds=PATIENCE,
    )
    await migrate_database(settings)
    async with Runtime.over(settings).running() as runtime:
        demo = await ensure_demo(runtime.services, runtime.operator, runtime.database)
        async with runtime.database.read() as unit:
            wrapping = await data_keys.wrapping_ids(unit)
    assert wrapping == {f"aws-kms:{key_id}"}
    assert not (tmp_path / "data" / "keys.json").exists()

    with FailingKms(code="DisabledException").running() as failing:
        async with (
            Runtime.over(settings).running() as runtime,
            _served(runtime, demo.token) as client,
        ):
            keeper = runtime.vault.keys.key_ring.primary
            before = await _delivered(client, demo)
            # From here on this process talks to the failing one.
            keeper._client = kms_client(failing.url)  # type: ignore[attr-defined] # noqa: SLF001
            bridged = await _delivered(client, demo)
            runtime.vault._cache.forget_all()  # noqa: SLF001 - its time is over
            refused = await _delivered(client, demo)
            listed = await client.get(f"/job/{demo.job_id}/secret")
            ready = await client.get("/livez")
        elsewhere = settings.model_copy(update={"kms_endpoint": failing.url})
        with pytest.raises(SilentKeyProvider):
            await _started(elsewhere)

    assert {"key": "SMTP_PASSWORD", "value": "demo-bulk-smtp"} in (
        before.json()["data"]["runtimeSecrets"]
    )
    assert bridged.json() == before.json()
    assert refused.json()["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
    assert "demo-bulk-smtp" not in refused.text
    assert listed.status_code == HTTPStatus.OK
    assert ready.status_code == HTTPStatus.OK


async def _started(settings: Settings) -> None:
    async with Runtime.over(settings).running():
        pass
