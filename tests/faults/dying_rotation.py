"""The command line, dying at a point that the environment names: `POINT=module.function:count`."""

import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any, Final

from gateway.cli import main
from gateway.crypto.key_providers import KeysInFile
from gateway.services.operator.keys import Keys
from gateway.storage import data_keys, values

Step = Callable[..., Any]

# Where something has just been done and what follows from it has not.
OWNERS: Final[dict[str, object]] = {
    "add_key": KeysInFile,
    "rewrap": data_keys,
    "retire": data_keys,
    "_renew": Keys,
    "reseal": values,
    "remove_unused": data_keys,
}


def _dying(step: Step, count: int) -> Step:
    left = count

    def passed() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    async def waits(outcome: Awaitable[Any]) -> Any:
        done = await outcome
        passed()
        return done

    def dies(*arguments: Any, **named: Any) -> Any:
        outcome = step(*arguments, **named)
        if isinstance(outcome, Awaitable):
            return waits(outcome)
        passed()
        return outcome

    return dies


if __name__ == "__main__":
    name, _, text = os.environ["POINT"].partition(":")
    setattr(OWNERS[name], name, _dying(getattr(OWNERS[name], name), int(text)))
    main()
