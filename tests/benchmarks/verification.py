"""What a token of an issuer costs: `python -m tests.benchmarks.verification`."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from statistics import median
from typing import Final

from gateway.config.logging import configure_logs
from gateway.config.types import LogFormat, LogLevel
from gateway.identity.claims import RefusedToken
from gateway.identity.issuers import Algorithm
from gateway.identity.keys import MAX_KEYS
from gateway.identity.verifier import Verifier
from tests.identity.issuer import PUBLISHED
from tests.identity.local_issuer import LocalIssuer, issuing

_ROUNDS: Final = 7
_TIMES: Final = 500


async def main() -> None:
    """Measure, and print."""
    with issuing() as issuer:
        async with Verifier([issuer.trusted(algorithms=list(Algorithm))]) as verifier:
            for key in PUBLISHED:
                await _report(verifier, f"accepted, {key}", issuer.token(key=key))
            await _report(verifier, "refused, another audience", issuer.token(aud="another"))
            await _report(verifier, "refused, unknown key", issuer.token(key="rsa-2"))
        print(f"longest stop of the loop while keys are fetched: {await _stop(issuer):.1f} ms")


async def _report(verifier: Verifier, name: str, token: str) -> None:
    async def verify() -> None:
        with suppress(RefusedToken):
            await verifier.verify(token)

    await verify()
    print(f"{name}: {median([await _microseconds(verify) for _ in range(_ROUNDS)]):.0f} us")


async def _microseconds(work: Callable[[], Awaitable[None]]) -> float:
    begun = time.perf_counter()
    for _ in range(_TIMES):
        await work()
    return (time.perf_counter() - begun) / _TIMES * 1e6


async def _stop(issuer: LocalIssuer) -> float:
    """Return for how many milliseconds nothing else ran, with as many keys as there can be."""
    key = issuer.public_key("rsa-1")
    issuer.behave(further_keys=[key | {"kid": f"key {n}"} for n in range(MAX_KEYS - 5)])
    async with Verifier([issuer.trusted()]) as verifier:
        asking = asyncio.create_task(verifier.verify(issuer.token()))
        longest = 0.0
        while not asking.done():
            # The loop's own time: what other processes take away from it is not its fault.
            begun = time.thread_time()
            await asyncio.sleep(0)
            longest = max(longest, time.thread_time() - begun)
        await asking
    return longest * 1_000


if __name__ == "__main__":
    configure_logs(LogFormat.CONSOLE, LogLevel.WARNING)
    asyncio.run(main())
