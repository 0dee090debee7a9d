"""Times that callers send: RFC 3339 with an offset, and inside the calendar."""

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

IN_A_VARIABLE = """query ($since: DateTime) {
    auditEvents(first: 1, filter: { since: $since }) { totalCount } }"""
IN_THE_DOCUMENT = '{{ auditEvents(first: 1, filter: {{ {field}: "{time}" }}) {{ totalCount }} }}'
RULE = "A time must be RFC 3339 with an offset, like 2026-01-31T09:30:00Z."


@pytest.fixture
def west() -> Iterator[None]:
    """Put the server's own zone five hours behind UTC."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "America/New_York"
    time.tzset()
    yield
    os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
    time.tzset()


async def _asked(world: World, document: str, **variables: object) -> dict[str, Any]:
    response = await world.client.post("/graphql", json={"query": document, "variables": variables})
    answer: dict[str, Any] = response.json()
    return answer


@pytest.mark.usefixtures("west")
@pytest.mark.parametrize(
    "wrong",
    [
        "2026-11-27T13:00:00",
        "2026-11-27T13:00:00.5",
        "2026-11-27",
        "2026-11-27 13:00:00Z",
        "20261127T130000Z",
        "2026-11-27T13:00Z",
        "2026-W48-5T13:00:00Z",
        "2026-11-27T13:00:00+05",
        "2026-11-27T13:00:00+24:00",
        "2026-11-27T24:00:00Z",
        "2026-11-27T13:00:60Z",
        "2026-02-29T13:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "٢٠٢٦-11-27T13:00:00Z",
        "2026-11-27T13:00:00Z\n",
        "",
        "never",
        1764248400,
        True,
        ["2026-11-27T13:00:00Z"],
    ],
)
async def test_what_is_no_time_is_refused(
    shared_world: World, caplog: pytest.LogCaptureFixture, wrong: object
) -> None:
    """Whatever the server's own zone is, and without a trace in the log."""
    answer = await _asked(shared_world, IN_A_VARIABLE, since=wrong)

    error = answer["errors"][0]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["message"] == f"Variable '$since': {RULE}"
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("field", ["since", "until"])
@pytest.mark.parametrize("wrong", ["2026-11-27T13:00:00", "0001-01-01T00:00:00+14:00"])
async def test_it_is_refused_in_the_document_too(
    shared_world: World, field: str, wrong: str
) -> None:
    answer = await _asked(shared_world, IN_THE_DOCUMENT.format(field=field, time=wrong))

    error = answer["errors"][0]
    assert (error["extensions"]["code"], error["message"]) == ("BAD_USER_INPUT", RULE)


@pytest.mark.usefixtures("west")
@pytest.mark.parametrize(
    ("since", "is_before"),
    [
        ("2000-01-01T00:00:00Z", True),
        ("2000-01-01t00:00:00z", True),
        ("2000-01-01T00:00:00.123456789-05:30", True),
        ("0001-01-01T00:00:00Z", True),
        ("0001-01-01T00:00:00-14:00", True),
        ("9999-12-31T23:59:59Z", False),
        ("9999-12-31T23:59:59+14:00", False),
    ],
)
async def test_what_has_an_offset_counts_from_it(
    shared_world: World, since: str, *, is_before: bool
) -> None:
    """The control: times that are right up to the edges of the calendar."""
    answer = await _asked(shared_world, IN_A_VARIABLE, since=since)

    assert (answer["data"]["auditEvents"]["totalCount"] > 0) is is_before


@pytest.mark.usefixtures("west")
async def test_an_offset_moves_the_bound(shared_world: World) -> None:
    """The same clock time, an hour apart: the newest event lies between the two."""
    newest = "{ auditEvents(first: 1) { edges { node { at } } } }"
    at = (await _asked(shared_world, newest))["data"]["auditEvents"]["edges"][0]["node"]["at"]
    clock = at.removesuffix("Z")

    after = await _asked(shared_world, IN_A_VARIABLE, since=f"{clock}-00:01")
    at_once = await _asked(shared_world, IN_A_VARIABLE, since=f"{clock}+00:00")

    assert after["data"]["auditEvents"]["totalCount"] == 0
    assert at_once["data"]["auditEvents"]["totalCount"] > 0
