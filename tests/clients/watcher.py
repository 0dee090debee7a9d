"""A program that watches a job, in a process of its own, and tells each change as it comes."""

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Queue
from threading import Thread
from typing import IO, Any

from tests.clients.frontends import FOLDER, Outcome, Stage
from tests.patience import PATIENCE

Change = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Watcher:
    """What a program hears of, one change after the other."""

    lines: Queue[str]

    @classmethod
    @contextmanager
    def of(cls, stage: Stage, url: str, *arguments: str, after: str) -> Iterator["Watcher"]:
        """Run the program until the block ends."""
        watcher = cls(Queue())
        with subprocess.Popen(
            ["node", str(FOLDER / "live" / "watch.mjs"), *arguments],
            env=dict(stage.environment) | {"GATEWAY_URL": url, "AFTER": after},
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            listening = Thread(target=watcher._listen, args=[process.stdout], daemon=True)
            listening.start()
            try:
                yield watcher
            finally:
                process.kill()
                listening.join()

    def until(self, key: str) -> Mapping[str, Sequence[Change]]:
        """Return what comes, by the subscription, to where each of both has told of this key.

        Raises:
            queue.Empty: if it does not come in time.

        """
        heard: dict[str, list[Change]] = {"secretChanged": [], "effectiveSecretsChanged": []}
        waiting = set(heard)
        while waiting:
            answer: Change = json.loads(self.lines.get(timeout=PATIENCE))
            for name, change in answer.items():
                heard[name].append(change)
                if key in _keys(change):
                    waiting.remove(name)
        return heard

    def _listen(self, output: IO[str]) -> None:
        for line in output:
            self.lines.put(line)


def ensure_kept_up_to_date(answer: Outcome) -> None:
    """Assert that a list showed a secret that came, its new key, and that it went."""
    assert "WATCHED" in answer.seen["withNew"]["keys"]
    assert {"WATCHED", "WATCHED_MORE"} & set(answer.seen["renamed"]["keys"]) == {"WATCHED_MORE"}
    assert len(answer.seen["withoutIt"]["keys"]) == 7
    assert answer.seen["changes"] == ["CREATED", "UPDATED", "DELETED"]
    assert answer.seen["effects"] == [
        {"keys": ["WATCHED"], "there": ["WATCHED"]},
        {"keys": ["WATCHED", "WATCHED_MORE"], "there": ["WATCHED_MORE"]},
        {"keys": ["WATCHED_MORE"], "there": []},
    ]
    assert answer.complaints == []


def _keys(change: Change) -> Sequence[str]:
    """Return the keys that either of the subscriptions tells of."""
    keys: Sequence[str] = change["keys"] if "keys" in change else [change["key"]]
    return keys
