"""Keys in AWS KMS. A server of moto's answers, and one of ours for what moto lets pass."""

import asyncio
import sys
from collections.abc import Iterator

import pytest

from gateway.crypto.envelope import TamperedCiphertext, new_key
from gateway.crypto.key_providers import KeysInAws, MissingLibrary
from gateway.crypto.keyring import Wrapped
from gateway.domain.errors import KeysUnavailable, RefusedStart
from tests.kms import FailingKms, credentials, kms_client, moto_server, patient_kms

__all__ = ["credentials", "patient_kms"]

OWNER, KEY_ID = "project", "data-key"
pytestmark = pytest.mark.usefixtures("credentials")


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of moto's."""
    with moto_server(tmp_path_factory.mktemp("moto")) as address:
        yield address


@pytest.fixture
def key_id(moto: str, patient_kms: None) -> str:  # noqa: ARG001 - order
    """A key in it."""
    made: str = kms_client(moto).create_key()["KeyMetadata"]["KeyId"]
    return made


@pytest.fixture
def keys(moto: str, key_id: str) -> KeysInAws:
    """The keeper that uses this key."""
    return KeysInAws(key_id, endpoint=moto)


async def test_a_data_key_comes_back_from_kms(keys: KeysInAws, key_id: str) -> None:
    key = new_key()

    wrapped = await keys.wrap(key, OWNER, KEY_ID)

    assert wrapped.kek_id == f"aws-kms:{key_id}" == await keys.current_id()
    assert keys.knows(wrapped.kek_id)
    assert not keys.knows("kek-12345678")
    assert key not in wrapped.ciphertext
    assert await keys.unwrap(wrapped, OWNER, KEY_ID) == key


@pytest.mark.rule("S52")
@pytest.mark.parametrize("identity", [("other", KEY_ID), (OWNER, "other"), (KEY_ID, OWNER)])
async def test_a_wrong_context_is_refused(keys: KeysInAws, identity: tuple[str, str]) -> None:
    """KMS knows whose data key it is."""
    wrapped = await keys.wrap(new_key(), OWNER, KEY_ID)

    with pytest.raises(TamperedCiphertext):
        await keys.unwrap(wrapped, *identity)


async def test_without_a_context_any_place_would_do(moto: str, key_id: str) -> None:
    """The control of the test above: what KMS does for one who gives none."""
    client = kms_client(moto)
    sealed = client.encrypt(KeyId=key_id, Plaintext=b"key")["CiphertextBlob"]

    assert client.decrypt(KeyId=key_id, CiphertextBlob=sealed)["Plaintext"] == b"key"


async def test_changed_bytes_are_refused(keys: KeysInAws) -> None:
    wrapped = await keys.wrap(new_key(), OWNER, KEY_ID)
    changed = wrapped.ciphertext[:-1] + bytes([wrapped.ciphertext[-1] ^ 1])

    with pytest.raises(TamperedCiphertext):
        await keys.unwrap(Wrapped(wrapped.kek_id, changed), OWNER, KEY_ID)


@pytest.mark.parametrize("form", ["arn", "alias"])
async def test_a_key_is_found_by_its_arn_and_alias(moto: str, key_id: str, form: str) -> None:
    client = kms_client(moto)
    if form == "alias":
        named = f"alias/{key_id}"
        client.create_alias(AliasName=named, TargetKeyId=key_id)
    else:
        named = client.describe_key(KeyId=key_id)["KeyMetadata"]["Arn"]
    keys, key = KeysInAws(named, endpoint=moto), new_key()

    wrapped = await keys.wrap(key, OWNER, KEY_ID)

    assert wrapped.kek_id == f"aws-kms:{key_id}"
    assert await keys.unwrap(wrapped, OWNER, KEY_ID) == key


@pytest.mark.rule("S54")
async def test_what_an_older_key_wrapped_opens_after_another_was_set(
    moto: str, keys: KeysInAws
) -> None:
    key = new_key()
    wrapped = await keys.wrap(key, OWNER, KEY_ID)

    newer = KeysInAws(kms_client(moto).create_key()["KeyMetadata"]["Arn"], endpoint=moto)

    assert await newer.unwrap(wrapped, OWNER, KEY_ID) == key
    assert (await newer.wrap(key, OWNER, KEY_ID)).kek_id != wrapped.kek_id


@pytest.mark.rule("S59")
@pytest.mark.parametrize(
    "code",
    ["DisabledException", "ThrottlingException", "AccessDeniedException", "KMSInternalException"],
)
async def test_a_kms_that_refuses_is_no_damage(code: str) -> None:
    """The caller may come back; nothing of what was to be wrapped is told."""
    with FailingKms(code=code).running() as server:
        keys = KeysInAws("key", endpoint=server.url)

        with pytest.raises(KeysUnavailable):
            await keys.unwrap(Wrapped("aws-kms:key", b"box"), OWNER, KEY_ID)
        with pytest.raises(KeysUnavailable):
            await keys.wrap(b"marker" * 5, OWNER, KEY_ID)


async def test_a_kms_that_refuses_the_box_is_damage() -> None:
    with FailingKms(code="IncorrectKeyException").running() as server:
        keys = KeysInAws("key", endpoint=server.url)

        with pytest.raises(TamperedCiphertext):
            await keys.unwrap(Wrapped("aws-kms:key", b"box"), OWNER, KEY_ID)


@pytest.mark.rule("S59")
async def test_nobody_waits_for_a_kms_that_did_not_answer_just_now() -> None:
    """Writers would queue up behind it."""
    now = 0.0
    with FailingKms(code="DisabledException").running() as server:
        keys = KeysInAws("key", endpoint=server.url, clock=lambda: now)
        for _ in range(5):
            with pytest.raises(KeysUnavailable):
                await keys.current_id()
        asked_at_first = server.calls
        now = 1.5
        with pytest.raises(KeysUnavailable):
            await keys.current_id()

    assert asked_at_first == 1
    assert server.calls == 2


@pytest.mark.rule("S59")
async def test_a_silent_kms_is_given_up_and_stalls_nobody_else() -> None:
    """The loop goes on while a thread waits."""
    with FailingKms(code=None).running() as server:
        keys = KeysInAws("key", endpoint=server.url)
        asking = asyncio.create_task(keys.current_id())
        # By the same loop's clock, so that a busy machine delays both.
        bound, turns = asyncio.create_task(asyncio.sleep(15)), 0
        while not asking.done():
            await asyncio.sleep(0.01)
            turns += 1

        with pytest.raises(KeysUnavailable):
            await asking
        assert bound.cancel()

    # The control would be a call in place: not one turn.
    assert turns > 50


def test_without_boto3_it_is_reported_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)

    with pytest.raises(MissingLibrary, match="extra `aws`"):
        KeysInAws("key")


def test_without_a_region_the_start_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")

    with pytest.raises(RefusedStart, match="NoRegionError"):
        KeysInAws("key")
