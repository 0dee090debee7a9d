"""What holds a secret never shows it, however it is printed (a control shows what would be)."""

import base64
import hashlib
import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.config.settings import Settings
from gateway.crypto.key_providers import KeyInEnvironment, KeysInFile
from gateway.crypto.keyfile import KeyFile
from gateway.domain.content import SealedValue
from gateway.domain.drafts import OverrideDraft, ProvidedDraft, SecretDraft
from gateway.services.data_key_cache import DataKey
from gateway.services.delivery import RuntimeFile, RuntimeSecret
from gateway.storage.audit.row_macs import RowMacs
from gateway.storage.data_keys import WrappedKey

MARKER = "marker-5b21c9"
SECRET_BYTES = MARKER.encode()

HOLDING = [
    SecretDraft(key="KEY", value=MARKER),
    OverrideDraft(value=MARKER),
    ProvidedDraft(key="KEY", value=MARKER),
    SealedValue("data-key", SECRET_BYTES),
    WrappedKey(id="id", project_id=None, kek_id="kek", wrapped=SECRET_BYTES),
    KeyFile("kek", {"kek": SECRET_BYTES}),
    Settings(database_url=f"sqlite+aiosqlite:///secrets.db?key={MARKER}"),  # type: ignore[arg-type] # pydantic makes it a SecretStr
]


@dataclass(frozen=True)
class _Careless:
    value: str


def _shown(holding: object) -> str:
    return f"{holding} {holding!r} {[holding]} {ValueError(holding)!r} {KeyError(holding)}"


@pytest.mark.parametrize("holding", HOLDING, ids=lambda holding: type(holding).__name__)
def test_what_holds_a_secret_never_shows_it(holding: object) -> None:
    assert MARKER not in _shown(holding)


def test_a_plain_dataclass_would_show_it() -> None:
    assert MARKER in _shown(_Careless(MARKER))


IN_CLEAR = [
    DataKey("id", "project", bytearray(SECRET_BYTES)),
    KeyFile("kek", {"kek": SECRET_BYTES}),
    KeysInFile(Path("keys.json"), KeyFile("kek", {"kek": SECRET_BYTES})),
    KeyInEnvironment(base64.b64encode(hashlib.sha256(SECRET_BYTES).digest()).decode()),
    RowMacs(SECRET_BYTES),
    RuntimeSecret("KEY", MARKER),
    RuntimeFile("/path", MARKER),
]
WAYS: dict[str, Callable[[Any], object]] = {
    "pickle": pickle.dumps,
    "json": json.dumps,
    "vars": vars,
}


@pytest.mark.rule("S47")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("holding", IN_CLEAR, ids=lambda holding: type(holding).__name__)
def test_what_holds_a_key_or_a_value_in_clear_is_not_taken_apart(holding: object, way: str) -> None:
    assert MARKER not in f"{holding} {holding!r}"
    with pytest.raises(TypeError):
        WAYS[way](holding)


def test_a_plain_class_would_be_taken_apart() -> None:
    """The control of the test above."""
    assert SECRET_BYTES in pickle.dumps(_Careless(MARKER))
    assert MARKER in vars(_Careless(MARKER)).values()


def test_settings_that_are_refused_do_not_repeat_what_was_set() -> None:
    with pytest.raises(ValueError, match="validation error") as refused:
        Settings(port=MARKER, data_dir=Path())  # type: ignore[arg-type] # what a typing error gives

    assert MARKER not in str(refused.value)
