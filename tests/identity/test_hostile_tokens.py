"""Tokens made to deceive: none lets in, and each is refused for what is wrong with it."""

import pytest

from gateway.identity.claims import Reason, RefusedToken
from gateway.identity.verifier import Verifier
from tests.identity.hostile_claims import CLAIMS
from tests.identity.hostile_forms import FORMS, Hostile
from tests.identity.local_issuer import SUBJECT, LocalIssuer

pytestmark = pytest.mark.asyncio(loop_scope="module")

CORPUS = {**FORMS, **CLAIMS}


@pytest.mark.rule("S3", "S4", "S5")
@pytest.mark.parametrize("hostile", CORPUS.values(), ids=CORPUS.keys())
async def test_such_a_token_is_refused(
    verifier: Verifier, issuer: LocalIssuer, hostile: Hostile
) -> None:
    """The same token made right, which is the control, lets in."""
    reason, make = hostile
    made_right = await verifier.verify(issuer.token())

    with pytest.raises(RefusedToken) as refused:
        await verifier.verify(make(issuer))

    assert refused.value.reason is reason
    assert made_right.subject == SUBJECT


@pytest.mark.rule("S3", "S4", "S5")
async def test_the_corpus_is_large_and_has_every_reason() -> None:
    assert len(CORPUS) == len(FORMS) + len(CLAIMS)
    assert len(CORPUS) >= 40
    assert {reason for reason, _ in CORPUS.values()} == set(Reason)
