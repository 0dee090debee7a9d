"""What an operator can set of an issuer, and what is refused before it can do harm."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.config.settings import Settings
from gateway.domain.permissions import Role
from gateway.identity.issuers import Issuer
from gateway.runtime import Runtime
from gateway.services.demo import Demo
from tests.identity.local_issuer import AUDIENCE, SUBJECT, LocalIssuer
from tests.identity.users import let_in
from tests.servers import serving_measured

URL = "https://issuer.test/realm"
GOOD: dict[str, Any] = {"issuer": URL, "audiences": [AUDIENCE]}


def _trusting(*issuers: dict[str, Any]) -> Settings:
    """Return settings with issuers as a file has them."""
    read: dict[str, Any] = {"issuers": list(issuers)}
    return Settings(**read)


REFUSED: dict[str, dict[str, Any]] = {
    "no encryption": {"issuer": "http://issuer.test"},
    "no encryption, and a name that begins like this machine's": {
        "issuer": "http://localhost.evil"
    },
    "no encryption, and this machine's name before an @": {"issuer": "http://localhost@evil.test"},
    "another scheme": {"issuer": "file:///etc/passwd"},
    "no host": {"issuer": "https:///realm"},
    "no URL": {"issuer": "issuer.test"},
    "a port that is none": {"issuer": "https://issuer.test:port"},
    "a password": {"issuer": "https://user:password@issuer.test"},
    "a query": {"issuer": f"{URL}?a=b"},
    "an empty query": {"issuer": f"{URL}?"},
    "a fragment": {"issuer": f"{URL}#a"},
    "a line break": {"issuer": f"{URL}\n"},
    "a space": {"issuer": f"{URL} "},
    "a letter that only looks like one": {"issuer": "https://\u0456ssuer.test"},
    "too long": {"issuer": f"{URL}/{'a' * 255}"},
    "no audience": {"audiences": []},
    "an empty audience": {"audiences": [""]},
    "an audience that is a text": {"audiences": AUDIENCE},
    "the algorithm none": {"algorithms": ["none"]},
    "a shared secret": {"algorithms": ["RS256", "HS256"]},
    "no algorithm": {"algorithms": []},
    "no type": {"types": []},
    "keys without encryption": {"jwks_url": "http://issuer.test/keys"},
    "keys at a password": {"jwks_url": "https://a:b@issuer.test/keys"},
    "half a minute and more": {"leeway_seconds": 31},
    "a negative leeway": {"leeway_seconds": -1},
    "keys renewed all the time": {"refresh_seconds": 29},
    "keys renewed hardly ever": {"refresh_seconds": 3_601},
    "keys that serve for days": {"stale_seconds": 86_401},
    "keys that are stale before they are renewed": {"refresh_seconds": 600, "stale_seconds": 599},
    "a name that is none": {"audience": AUDIENCE},
}


@pytest.mark.rule("S3", "S4", "S6", "S58")
@pytest.mark.parametrize("changes", REFUSED.values(), ids=REFUSED.keys())
def test_such_an_issuer_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        _trusting({**GOOD, **changes})


ACCEPTED: dict[str, dict[str, Any]] = {
    "the least": {},
    "this machine": {"issuer": "http://localhost:8081/realm"},
    "this machine by its address": {"issuer": "http://127.0.0.1:8081"},
    "this machine by its other address": {"issuer": "http://[::1]:8081"},
    "keys with a query": {"jwks_url": f"{URL}/keys?policy=a"},
    "keys from a neighbour": {"jwks_url": "http://127.0.0.1:8081/keys"},
    "no leeway": {"leeway_seconds": 0},
    "no typ": {"types": [""]},
}


@pytest.mark.rule("S58")
@pytest.mark.parametrize("changes", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_such_an_issuer_is_accepted(changes: dict[str, Any]) -> None:
    """The control of the test above."""
    assert _trusting({**GOOD, **changes}).issuers


@pytest.mark.rule("S4")
def test_an_issuer_is_there_once() -> None:
    """Which of two sets of audiences counts, nobody could tell."""
    with pytest.raises(ValidationError, match="an issuer is listed twice"):
        _trusting(GOOD, {**GOOD, "audiences": ["another"]})


@pytest.mark.rule("S28")
def test_what_is_refused_is_not_repeated() -> None:
    """A URL may hold a password."""
    with pytest.raises(ValidationError) as refused:
        _trusting({**GOOD, "issuer": "https://user:marker-91ab@a.test"})

    assert "marker-91ab" not in str(refused.value)


@pytest.mark.rule("S6")
@pytest.mark.parametrize(
    ("issuer", "configuration"),
    [
        ("https://a.test", "https://a.test/.well-known/openid-configuration"),
        ("https://a.test/", "https://a.test/.well-known/openid-configuration"),
        ("https://a.test/b", "https://a.test/b/.well-known/openid-configuration"),
    ],
)
def test_the_configuration_is_below_the_issuer(issuer: str, configuration: str) -> None:
    assert Issuer.model_validate({**GOOD, "issuer": issuer}).configuration_url == configuration


def test_issuers_are_tables_in_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("secrets-gateway.toml").write_text(
        '[[issuers]]\nissuer = "https://a.test"\naudiences = ["a"]\n'
        '[[issuers]]\nissuer = "https://b.test"\naudiences = ["b"]\nalgorithms = ["ES256"]\n',
        encoding="utf-8",
    )

    assert [issuer.issuer for issuer in Settings().issuers] == ["https://a.test", "https://b.test"]


def test_issuers_are_one_variable_in_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRETS_GATEWAY_ISSUERS", json.dumps([GOOD]))

    assert [issuer.issuer for issuer in Settings().issuers] == [URL]


@pytest.mark.rule("S5")
async def test_a_server_lets_in_whom_its_settings_trust(
    template: tuple[Path, Demo], tmp_path: Path, issuer: LocalIssuer
) -> None:
    """From the environment to the answer, with real processes on both sides."""
    folder = Path(shutil.copytree(template[0], tmp_path / "data"))
    async with Runtime.over(Settings(data_dir=folder)).running() as runtime:
        organization_id = template[1].organization_id
        await let_in(runtime, organization_id, issuer.url, SUBJECT, Role.VIEWER)
    trusted = json.dumps([{"issuer": issuer.url, "audiences": [AUDIENCE]}])

    with serving_measured(folder, template[1], ISSUERS=trusted) as server:
        path = f"{server.url}/job/{server.demo['job_id']}/secret"
        tokens = [issuer.token(), issuer.token(aud="another")]
        answer = [
            issuer.client.get(path, headers={"Authorization": f"Bearer {token}"}).status_code
            for token in tokens
        ]

    assert answer == [200, 401]
