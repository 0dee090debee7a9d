"""Organizations and their first tokens, without a principal."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.domain import content
from gateway.domain.drafts import DEFAULT_WRITE_OPTIONS, WriteOptions
from gateway.domain.errors import Argument, Conflict, ErrorCode
from gateway.domain.grants import Grant, TokenNotFound
from gateway.domain.holders import Organization
from gateway.domain.origins import ActorKind
from gateway.domain.permissions import Permission
from gateway.domain.principals import Principal
from gateway.domain.refusals import NameConflict, OrganizationNotFound
from gateway.domain.tokens import ApiToken, Creator, ensure_can_end
from gateway.services.context import ServiceContext
from gateway.services.deletions import delete_organization
from gateway.services.grants import TokenEnding, TokenRevocation, end_created, revoke_created
from gateway.storage import grants, holders, tokens
from gateway.storage.unit_of_work import ReadUnit


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

    async def end(
        self,
        token_id: str,
        *,
        at: datetime,
        keep_created: bool = False,
        options: WriteOptions = DEFAULT_WRITE_OPTIONS,
    ) -> TokenEnding:
        """Bring the end of a token of any organization forward, as `Tokens.end` does.

        Raises:
            TokenNotFound: if there is none.
            InvalidEnd: if the time is not later than now, or later than its present end.
            TokenHasEnded: if it is no longer valid.

        """
        async with self._context.writing(options) as unit:
            found = await tokens.find_any(unit, token_id)
            if found is None:
                raise TokenNotFound(token_id)
            ensure_can_end(found, at, now=self._context.now())
            await tokens.end_all(unit, [token_id], at=at)
            created: tuple[ApiToken, ...] = ()
            if not keep_created:
                creator = Creator(ActorKind.TOKEN, token_id)
                operator = Principal.operator(found.organization_id)
                created = await end_created(unit, creator, at=at, principal=operator)
        return TokenEnding(
            ended=replace(found, expires_at=at),
            created=tuple(replace(token, expires_at=at) for token in created),
        )


class OrganizationNotEmpty(Conflict):
    code = ErrorCode.NOT_EMPTY

    def __init__(self, organization_id: str, *, holders: int, secrets: int) -> None:
        super().__init__(
            f"Deleting organization {organization_id} would also delete {holders} holders and "
            f"{secrets} secrets. Confirm that explicitly.",
            Argument.HOLDER,
        )
        self.holders = holders
        self.secrets = secrets


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationDeletion:
    organization: Organization
    holders: int
    secrets: int
    tokens: int


class Organizations:
    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    async def all(self) -> list[Organization]:
        async with self._context.database.read() as unit:
            return await holders.organizations(unit)

    async def find_by_name(self, name: str) -> Organization:
        """Return the organization with that name.

        Raises:
            OrganizationNotFound: if there is none.

        """
        async with self._context.database.read() as unit:
            organization = await holders.find_organization(unit, name=name)
        if organization is None:
            raise OrganizationNotFound
        return organization

    async def create(self, *, name: str) -> Organization:
        """Create an organization.

        Raises:
            InvalidInput: for an invalid name.
            NameConflict: if another organization has the name.

        """
        content.ensure_name(name)
        organization = Organization(id=self._context.new_id(), name=name)
        async with self._context.database.write() as unit:
            if await holders.find_organization(unit, name=name):
                raise NameConflict(None)
            await holders.add_organization(unit, organization, at=self._context.now())
        return organization

    async def rename(
        self, *, organization_id: str, name: str, options: WriteOptions = DEFAULT_WRITE_OPTIONS
    ) -> Organization:
        """Give an organization another name.

        Raises:
            InvalidInput: for an invalid name.
            OrganizationNotFound: if there is none with the id.
            NameConflict: if another has the name.

        """
        content.ensure_name(name)
        async with self._context.writing(options) as unit:
            organization = await _with_id(unit, organization_id)
            renamed = replace(organization, name=name)
            if renamed != organization:
                if await holders.find_organization(unit, name=name):
                    raise NameConflict(None)
                await holders.rename_organization(unit, renamed)
        return renamed

    async def delete(
        self,
        *,
        organization_id: str,
        with_content: bool = False,
        options: WriteOptions = DEFAULT_WRITE_OPTIONS,
    ) -> OrganizationDeletion:
        """Delete an organization and its tokens; with `with_content`, also its projects.

        Their data keys are deleted too. A backup from before still has them, wrapped.

        Raises:
            OrganizationNotFound: if there is none with the id.
            OrganizationNotEmpty: if it has projects and `with_content` is not set.

        """
        async with self._context.writing(options) as unit:
            organization = await _with_id(unit, organization_id)
            existing = await holders.existing(unit, organization_id)
            secrets = sum(found.secrets for found in existing)
            if existing and not with_content:
                raise OrganizationNotEmpty(organization_id, holders=len(existing), secrets=secrets)
            tokens = await delete_organization(
                self._context, unit, organization, holders=len(existing), secrets=secrets
            )
        return OrganizationDeletion(
            organization=organization, holders=len(existing), secrets=secrets, tokens=tokens
        )


async def _with_id(unit: ReadUnit, organization_id: str) -> Organization:
    for organization in await holders.organizations(unit):
        if organization.id == organization_id:
            return organization
    raise OrganizationNotFound
