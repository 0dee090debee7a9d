"""A local issuer, and verifiers that trust it."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from gateway.identity.key_cache import Fetcher
from gateway.identity.verifier import Verifier
from tests.identity.clocks import Clock
from tests.identity.local_issuer import LocalIssuer, issuing
from tests.patience import PATIENCE


@pytest.fixture(scope="session")
def issuing_process() -> Iterator[LocalIssuer]:
    """One issuer for all tests: making its keys takes a while."""
    with issuing() as issuer:
        yield issuer


@pytest.fixture
def issuer(issuing_process: LocalIssuer) -> LocalIssuer:
    """The issuer, which behaves well until it is told otherwise."""
    issuing_process.behave(forget=True)
    return issuing_process


@pytest.fixture
def clock() -> Clock:
    """The clock of the verifier, which stands still until it is told otherwise."""
    return Clock()


# Reading the trusted certificates takes a while, so the tests of a module share what fetches. They
# need the module's event loop: `pytestmark = pytest.mark.asyncio(loop_scope="module")`.
@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def fetcher() -> AsyncIterator[Fetcher]:
    """What fetches over a real socket."""
    async with Fetcher(seconds=PATIENCE) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def verifier(issuer: LocalIssuer, fetcher: Fetcher, clock: Clock) -> AsyncIterator[Verifier]:
    """A verifier that trusts the issuer and has not asked it yet."""
    opened = Verifier([issuer.trusted()], fetcher=fetcher, now=clock.now, clock=clock.monotonic)
    yield opened
    await opened.close()
