"""Who keeps key-encryption keys: the key file as it changes, a variable, and several together."""

import base64
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.crypto.envelope import TamperedCiphertext, new_key
from gateway.crypto.key_providers import KeyInEnvironment, KeysInFile, WeakKey
from gateway.crypto.keyfile import KeyFile
from gateway.crypto.keyring import KeyRing, UnknownKey, Wrapped
from gateway.domain.errors import KeysUnavailable

OWNER, KEY_ID = "project", "data-key"
RACERS = 6


def _random_text() -> str:
    return base64.b64encode(os.urandom(32)).decode()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A new key file."""
    KeyFile.create(tmp_path / "keys.json")
    return tmp_path / "keys.json"


def _kept(path: Path) -> KeysInFile:
    return KeysInFile(path, KeyFile.load(path))


@pytest.mark.rule("S52")
async def test_what_was_wrapped_opens_with_its_identity_only(path: Path) -> None:
    for keeper in (_kept(path), KeyInEnvironment(_random_text())):
        key = new_key()

        wrapped = await keeper.wrap(key, OWNER, KEY_ID)

        assert wrapped.kek_id == await keeper.current_id()
        assert await keeper.unwrap(wrapped, OWNER, KEY_ID) == key
        with pytest.raises(TamperedCiphertext):
            await keeper.unwrap(wrapped, "other", KEY_ID)
        with pytest.raises(TamperedCiphertext):
            await keeper.unwrap(Wrapped(wrapped.kek_id, wrapped.ciphertext[:-1]), OWNER, KEY_ID)


@pytest.mark.rule("S54")
async def test_a_key_that_was_added_meanwhile_is_met_and_used(path: Path) -> None:
    """Another process rotated."""
    running, rotating = _kept(path), _kept(path)
    old = await running.wrap(new_key(), OWNER, KEY_ID)

    added = rotating.add_key()
    new = await rotating.wrap(b"n" * 32, OWNER, KEY_ID)

    assert KeyFile.load(path).primary != old.kek_id
    assert running.knows(new.kek_id)
    assert await running.unwrap(new, OWNER, KEY_ID) == b"n" * 32
    assert (await running.wrap(new_key(), OWNER, KEY_ID)).kek_id == added
    assert running.knows(old.kek_id)


@pytest.mark.rule("S54")
async def test_the_old_key_wraps_nothing_more_though_no_new_one_was_met(path: Path) -> None:
    running = _kept(path)

    added = _kept(path).add_key()

    assert (await running.wrap(new_key(), OWNER, KEY_ID)).kek_id == added


async def test_keys_that_nobody_needs_are_removed_and_the_primary_stays(path: Path) -> None:
    kept = _kept(path)
    first = await kept.current_id()
    second, third = kept.add_key(), kept.add_key()

    assert kept.remove_keys({first}) == [second]
    assert kept.remove_keys({first}) == []
    assert set(KeyFile.load(path).keys) == {first, third}
    assert kept.remove_keys(set()) == [first]
    assert KeyFile.load(path).primary == third


async def test_a_key_file_that_cannot_be_read_any_more_is_reported_as_such(path: Path) -> None:
    kept = _kept(path)
    path.rename(path.with_suffix(".gone"))  # noqa: ASYNC240 - a local file

    with pytest.raises(KeysUnavailable):
        await kept.wrap(new_key(), OWNER, KEY_ID)
    with pytest.raises(KeysUnavailable):
        await kept.current_id()


def test_of_keys_that_are_added_at_once_none_is_lost(path: Path) -> None:
    """Each would else write the file without the others' keys."""
    with ThreadPoolExecutor(RACERS) as racers:
        added = set(racers.map(lambda _: _kept(path).add_key(), range(RACERS)))

    assert len(added) == RACERS
    assert added < set(KeyFile.load(path).keys)


def test_a_changed_key_file_is_still_its_owners_alone(path: Path) -> None:
    _kept(path).add_key()

    assert path.stat().st_mode & 0o777 == 0o600
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_a_key_file_behind_a_link_is_changed_where_it_is(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(path)

    added = _kept(link).add_key()

    assert link.is_symlink()
    assert KeyFile.load(path).primary == added


@pytest.mark.rule("S58")
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("secret", id="a word"),
        pytest.param("not base64 at all!", id="no base64"),
        pytest.param("é" * 44, id="not ASCII"),
        pytest.param(base64.b64encode(os.urandom(16)).decode(), id="short"),
        pytest.param(base64.b64encode(os.urandom(33)).decode(), id="long"),
        pytest.param(base64.b64encode(bytes(32)).decode(), id="zeros"),
        pytest.param(base64.b64encode(bytes(range(32))).decode(), id="a count"),
        pytest.param(base64.b64encode(bytes(range(0, 96, 3))).decode(), id="a count by three"),
        pytest.param(base64.b64encode(b"change-me" * 4)[:44].decode(), id="a phrase"),
        pytest.param(
            base64.b64encode(b"abcdefghijklmnopqrstuvwxyz012345").decode(), id="an alphabet"
        ),
    ],
)
def test_a_key_that_chance_did_not_make_is_refused(text: str) -> None:
    """A default or short key; the message does not repeat it."""
    with pytest.raises(WeakKey) as refused:
        KeyInEnvironment(text)

    assert not text or text not in str(refused.value)


def test_a_random_key_is_taken() -> None:
    """The control of the test above."""
    for _ in range(500):
        KeyInEnvironment(_random_text())


async def test_another_key_in_the_environment_has_another_id() -> None:
    one, other = KeyInEnvironment(_random_text()), KeyInEnvironment(_random_text())
    wrapped = await one.wrap(new_key(), OWNER, KEY_ID)

    assert one.knows(wrapped.kek_id)
    assert not other.knows(wrapped.kek_id)


async def test_a_ring_unwraps_what_any_of_its_keepers_wrapped(path: Path) -> None:
    """A database moves from one keeper to another."""
    file, variable = _kept(path), KeyInEnvironment(_random_text())
    key = new_key()
    in_file = await file.wrap(key, OWNER, KEY_ID)
    ring = KeyRing(variable, [file])

    assert await ring.unwrap(in_file, OWNER, KEY_ID) == key
    assert (await ring.wrap(key, OWNER, KEY_ID)).kek_id == await variable.current_id()
    with pytest.raises(UnknownKey):
        await KeyRing(variable).unwrap(in_file, OWNER, KEY_ID)


@pytest.mark.rule("S47")
def test_a_wrapped_key_does_not_show_itself() -> None:
    assert "marker" not in repr(Wrapped("kek", b"marker"))
