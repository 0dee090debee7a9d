"""The test's side of the local issuer: what it signs, how it behaves, what it was asked."""

import json
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import httpx

from gateway.identity.issuers import Issuer
from tests.identity.issuer import KEYS
from tests.patience import PATIENCE

AUDIENCE: Final = "https://gateway.test"
SUBJECT: Final = "subject-1"
# Stands for a member that the token is to lack.
ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class LocalIssuer:
    """A running issuer."""

    url: str
    client: httpx.Client

    def trusted(self, **changes: Any) -> Issuer:
        """Return the settings by which a gateway trusts it."""
        return Issuer.model_validate({"issuer": self.url, "audiences": [AUDIENCE], **changes})

    def token(
        self,
        *,
        key: str = "rsa-1",
        algorithm: str | None = None,
        header: Mapping[str, Any] = MappingProxyType({}),
        **claims: Any,
    ) -> str:
        """Return a token: well made but for the changes that are named."""
        answer = {"alg": algorithm or KEYS[key], "kid": key, "typ": "at+jwt"}
        return self.sign(
            json.dumps(_changed(answer, header)),
            json.dumps(_changed(self.claims(), claims)),
            key=key,
            algorithm=algorithm,
        )

    def claims(self) -> dict[str, Any]:
        """Return what a well-made token says, by this machine's clock."""
        now = int(datetime.now(UTC).timestamp())
        times = {"iat": now, "nbf": now, "exp": now + 600}
        return {"iss": self.url, "aud": AUDIENCE, "sub": SUBJECT, **times}

    def sign(
        self, header: str, claims: str, *, key: str = "rsa-1", algorithm: str | None = None
    ) -> str:
        """Return a token with these very texts."""
        order = {"header": header, "claims": claims, "key": key}
        order["algorithm"] = algorithm or KEYS[key]
        return self.client.post("/sign", json=order).raise_for_status().text

    def public_key(self, key: str) -> dict[str, Any]:
        """Return a key as it would be published."""
        jwk: dict[str, Any] = self.client.get(f"/public/{key}").raise_for_status().json()
        return jwk

    def behave(self, **orders: Any) -> None:
        """Order how it behaves from now on; what is not named is done well."""
        self.client.post("/behave", json=orders).raise_for_status()

    def asked(self, document: str = "jwks") -> int:
        """Return how often it has been asked for a document in this test."""
        times: int = self.client.get("/asked").raise_for_status().json()[document]
        return times


def _changed(answer: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**answer, **changes}.items() if value is not ABSENT}


@contextmanager
def issuing(certificates: Path | None = None) -> Iterator[LocalIssuer]:
    """Run an issuer until the block ends; over https, if there is a folder for its certificate."""
    folders = [str(certificates)] if certificates else []
    command = [sys.executable, "-m", "tests.identity.issuer", *folders]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        url = f"{'https' if certificates else 'http'}://127.0.0.1:{port}"
        trusted = ssl.create_default_context(
            cafile=certificates / "issuer.pem" if certificates else None
        )
        try:
            with httpx.Client(
                base_url=url, trust_env=False, verify=trusted, timeout=PATIENCE
            ) as client:
                yield LocalIssuer(url, client)
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE)
