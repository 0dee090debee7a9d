"""A cache of plaintext data keys, bounded in number and time. Dropped keys are wiped."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from gateway.domain.content import NeverStored

DEFAULT_SECONDS: Final = 600
MAX_KEYS: Final = 1_024


@dataclass(slots=True, eq=False)
class DataKey(NeverStored):
    id: str
    project_id: str
    # A bytearray can be overwritten; bytes cannot.
    value_key: bytearray = field(repr=False)
    # The number of reserved seals left, and the row's count when they were reserved.
    seals_left: int = 0
    reserved_until: int = 0

    def wipe(self) -> None:
        """Overwrite the key. Copies that libraries made cannot be overwritten."""
        self.value_key[:] = bytes(len(self.value_key))


class DataKeyCache:
    """The most recently used data keys. It never returns an expired key."""

    def __init__(
        self,
        *,
        seconds: float = DEFAULT_SECONDS,
        most: int = MAX_KEYS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds = seconds
        self._most = most
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, DataKey]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, key_id: str) -> DataKey | None:
        self._drop_old()
        if key_id not in self._kept:
            return None
        self._kept.move_to_end(key_id)
        return self._kept[key_id][1]

    def keep(self, key: DataKey) -> None:
        """Keep a key until it expires; a full cache evicts the least recently used one."""
        self._drop(key.id)
        if len(self._kept) >= self._most:
            self._drop(next(iter(self._kept)))
        self._kept[key.id] = (self._clock() + self._seconds, key)

    def forget_project(self, project_id: str) -> None:
        self._drop_all(lambda _, key: key.project_id == project_id)

    def forget_all(self) -> None:
        self._drop_all(lambda *_: True)

    def _drop_old(self) -> None:
        now = self._clock()
        self._drop_all(lambda expires, _: expires <= now)

    def _drop_all(self, condition: Callable[[float, DataKey], bool]) -> None:
        for key_id in [name for name, entry in self._kept.items() if condition(*entry)]:
            self._drop(key_id)

    def _drop(self, key_id: str) -> None:
        _, key = self._kept.pop(key_id, (0, None))
        if key is not None:
            key.wipe()
