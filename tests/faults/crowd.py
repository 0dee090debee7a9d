"""Many clients at once, each with one connection, each asking again as soon as it is answered."""

import asyncio
import json
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from tests.servers import LiveServer

VALUES: Final = "query ($id: ID!) { runtimeSecrets(serviceId: $id) { key value } }"
_LENGTH: Final = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
_RETRY: Final = re.compile(rb"retry-after: (\d+)", re.IGNORECASE)


@dataclass(slots=True)
class Client:
    """What one client lived through: the statuses, and the seconds that each answer took."""

    statuses: Counter[int] = field(default_factory=Counter)
    served: list[float] = field(default_factory=list)
    # From the first try to the answer, with all refusals between them.
    longest_wait: float = 0
    longest_answer: float = 0


@dataclass(frozen=True, slots=True)
class Crowd:
    """A number of clients of one server, which ask for a service's values."""

    server: LiveServer
    clients: int

    async def fetch_for(self, seconds: float) -> list[Client]:
        """Let all of them ask for some time; return what each lived through."""
        end = time.monotonic() + seconds
        return await asyncio.gather(*(self._client(end) for _ in range(self.clients)))

    async def _client(self, end: float) -> Client:
        client = Client()
        address = urlsplit(self.server.url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        try:
            while time.monotonic() < end:
                await self._fetch(client, reader, writer, end)
        finally:
            writer.close()
        return client

    async def _fetch(
        self,
        client: Client,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        end: float,
    ) -> None:
        """Ask until the answer is there, as a client does that respects Retry-After."""
        begun = time.monotonic()
        while True:
            asked = time.monotonic()
            writer.write(self._request())
            status, retry_after = await _answer(reader)
            now = time.monotonic()
            client.statuses[status] += 1
            client.longest_answer = max(client.longest_answer, now - asked)
            if status == HTTPStatus.OK:
                client.served.append(now - asked)
                client.longest_wait = max(client.longest_wait, now - begun)
                return
            if now > end:
                return
            await asyncio.sleep(retry_after)

    def _request(self) -> bytes:
        body = json.dumps({"query": VALUES, "variables": {"id": self.server.demo["job_id"]}})
        lines = (
            "POST /graphql HTTP/1.1",
            "Host: localhost",
            f"Authorization: Bearer {self.server.demo['token']}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
        )
        return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, int]:
    head = await reader.readuntil(b"\r\n\r\n")
    length, retry = _LENGTH.search(head), _RETRY.search(head)
    if length:
        await reader.readexactly(int(length[1]))
    return int(head[9:12]), int(retry[1]) if retry else 0
