"""Issuers over https, as all are in earnest."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.identity.key_cache import IssuerUnavailable
from gateway.identity.verifier import Verifier
from tests.identity.local_issuer import SUBJECT, LocalIssuer, issuing


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the certificate is."""
    return tmp_path_factory.mktemp("certificate")


@pytest.fixture(scope="module")
def encrypted_process(folder: Path) -> Iterator[LocalIssuer]:
    """An issuer with a certificate that it made itself."""
    with issuing(folder) as issuer:
        yield issuer


@pytest.fixture
def encrypted(encrypted_process: LocalIssuer) -> LocalIssuer:
    """The issuer, which behaves well until it is told otherwise."""
    encrypted_process.behave(forget=True)
    return encrypted_process


@pytest.fixture
def _trusting(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "issuer.pem"))


@pytest.mark.rule("S6")
async def test_an_issuer_whose_certificate_is_not_trusted_is_not_asked(
    encrypted: LocalIssuer,
) -> None:
    """The control is the test below."""
    async with Verifier([encrypted.trusted()]) as verifier:
        with pytest.raises(IssuerUnavailable):
            await verifier.verify(encrypted.token())

    assert encrypted.asked("configuration") == 0


@pytest.mark.rule("S6")
@pytest.mark.usefixtures("_trusting")
async def test_a_certificate_of_ones_own_can_be_trusted(encrypted: LocalIssuer) -> None:
    """As the documentation says how."""
    async with Verifier([encrypted.trusted()]) as verifier:
        assert (await verifier.verify(encrypted.token())).subject == SUBJECT


@pytest.mark.rule("S6")
@pytest.mark.usefixtures("_trusting")
async def test_an_encrypted_issuer_does_not_lead_to_keys_without_encryption(
    encrypted: LocalIssuer, issuer: LocalIssuer
) -> None:
    """Not even on this machine; the control has them where the issuer is."""
    encrypted.behave(configuration={"jwks_uri": f"{issuer.url}/jwks"})

    async with Verifier([encrypted.trusted()]) as verifier:
        with pytest.raises(IssuerUnavailable):
            await verifier.verify(encrypted.token())

    assert (encrypted.asked("configuration"), issuer.asked()) == (1, 0)


@pytest.mark.rule("S7")
async def test_a_verifier_that_is_not_open_lets_nobody_in(issuer: LocalIssuer) -> None:
    with pytest.raises(IssuerUnavailable):
        await Verifier([issuer.trusted()]).verify(issuer.token())
