"""What is sent to which server, by workload."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tests.benchmarks import requests
from tests.benchmarks.requests import Request
from tests.benchmarks.samples import Samples

GATEWAY: Final = "gateway"
LIMIT: Final = "limit"
STOCK: Final = "stock Strawberry"
MERCURIUS: Final = "mercurius-jit"
OPENBAO: Final = "OpenBao"
CLIENTS: Final = 16
# Of ten requests, so many read.
_READS: Final = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Requests to one server; `of` names the limit's case for the same answers."""

    server: str
    what: str
    requests: Sequence[Request]
    clients: int = CLIENTS
    of: str | None = None

    @property
    def name(self) -> str:
        return f"{self.server}: {self.what}"


def _among(
    servers: Sequence[str], what: str, sent: Sequence[Request], *, clients: int = CLIENTS
) -> list[Case]:
    """Return a case for each server, which gives the same answers as the limit."""
    return [
        Case(server=server, what=what, requests=sent, clients=clients, of=f"{LIMIT}: {what}")
        for server in servers
    ]


def reads(samples: Samples, *, tag: str) -> list[Case]:
    """W1: 50 visible secrets with 12 fields; `tag` is the entity tag of the list."""
    listed = requests.read_by_rest(samples)
    unchanged = listed.with_header("If-None-Match", tag).with_status(304)
    return [
        *_among([LIMIT, GATEWAY, STOCK, MERCURIUS], "read", [requests.read(samples)]),
        *_among([LIMIT, GATEWAY], "list by REST", [listed]),
        Case(
            server=GATEWAY,
            what="unchanged list (304)",
            requests=[unchanged],
            of=f"{LIMIT}: list by REST",
        ),
        Case(server=GATEWAY, what="`{__typename}`", requests=[requests.typename(samples)]),
    ]


def aliases(samples: Samples) -> list[Case]:
    """W2: an alias, which is on the disk before it is answered."""
    by_graphql, by_rest = requests.aliases(samples), requests.aliases_by_rest(samples)
    return [
        *_among([LIMIT, GATEWAY, STOCK, MERCURIUS], "alias", by_graphql),
        *_among([LIMIT, GATEWAY], "alias by REST", by_rest),
        *_among([LIMIT, GATEWAY], "alias, one client", by_graphql, clients=1),
        *_among([LIMIT, GATEWAY], "alias by REST, one client", by_rest, clients=1),
    ]


def deliveries(samples: Samples) -> list[Case]:
    """W3: values in clear, and what a service gets without them."""
    small = [requests.delivery(samples, samples.delivered_25)]
    large = [requests.delivery(samples, samples.delivered_300)]
    effective = [requests.effective(samples)]
    return [
        *_among([LIMIT, GATEWAY, STOCK, MERCURIUS], "delivery of 25", small),
        *_among([LIMIT, GATEWAY], "delivery of 300", large),
        Case(server=GATEWAY, what="effective, 100 of 300", requests=effective),
    ]


def openbao(each: Sequence[Request], together: Sequence[Request]) -> list[Case]:
    """W3 by OpenBao: a read of one value, and of a secret with 25 values in it."""
    of = f"{LIMIT}: delivery of 25"
    return [
        Case(server=OPENBAO, what="one value", requests=each, of=of),
        Case(server=OPENBAO, what="25 values in one secret", requests=together, of=of),
    ]


def mixed(samples: Samples) -> list[Case]:
    """W4: nine reads and one alias, again and again."""
    read = requests.read(samples)
    sent = [each for alias in requests.aliases(samples) for each in [*[read] * _READS, alias]]
    return _among([LIMIT, GATEWAY], "90 % reads, 10 % aliases", sent)
