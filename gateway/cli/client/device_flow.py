"""Sign in by the device flow of OAuth 2.0 (RFC 8628): the code is confirmed in any browser."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import monotonic, sleep, time
from typing import Any, Final
from urllib.parse import urlencode
from urllib.request import Request

from gateway.cli.client.address import Address, checked_address
from gateway.cli.client.credentials import fit_token
from gateway.cli.client.deadlines import deadline
from gateway.cli.client.refusals import NotSignedIn, Unreachable
from gateway.cli.client.stored_tokens import StoredToken
from gateway.cli.client.transport import build_opener, opened, read_object
from gateway.cli.printing import PROGRAM, line_of, say

_DISCOVERY: Final = "/.well-known/openid-configuration"
_GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:device_code"
# What the RFC says for an issuer that does not, and how much longer `slow_down` means.
_INTERVAL_SECONDS: Final = 5
_MAX_INTERVAL_SECONDS: Final = 60
_MAX_LIFETIME_SECONDS: Final = 30 * 60
_MAX_TOKEN_SECONDS: Final = 10 * 366 * 24 * 60 * 60
_SLOW_DOWN: Final = "slow_down"
_ENDED: Final[Mapping[str, str]] = {
    "access_denied": "the sign-in was refused.",
    "expired_token": "the code has expired: run the command again.",
}


class UnfitIssuer(NotSignedIn):
    def __init__(self, issuer: Address, reason: str) -> None:
        super().__init__(f"{issuer.url}: {reason}")


class SignInEnded(NotSignedIn):
    def __init__(self, stored: StoredToken) -> None:
        command = f"{PROGRAM} login --issuer {stored.issuer} --client-id {stored.client_id}"
        super().__init__(f"the sign-in has ended: run `{command}`, with the options as before.")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceLogin:
    """Which issuer to ask, as which of its clients, and for what."""

    issuer: str
    client_id: str
    scope: str
    audience: str | None = None

    def obtain_token(self) -> StoredToken:
        """Return an access token, after a person has confirmed the code.

        Raises:
            NotSignedIn: if nobody does in time, or the issuer refuses.
            UnfitUrl: for an address that would send the token in clear.

        """
        issuer = checked_address(Address(url=self.issuer, source="--issuer"))
        device, token = _endpoints(issuer, "device_authorization", "token")
        requested = {"client_id": self.client_id, "scope": self.scope}
        if self.audience:
            requested["audience"] = self.audience
        granted = _exchange(device, requested)
        self._show(issuer, granted)
        return self._poll(issuer, token, granted)

    def _show(self, issuer: Address, granted: Mapping[str, Any]) -> None:
        if not all(isinstance(granted.get(name), str) for name in ("device_code", "user_code")):
            raise UnfitIssuer(issuer, f"the issuer gives no code: {_error_of(granted)}.")
        # A line break in one of them would begin a line that looks like this program's.
        uri = line_of(str(granted.get("verification_uri")))
        say(f"Open {uri} in a browser, and confirm the code")
        say(f"  {line_of(granted['user_code'])}")
        if complete := granted.get("verification_uri_complete"):
            say(f"or open {line_of(str(complete))}")

    def _poll(self, issuer: Address, token: Address, granted: Mapping[str, Any]) -> StoredToken:
        asked = {
            "grant_type": _GRANT_TYPE,
            "device_code": granted["device_code"],
            "client_id": self.client_id,
        }
        interval = _seconds(granted, "interval", _MAX_INTERVAL_SECONDS) or _INTERVAL_SECONDS
        lifetime = _seconds(granted, "expires_in", _MAX_LIFETIME_SECONDS)
        until = monotonic() + (lifetime or _MAX_LIFETIME_SECONDS)
        while monotonic() < until:
            sleep(interval)
            answer = _ask_again(token, asked)
            if isinstance(answer.get("access_token"), str):
                return _read_token(answer, issuer, self.client_id)
            error = _error_of(answer)
            if error == _SLOW_DOWN:
                interval = min(interval + _INTERVAL_SECONDS, _MAX_INTERVAL_SECONDS)
            elif error != "authorization_pending":
                raise UnfitIssuer(issuer, _ENDED.get(error, f"the issuer gives no token: {error}."))
        raise UnfitIssuer(issuer, _ENDED["expired_token"])


def renew(stored: StoredToken) -> StoredToken:
    """Return the next token of a sign-in; the present one, if it is valid and the issuer fails.

    Raises:
        SignInEnded: if there is no refresh token, or the issuer no longer accepts it.
        Unreachable: if the issuer does not answer and the token has ended.
        UnfitIssuer: if it answers something else and the token has ended.
        UnfitUrl: for an address that would send the token in clear.

    """
    issuer = checked_address(Address(url=str(stored.issuer), source="the sign-in"))
    if stored.refresh_token is None:
        if stored.has_ended(time()):
            raise SignInEnded(stored)
        return stored
    form = {
        "grant_type": "refresh_token",
        "refresh_token": stored.refresh_token,
        "client_id": str(stored.client_id),
    }
    try:
        (token,) = _endpoints(issuer, "token")
        answer = _exchange(token, form)
        if not isinstance(answer.get("access_token"), str):
            raise _refusal(stored, issuer, _error_of(answer))
    except (Unreachable, UnfitIssuer):
        if stored.has_ended(time()):
            raise
        return stored
    renewed = _read_token(answer, issuer, str(stored.client_id))
    return replace(renewed, refresh_token=renewed.refresh_token or stored.refresh_token)


def _refusal(stored: StoredToken, issuer: Address, error: str) -> NotSignedIn:
    if error == "invalid_grant":
        return SignInEnded(stored)
    return UnfitIssuer(issuer, f"the issuer gives no token: {error}.")


def _endpoints(issuer: Address, *names: str) -> Sequence[Address]:
    found = _exchange(Address(url=issuer.url + _DISCOVERY, source="--issuer"))
    if str(found.get("issuer")).rstrip("/") != issuer.url:
        raise UnfitIssuer(issuer, "this is not an issuer of OpenID Connect.")
    urls = [found.get(f"{name}_endpoint") for name in names]
    if not all(isinstance(url, str) for url in urls):
        raise UnfitIssuer(issuer, "the issuer does not offer the device flow.")
    return [checked_address(Address(url=str(url), source=issuer.url)) for url in urls]


def _read_token(answer: Mapping[str, Any], issuer: Address, client_id: str) -> StoredToken:
    refresh_token = answer.get("refresh_token")
    lifetime = _seconds(answer, "expires_in", _MAX_TOKEN_SECONDS)
    return StoredToken(
        token=fit_token(answer["access_token"], "the issuer's token"),
        issuer=issuer.url,
        client_id=client_id,
        expires_at=time() + lifetime if lifetime else None,
        refresh_token=refresh_token if isinstance(refresh_token, str) else None,
    )


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


def _seconds(granted: Mapping[str, Any], name: str, most: int) -> float | None:
    """Return a duration, from one second on; None if the issuer does not say it as a number.

    Some issuers send the number as a text.
    """
    found = granted.get(name)
    try:
        seconds = math.nan if isinstance(found, bool) else float(found)  # type: ignore[arg-type] # TypeError, as said below
    except (TypeError, ValueError, OverflowError):
        return None
    return min(max(seconds, 1.0), float(most)) if math.isfinite(seconds) else None
