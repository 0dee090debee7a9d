"""Which hosts, pages and proxies the gateway listens to."""

from typing import Final

import pytest
from pydantic import ValidationError

from gateway.config.settings import Settings
from tests.transport.conftest import OpenWorld
from tests.world import World

QUERY: Final = {"query": "{ __typename }"}
PAGE: Final = "https://app.example.com"
ASKS: Final = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}


async def _status(world: World, host: str, path: str = "/graphql") -> int:
    response = await world.client.request(
        "POST" if path == "/graphql" else "GET", path, json=QUERY, headers={"Host": host}
    )
    return response.status_code


@pytest.mark.rule("S34")
@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:8080"]
)
async def test_loopback_is_always_a_host(world: World, host: str) -> None:
    assert await _status(world, host) == 200


@pytest.mark.rule("S34")
@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "evil.example:8080",
        "localhost:port",
        "localhost:123456",
        "localhost@evil.example",
        "localhost, evil.example",
        "localhost/",
        "[::1",
        "127.0.0.1.",
        "",
        "*",
    ],
)
async def test_another_host_is_refused(world: World, host: str) -> None:
    assert await _status(world, host) == 400
    assert await _status(world, host, "/openapi.json") == 400


@pytest.mark.rule("E1", "S34")
async def test_the_refusal_does_not_repeat_the_host(world: World) -> None:
    refused = await world.client.get("/unknown", headers={"Host": "marker-5511.example"})

    assert refused.json()["code"] == "BAD_USER_INPUT"
    assert "allowed_hosts" in refused.json()["detail"]
    assert "marker-5511" not in refused.text


@pytest.mark.rule("S34")
async def test_two_hosts_are_refused(world: World) -> None:
    twice = [("Host", "localhost"), ("Host", "localhost")]

    assert (await world.client.get("/unknown", headers=twice)).status_code == 400


@pytest.mark.rule("S34")
async def test_a_host_of_the_settings_is_one_and_no_other_becomes_one(opened: OpenWorld) -> None:
    world = await opened(allowed_hosts="Secrets.example.com, other.example.com")

    assert await _status(world, "secrets.example.com") == 200
    assert await _status(world, "other.example.com:443") == 200
    assert await _status(world, "third.example.com") == 400


@pytest.mark.rule("S34")
async def test_the_address_that_it_listens_on_is_a_host(opened: OpenWorld) -> None:
    world = await opened(host="192.0.2.1")

    assert await _status(world, "192.0.2.1:8080") == 200


@pytest.mark.rule("S34")
@pytest.mark.parametrize("wildcard", ["0.0.0.0", "::"])  # noqa: S104 - nothing listens
async def test_an_address_that_refers_to_all_is_no_host(opened: OpenWorld, wildcard: str) -> None:
    world = await opened(host=wildcard)

    named = f"[{wildcard}]" if ":" in wildcard else wildcard
    assert await _status(world, named) == 400


@pytest.mark.rule("S34")
@pytest.mark.parametrize("path", ["/livez", "/readyz"])
async def test_probes_may_come_to_any_address(world: World, path: str) -> None:
    """An orchestrator asks the address of a container."""
    assert await _status(world, "10.1.2.3:8080", path) == 200


@pytest.mark.rule("S30")
async def test_a_page_of_the_list_may_ask_and_read(opened: OpenWorld) -> None:
    world = await opened(cors_origins=[PAGE])

    asked = await world.client.options("/graphql", headers=ASKS)
    answered = await world.client.post("/graphql", json=QUERY, headers={"Origin": PAGE})

    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == PAGE
    assert answered.headers["access-control-allow-origin"] == PAGE
    assert "origin" in answered.headers["vary"].lower()


@pytest.mark.rule("S30")
async def test_a_page_of_the_list_may_read_refusals(opened: OpenWorld) -> None:
    """Otherwise it could not tell its user to sign in."""
    world = await opened(cors_origins=[PAGE])
    headers = {"Origin": PAGE, "Authorization": "Bearer wrong"}

    refused = await world.client.post("/graphql", json=QUERY, headers=headers)

    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == PAGE


@pytest.mark.rule("S30")
@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "http://app.example.com", f"{PAGE}:8443", f"{PAGE}.evil.example"],
)
async def test_another_page_is_reported_nothing(opened: OpenWorld, origin: str) -> None:
    world = await opened(cors_origins=[PAGE])

    asked = await world.client.options("/graphql", headers=ASKS | {"Origin": origin})
    answered = await world.client.post("/graphql", json=QUERY, headers={"Origin": origin})

    assert "access-control-allow-origin" not in asked.headers
    assert "access-control-allow-origin" not in answered.headers


@pytest.mark.rule("S30")
@pytest.mark.parametrize("origins", [[], [PAGE]], ids=["none", "one"])
async def test_no_page_sends_credentials_of_the_browser(
    opened: OpenWorld, origins: list[str]
) -> None:
    """And by default no other page may ask at all."""
    world = await opened(cors_origins=origins)

    asked = await world.client.options("/graphql", headers=ASKS)

    assert "access-control-allow-credentials" not in asked.headers
    assert ("access-control-allow-origin" in asked.headers) is bool(origins)


@pytest.mark.rule("S30")
@pytest.mark.parametrize(
    "origin", ["*", "https://*.example.com", "null", "example.com", f"{PAGE}/"]
)
def test_an_origin_that_is_none_is_refused_at_the_start(origin: str) -> None:
    with pytest.raises(ValidationError, match="must be exact"):
        Settings(cors_origins=(origin,))


@pytest.mark.rule("S34")
@pytest.mark.parametrize("address", ["*", "proxy.example.com", "10.0.0.1/8", "10.0.0.300"])
def test_a_proxy_that_is_no_address_is_refused_at_the_start(address: str) -> None:
    with pytest.raises(ValidationError, match="trusted_proxies"):
        Settings(trusted_proxies=(address,))


def test_lists_are_read_from_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRETS_GATEWAY_TRUSTED_PROXIES", "10.0.0.1, 192.0.2.0/24")

    assert Settings().trusted_proxies == ("10.0.0.1", "192.0.2.0/24")


@pytest.mark.rule("S34")
@pytest.mark.parametrize(
    ("trusted", "statuses"),
    # httpx comes from 127.0.0.1: either it is believed whom it speaks for, or all is its own.
    [(["127.0.0.1"], [401, 401, 401, 401]), ([], [401, 401, 429, 429])],
    ids=["trusted", "not trusted"],
)
async def test_only_a_trusted_proxy_says_who_is_behind_it(
    opened: OpenWorld, trusted: list[str], statuses: list[int]
) -> None:
    """Failures are counted against whom it names; anybody else's word counts for nothing."""
    world = await opened(failed_logins_per_minute=2, trusted_proxies=trusted)

    async def fail(source: str) -> int:
        headers = {"X-Forwarded-For": source, "Authorization": "Bearer wrong"}
        return (await world.client.get("/unknown", headers=headers)).status_code

    answer = [await fail(item) for item in ("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4")]

    assert answer == statuses
