"""Of ten thousand boxes that were moved or changed none opens; no nonce comes twice.

Each test has its control arm: boxes that are bound to nothing, which open wherever they are put.
"""

import os
import random
from collections.abc import Callable
from itertools import count
from typing import Final

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.crypto.envelope import TamperedCiphertext, new_key, seal, unseal

pytestmark = pytest.mark.unmeasured

TRIES: Final = 10_000
SEALS: Final = int(os.environ.get("SEALS", "100000"))
NONCE: Final = slice(2, 14)

Place = tuple[str, str, str, str, str, str]
Opening = Callable[[bytes, Place], bytes]

KEY: Final = new_key()


def _places() -> list[Place]:
    return [
        ("value", f"organization-{tenant}", f"project-{tenant}", f"secret-{row}", version, "dek-1")
        for tenant in range(3)
        for row in range(4)
        for version in ("1", "2", "12")
    ]


def _bound(box: bytes, place: Place) -> bytes:
    return unseal(KEY, box, *place)


def _loose(box: bytes, _: Place) -> bytes:
    return AESGCM(KEY).decrypt(box[NONCE], box[NONCE.stop :], None)


def _sealed_loosely(plaintext: bytes) -> bytes:
    nonce = os.urandom(12)
    return b"\x01\x01" + nonce + AESGCM(KEY).encrypt(nonce, plaintext, None)


def _is_accepted(opening: Opening, box: bytes, place: Place) -> bool:
    try:
        opening(box, place)
    except TamperedCiphertext:
        return False
    return True


def _swaps(boxes: dict[Place, bytes]) -> list[tuple[bytes, Place]]:
    dice, places = random.Random(52), list(boxes)  # noqa: S311 - the same swaps each time
    swaps = (dice.sample(places, 2) for _ in count())
    return [(boxes[one], other) for (one, other), _ in zip(swaps, range(TRIES), strict=False)]


@pytest.mark.rule("S52")
def test_of_ten_thousand_swapped_boxes_none_opens() -> None:
    """Between rows, tenants and versions."""
    boxes = {place: seal(KEY, b"value", *place) for place in _places()}

    accepted = sum(_is_accepted(_bound, box, place) for box, place in _swaps(boxes))

    assert all(_is_accepted(_bound, box, place) for place, box in boxes.items())
    assert accepted == 0


def test_without_associated_data_every_swap_is_accepted() -> None:
    """The control: the test above sees what it looks for."""
    boxes = {place: _sealed_loosely(b"value") for place in _places()}

    accepted = sum(_is_accepted(_loose, box, place) for box, place in _swaps(boxes))

    assert accepted == TRIES


@pytest.mark.rule("S52")
def test_of_ten_thousand_boxes_with_flipped_bits_none_opens() -> None:
    dice, place = random.Random(53), _places()[0]  # noqa: S311 - the same flips each time
    box = bytearray(seal(KEY, os.urandom(200), *place))
    accepted = 0
    for _ in range(TRIES):
        bits = dice.sample(range(8 * len(box)), dice.randint(1, 3))
        changed = bytearray(box)
        for bit in bits:
            changed[bit // 8] ^= 1 << bit % 8
        accepted += _is_accepted(_bound, bytes(changed), place)

    assert _is_accepted(_bound, bytes(box), place)
    assert accepted == 0


def _repeated(draw: Callable[[], bytes]) -> int:
    drawn = (draw() for _ in range(SEALS))
    return SEALS - len(set(drawn))


@pytest.mark.rule("S53")
def test_no_nonce_comes_twice() -> None:
    """Ten million of them with SEALS=10000000."""
    key, place = new_key(), _places()[0]

    assert _repeated(lambda: seal(key, b"", *place)[NONCE]) == 0


def test_short_nonces_would_come_twice() -> None:
    """The control: of 24 bits some are bound to."""
    assert _repeated(lambda: os.urandom(3)) > 0


@pytest.mark.parametrize(
    "header", [b"\x00\x01", b"\x02\x01", b"\x01\x00", b"\x01\x02"], ids=bytes.hex
)
def test_a_ciphertext_of_another_form_is_not_tried(header: bytes) -> None:
    """The first bytes name the form and the algorithm, of which there is one."""
    place = _places()[0]
    box = seal(KEY, b"value", *place)

    assert not _is_accepted(_bound, header + box[2:], place)
