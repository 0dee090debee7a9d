"""Where racers meet: a server of several processes, clients of it, and a look at its database."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Iterable
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final, TypeVar

import httpx

from gateway.domain.holders import new_id
from gateway.services.demo import Demo
from tests.faces import GraphQLFace, Outcome, RestFace
from tests.patience import PATIENCE
from tests.races.loosened import Meeting
from tests.servers import LiveServer

Result = TypeVar("Result")

# More would only wait in the server's queue.
_CONNECTIONS: Final = httpx.Limits(max_connections=64)

# What refers to a secret that is not there; and what refers to something that refers on.
ORPHANS: Final = """SELECT count(*) FROM secret AS referring WHERE target_id IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM secret WHERE secret.id = referring.target_id)"""
CHAINS: Final = """SELECT count(*) FROM secret AS referring JOIN secret AS target
    ON target.id = referring.target_id WHERE target.variable_type = 'ALIAS'"""
# A key that two holders of one chain have, other than a target and its overrides.
DOUBLES: Final = """SELECT count(*) FROM secret AS low
    JOIN holder AS place ON place.id = low.holder_id
    JOIN secret AS high ON high.key = low.key AND high.id <> low.id
    AND high.holder_id IN (place.id, place.environment_id, place.project_id)
    WHERE NOT (low.variable_type = 'OVERRIDE'
    AND (high.id = low.target_id OR high.target_id = low.target_id))"""
ROOTLESS: Final = """SELECT count(*) FROM secret
    WHERE NOT EXISTS (SELECT 1 FROM holder WHERE holder.id = secret.holder_id)"""
VALUELESS: Final = """SELECT count(*) FROM secret WHERE variable_type <> 'ALIAS'
    AND NOT EXISTS (SELECT 1 FROM sealed_value WHERE sealed_value.secret_id = secret.id)"""


@dataclass(frozen=True, slots=True)
class Arena:
    """A server of several processes, and what racers need to know."""

    client: httpx.AsyncClient
    demo: Demo
    database: Path

    @property
    def rest(self) -> RestFace:
        """The REST face of the server."""
        return RestFace(self.client)

    @property
    def graphql(self) -> GraphQLFace:
        """The GraphQL face of the server."""
        return GraphQLFace(self.client)

    def count(self, statement: str, *parameters: str) -> int:
        """Return a number from the database."""
        path = f"file:{self.database}?mode=ro"
        with closing(sqlite3.connect(path, uri=True)) as connection:
            number: int = connection.execute(statement, parameters).fetchone()[0]
        return number

    def with_key(self, key: str) -> int:
        """Return how many secrets have the key."""
        return self.count("SELECT count(*) FROM secret WHERE key = ?", key)

    def flaws(self) -> dict[str, int]:
        """Return how much there is of each thing that may not be."""
        counted = {
            "orphans": self.count(ORPHANS),
            "chains": self.count(CHAINS),
            "doubles": self.count(DOUBLES),
            "rootless": self.count(ROOTLESS),
            "valueless": self.count(VALUELESS),
        }
        return {name: number for name, number in counted.items() if number}


@dataclass(frozen=True, slots=True)
class LooseArena(Arena):
    """A gateway without its guards, and where its writers meet."""

    meeting: Meeting


def new_key() -> str:
    """Return a key that nothing has."""
    return f"KEY_{new_id()[:8].upper()}"


async def race(racers: Iterable[Awaitable[Result]]) -> list[Result]:
    """Let all run at once, and return what became of each."""
    return await asyncio.gather(*racers)


def statuses(outcomes: Iterable[Outcome]) -> Counter[HTTPStatus]:
    """Return how often each status was answered."""
    return Counter(outcome.status for outcome in outcomes)


def client_of(server: LiveServer) -> httpx.AsyncClient:
    """Return a client that speaks for the demo's administrator."""
    return httpx.AsyncClient(
        base_url=server.url,
        headers={"Authorization": f"Bearer {server.demo['token']}"},
        timeout=PATIENCE,
        limits=_CONNECTIONS,
    )
