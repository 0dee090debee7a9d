"""The file in which `login` keeps tokens, with several programs at work."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.cli.client.credentials import TokenStore
from gateway.cli.client.stored_tokens import StoredToken


def test_tokens_that_are_stored_at_the_same_time_are_all_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    store, urls = (
        TokenStore(tmp_path / "folder" / "tokens.json"),
        [f"https://{number}.example" for number in range(16)],
    )
    with ThreadPoolExecutor(len(urls)) as threads:
        list(threads.map(lambda url: store.store(url, StoredToken(token="sgw_x")), urls))
    kept = json.loads(store.path.read_text())
    with ThreadPoolExecutor(len(urls)) as threads:
        removed = list(threads.map(store.remove, urls))

    assert kept == dict.fromkeys(urls, "sgw_x")
    assert json.loads(store.path.read_text()) == {}
    assert all(removed)
