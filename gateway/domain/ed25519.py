"""Detect Ed25519 public keys that are too weak to prove who signed.

A public key of small order verifies signatures that anyone can make without a private key. RFC 8032
leaves the check to the application, and the verifying library does not make it.
"""

from typing import Final

KEY_BYTES: Final = 32
_PRIME: Final = 2**255 - 19
_SIGN: Final = 1 << 255
# The y coordinates of the eight points of small order: one each for 1, 2 and 4, two for order 8.
_OF_ORDER_EIGHT: Final = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
_SMALL: Final = frozenset({1, _PRIME - 1, 0, _OF_ORDER_EIGHT, _PRIME - _OF_ORDER_EIGHT})


def is_small_order(public_key: bytes) -> bool:
    """Return whether a public key is a point of small order, in any encoding.

    A point has several encodings: the y coordinate can have the prime added, and the sign bit can
    be set where the x coordinate is zero.
    """
    if len(public_key) != KEY_BYTES:
        return False
    encoded = int.from_bytes(public_key, "little")
    return (encoded & ~_SIGN) % _PRIME in _SMALL
