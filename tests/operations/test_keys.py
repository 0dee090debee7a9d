"""Which keys there can be."""

from http import HTTPStatus

import pytest

from gateway.domain.errors import ErrorCode
from gateway.domain.scopes import Scope
from tests.faces import Face
from tests.world import World

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.unmeasured,
    pytest.mark.rule("S40"),
]

REFUSED = {
    "empty": "",
    "a space": " ",
    "leading digit": "1KEY",
    "leading underscore": "_KEY",
    "leading space": " KEY",
    "trailing space": "KEY ",
    "trailing newline": "KEY\n",
    "trailing carriage return": "KEY\r",
    "a newline inside": "KE\nY",
    "NUL": "KEY\0",
    "dash": "MY-KEY",
    "dot": "MY.KEY",
    "slash": "MY/KEY",
    "equals sign": "KEY=VALUE",
    "dollar": "$KEY",
    "quote": 'KEY"',
    "256 long": "K" * 256,
    "60,000 long": "K" * 60_000,
    "accent": "KÉY",
    "accent in two characters": "KE\N{COMBINING ACUTE ACCENT}Y",
    "Cyrillic A": "\N{CYRILLIC CAPITAL LETTER A}PI_KEY",
    "Greek A": "API_KEY_\N{GREEK CAPITAL LETTER ALPHA}",
    "full-width letter": "\N{FULLWIDTH LATIN CAPITAL LETTER K}EY",
    "full-width digit": "KEY\N{FULLWIDTH DIGIT ONE}",
    "Arabic digit": "KEY\N{ARABIC-INDIC DIGIT ONE}",
    "Kelvin sign": "\N{KELVIN SIGN}EY",
    "dotless i": "KEY_\N{LATIN SMALL LETTER DOTLESS I}",
    "long s": "\N{LATIN SMALL LETTER LONG S}ECRET",
    "zero-width space": "KEY\N{ZERO WIDTH SPACE}",
    "byte order mark": "\N{ZERO WIDTH NO-BREAK SPACE}KEY",
    "right-to-left mark": "KEY\N{RIGHT-TO-LEFT MARK}",
    "reserved prefix": "QOVERY_KEY",
    "reserved prefix in lower case": "qovery_key",
    "reserved prefix in mixed case": "QoVeRy_KEY",
    "reserved prefix alone": "QOVERY_",
}
REFUSED_KEYS = pytest.mark.parametrize("key", REFUSED.values(), ids=REFUSED.keys())


@pytest.mark.rule("C2")
@REFUSED_KEYS
async def test_creating_with_such_a_key_is_refused(
    shared_world: World, shared_face: Face, key: str
) -> None:
    demo = shared_world.demo

    refused = await shared_face.create(Scope.JOB, demo.job_id, key=key, value="value")

    assert (refused.status, refused.code) == (HTTPStatus.BAD_REQUEST, ErrorCode.BAD_USER_INPUT)
    assert refused.detail.startswith("A key ")


@pytest.mark.rule("A1", "C2")
@REFUSED_KEYS
async def test_an_alias_with_such_a_key_is_refused(
    shared_world: World, shared_face: Face, key: str
) -> None:
    """Even of a built-in, whose own key has the reserved prefix."""
    demo = shared_world.demo

    refused = await shared_face.alias(Scope.JOB, demo.job_id, demo.built_in_secret_id, key=key)

    assert (refused.status, refused.code) == (HTTPStatus.BAD_REQUEST, ErrorCode.BAD_USER_INPUT)
    assert refused.detail.startswith("A key ")


ACCEPTED = ["K", "k", "K_", "KEY1", "aB_c9", "QOVERY", "QOVERYX", "MY_QOVERY_KEY", "K" * 255]
ACCEPTED_KEYS = pytest.mark.parametrize("key", ACCEPTED, ids=lambda key: key[:15])


@pytest.mark.rule("C2")
@ACCEPTED_KEYS
async def test_creating_with_such_a_key_is_allowed(
    shared_face: Face, fresh_job: str, key: str
) -> None:
    made = await shared_face.create(Scope.JOB, fresh_job, key=key)

    assert made.code is None
    assert made.row["key"] == key


@pytest.mark.rule("C2")
@ACCEPTED_KEYS
async def test_an_alias_with_such_a_key_is_allowed(
    shared_world: World, shared_face: Face, fresh_job: str, key: str
) -> None:
    target_id = shared_world.demo.built_in_secret_id

    made = await shared_face.alias(Scope.JOB, fresh_job, target_id, key=key)

    assert made.code is None
    assert made.row["key"] == key


@pytest.mark.rule("C2")
async def test_keys_that_differ_in_case_are_two_keys(shared_face: Face, fresh_job: str) -> None:
    upper = await shared_face.create(Scope.JOB, fresh_job, key="KEY")

    lower = await shared_face.create(Scope.JOB, fresh_job, key="key")

    assert lower.code is None
    assert lower.row["id"] != upper.row["id"]
