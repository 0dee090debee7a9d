"""The proxies of docs/examples/proxy, as they are read, and as real processes on this machine."""

import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final

import httpx
import yaml

from tests.docs.sessions import DOCS
from tests.patience import PATIENCE, wait_until

GATEWAY: Final = "gateway"
ORIGINAL: Final = "original"
_NGINX: Final = (DOCS / "examples" / "proxy" / "nginx.conf").read_text()
_ENVOY: Final = (DOCS / "examples" / "proxy" / "envoy.yaml").read_text()
_LOCATION: Final = re.compile(
    r'^    location (?P<kind>=|~)? ?"?(?P<path>\S+?)"? \{.*?proxy_pass (?P<to>\S+);',
    re.MULTILINE | re.DOTALL,
)

_TOKEN: Final = re.compile(
    re.findall(r'^map \$http_authorization .*?"~\*(\S+)" +1;', _NGINX, re.MULTILINE | re.DOTALL)[0],
    re.IGNORECASE,
)


def nginx_target(path: str, authorization: str = "") -> str:
    """Return where nginx sends a path: exact locations win, then expressions, then prefixes.

    A credential can lead what a location sends to the original to the gateway instead.
    """
    ranks = {"=": 0, "~": 1, None: 2}
    found = sorted(_LOCATION.finditer(_NGINX), key=lambda each: ranks[each["kind"]])
    prefixes = sorted(
        (each for each in found if each["kind"] is None), key=lambda each: -len(each["path"])
    )
    matches: Mapping[str | None, Callable[[str], bool]] = {
        "=": path.__eq__,
        "~": lambda pattern: re.search(pattern, path) is not None,
        None: path.startswith,
    }
    first = [each for each in found if each["kind"]] + prefixes
    chosen = next(each for each in first if matches[each["kind"]](each["path"]))
    is_led_away = "$has_gateway_token" in chosen[0] and _TOKEN.search(authorization)
    return GATEWAY if chosen["to"] == "http://secrets_gateway" or is_led_away else ORIGINAL


def envoy_target(path: str, authorization: str = "") -> str:
    """Return where Envoy sends a path: by the first route that matches."""
    for route in _envoy_routes():
        match = route["match"]
        headers = [each["string_match"]["safe_regex"]["regex"] for each in match.get("headers", ())]
        if all(re.fullmatch(header, authorization) for header in headers) and (
            path == match.get("path")
            or ("prefix" in match and path.startswith(match["prefix"]))
            or ("safe_regex" in match and re.fullmatch(match["safe_regex"]["regex"], path))
        ):
            return str(route["route"]["cluster"])
    raise LookupError(path)


@cache
def _envoy_routes() -> list[Mapping[str, Any]]:
    (listener,) = yaml.safe_load(_ENVOY)["static_resources"]["listeners"]
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
    routes: list[Mapping[str, Any]] = manager["route_config"]["virtual_hosts"][0]["routes"]
    return routes


class _Echo(BaseHTTPRequestHandler):
    """Answers with the request's path and headers."""

    def do_GET(self) -> None:
        content = json.dumps(
            {"path": self.path, "method": self.command, **dict(self.headers.items())}
        ).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Served-By", self.server.name)  # type: ignore[attr-defined] # set below
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextmanager
def echoing(name: str) -> Iterator[int]:
    """Run a server that answers with what it got; yield its port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Echo) as server:
        server.name = name  # type: ignore[attr-defined] # for the handler
        Thread(target=server.serve_forever, args=[0.05], daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@contextmanager
def nginx(folder: Path, *, gateway: int, original: int) -> Iterator[str]:
    """Run nginx with the example, in front of two ports of this machine; yield its address."""
    port = _free_port()
    site = _replaced(
        _NGINX,
        {
            "listen 443 ssl;": f"listen 127.0.0.1:{port};",
            "server 10.0.0.7:8080;": f"server 127.0.0.1:{gateway};",
            "https://api.qovery.com;": f"http://127.0.0.1:{original};",
        },
    )
    without_tls = re.sub(r"^ *(proxy_ssl_|ssl_).*\n", "", site, flags=re.MULTILINE)
    file = folder / "nginx.conf"
    places = "".join(
        f"{name}_temp_path {folder / name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    # Root's worker would be another user, who cannot write here.
    user = "user root;\n" if os.geteuid() == 0 else ""
    file.write_text(
        f"{user}daemon off;\npid {folder / 'pid'};\nerror_log stderr warn;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{places}{without_tls}}}\n"
    )
    with _running([_program("nginx"), "-p", str(folder), "-c", str(file)], port, folder) as url:
        yield url


@contextmanager
def envoy(folder: Path, *, gateway: int, original: int) -> Iterator[str]:
    """As above, with Envoy."""
    port = _free_port()
    configuration = yaml.safe_load(_ENVOY)
    (listener,) = configuration["static_resources"]["listeners"]
    del listener["filter_chains"][0]["transport_socket"]
    listener["address"] = _address(port)
    for cluster in configuration["static_resources"]["clusters"]:
        to = gateway if cluster["name"] == GATEWAY else original
        (endpoints,) = cluster["load_assignment"]["endpoints"]
        endpoints["lb_endpoints"][0]["endpoint"]["address"] = _address(to)
        cluster.pop("transport_socket", None)
    file = folder / "envoy.yaml"
    file.write_text(yaml.safe_dump(configuration))
    words = [_program("envoy"), "--config-path", str(file), "--use-dynamic-base-id"]
    with _running([*words, "--concurrency", "1"], port, folder) as url:
        yield url


def _address(port: int) -> dict[str, dict[str, str | int]]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _replaced(text: str, by_former: Mapping[str, str]) -> str:
    for former, present in by_former.items():
        assert former in text
        text = text.replace(former, present)
    return text


def is_here(name: str) -> bool:
    return bool(_found(name))


def _found(name: str) -> str | None:
    # Debian puts servers where only root looks.
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


def _program(name: str) -> str:
    found = _found(name)
    assert found
    return found


def _free_port() -> int:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def _running(words: list[str], port: int, folder: Path) -> Iterator[str]:
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(words, stdout=output, stderr=output)
    try:
        wait_until(lambda: _listens(process, port, log))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _listens(process: "subprocess.Popen[bytes]", port: int, log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    with closing(socket.socket()) as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


def served_by(response: httpx.Response) -> str:
    """Return the name of the server that answered."""
    return response.headers["X-Served-By"]
