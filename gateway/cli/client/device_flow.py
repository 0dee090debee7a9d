"""Sign in by the device flow of OAuth 2.0 (RFC 8628): the code is confirmed in any browser."""

from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any, Final
from urllib.parse import urlencode
from urllib.request import Request

from gateway.cli.client.address import Address, checked_address
from gateway.cli.client.deadlines import deadline
from gateway.cli.client.refusals import NotSignedIn, Unreachable
from gateway.cli.client.transport import build_opener, opened, read_object
from gateway.cli.printing import line_of, say

_DISCOVERY: Final = "/.well-known/openid-configuration"
_GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:device_code"
# What the RFC says for an issuer that does not, and how much longer `slow_down` means.
_INTERVAL_SECONDS: Final = 5
_MAX_INTERVAL_SECONDS: Final = 60
_MAX_LIFETIME_SECONDS: Final = 30 * 60
_SLOW_DOWN: Final = "slow_down"
_ENDED: Final[Mapping[str, str]] = {
    "access_denied": "the sign-in was refused.",
    "expired_token": "the code has expired: run the command again.",
}


class UnfitIssuer(NotSignedIn):
    def __init__(self, issuer: Address, reason: str) -> None:
        super().__init__(f"{issuer.url}: {reason}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceLogin:
    """Which issuer to ask, as which of its clients, and for what."""

    issuer: str
    client_id: str
    scope: str
    audience: str | None = None

    def obtain_token(self) -> str:
        """Return an access token, after a person has confirmed the code.

        Raises:
            NotSignedIn: if nobody does in time, or the issuer refuses.
            UnfitUrl: for an address that would send the token in clear.

        """
        issuer = checked_address(Address(url=self.issuer, source="--issuer"))
        device, token = self._endpoints(issuer)
        requested = {"client_id": self.client_id, "scope": self.scope}
        if self.audience:
            requested["audience"] = self.audience
        granted = _exchange(device, requested)
        self._show(issuer, granted)
        return self._poll(issuer, token, granted)

    def _endpoints(self, issuer: Address) -> tuple[Address, Address]:
        found = _exchange(Address(url=issuer.url + _DISCOVERY, source="--issuer"))
        if str(found.get("issuer")).rstrip("/") != issuer.url:
            raise UnfitIssuer(issuer, "this is not an issuer of OpenID Connect.")
        urls = [found.get(f"{name}_endpoint") for name in ("device_authorization", "token")]
        if not all(isinstance(url, str) for url in urls):
            raise UnfitIssuer(issuer, "the issuer does not offer the device flow.")
        device, token = (checked_address(Address(url=str(url), source=issuer.url)) for url in urls)
        return device, token

    def _show(self, issuer: Address, granted: Mapping[str, Any]) -> None:
        if not all(isinstance(granted.get(name), str) for name in ("device_code", "user_code")):
            raise UnfitIssuer(issuer, f"the issuer gives no code: {_error_of(granted)}.")
        # A line break in one of them would begin a line that looks like this program's.
        uri = line_of(str(granted.get("verification_uri")))
        say(f"Open {uri} in a browser, and confirm the code")
        say(f"  {line_of(granted['user_code'])}")
        if complete := granted.get("verification_uri_complete"):
            say(f"or open {line_of(str(complete))}")

    def _poll(self, issuer: Address, token: Address, granted: Mapping[str, Any]) -> str:
        asked = {
            "grant_type": _GRANT_TYPE,
            "device_code": granted["device_code"],
            "client_id": self.client_id,
        }
        interval = _seconds(granted, "interval", _INTERVAL_SECONDS, _MAX_INTERVAL_SECONDS)
        lifetime = _seconds(granted, "expires_in", _MAX_LIFETIME_SECONDS, _MAX_LIFETIME_SECONDS)
        until = monotonic() + lifetime
        while monotonic() < until:
            sleep(interval)
            answer = _ask_again(token, asked)
            if isinstance(found := answer.get("access_token"), str):
                return found
            error = _error_of(answer)
            if error == _SLOW_DOWN:
                interval = min(interval + _INTERVAL_SECONDS, _MAX_INTERVAL_SECONDS)
            elif error != "authorization_pending":
                raise UnfitIssuer(issuer, _ENDED.get(error, f"the issuer gives no token: {error}."))
        raise UnfitIssuer(issuer, _ENDED["expired_token"])


def _ask_again(token: Address, form: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the response; if it is lost, what makes the next request wait longer (section 3.5)."""
    try:
        return _exchange(token, form)
    except Unreachable:
        return {"error": _SLOW_DOWN}


def _exchange(address: Address, form: Mapping[str, str] | None = None) -> Mapping[str, Any]:
    """Return the JSON object of a response; an empty one for anything else."""
    request = Request(  # noqa: S310 - the scheme was checked with the address
        address.url,
        data=None if form is None else urlencode(form).encode(),
        headers={"Accept": "application/json", "User-Agent": "secrets-gateway"},
    )
    with deadline(), opened(build_opener(address), address, request) as response:
        return read_object(response)


def _error_of(answer: Mapping[str, Any]) -> str:
    return line_of(str(answer.get("error", "no answer of an issuer")))


def _seconds(granted: Mapping[str, Any], name: str, default: int, most: int) -> int:
    found = granted.get(name)
    return min(max(found, 1), most) if isinstance(found, int) else default
