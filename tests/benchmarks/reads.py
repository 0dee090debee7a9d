"""How reads grow with the database: `python -m tests.benchmarks.reads`.

The same reads of the same service in a database with 10^4 further secrets and events, and in one
with 10^5, in turn; what counts is the ratio of the medians. Each read runs in a view of its own.
`SIZES=10000,1000000` chooses other sizes.
"""

import asyncio
import gc
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

from gateway.config.logging import configure_logs
from gateway.config.types import LogFormat, LogLevel
from gateway.domain.audit import ANY_EVENT, AuditFilter
from gateway.domain.pages import BY_SCOPE, Page, SecretOrder, SecretOrderField, Window
from gateway.domain.principals import Principal
from gateway.services.container import BoundServices
from tests.benchmarks.growth import (
    COMMON_ACTION,
    COMMON_ACTOR,
    RARE_ACTION,
    RARE_ACTOR,
    Grown,
    grown_database,
)

_SIZES: Final = tuple(map(int, os.environ.get("SIZES", "10000,100000").split(",")))
_ROUNDS: Final = 9
_PAGE: Final = 100

Read = Callable[[BoundServices], Awaitable[object]]


async def _walk(list_page: Callable[[Window], Awaitable[Page[Any]]]) -> int:
    """Read all pages of a list."""
    count, after, has_next = 0, None, True
    while has_next:
        page = await list_page(Window(size=_PAGE, after=after))
        count += len(page.entries)
        has_next = page.has_next
        after = page.entries[-1].cursor if page.entries else None
    return count


def _reads_of_secrets(grown: Grown) -> Mapping[str, Read]:
    service, secret = grown.service, grown.secret
    window = Window(size=_PAGE)
    changed = SecretOrder(field=SecretOrderField.UPDATED_AT, is_descending=True)
    return {
        "effective, 3,000 keys": lambda services: _walk(
            lambda window: services.effective.page(service=service, window=window)
        ),
        "effective, by scope": lambda services: _walk(
            lambda window: services.effective.page(service=service, window=window, order=BY_SCOPE)
        ),
        "effective, by time": lambda services: _walk(
            lambda window: services.effective.page(service=service, window=window, order=changed)
        ),
        "visible, 3,000 keys": lambda services: _walk(
            lambda window: services.secrets.visible_from(holder=service, window=window)
        ),
        "explain": lambda services: services.effective.explain(
            service_id=service.id, key=secret.key
        ),
        "explain, reference": lambda services: services.effective.explain(
            service_id=service.id, key="JOB_0100"
        ),
        "delivery": lambda services: services.delivery.runtime_secrets(service_id=service.id),
        "impact": lambda services: services.effective.impact(
            secret=secret, window=window, of_deletion=False
        ),
        "dependents": lambda services: services.secrets.dependents_of(secret=secret, window=window),
    }


def _filters(grown: Grown) -> Mapping[str, AuditFilter]:
    service = grown.service
    begun = grown.secret.created_at
    return {
        "all": ANY_EVENT,
        "rare actor": AuditFilter(actor_id=RARE_ACTOR),
        "unknown actor": AuditFilter(actor_id="unknown"),
        "rare action": AuditFilter(actions=(RARE_ACTION,)),
        "two actions": AuditFilter(actions=(RARE_ACTION, COMMON_ACTION)),
        "secret": AuditFilter(secret_id=grown.secret.id),
        "service": AuditFilter(holder_id=service.id),
        "project": AuditFilter(holder_id=service.project_id),
        "until": AuditFilter(until=begun + timedelta(seconds=0.1)),
        "since": AuditFilter(since=begun + timedelta(days=1)),
        "rare actor, common action": AuditFilter(actor_id=RARE_ACTOR, actions=(COMMON_ACTION,)),
        "common actor, rare action": AuditFilter(actor_id=COMMON_ACTOR, actions=(RARE_ACTION,)),
        "service, common actor": AuditFilter(holder_id=service.id, actor_id=COMMON_ACTOR),
        "rare actor, until": AuditFilter(actor_id=RARE_ACTOR, until=begun + timedelta(seconds=0.1)),
    }


def _reads_of_events(grown: Grown) -> Mapping[str, Read]:
    def reading(only: AuditFilter) -> Read:
        return lambda services: services.audit.page(window=Window(size=_PAGE), only=only)

    return {f"events, {name}": reading(only) for name, only in _filters(grown).items()}


def _reads(grown: Grown) -> Mapping[str, tuple[Principal, Read]]:
    events = _reads_of_events(grown)
    return {
        **{name: (grown.operator, read) for name, read in events.items()},
        **{f"limited: {name}": (grown.limited, read) for name, read in events.items()},
        # A delivery adds an event, so it comes after the reads of events.
        **{name: (grown.operator, read) for name, read in _reads_of_secrets(grown).items()},
    }


async def _milliseconds(grown: Grown, principal: Principal, read: Read) -> float:
    """Return the processor time of one read, that of the database's thread included."""
    async with grown.runtime.database.read() as unit:
        services = grown.runtime.services.for_principal(principal, unit)
        gc.collect()
        begun = time.process_time()
        await read(services)
        return (time.process_time() - begun) * 1_000


async def _report(grown: Sequence[Grown]) -> None:
    by_database = [_reads(each) for each in grown]
    for name in by_database[0]:
        taken: list[list[float]] = [[] for _ in grown]
        for _ in range(_ROUNDS):
            for times, each, reads in zip(taken, grown, by_database, strict=True):
                times.append(await _milliseconds(each, *reads[name]))
        medians = [median(times) for times in taken]
        columns = "".join(f"{each:>10.2f} ms" for each in medians)
        print(f"{name:<42}{columns}{medians[-1] / medians[0]:>8.2f}", flush=True)


async def _main(folder: Path) -> None:
    async with AsyncExitStack() as stack:
        grown = [
            await stack.enter_async_context(
                grown_database(folder / str(size), size=size, events=size)
            )
            for size in _SIZES
        ]
        print("secrets, and as many events:", *_SIZES)
        await _report(grown)


def main() -> None:
    """Measure all reads, and print the ratios."""
    with TemporaryDirectory() as folder:
        asyncio.run(_main(Path(folder)))


if __name__ == "__main__":
    configure_logs(LogFormat.CONSOLE, LogLevel.ERROR)
    main()
