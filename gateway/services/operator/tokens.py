"""API tokens as the instance's operator sees and revokes them, in every organization."""

from collections.abc import Sequence

from gateway.domain.grants import Grant
from gateway.domain.permissions import Permission
from gateway.domain.principals import Principal
from gateway.domain.tokens import ApiToken
from gateway.services.foundation import Foundation
from gateway.storage import grants, tokens


class OperatorTokens:
    """The operator's use cases around API tokens."""

    def __init__(self, foundation: Foundation) -> None:
        """Take what every use case stands on."""
        self._foundation = foundation

    async def of_organization(self, organization_id: str) -> Sequence[tuple[ApiToken, list[Grant]]]:
        """Return an organization's tokens and their grants."""
        sight = Principal.operator(organization_id).sight(Permission.ACCESS_MANAGE)
        async with self._foundation.database.read() as unit:
            found = await tokens.all_of(unit, organization_id)
            held = await grants.of_tokens(unit, [token.id for token in found], sight=sight)
        return [(it, [grant for grant in held if grant.grantee.id == it.id]) for it in found]

    async def revoke(self, token_id: str) -> bool:
        """Revoke a token of any organization; return whether there was one to revoke."""
        async with self._foundation.database.write() as unit:
            return await tokens.revoke(unit, token_id, at=self._foundation.now())
