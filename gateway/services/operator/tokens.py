"""API tokens of all organizations, for the instance's operator."""

from collections.abc import Sequence
from dataclasses import replace

from gateway.domain.drafts import DEFAULT_WRITE_OPTIONS, WriteOptions
from gateway.domain.grants import Grant
from gateway.domain.origins import ActorKind
from gateway.domain.permissions import Permission
from gateway.domain.principals import Principal
from gateway.domain.tokens import ApiToken, Creator
from gateway.services.context import ServiceContext
from gateway.services.revocation import TokenRevocation, revoke_created
from gateway.storage import grants, tokens


class OperatorTokens:
    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    async def of_organization(self, organization_id: str) -> Sequence[tuple[ApiToken, list[Grant]]]:
        visibility = Principal.operator(organization_id).visibility(Permission.ACCESS_MANAGE)
        async with self._context.database.read() as unit:
            found = await tokens.all_of(unit, organization_id)
            held = await grants.of_tokens(
                unit, [token.id for token in found], visibility=visibility
            )
        return [(item, [grant for grant in held if grant.grantee.id == item.id]) for item in found]

    async def revoke(
        self,
        token_id: str,
        *,
        keep_created: bool = False,
        options: WriteOptions = DEFAULT_WRITE_OPTIONS,
    ) -> TokenRevocation | None:
        """Revoke a token of any organization, and the tokens created with it unless they are kept.

        Returns None if no token has the id, or if there is nothing left to revoke.
        """
        now = self._context.now()
        async with self._context.writing(options) as unit:
            found = await tokens.find_any(unit, token_id)
            if found is None:
                return None
            is_revoked_now = await tokens.revoke(unit, token_id, at=now)
            created: tuple[ApiToken, ...] = ()
            if not keep_created:
                creator = Creator(ActorKind.TOKEN, token_id)
                operator = Principal.operator(found.organization_id)
                created = await revoke_created(unit, creator, at=now, principal=operator)
        if not is_revoked_now and not created:
            return None
        return TokenRevocation(
            revoked=replace(found, revoked_at=found.revoked_at or now), created=created
        )
