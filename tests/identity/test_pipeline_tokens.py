"""Tokens that GitHub and GitLab sign for their pipelines let in, as docs/ci.md says."""

import re
from typing import Any

import pytest

from gateway.identity.key_cache import Fetcher
from gateway.identity.verifier import Verifier
from tests.docs.sessions import DOCS
from tests.identity.local_issuer import LocalIssuer

pytestmark = pytest.mark.asyncio(loop_scope="module")

_SUBJECTS = re.findall(r"--subject (\S+)", (DOCS / "ci.md").read_text())
# What the two services document of their tokens, besides the claims that every token has.
_GITHUB: dict[str, Any] = {
    "jti": "example-id",
    "environment": "production",
    "ref": "refs/heads/main",
    "repository": "acme/shop",
    "run_id": "1",
    "actor": "ada",
    "event_name": "push",
}
_GITLAB: dict[str, Any] = {
    "jti": "example-id",
    "project_path": "acme/shop",
    "ref": "main",
    "ref_type": "branch",
    "user_login": "ada",
    "pipeline_source": "push",
}


@pytest.mark.parametrize(
    ("subject", "header", "claims"),
    [
        (_SUBJECTS[0], {"typ": "JWT", "x5t": "thumbprint"}, _GITHUB),
        (_SUBJECTS[1], {"typ": "JWT"}, _GITLAB),
    ],
    ids=["github", "gitlab"],
)
async def test_a_token_of_a_pipeline_speaks_for_its_subject(
    issuer: LocalIssuer,
    fetcher: Fetcher,
    subject: str,
    header: dict[str, str],
    claims: dict[str, Any],
) -> None:
    verifier = Verifier([issuer.trusted(types=["JWT"])], fetcher=fetcher)

    identity = await verifier.verify(issuer.token(header=header, sub=subject, **claims))

    assert identity.subject == subject
