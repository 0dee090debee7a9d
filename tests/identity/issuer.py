"""An OpenID Connect issuer as a process of its own: real keys, a real socket, bad manners on order.

It signs whatever text it is given, right or wrong, so that tests hold no private key.
"""

import asyncio
import base64
import gzip
import json
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from jwt.algorithms import get_default_algorithms
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

from tests.patience import PATIENCE

# What each key is made for.
KEYS: Final[Mapping[str, str]] = {
    "rsa-1": "RS256",
    "rsa-2": "RS256",
    "rsa-weak": "RS256",
    "p256": "ES256",
    "p384": "ES384",
    "p521": "ES512",
    "ed": "EdDSA",
}
PUBLISHED: Final = ("rsa-1", "p256", "p384", "p521", "ed")
_EXPONENT: Final = 65_537
_CURVES: Final[Mapping[str, Callable[[], ec.EllipticCurve]]] = {
    "p256": ec.SECP256R1,
    "p384": ec.SECP384R1,
    "p521": ec.SECP521R1,
}
_TEN_MEGABYTES: Final = 10_000_000


def _generated(key_id: str) -> Any:
    if key_id in _CURVES:
        return ec.generate_private_key(_CURVES[key_id]())
    if key_id == "ed":
        return ed25519.Ed25519PrivateKey.generate()
    # Verifiers are to refuse small ones, so there is one.
    return rsa.generate_private_key(_EXPONENT, 1024 if key_id == "rsa-weak" else 2048)


async def _broken(_: Mapping[str, Any], __: asyncio.Event) -> Response:
    return JSONResponse({"error": "server_error"}, 500)


async def _held(document: Mapping[str, Any], released: asyncio.Event) -> Response:
    await released.wait()
    return JSONResponse(document)


async def _as_a_page(_: Mapping[str, Any], __: asyncio.Event) -> Response:
    return HTMLResponse("<html><title>Sign in</title></html>")


async def _elsewhere(_: Mapping[str, Any], __: asyncio.Event) -> Response:
    return RedirectResponse("/elsewhere", 302)


async def _padded(document: Mapping[str, Any], _: asyncio.Event) -> Response:
    return JSONResponse({**document, "padding": " " * _TEN_MEGABYTES})


async def _compressed(document: Mapping[str, Any], _: asyncio.Event) -> Response:
    packed = gzip.compress(JSONResponse(document).body)
    return Response(packed, headers={"Content-Encoding": "gzip"})


async def _as_a_list(document: Mapping[str, Any], _: asyncio.Event) -> Response:
    return JSONResponse([document])


async def _with_everything_twice(document: Mapping[str, Any], _: asyncio.Event) -> Response:
    body = bytes(JSONResponse(document).body)
    return Response(body[:-1] + b"," + body[1:], media_type="application/json")


async def _dripping(_: Mapping[str, Any], __: asyncio.Event) -> Response:
    async def drops() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.01)

    return StreamingResponse(drops(), media_type="application/json")


_MANNERS: Final[Mapping[str, Callable[[Mapping[str, Any], asyncio.Event], Awaitable[Response]]]] = {
    "broken": _broken,
    "held": _held,
    "page": _as_a_page,
    "elsewhere": _elsewhere,
    "padded": _padded,
    "compressed": _compressed,
    "dripping": _dripping,
    "list": _as_a_list,
    "twice": _with_everything_twice,
}


class Issuer:
    """The keys, what is published of them, and how the issuer behaves."""

    def __init__(self) -> None:
        self._algorithms = get_default_algorithms()
        self._keys = {key_id: _generated(key_id) for key_id in KEYS}
        self._released = asyncio.Event()
        self._orders: dict[str, Any] = {}
        self._asked = {"configuration": 0, "jwks": 0, "elsewhere": 0}

    def routes(self) -> list[Route]:
        return [
            Route("/.well-known/openid-configuration", self.configuration),
            Route("/jwks", self.jwks),
            Route("/elsewhere", self.elsewhere),
            Route("/public/{key_id}", self.public),
            Route("/sign", self.sign, methods=["POST"]),
            Route("/job-token", self.job_token),
            Route("/behave", self.behave, methods=["POST"]),
            Route("/asked", self.asked),
        ]

    async def configuration(self, request: Request) -> Response:
        self._asked["configuration"] += 1
        url = str(request.base_url).rstrip("/")
        document = {"issuer": url, "jwks_uri": f"{url}/jwks"}
        document |= self._orders.get("configuration", {})
        return await self._behaved(document, "configuration_manner")

    async def jwks(self, _: Request) -> Response:
        self._asked["jwks"] += 1
        return await self._behaved(self._key_set(), "jwks_manner")

    async def elsewhere(self, _: Request) -> Response:
        self._asked["elsewhere"] += 1
        return JSONResponse(self._key_set())

    async def public(self, request: Request) -> Response:
        return JSONResponse(self._public(request.path_params["key_id"]))

    async def sign(self, request: Request) -> Response:
        asked = await request.json()
        signed = f"{_encoded(asked['header'].encode())}.{_encoded(asked['claims'].encode())}"
        signer, key = self._algorithms[asked["algorithm"]], self._keys[asked["key"]]
        return Response(f"{signed}.{_encoded(signer.sign(signed.encode(), key))}")

    async def job_token(self, request: Request) -> Response:
        """Sign what the URL has for the audience that the job adds, as GitHub does for its jobs."""
        if request.headers.get("authorization") != "Bearer of-the-runner":
            return JSONResponse({"message": "unauthorized"}, 401)
        parts = json.loads(base64.urlsafe_b64decode(request.query_params["of"]))
        header = {"alg": "RS256", "kid": "rsa-1", **parts["header"]}
        claims = {**parts["claims"], "aud": request.query_params["audience"]}
        texts = [_encoded(json.dumps(part).encode()) for part in (header, claims)]
        signed = ".".join(texts)
        signature = self._algorithms["RS256"].sign(signed.encode(), self._keys["rsa-1"])
        return JSONResponse({"value": f"{signed}.{_encoded(signature)}"})

    async def behave(self, request: Request) -> Response:
        self._released.set()
        self._released = asyncio.Event()
        self._orders = await request.json()
        if self._orders.pop("forget", False):
            self._asked = dict.fromkeys(self._asked, 0)
        return Response()

    async def asked(self, _: Request) -> Response:
        return JSONResponse(self._asked)

    async def _behaved(self, document: Mapping[str, Any], order: str) -> Response:
        manner = self._orders.get(order)
        return (
            await _MANNERS[manner](document, self._released) if manner else JSONResponse(document)
        )

    def _key_set(self) -> dict[str, Any]:
        published = [self._public(item) for item in self._orders.get("published", PUBLISHED)]
        return {"keys": published + self._orders.get("further_keys", [])}

    def _public(self, key_id: str) -> dict[str, Any]:
        to_jwk = self._algorithms[KEYS[key_id]].to_jwk
        jwk: dict[str, Any] = to_jwk(self._keys[key_id].public_key(), as_dict=True)
        return {**jwk, "kid": key_id, "use": "sig", "alg": KEYS[key_id], "key_ops": ["verify"]}


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def certified(folder: Path) -> dict[str, Any]:
    """Return what uvicorn needs for https, with a certificate that nobody has reason to trust."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "issuer")])
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "issuer.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "issuer.key").write_bytes(private)
    return {"ssl_certfile": folder / "issuer.pem", "ssl_keyfile": folder / "issuer.key"}


def main(folders: Sequence[str]) -> None:
    """Serve on a free port, and print it; over https, if there is a folder for the certificate."""
    files = certified(Path(folders[0])) if folders else {}
    listening = socket.create_server(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)  # noqa: T201 - how the test learns the port
    app = Starlette(routes=Issuer().routes())
    config = uvicorn.Config(
        app,
        log_level="warning",
        timeout_graceful_shutdown=1,
        timeout_keep_alive=int(PATIENCE),
        **files,
    )
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main(sys.argv[1:])
