"""Five hundred sockets at once, as after a restart: each of them comes up."""

import asyncio
import os
import shutil
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import pytest
from websockets.exceptions import ConnectionClosed

from gateway.services.demo import Demo
from tests.live.listening import heard, opened_socket, say
from tests.servers import LiveServer, serving

SOCKETS: Final = int(os.environ.get("FAULT_SOCKETS", "500"))
# As a server has it where nobody sets it.
HEAD_SECONDS: Final = "10"

pytestmark = pytest.mark.timeout(900)


async def _come_up(server: LiveServer, stack: AsyncExitStack) -> object:
    """Open a socket that stays open, sign in, and return what the server says to that."""
    credential = f"Bearer {server.demo['token']}"
    socket = await stack.enter_async_context(opened_socket(server))
    await say(socket, type="connection_init", payload={"Authorization": credential})
    try:
        return (await heard(socket))["type"]
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None


async def test_sockets_that_come_at_once_all_come_up(
    template: tuple[Path, Demo], tmp_path: Path
) -> None:
    folder = shutil.copytree(template[0], tmp_path / "data")
    chosen = {"CONNECTIONS_PER_PEER": "0", "HEAD_SECONDS": HEAD_SECONDS}
    with serving(folder, template[1], **chosen) as server:
        async with AsyncExitStack() as stack:
            begun = time.monotonic()
            coming = (_come_up(server, stack) for _ in range(SOCKETS))
            outcomes = Counter(await asyncio.gather(*coming))
            seconds = time.monotonic() - begun
    print(f"\n{SOCKETS} sockets at once: {dict(outcomes)} in {seconds:.1f} s")

    assert outcomes == {"connection_ack": SOCKETS}
