"""No cursor and no id of an event counts what other organizations do."""

import base64
import binascii
from string import ascii_letters, digits
from typing import Any

import httpx
import pytest

from gateway.crypto.envelope import TamperedCiphertext, new_key, open_text, seal_text
from gateway.domain.change_feed import CursorExpired
from gateway.services.audit.events import Cursors
from tests.operations.callers import Stranger, settle
from tests.world import World

pytestmark = pytest.mark.rule("S67")

EVENTS = """query ($after: String) {
    auditEvents(first: 3, after: $after) {
        edges { cursor node { id } } pageInfo { endCursor } } }"""
OWN = "{ changeCursor auditEvents(first: 50) { edges { cursor node { id } } } }"


async def _ask(client: httpx.AsyncClient, document: str, **variables: Any) -> Any:
    body = {"query": document, "variables": variables}
    return (await client.post("/graphql", json=body)).json()


async def _write(client: httpx.AsyncClient, job_id: str, count: int) -> None:
    for number in range(count):
        body = {"key": f"KEY_{number}", "value": "v"}
        await client.post(f"/job/{job_id}/secret", json=body)


async def _change_cursor(client: httpx.AsyncClient) -> str:
    return str((await _ask(client, OWN))["data"]["changeCursor"])


def _clear(number: int) -> str:
    plain = f"{number}.0123456789abcdef".encode()
    return base64.urlsafe_b64encode(plain).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        return b""


async def test_the_change_cursor_stands_still_while_another_organization_writes(
    world: World,
) -> None:
    stranger = await settle(world)
    before = await _change_cursor(world.client)

    await _write(stranger.client, stranger.job_id, 5)
    between = await _change_cursor(world.client)
    await _write(world.client, world.demo.job_id, 1)

    assert between == before
    # The control arm: what happens in the own organization moves it.
    assert await _change_cursor(world.client) != before


async def test_no_cursor_and_no_id_holds_an_event_number_in_clear(world: World) -> None:
    data = (await _ask(world.client, OWN))["data"]
    edges = data["auditEvents"]["edges"]
    texts = [data["changeCursor"], *(edge["cursor"] for edge in edges)]
    texts += [edge["node"]["id"] for edge in edges]
    numbers = {event["seq"] async for event in world.runtime.operator.audit.exported()}

    assert not any(text.isdigit() for text in texts)
    # Random bytes, as good as never all of them ASCII.
    assert not any(_decoded(text).isascii() for text in texts)
    assert not {int.from_bytes(_decoded(text)[:8]) for text in texts} & numbers
    # The control arm: a cursor as it was before is found like this.
    assert _decoded(_clear(max(numbers))).isascii()


async def test_an_event_has_the_same_id_each_time_and_another_in_another_organization(
    world: World,
) -> None:
    first, second = await _ask(world.client, OWN), await _ask(world.client, OWN)
    cursors = Cursors(world.runtime.vault)

    assert first == second
    assert cursors.of_event(1, organization_id="a") != cursors.of_event(1, organization_id="b")


async def test_pages_of_events_go_on_from_a_cursor(world: World) -> None:
    """The control arm of what is refused below."""
    whole = (await _ask(world.client, OWN))["data"]["auditEvents"]["edges"]
    first = (await _ask(world.client, EVENTS))["data"]["auditEvents"]

    after = first["pageInfo"]["endCursor"]
    rest = (await _ask(world.client, EVENTS, after=after))["data"]["auditEvents"]

    ids = [edge["node"]["id"] for edge in [*first["edges"], *rest["edges"]]]
    assert ids == [edge["node"]["id"] for edge in whole[: len(ids)]]


@pytest.fixture
async def foreign(world: World) -> Stranger:
    """The administrator of another organization, with events of its own."""
    return await settle(world)


async def test_a_cursor_of_another_organization_is_refused(world: World, foreign: Stranger) -> None:
    edges = (await _ask(foreign.client, OWN))["data"]["auditEvents"]["edges"]

    answer = await _ask(world.client, EVENTS, after=edges[0]["cursor"])

    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize("at", [0, 10, -1])
async def test_a_changed_cursor_is_refused(world: World, at: int) -> None:
    edges = (await _ask(world.client, OWN))["data"]["auditEvents"]["edges"]
    letters = list(edges[0]["cursor"])
    letters[at] = "A" if letters[at] != "A" else "B"

    answer = await _ask(world.client, EVENTS, after="".join(letters))

    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_cursor_from_before_they_were_sealed_has_expired(world: World) -> None:
    with pytest.raises(CursorExpired):
        Cursors(world.runtime.vault).position(_clear(12), organization_id="a")


def _opens(key: bytes, text: str) -> bool:
    try:
        open_text(key, text, "purpose")
    except TamperedCiphertext:
        return False
    return True


def test_a_sealed_text_has_one_spelling() -> None:
    key = new_key()
    text = seal_text(key, b"12345678", "purpose")

    spellings = [text[:-1] + letter for letter in (*ascii_letters, *digits, *"-_=")]

    assert [spelling for spelling in spellings if _opens(key, spelling)] == [text]
