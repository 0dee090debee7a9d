"""How large the parts of a JSON body may be: the same on both faces."""

import json
from http import HTTPStatus

import httpx
import pytest

from gateway.domain.strict_json import MAX_INTEGER
from gateway.http.json_body import MAX_DEPTH, MAX_TEXT_BYTES, MAX_VALUES
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

FACES = pytest.mark.parametrize("face", ["graphql", "rest"])
TEXT = "x" * MAX_TEXT_BYTES


async def _sent(world: World, face: str, extra: bytes) -> httpx.Response:
    path = "/graphql" if face == "graphql" else f"/job/{world.demo.job_id}/secret?x"
    body = b'{"query": "{ __typename }", "key": "1", "extra": %s}' % extra
    return await world.client.post(path, content=body, headers={"Content-Type": "application/json"})


def _is_read(response: httpx.Response) -> bool:
    # What is read is answered, or refused for the key, which comes after reading.
    return response.status_code == HTTPStatus.OK or "A key must begin" in response.text


def _nested(depth: int) -> bytes:
    # The body's own object is one level.
    return b'[{"a":' * (depth // 2) + b"0" + b"}]" * (depth // 2)


def _many(count: int) -> bytes:
    # What stands around the list counts for six.
    return b"[" + b",".join([b"0"] * (count - 6)) + b"]"


TAKEN = {
    "as deep as may be": _nested(MAX_DEPTH - 2),
    "brackets in a text": json.dumps("[{" * 1_000).encode(),
    "brackets in a text with quotes": json.dumps('"[\\"' * 1_000).encode(),
    "many brackets, not deep": b"[" + b",".join([b"[{}]"] * 1_000) + b"]",
    "as many values as may be": _many(MAX_VALUES),
    "commas in a text": json.dumps("," * 60_000).encode(),
    "as long a text as may be": json.dumps(TEXT).encode(),
    "two bytes a character": json.dumps("é" * (MAX_TEXT_BYTES // 2), ensure_ascii=False).encode(),
    "six bytes a character": json.dumps("é" * (MAX_TEXT_BYTES // 2)).encode(),
    "many long texts": json.dumps([TEXT[1:]] * 10).encode(),
    "as large a number as may be": b"%d" % MAX_INTEGER,
    "as small a number as may be": b"-%d" % MAX_INTEGER,
}
ROW = b'{"name": "A", "value": "b", "scope": "JOB", "is_secret": true}'
REFUSED = {
    "5,000 rows of an import": (
        b"[" + b",".join([ROW] * 5_000) + b"]",
        "This one has 5,001 objects; an import has at most 1,000 rows.",
    ),
    "a level more": (_nested(MAX_DEPTH), "nested at most 32 deep"),
    "a level more, among others": (
        b"[%s, %s]" % (_nested(MAX_DEPTH - 2), _nested(MAX_DEPTH)),
        "nested at most 32 deep",
    ),
    "a value more": (_many(MAX_VALUES + 1), "at most 20,000 values"),
    "a flood of values": (b"[" + b"0," * 400_000 + b"0]", "at most 20,000 values"),
    "a flood of objects": (b"[" + b"{}," * 300_000 + b"{}]", "at most 20,000 values"),
    "a flood of texts": (b"[" + b'"",' * 300_000 + b'""]', "at most 20,000 values"),
    "a byte more": (json.dumps(f"{TEXT}x").encode(), "at most 64 KiB"),
    "a byte more in a list": (json.dumps([[f"{TEXT}x"]]).encode(), "at most 64 KiB"),
    "a byte more in a name": (json.dumps({f"{TEXT}x": 0}).encode(), "at most 64 KiB"),
    "two bytes a character": (
        json.dumps("é" * (MAX_TEXT_BYTES // 2) + "x", ensure_ascii=False).encode(),
        "at most 64 KiB",
    ),
    "a larger number": (b"%d" % (MAX_INTEGER + 1), "A whole number"),
    "a smaller number": (b"-%d" % (MAX_INTEGER + 1), "A whole number"),
    "a number without end": (b"[1e999]", "any other number finite"),
    "a field twice": (b'{"a": 1, "a": 1}', "has a field twice"),
    "bytes that are no text": (b'"\xff"', "not UTF-8"),
    "a constant of JavaScript": (b"NaN", "not valid JSON"),
}


@pytest.mark.rule("S35")
@FACES
@pytest.mark.parametrize("extra", TAKEN.values(), ids=TAKEN.keys())
async def test_what_is_within_the_bounds_is_read(
    shared_world: World, face: str, extra: bytes
) -> None:
    """The control of the test below."""
    response = await _sent(shared_world, face, extra)

    assert _is_read(response), response.text


@pytest.mark.rule("S35")
@FACES
@pytest.mark.parametrize(("extra", "answer"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_is_beyond_a_bound_is_refused_with_its_name(
    shared_world: World, face: str, extra: bytes, answer: str
) -> None:
    response = await _sent(shared_world, face, extra)

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert "BAD_USER_INPUT" in response.text
    assert answer in response.text


@pytest.mark.rule("C9", "S35")
@FACES
async def test_a_long_text_that_is_a_value_is_left_to_its_rule(
    shared_world: World, face: str
) -> None:
    """A row of an import that breaks the rule fails alone."""
    response = await _sent(shared_world, face, json.dumps({"value": f"{TEXT}x"}).encode())

    assert _is_read(response)
