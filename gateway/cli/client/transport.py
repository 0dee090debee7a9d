"""Requests to a gateway, over the standard library.

What follows redirects or opens other kinds of URL is left out of `urllib`'s handlers, so the token
goes to one host.
"""

import json
import os
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from typing import Any, Final
from urllib.error import URLError
from urllib.request import OpenerDirector, ProxyHandler, Request

import typer

from gateway.cli.client import deadlines
from gateway.cli.client.address import Address, Choice, NoGateway
from gateway.cli.client.credentials import Credential, credential_for
from gateway.cli.client.deadlines import PlainHandler, SecureHandler, TooSlow, deadline
from gateway.cli.client.refusals import NotFound, RefusedByGateway, UnfitAnswer, Unreachable
from gateway.cli.printing import Refused, line_of
from gateway.config.former_names import PREFIX
from gateway.domain.holders import is_canonical_id

CA_VARIABLE: Final = f"{PREFIX}CA_FILE"
# The id of the organization that requests name; tokens of an issuer can need it.
ORGANIZATION_VARIABLE: Final = f"{PREFIX}ORGANIZATION_ID"
# A delivery has 8 MiB of texts, which JSON can make six times as long.
_MAX_BYTES: Final = 64 * 1024 * 1024
# A change names at most 100 keys.
_MAX_LINE_BYTES: Final = 1024 * 1024
_RESULT: Final = "application/graphql-response+json"
_STREAM: Final = "text/event-stream"
_STREAM_DATA: Final = b"data: "
_REDIRECTS: Final = range(300, 400)

Data = Mapping[str, Any]


class Gateway:
    """A gateway behind a URL, as its client sees it."""

    def __init__(self, address: Address, credential: Credential) -> None:
        self.address = address
        self.credential = credential
        self._opener = build_opener(address)

    def run(self, document: str, **variables: object) -> Data:
        """Run a GraphQL document and return its data.

        Raises:
            RefusedByGateway: for its first error.
            Unreachable: if there is no response.

        """
        with deadline(), self._post(document, variables, _RESULT) as response:
            content = read_object(response)
        return _refuse(response, content)

    def change(self, document: str, **variables: object) -> Data:
        """Run a document with one mutation and return its payload.

        Raises:
            RefusedByGateway: as for `run`, and for the payload's first error.

        """
        (payload,) = self.run(document, **variables).values()
        raise_first(payload["errors"])
        return dict(payload)

    def nodes(self, document: str, *path: str, **variables: object) -> Iterator[Data]:
        """Yield the entries of the connection at a path of the data, page by page.

        Raises:
            NotFound: if the object that has the connection is not there.
            UnfitAnswer: if the pages have no end.

        """
        after: str | None = None
        seen = set()
        while after not in seen:
            seen.add(after)
            page = self.run(document, after=after, **variables)
            for name in path:
                page = page[name]
                if page is None:
                    message = "this token sees nothing with that id."
                    raise NotFound(message)
            yield from (edge["node"] for edge in page["edges"])
            if not page["pageInfo"]["hasNextPage"]:
                return
            after = page["pageInfo"]["endCursor"]
        # A cursor that was followed before leads to the same pages without an end.
        raise UnfitAnswer

    def events(self, document: str, **variables: object) -> Iterator[Data]:
        """Yield what a subscription sends, until the gateway ends it."""
        with ExitStack() as until_head, ExitStack() as stream:
            until_head.enter_context(deadline())
            response = stream.enter_context(self._post(document, variables, _STREAM))
            if response.status != HTTPStatus.OK:
                _refuse(response, read_object(response))
            until_head.close()
            while line := response.readline(_MAX_LINE_BYTES):
                if len(line) == _MAX_LINE_BYTES:
                    _refuse(response, {})
                if line.startswith(_STREAM_DATA) and (event := _parse(line[len(_STREAM_DATA) :])):
                    yield _refuse(response, event)

    @contextmanager
    def _post(
        self, document: str, variables: Mapping[str, object], accept: str
    ) -> Iterator[HTTPResponse]:
        request = Request(  # noqa: S310 - the scheme was checked with the address
            f"{self.address.url}/graphql",
            data=json.dumps({"query": document, "variables": variables}).encode(),
            headers={
                "Accept": accept,
                "Content-Type": "application/json",
                "User-Agent": "secrets-gateway",
            },
        )
        # A header of this kind would not go along with a redirect either.
        request.add_unredirected_header("Authorization", f"Bearer {self.credential.token}")
        if organization_id := _organization_id():
            request.add_header("X-Organization-Id", organization_id)
        with opened(self._opener, self.address, request) as response:
            yield response


def _organization_id() -> str | None:
    """Return the organization that requests name; None if none is chosen.

    Raises:
        Refused: for anything but a UUID.

    """
    organization_id = os.environ.get(ORGANIZATION_VARIABLE)
    if organization_id and not is_canonical_id(organization_id):
        message = f"{ORGANIZATION_VARIABLE} must be the organization's id, a UUID."
        raise Refused(message)
    return organization_id


@contextmanager
def opened(opener: OpenerDirector, address: Address, request: Request) -> Iterator[HTTPResponse]:
    """Send a request and give its response, whatever the status.

    Raises:
        Unreachable: if there is none, or it breaks off.

    """
    try:
        with opener.open(request, timeout=deadlines.SECONDS) as response:
            yield response
    except URLError as error:
        raise Unreachable(_reason(address, error.reason)) from None
    except (HTTPException, OSError) as error:
        raise Unreachable(_reason(address, error)) from None


def raise_first(errors: Sequence[Data]) -> None:
    """Raise the first error of a mutation's payload, if there is one.

    Raises:
        RefusedByGateway: with its code.

    """
    for error in errors:
        raise RefusedByGateway(HTTPStatus.OK, line_of(error["message"]), code=error["code"])


def build_opener(address: Address) -> OpenerDirector:
    opener = OpenerDirector()
    if address.url.startswith("https:"):
        opener.add_handler(SecureHandler(_tls()))
    else:
        opener.add_handler(PlainHandler())
    # A proxy would be where a request to this host leaves it.
    if not address.is_loopback:
        opener.add_handler(ProxyHandler())
    return opener


def _tls() -> ssl.SSLContext:
    path = os.environ.get(CA_VARIABLE)
    try:
        return ssl.create_default_context(cafile=path or None)
    except OSError as error:
        reason = error.strerror if not isinstance(error, ssl.SSLError) else "it has no certificate"
        message = f"{CA_VARIABLE}: {path} cannot be used: {reason}."
        raise Refused(message) from None


def _reason(address: Address, error: object) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"{address.url}: the certificate is not trusted: {error.verify_message}. "
            f"{CA_VARIABLE} names the certificates of a private authority."
        )
    if isinstance(error, TimeoutError):
        return f"{address.url} does not answer within {deadlines.SECONDS:g} s."
    if isinstance(error, TooSlow):
        return f"{address.url} does not complete an answer within {deadlines.DEADLINE_SECONDS:g} s."
    what = error.strerror if isinstance(error, OSError) else type(error).__name__
    return f"{address.url} cannot be reached: {line_of(str(what or error))}."


def read_object(response: HTTPResponse) -> Data:
    """Return the JSON object in a response; an empty one for anything else."""
    content = response.read(_MAX_BYTES + 1)
    return _parse(content) if len(content) <= _MAX_BYTES else {}


def _parse(content: bytes) -> Data:
    try:
        parsed = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _refuse(response: HTTPResponse, content: Data) -> Data:
    """Raise what a response says; return its data if it has no error.

    Raises:
        RefusedByGateway: in the gateway's words, or that it was no gateway.

    """
    retry_after = response.headers.get("Retry-After")
    errors = content.get("errors")
    for error in errors if isinstance(errors, list) else ():
        facts = error if isinstance(error, dict) else {}
        raise RefusedByGateway(
            response.status,
            line_of(str(facts.get("message"))),
            code=str((facts.get("extensions") or {}).get("code", "")),
            retry_after=retry_after,
        )
    if response.status in _REDIRECTS:
        message = "the URL leads elsewhere, and the token is not sent there: give the final URL."
        raise RefusedByGateway(response.status, message)
    data = content.get("data")
    if not isinstance(data, dict) or not data:
        message = f"this is not the answer of a gateway (HTTP status {response.status})."
        raise RefusedByGateway(response.status, message, retry_after=retry_after)
    return data


def connect(context: typer.Context) -> Gateway:
    """Return the gateway that the program's options chose, with the token for it."""
    address = address_of(context)
    credential = credential_for(address, choice_of(context).token_file, os.environ)
    return Gateway(address, credential)


def address_of(context: typer.Context) -> Address:
    address = choice_of(context).address
    if address is None:
        raise NoGateway
    return address


def choice_of(context: typer.Context) -> Choice:
    found = context.find_root().obj
    return found if isinstance(found, Choice) else Choice()
