"""Data keys in clear: bounded in number and time, and wiped."""

import pytest

from gateway.services.data_key_cache import DataKey, DataKeyCache

SECONDS = 600


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def _key(key_id: str, project_id: str = "project") -> DataKey:
    return DataKey(key_id, project_id, bytearray(b"k" * 32))


def test_a_key_is_kept_for_its_time_and_not_longer(clock: Clock) -> None:
    cache, key = DataKeyCache(seconds=SECONDS, clock=clock), _key("one")
    cache.keep(key)

    clock.now += SECONDS - 1
    assert cache.find("one") is key
    clock.now += 1
    assert cache.find("one") is None
    assert key.value_key == bytes(32)


def test_use_does_not_make_a_key_younger(clock: Clock) -> None:
    cache = DataKeyCache(seconds=SECONDS, clock=clock)
    cache.keep(_key("one"))
    for _ in range(9):
        clock.now += SECONDS / 10
        assert cache.find("one")
    clock.now += SECONDS / 10

    assert cache.find("one") is None


def test_the_one_that_was_used_longest_ago_gives_way(clock: Clock) -> None:
    cache = DataKeyCache(most=2, clock=clock)
    one, two, three = _key("one"), _key("two"), _key("three")
    cache.keep(one)
    cache.keep(two)
    cache.find("one")
    cache.keep(three)

    assert len(cache) == 2
    assert cache.find("one") is one
    assert cache.find("two") is None
    assert two.value_key == bytes(32)


def test_a_projects_keys_go_together(clock: Clock) -> None:
    cache = DataKeyCache(clock=clock)
    gone, stays = _key("one", "gone"), _key("two", "stays")
    cache.keep(gone)
    cache.keep(stays)

    cache.forget_project("gone")

    assert cache.find("one") is None
    assert cache.find("two") is stays
    assert gone.value_key == bytes(32)
    assert stays.value_key != bytes(32)


def test_all_go_when_the_vault_is_locked(clock: Clock) -> None:
    cache, key = DataKeyCache(clock=clock), _key("one")
    cache.keep(key)

    cache.forget_all()

    assert len(cache) == 0
    assert key.value_key == bytes(32)


@pytest.mark.rule("S47")
def test_a_key_does_not_show_itself() -> None:
    assert "kkkk" not in f"{_key('one')} {_key('one')!r}"
