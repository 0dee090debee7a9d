"""The bytes that hashes and signatures are made over are fixed: an old trail stays verifiable."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from gateway.crypto.envelope import Signer, is_signed
from gateway.domain.audit import AuditEvent, canonical, details_text, moment_text
from gateway.services.audit.keys import AuditKeys, Sums
from gateway.services.audit.upgrade import FormerKeys

EVENT = AuditEvent(
    seq=7,
    at=datetime(2026, 11, 23, 12, 30, 0, 5, tzinfo=UTC),
    actor_kind="TOKEN",
    actor_id="0d9c6a0e-5f1b-4c61-9a53-6f2d8f1c7b10",
    action="SECRET_CREATED",
    subject="SECRET",
    subject_id="7e3cf6db-205d-406f-a03c-64f5d0828a53",
    organization_id="81f656de-8d55-4c8b-ae29-da82c1e5aba3",
    project_id=None,
    holder_id=None,
    key="KEY",
    face="REST",
    request_id="r-1",
    details='{"version":1}',
    set_mac=bytes(range(32)),
    prev_hash=bytes(32),
)
KEYS = AuditKeys.derive(bytes(range(32)))
FORMER = FormerKeys.derive(bytes(range(32)))
MAC = bytes(range(32))
ENCODED = (
    "0000000b7367772d61756469742d3100000001370000001b323032362d31312d32335431323a33303a30302e30"
    "30303030355a00000005544f4b454e0000002430643963366130652d356631622d346336312d396135332d3666"
    "326438663163376231300000000e5345435245545f435245415445440000000653454352455400000024376533"
    "63663664622d323035642d343036662d613033632d363466356430383238613533000000243831663635366465"
    "2d386435352d346338622d616532392d646138326331653561626133ffffffffffffffff000000034b45590000"
    "00045245535400000003722d310000000d7b2276657273696f6e223a317d00000020000102030405060708090a"
    "0b0c0d0e0f101112131415161718191a1b1c1d1e1f000000200000000000000000000000000000000000000000"
    "000000000000000000000000"
)
HASH = "e2dcb462f96f065ae4a435a3f71a73e2b49bfccce74df7c7891076ba841bc5e5"
STATE = "533b61b138c8d3d5f8664a89a6cd8aaa1ae83d2615af69a4c5aaba85e724af15"
PART = "422abe7f568676ce6de7db2b31e1ea01361f155899dcf149dfdfebddc165908d"
ACCESS_PART = "0dd07beaaa8965651c640ab71beea1b18bfba13b57f0b5786db2efd639629325"
FORMER_PART = "42e61fd97cdc221c5042da27852abc74c002bcb8fcc0430ae1d6e47b48c18c30"
PUBLIC = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"
SIGNED = (
    "dd32170dadf06912ed67deef7003da3ed259bdee3b4f4b74db1fe1d7a94e631b935a19cbbc1ada5b8d8cc2c5ad"
    "bb698a2dc43cbc7bb5779f651e70037ce60f08"
)


def test_an_event_has_its_bytes() -> None:
    assert canonical(EVENT).hex() == ENCODED


def test_an_event_has_its_hash() -> None:
    assert KEYS.event_hash(EVENT).hex() == HASH


def test_a_row_has_its_part_of_the_sums() -> None:
    assert f"{KEYS.part(('secret', 'id'), MAC):064x}" == PART
    assert f"{KEYS.access_part(('api_token', 'id'), MAC):064x}" == ACCESS_PART
    assert KEYS.access_part(("secret", "id"), MAC) == 0


def test_a_record_of_an_older_version_is_read() -> None:
    key, text = ("secret", "id"), "text:6964"

    assert FORMER.matches(key, text, bytes.fromhex(STATE))
    assert not FORMER.matches(key, f"{text} ", bytes.fromhex(STATE))
    assert FORMER.add(Sums(), key, bytes.fromhex(STATE)).rows == int(FORMER_PART, 16)


def test_a_signature_is_what_it_was() -> None:
    signer = Signer(bytes(range(32)))

    assert signer.public_key.hex() == PUBLIC
    assert signer.sign(b"head").hex() == SIGNED
    assert is_signed(signer.public_key, b"head", bytes.fromhex(SIGNED))


@pytest.mark.parametrize(
    ("public_key", "message", "signature"),
    [
        (PUBLIC, b"tail", SIGNED),
        (PUBLIC, b"head", "00" * 64),
        (PUBLIC, b"head", ""),
        ("00" * 32, b"head", SIGNED),
        ("00", b"head", SIGNED),
    ],
)
def test_what_was_not_signed_is_not(public_key: str, message: bytes, signature: str) -> None:
    assert not is_signed(bytes.fromhex(public_key), message, bytes.fromhex(signature))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (replace(EVENT, project_id=None), replace(EVENT, project_id="")),
        (replace(EVENT, actor_id="ab", action="c"), replace(EVENT, actor_id="a", action="bc")),
        (replace(EVENT, project_id="x"), replace(EVENT, holder_id="x")),
        (replace(EVENT, at=EVENT.at), replace(EVENT, at=EVENT.at + timedelta(microseconds=1))),
    ],
)
def test_no_two_events_share_their_bytes(one: AuditEvent, other: AuditEvent) -> None:
    assert canonical(one) != canonical(other)


def test_a_moment_is_reported_in_utc() -> None:
    abroad = EVENT.at.astimezone(timezone(timedelta(hours=5)))

    assert moment_text(abroad) == "2026-11-23T12:30:00.000005Z"


@pytest.mark.rule("S51")
@pytest.mark.parametrize("text", ["\r\n", "\x1b[31m", "\u2028", "\ud800", "é"])
def test_details_are_one_line_of_ascii(text: str) -> None:
    answer = details_text({"name": text})

    assert answer.isascii()
    assert answer.isprintable()


def test_rows_in_another_order_have_the_same_sum() -> None:
    one, other = b"a" * 32, b"b" * 32

    def total(*rows: tuple[str, bytes]) -> Sums:
        found = Sums()
        for row_id, mac in rows:
            found = KEYS.add_change(found, ("user_account", row_id), before=None, after=mac)
        return found

    both = total(("1", one), ("2", other))
    assert both == total(("2", other), ("1", one))
    assert total(("1", one)) != total(("1", other))
    gone = KEYS.add_change(both, ("user_account", "2"), before=other, after=None)
    assert gone == total(("1", one))


def test_keys_show_nothing_of_themselves() -> None:
    assert "seed" not in repr(KEYS)
    keys = [getattr(of, each.name) for of in (KEYS, FORMER) for each in fields(of)]
    assert len(set(keys)) == len(keys) == 12
