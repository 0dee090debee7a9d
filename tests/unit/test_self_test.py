"""The self-test at each start: cryptography that computes something else is not used."""

import os
from collections.abc import Callable
from typing import Any

import pytest

from gateway.crypto import keyring
from gateway.crypto.keyring import BrokenCryptography, ensure_known_answers

BROKEN: dict[str, tuple[Any, str, Callable[..., object]]] = {
    "HMAC-SHA-256": (keyring, "keyed_hash", lambda *_: bytes(32)),
    "HKDF-SHA-256": (keyring, "derive_key", lambda *_: bytes(32)),
    "sealing": (keyring, "unseal", lambda *_: b"another"),
    "the random numbers": (os, "urandom", bytes),
}


def test_known_answers_are_given() -> None:
    ensure_known_answers()


@pytest.mark.parametrize("part", BROKEN)
def test_a_wrong_answer_stops_the_start(monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    monkeypatch.setattr(*BROKEN[part])

    with pytest.raises(BrokenCryptography, match=part):
        ensure_known_answers()
