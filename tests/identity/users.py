"""Users of an issuer, registered with the gateway."""

from gateway.domain.grants import GranteeKind, GranteeReference
from gateway.domain.permissions import Role
from gateway.domain.principals import Principal
from gateway.runtime import Runtime


async def let_in(
    runtime: Runtime, organization_id: str, issuer: str, subject: str, role: Role
) -> str:
    """Register a user with a role in the whole organization; return the user's id."""
    operator = Principal.operator(organization_id)
    user = await runtime.services.identities.register(
        principal=operator, issuer=issuer, subject=subject, display_name=subject
    )
    grantee = GranteeReference(kind=GranteeKind.USER, id=user.id)
    await runtime.services.grants.grant(principal=operator, grantee=grantee, role=role)
    return user.id
