"""Tokens that are rightly signed and say what they may not, by what is wrong with them."""

import json
from collections.abc import Mapping
from typing import Any, Final

from gateway.identity.claims import Reason
from tests.identity.hostile_forms import Hostile, Make
from tests.identity.local_issuer import ABSENT, AUDIENCE, SUBJECT, LocalIssuer


def _claiming(**claims: Any) -> Make:
    return lambda issuer: issuer.token(**claims)


def _later(name: str, seconds: float) -> Make:
    """Return a token with a time that is so many seconds away from now."""
    return lambda issuer: issuer.token(**{name: issuer.claims()["iat"] + seconds})


def _literal(name: str, literal: str) -> Make:
    """Return a token with a literal that no careful writer of JSON would write."""

    def make(issuer: LocalIssuer) -> str:
        claims = json.dumps({**issuer.claims(), name: "here"}).replace('"here"', literal)
        return issuer.sign('{"alg": "RS256", "kid": "rsa-1", "typ": "at+jwt"}', claims)

    return make


def _issued_by(change: str) -> Make:
    return lambda issuer: issuer.token(iss=change.format(issuer.url))


_AMBIGUOUS: Final[Mapping[str, Make]] = {
    "sub twice": _literal("sub", f'"{SUBJECT}", "sub": "somebody-else"'),
    "iss twice": _literal("iss", '"https://elsewhere.test", "iss": "https://elsewhere.test"'),
    "exp twice": _literal("exp", '1, "exp": 9999999999'),
    "aud twice": _literal("aud", f'"{AUDIENCE}", "aud": "another"'),
    "a claim of no interest twice": _literal("name", '"a", "name": "b"'),
    "exp is NaN": _literal("exp", "NaN"),
    "exp is Infinity": _literal("exp", "Infinity"),
    "exp is 1e400": _literal("exp", "1e400"),
    "exp has forty digits": _literal("exp", "9" * 40),
    "exp has five thousand digits": _literal("exp", "9" * 5_000),
}
_ISSUERS: Final[Mapping[str, Make]] = {
    "no iss": _claiming(iss=ABSENT),
    "another iss": _claiming(iss="https://elsewhere.test"),
    "iss with a slash behind": _issued_by("{}/"),
    "iss with a space behind": _issued_by("{} "),
    "iss in capitals": _claiming(iss="HTTP://127.0.0.1"),
    "iss is a list": lambda issuer: issuer.token(iss=[issuer.url]),
    "iss is null": _claiming(iss=None),
    "iss is a number": _claiming(iss=1),
}
_AUDIENCES: Final[Mapping[str, Make]] = {
    "another aud": _claiming(aud="https://another.test"),
    "aud that begins like ours": _claiming(aud=f"{AUDIENCE}.evil.test"),
    "aud that ours begins with": _claiming(aud=AUDIENCE[:-1]),
    "aud with a slash behind": _claiming(aud=f"{AUDIENCE}/"),
    "aud is everything": _claiming(aud="*"),
    "aud is an empty list": _claiming(aud=[]),
    "aud is an empty text": _claiming(aud=""),
}
_TYPES: Final[Mapping[str, Make]] = {
    "no aud": _claiming(aud=ABSENT),
    "aud is null": _claiming(aud=None),
    "aud is an object": _claiming(aud={AUDIENCE: True}),
    "aud holds more than texts": _claiming(aud=[AUDIENCE, 1]),
    "no sub": _claiming(sub=ABSENT),
    "no sub but an e-mail address": _claiming(sub=ABSENT, email="admin@example.com"),
    "sub is empty": _claiming(sub=""),
    "sub is a number": _claiming(sub=1),
    "sub is null": _claiming(sub=None),
    "sub is a list": _claiming(sub=[SUBJECT]),
    "sub is very long": _claiming(sub="s" * 256),
    "sub has a line break": _claiming(sub=f"{SUBJECT}\n"),
    "sub has a NUL": _claiming(sub=f"{SUBJECT}\0"),
    "sub has a letter that only looks like one": _claiming(sub="\u0455ubject-1"),
    "sub has half a character": _literal("sub", r'"\ud800"'),
    "no exp": _claiming(exp=ABSENT),
    "exp is a text": _claiming(exp="9999999999"),
    "exp is null": _claiming(exp=None),
    "exp is true": _claiming(exp=True),
    "exp is a list": _claiming(exp=[9_999_999_999]),
    "exp is negative": _claiming(exp=-1),
    "exp is beyond all calendars": _claiming(exp=253_402_300_800),
    "no iat": _claiming(iat=ABSENT),
    "iat is a text": _claiming(iat="1"),
    "iat is true": _claiming(iat=True),
    "nbf is a text": _claiming(nbf="1"),
    "nbf is null": _claiming(nbf=None),
    "jti is a number": _claiming(jti=1),
}
_EXPIRED: Final[Mapping[str, Make]] = {
    "expired": _later("exp", -60),
    "expired long ago": _claiming(exp=0),
}
_EARLY: Final[Mapping[str, Make]] = {
    "not valid yet": _later("nbf", 60),
    "issued in the future": _later("iat", 60),
}
_NO_ACCESS: Final[Mapping[str, Make]] = {
    "an ID token, by nonce": _claiming(nonce="n"),
    "an ID token, by at_hash": _claiming(at_hash="h"),
    "an ID token, by c_hash": _claiming(c_hash="h"),
    "an ID token, by s_hash": _claiming(s_hash="h"),
    "an ID token, by the claim typ": _claiming(typ="ID"),
    "an ID token, by token_use": _claiming(token_use="id"),
    "a refresh token": _claiming(typ="Refresh"),
    "a logout token": _claiming(events={}),
    "a token bound to a proof": _claiming(cnf={"jkt": "t"}),
    "a token bound to a proof, by the claim typ": _claiming(typ="DPoP"),
    "the claim typ is a list": _claiming(typ=["Bearer"]),
}

CLAIMS: Final[Mapping[str, Hostile]] = {
    name: (reason, make)
    for reason, group in {
        Reason.MALFORMED: _AMBIGUOUS,
        Reason.ISSUER: _ISSUERS,
        Reason.AUDIENCE: _AUDIENCES,
        Reason.CLAIM: _TYPES,
        Reason.EXPIRED: _EXPIRED,
        Reason.NOT_YET_VALID: _EARLY,
        Reason.NO_ACCESS_TOKEN: _NO_ACCESS,
    }.items()
    for name, make in group.items()
}
