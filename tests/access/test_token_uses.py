"""What is kept of a token: a keyed hash, and its last use, without a write a read."""

import hmac
import sqlite3
from contextlib import closing
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
import structlog

from gateway.config.settings import Settings
from gateway.domain.grants import RoleAssignment
from gateway.domain.permissions import Role
from gateway.runtime import Runtime
from gateway.services.authentication import Authentication, TokenUses
from gateway.services.context import ServiceContext, utc_now
from gateway.services.demo import Demo
from tests.world import World, token_principal

ASKED = {"query": "{ __typename }"}


@pytest.mark.rule("S8")
async def test_a_token_is_kept_as_a_keyed_hash(world: World, data_dir: Path) -> None:
    """Whoever has the database cannot try a token; the control is its own key."""
    text, pepper = world.demo.token.encode(), world.runtime.vault.keys.token_pepper
    with closing(sqlite3.connect(data_dir / "secrets.db")) as connection:
        kept = {digest for (digest,) in connection.execute("SELECT digest FROM api_token")}

    assert hmac.digest(pepper, text, "sha256") in kept
    assert not kept & {text, sha256(text).digest(), hmac.digest(bytes(32), text, "sha256")}


def _uses(data_dir: Path) -> list[str | None]:
    with closing(sqlite3.connect(data_dir / "secrets.db")) as connection:
        return [item for (item,) in connection.execute("SELECT last_used_at FROM api_token")]


@pytest.mark.rule("S10")
async def test_a_request_writes_nothing_and_its_use_is_stored_later(
    world: World, data_dir: Path
) -> None:
    for _ in range(3):
        await world.client.post("/graphql", json=ASKED)
    before = _uses(data_dir)

    await world.runtime.operator.token_uses.store()

    assert before == [None]
    assert _uses(data_dir) != [None]


@pytest.mark.rule("S10")
async def test_a_use_is_stored_once_an_hour(world: World, data_dir: Path) -> None:
    """The clock is the test's own, so that an hour passes at once."""
    now = utc_now()
    context = ServiceContext(world.runtime.database, world.runtime.vault, now=lambda: now)
    uses = TokenUses(context)
    authentication = Authentication(context, uses)

    async def used(later: timedelta) -> list[str | None]:
        nonlocal now
        now += later
        async with world.runtime.database.read() as unit:
            await authentication.token_principal(unit, world.demo.token)
        await uses.store()
        return _uses(data_dir)

    first = await used(timedelta())
    soon = await used(timedelta(minutes=59))
    later = await used(timedelta(minutes=2))

    assert first == soon
    assert later != soon


@pytest.mark.rule("S10")
async def test_uses_are_stored_when_the_gateway_stops(
    template: tuple[Path, Demo], data_dir: Path
) -> None:
    async with Runtime.over(Settings(data_dir=data_dir)).running() as runtime:
        await token_principal(runtime, template[1].token)

    assert _uses(data_dir) != [None]


@pytest.mark.rule("S10")
async def test_uses_that_cannot_be_stored_are_kept(world: World, data_dir: Path) -> None:
    """And no request fails because of it."""
    uses = world.runtime.operator.token_uses
    await world.client.post("/graphql", json=ASKED)

    with closing(sqlite3.connect(data_dir / "secrets.db")) as connection:
        connection.execute("ALTER TABLE api_token RENAME TO away")
        with structlog.testing.capture_logs() as lines:
            await uses.store()
        connection.execute("ALTER TABLE away RENAME TO api_token")
    missed = _uses(data_dir)
    await uses.store()

    assert [line["event"] for line in lines] == ["storage_unavailable", "token_uses_not_stored"]
    assert missed == [None]
    assert _uses(data_dir) != [None]


@pytest.mark.rule("S9")
async def test_what_a_digest_finds_is_compared_once_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index that answered wrongly would let nobody in; the control is not manipulated."""
    principal = await token_principal(world.runtime, world.demo.token)
    assert principal.grants == (RoleAssignment(role=Role.ADMIN),)

    compared: list[bytes] = []

    def differs(stored: bytes, given: bytes) -> bool:
        compared.append(stored)
        return stored != given

    monkeypatch.setattr("gateway.services.authentication.compare_digest", differs)

    with pytest.raises(Exception, match="valid credential"):
        await token_principal(world.runtime, world.demo.token)
    assert len(compared) == 1
