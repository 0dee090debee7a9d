"""The key file: who may read it, what it must look like, and that it is never lost."""

import base64
import json
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from gateway.crypto.envelope import TamperedCiphertext, new_key
from gateway.crypto.keyfile import KeyFile, MalformedKeyFile, MissingKeyFile, UnsafeKeyFile
from tests.patience import PATIENCE

RACERS = 8
ROUNDS = 25
KEY = base64.b64encode(bytes(32)).decode()


def _write(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


def _key_file(keys: Mapping[str, object], primary: object = "a") -> bytes:
    return json.dumps({"primary": primary, "keys": keys}).encode()


def test_a_new_key_file_can_be_read_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"

    KeyFile.create(path)

    assert path.stat().st_mode & 0o777 == 0o600


def test_a_key_file_is_read_as_it_was_made(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "keys.json"

    made = KeyFile.create(path)

    assert KeyFile.load(path) == made
    assert KeyFile.load_or_create(path) == made


def test_two_key_files_share_no_key(tmp_path: Path) -> None:
    one, other = KeyFile.create(tmp_path / "one"), KeyFile.create(tmp_path / "other")

    assert one.primary != other.primary
    assert one.keys[one.primary] != other.keys[other.primary]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o666, 0o777], ids=oct)
def test_a_key_file_that_is_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    path = _write(tmp_path / "keys.json", _key_file({"a": KEY}), mode)

    with pytest.raises(UnsafeKeyFile, match="chmod 600"):
        KeyFile.load(path)
    with pytest.raises(UnsafeKeyFile):
        KeyFile.load_or_create(path)


@pytest.mark.parametrize("mode", [0o600, 0o400], ids=oct)
def test_a_key_file_that_only_its_owner_can_read_is_taken(tmp_path: Path, mode: int) -> None:
    path = _write(tmp_path / "keys.json", _key_file({"a": KEY}), mode)

    assert KeyFile.load(path).primary == "a"


def test_a_missing_key_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"

    with pytest.raises(MissingKeyFile, match=r"keys\.json is missing"):
        KeyFile.load(path)
    assert not path.exists()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"not json", id="not JSON"),
        pytest.param(b"\xff\xfe", id="not UTF-8"),
        pytest.param(b"[" * 100_000, id="nested too deeply"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="an array"),
        pytest.param(b'"text"', id="a string"),
        pytest.param(b"{}", id="an empty object"),
        pytest.param(b'{"primary": "a"}', id="no keys"),
        pytest.param(b'{"primary": "a", "keys": null}', id="keys are null"),
        pytest.param(b'{"primary": "a", "keys": ["a"]}', id="keys are an array"),
        pytest.param(_key_file({}), id="no key at all"),
        pytest.param(_key_file({"b": KEY}), id="the primary is not there"),
        pytest.param(_key_file({"a": KEY}, None), id="no primary"),
        pytest.param(_key_file({"a": KEY}, ["a"]), id="the primary is an array"),
        pytest.param(_key_file({"a": KEY}, 1), id="the primary is a number"),
        pytest.param(_key_file({"a": 1}), id="a key is a number"),
        pytest.param(_key_file({"a": None}), id="a key is null"),
        pytest.param(_key_file({"a": "*" * 44}), id="a key is not base64"),
        pytest.param(_key_file({"a": "é" * 44}), id="a key is not ASCII"),
        pytest.param(_key_file({"a": f" {KEY}"}), id="a key with a space"),
        pytest.param(_key_file({"a": KEY[:-1]}), id="a key without its padding"),
        pytest.param(_key_file({"a": base64.b64encode(bytes(31)).decode()}), id="too short"),
        pytest.param(_key_file({"a": base64.b64encode(bytes(33)).decode()}), id="too long"),
        pytest.param(_key_file({"a": KEY, "b": ""}), id="another key is empty"),
    ],
)
def test_what_is_no_key_file_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = _write(tmp_path / "keys.json", content)

    with pytest.raises(MalformedKeyFile) as refused:
        KeyFile.load_or_create(path)

    assert path.read_bytes() == content
    assert KEY not in str(refused.value)


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    KeyFile.create(path)
    before = path.read_bytes()

    with pytest.raises(FileExistsError):
        KeyFile.create(path)

    assert path.read_bytes() == before


def _state(path: Path) -> str:
    try:
        KeyFile.load(path)
    except MissingKeyFile:
        return "missing"
    except MalformedKeyFile:
        return "unfinished"
    return "whole"


def test_a_key_file_is_there_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    """Looked at after every step, as a process might that starts meanwhile."""
    path = tmp_path / "keys.json"
    states: set[str] = set()

    sys.setprofile(lambda *_: states.add(_state(path)))
    try:
        KeyFile.create(path)
    finally:
        sys.setprofile(None)

    assert states == {"missing", "whole"}


def test_processes_that_start_together_agree_on_one_key_file(tmp_path: Path) -> None:
    """Each round, all start on the same moment; whoever is not first takes what the first made."""
    start = Barrier(RACERS, timeout=PATIENCE)

    def begin(path: Path) -> KeyFile:
        start.wait()
        return KeyFile.load_or_create(path)

    with ThreadPoolExecutor(RACERS) as racers:
        rounds = [
            set(map(repr, racers.map(begin, [tmp_path / f"keys-{number}.json"] * RACERS)))
            for number in range(ROUNDS)
        ]

    assert [len(agreed) for agreed in rounds] == [1] * ROUNDS


def test_a_wrapped_key_opens_with_the_identity_it_was_wrapped_for(tmp_path: Path) -> None:
    key_file, key = KeyFile.create(tmp_path / "keys.json"), new_key()

    wrapped = key_file.wrap(key, "project", "data-key")

    assert key_file.unwrap(wrapped, key_file.primary, "project", "data-key") == key
    assert key not in wrapped


@pytest.mark.parametrize(
    "identity", [("other", "data-key"), ("project", "other"), ("data-key", "project"), ()], ids=repr
)
def test_a_wrapped_key_does_not_open_for_another(tmp_path: Path, identity: tuple[str, ...]) -> None:
    key_file = KeyFile.create(tmp_path / "keys.json")
    wrapped = key_file.wrap(new_key(), "project", "data-key")

    with pytest.raises(TamperedCiphertext):
        key_file.unwrap(wrapped, key_file.primary, *identity)


def test_a_wrapped_key_does_not_open_with_another_or_an_unknown_key() -> None:
    keys = {"a": bytes(32), "b": bytes(31) + b"\1", "c": bytes(32)}
    wrapped = KeyFile("a", keys).wrap(new_key(), "project")

    with pytest.raises(TamperedCiphertext):
        KeyFile("a", keys).unwrap(wrapped, "b", "project")
    # The same key under another name: what a key is called is part of what is sealed.
    with pytest.raises(TamperedCiphertext):
        KeyFile("a", keys).unwrap(wrapped, "c", "project")
    with pytest.raises(TamperedCiphertext):
        KeyFile("a", keys).unwrap(wrapped, "unknown", "project")


def test_what_an_older_key_wrapped_still_opens_after_a_new_one_is_primary() -> None:
    older, key = KeyFile("a", {"a": bytes(32)}), new_key()
    wrapped = older.wrap(key, "project")

    newer = KeyFile("b", {"a": bytes(32), "b": new_key()})

    assert newer.unwrap(wrapped, "a", "project") == key
