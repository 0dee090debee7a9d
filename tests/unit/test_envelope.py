"""Boxes, read as a list of threats: what one who can write the database may try."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.crypto.envelope import (
    KEY_BYTES,
    TamperedCiphertext,
    derive_key,
    keyed_hash,
    new_key,
    seal,
    unseal,
)

pytestmark = pytest.mark.unmeasured

KEY = bytes(range(KEY_BYTES))
PLAINTEXT = b"correct horse"
IDENTITY = ("value", "organization", "project", "secret", "1", "data-key")
CIPHERTEXT = seal(KEY, PLAINTEXT, *IDENTITY)
HEADER_BYTES = 2
NONCE_BYTES = 12
TAG_BYTES = 16


def _flipped(box: bytes, bit: int) -> bytes:
    changed = bytearray(box)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_a_ciphertext_opens_with_the_key_and_the_identity_it_was_sealed_for() -> None:
    assert unseal(KEY, CIPHERTEXT, *IDENTITY) == PLAINTEXT


@given(st.binary(max_size=200), st.lists(st.text(max_size=20), max_size=5))
def test_every_plaintext_comes_back_as_it_was(plaintext: bytes, identity: list[str]) -> None:
    assert unseal(KEY, seal(KEY, plaintext, *identity), *identity) == plaintext


def test_a_ciphertext_has_a_header_a_nonce_and_a_tag_around_the_ciphertext() -> None:
    assert len(CIPHERTEXT) == HEADER_BYTES + NONCE_BYTES + len(PLAINTEXT) + TAG_BYTES
    assert CIPHERTEXT[:HEADER_BYTES] == b"\x01\x01"
    assert PLAINTEXT not in CIPHERTEXT


def test_sealing_the_same_twice_gives_two_boxes_that_share_no_nonce() -> None:
    nonces = {seal(KEY, PLAINTEXT, *IDENTITY)[2:14] for _ in range(1_000)}

    assert len(nonces) == 1_000


@pytest.mark.parametrize(
    "part",
    range(len(IDENTITY)),
    ids=["purpose", "organization", "project", "secret", "version", "data key"],
)
def test_a_ciphertext_moved_to_another_identity_does_not_open(part: int) -> None:
    elsewhere = list(IDENTITY)
    elsewhere[part] = "another"

    with pytest.raises(TamperedCiphertext):
        unseal(KEY, CIPHERTEXT, *elsewhere)


def test_a_ciphertext_does_not_open_with_another_key() -> None:
    with pytest.raises(TamperedCiphertext):
        unseal(new_key(), CIPHERTEXT, *IDENTITY)


@pytest.mark.parametrize(
    "identity",
    [("a", "bc"), ("abc",), ("ab", "c", ""), ("", "ab", "c"), ("c", "ab")],
    ids=repr,
)
def test_identities_whose_parts_run_together_are_kept_apart(identity: tuple[str, ...]) -> None:
    box = seal(KEY, PLAINTEXT, "ab", "c")

    assert unseal(KEY, box, "ab", "c") == PLAINTEXT
    with pytest.raises(TamperedCiphertext):
        unseal(KEY, box, *identity)


@pytest.mark.parametrize("bit", range(8 * len(CIPHERTEXT)))
def test_a_ciphertext_with_one_flipped_bit_does_not_open(bit: int) -> None:
    with pytest.raises(TamperedCiphertext):
        unseal(KEY, _flipped(CIPHERTEXT, bit), *IDENTITY)


@pytest.mark.parametrize("length", range(len(CIPHERTEXT)))
def test_a_truncated_box_does_not_open(length: int) -> None:
    with pytest.raises(TamperedCiphertext):
        unseal(KEY, CIPHERTEXT[:length], *IDENTITY)


def test_a_ciphertext_with_something_behind_it_does_not_open() -> None:
    with pytest.raises(TamperedCiphertext):
        unseal(KEY, CIPHERTEXT + b"\0", *IDENTITY)


def test_a_nonce_of_another_box_does_not_open_this_one() -> None:
    other = seal(KEY, PLAINTEXT, *IDENTITY)
    mixed = CIPHERTEXT[:HEADER_BYTES] + other[2:14] + CIPHERTEXT[14:]

    with pytest.raises(TamperedCiphertext):
        unseal(KEY, mixed, *IDENTITY)


def _opens(box: bytes) -> bool:
    try:
        unseal(KEY, box, *IDENTITY)
    except TamperedCiphertext:
        return False
    return True


def test_of_ten_thousand_tampered_boxes_none_opens() -> None:
    dice = random.Random(20_000)  # noqa: S311 - the same tampers each time
    tampered = [
        bytes(
            byte ^ mask
            for byte, mask in zip(CIPHERTEXT, dice.randbytes(len(CIPHERTEXT)), strict=True)
        )
        for _ in range(10_000)
    ]

    accepted = [box for box in tampered if _opens(box)]

    assert _opens(CIPHERTEXT)
    assert accepted == []


def test_keys_derived_for_two_purposes_differ() -> None:
    assert derive_key(KEY, "value") != derive_key(KEY, "token-pepper")
    assert derive_key(KEY, "value") == derive_key(KEY, "value") != KEY
    assert len(derive_key(KEY, "value")) == KEY_BYTES


def test_a_new_key_is_never_one_there_was_before() -> None:
    keys = {new_key() for _ in range(1_000)}

    assert len(keys) == 1_000
    assert {len(key) for key in keys} == {KEY_BYTES}


def test_a_keyed_hash_depends_on_the_key() -> None:
    assert keyed_hash(KEY, b"token") != keyed_hash(new_key(), b"token")
    # RFC 4231, test case 2.
    assert keyed_hash(b"Jefe", b"what do ya want for nothing?").hex() == (
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )


def test_derived_keys_are_those_of_rfc_5869_without_salt() -> None:
    """The derivation stays what it is: another one would lock every stored value away."""
    assert derive_key(b"\x0b" * 22, "").hex() == (
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
    )
