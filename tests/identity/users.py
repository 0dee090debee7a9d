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
    user = await runtime.services.for_principal(operator).identities.register(
        issuer=issuer, subject=subject, display_name=subject
    )
    grantee = GranteeReference(kind=GranteeKind.USER, id=user.id)
    await runtime.services.for_principal(operator).grants.grant(grantee=grantee, role=role)
    return user.id
