"""Tokens that GitHub and GitLab sign for their pipelines are verified, as docs/ci.md says."""

from collections.abc import Mapping
from typing import Any

import pytest

from gateway.identity.key_cache import Fetcher
from gateway.identity.verifier import Verifier
from tests.identity.local_issuer import LocalIssuer
from tests.identity.pipeline_tokens import GITHUB, GITHUB_HEADER, GITLAB, HEADER

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    ("header", "claims"),
    [(GITHUB_HEADER, GITHUB), (HEADER, GITLAB)],
    ids=["github", "gitlab"],
)
async def test_a_token_of_a_pipeline_speaks_for_its_subject(
    issuer: LocalIssuer, fetcher: Fetcher, header: Mapping[str, str], claims: Mapping[str, Any]
) -> None:
    verifier = Verifier([issuer.trusted(types=["JWT"])], fetcher=fetcher)

    identity = await verifier.verify(issuer.token(header=header, **claims))

    assert identity.subject == claims["sub"]
    assert claims.items() <= identity.claims.items()
