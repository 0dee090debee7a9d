"""`watch` and `run --watch`: what a service gets, as it changes."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.client.deliveries import UnfitDelivery, Versioned
from gateway.cli.client.documents import EFFECTIVE_CHANGES
from gateway.cli.client.holders import ServicePath, chosen_service
from gateway.cli.client.refusals import UnfitAnswer
from gateway.cli.client.transport import connect
from gateway.cli.delivered import Delivered
from gateway.cli.launching import Restart, holding_signals, run_with
from gateway.cli.printing import Refused, complain, line_of, say, say_json


def watch(
    context: typer.Context,
    service: ServicePath = None,
    *,
    once: Annotated[bool, typer.Option("--once", help="End after the first change.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    gateway = connect(context)
    service_id = chosen_service(context, gateway, service)
    for event in gateway.events(EFFECTIVE_CHANGES, serviceId=service_id):
        change = event["effectiveSecretsChanged"]
        keys, more = change["keys"], change["hasMoreKeys"]
        if as_json:
            say_json({"at": change["at"], "keys": keys, "has_more_keys": more})
        else:
            say(f"{change['at']}  {line_of(', '.join(keys))}{' and more' if more else ''}")
        if once:
            return


# Returns what a service gets now, or None if it is what has the tag.
Deliver = Callable[[str | None], Versioned | None]


class DeliveryWatcher:
    """Asks, in a thread, for what a service gets until it has changed.

    It asks by the tag of what is known. That works with a token that can only fetch values, misses
    nothing while the gateway is away, and is not recorded as long as nothing has changed.
    """

    def __init__(self, deliver: Deliver, tag: str, every: int) -> None:
        self._deliver = deliver
        self._tag = tag
        self._every = every
        self._is_over = threading.Event()
        self.changed: Versioned | None = None

    def start(self, wake: Callable[[], None]) -> None:
        """Start to ask, and call `wake` after a change."""
        threading.Thread(target=self._watch, args=[wake], daemon=True).start()

    def has_changed(self) -> bool:
        return self.changed is not None

    def stop(self) -> None:
        self._is_over.set()

    def _watch(self, wake: Callable[[], None]) -> None:
        said = ""
        while not self._is_over.wait(self._every):
            try:
                self.changed = self._deliver(self._tag)
            except Exception as error:  # noqa: BLE001 - no answer ends the thread, which looks again
                reason = str(error if isinstance(error, Refused) else UnfitAnswer())
                # The command has what it needs; once is enough to say it.
                if reason != said:
                    complain(f"cannot look for changes: {reason}")
                said = reason
            if self.changed:
                wake()
                return


def run_watched(
    deliver: Deliver, name: str, command: list[str], files_in: Path | None, every: int
) -> int:
    """Run a command until it ends without a restart; return its last exit code.

    Raises:
        UnfitDelivery: if the gateway says at once that nothing has changed.

    """
    current = deliver(None)
    with holding_signals() as mask:
        while current:
            watcher = DeliveryWatcher(deliver, current.tag, every)
            restart = Restart(watcher.has_changed)
            watcher.start(restart.wake)
            delivered = Delivered(name, current.secrets)
            status = run_with(delivered, command, mask, files_in, restart)
            watcher.stop()
            if not restart.has_begun:
                return status
            complain("what the service gets has changed: starting the command again.")
            current = watcher.changed
    raise UnfitDelivery
