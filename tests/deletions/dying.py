"""The command line, dying in or after a step of a deletion: `POINT=name:count`."""

import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any, Final

from gateway.cli import main
from gateway.services.operator.deletions import Deletions
from gateway.storage import deletions, secret_batches

# In a step's transaction before and after its last statement, and when it is committed.
OWNERS: Final[dict[str, object]] = {
    "begin": deletions,
    "remove": secret_batches,
    "remove_holders": deletions,
    "_step": Deletions,
}


def _dying(step: Callable[..., Awaitable[Any]], count: int) -> Callable[..., Awaitable[Any]]:
    left = count

    async def dies(*arguments: Any, **named: Any) -> Any:
        nonlocal left
        done = await step(*arguments, **named)
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    return dies


if __name__ == "__main__":
    name, _, text = os.environ["POINT"].partition(":")
    setattr(OWNERS[name], name, _dying(getattr(OWNERS[name], name), int(text)))
    main()
