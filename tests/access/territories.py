"""A project with one of everything, for callers who may do all of it or nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import httpx

from gateway.domain.claim_rules import ClaimCondition
from gateway.domain.drafts import AliasDraft, HolderReference, ProvidedDraft, SecretDraft
from gateway.domain.grants import GranteeKind, GranteeReference
from gateway.domain.permissions import Role
from gateway.domain.principals import Principal
from gateway.domain.scopes import HOLDER_SCOPES, Scope
from tests.world import World

# Keys and names that nothing else in a test's database has: they are looked for in whole answers.
SECRET_KEYS: Final = "TERRITORY_{}_{}"


@dataclass(frozen=True, slots=True)
class Territory:
    """The ids of one of everything, by the name of the argument that takes it."""

    name: str
    ids: Mapping[str, str]
    # One secret a scope; `secretId` is the job's.
    secrets: Mapping[Scope, str]
    # One that the platform provides.
    provided: str

    def reference(self, scope: Scope) -> HolderReference:
        """Return one of its holders."""
        return HolderReference(scope, self.ids[scope.id_argument])

    async def client(
        self, world: World, role: Role, *, on: Scope = Scope.PROJECT
    ) -> httpx.AsyncClient:
        """Return a client with a role at one of the holders."""
        return await world.client_with(role, on=self.reference(on))


async def settle_territory(world: World, operator: Principal, name: str) -> Territory:
    """Make a project with one of everything in it."""
    services = world.runtime.services
    holders: dict[Scope, HolderReference] = {}
    for scope in HOLDER_SCOPES:
        made = await services.for_principal(operator).administration.create_holder(
            kind=scope,
            name=f"territory {name} {scope.lower()}",
            parent=holders[scope.parent] if scope.parent else None,
        )
        holders[scope] = HolderReference(scope, made.id)
    secrets = {
        scope: (
            await services.for_principal(operator).secrets.create(
                holder_reference=at,
                draft=SecretDraft(
                    key=SECRET_KEYS.format(name.upper(), scope), value=f"value {name} {scope}"
                ),
            )
        ).id
        for scope, at in holders.items()
    }
    await services.for_principal(operator).aliases.create(
        holder_reference=holders[Scope.JOB],
        target_id=secrets[Scope.PROJECT],
        draft=AliasDraft(key=f"ALIAS_{name.upper()}"),
    )
    deleted = await services.for_principal(operator).secrets.create(
        holder_reference=holders[Scope.JOB],
        draft=SecretDraft(key=f"DELETED_{name.upper()}", value=f"value {name} deleted"),
    )
    await services.for_principal(operator).changes.delete(secret_id=deleted.id)
    provided = await services.for_principal(operator).administration.register(
        holder_reference=holders[Scope.ENVIRONMENT],
        draft=ProvidedDraft(key=f"PROVIDED_{name.upper()}", value="provided", owned_by="Vault"),
    )
    user = await services.for_principal(operator).identities.register(
        issuer="https://issuer.example",
        subject=f"subject {name}",
        display_name=f"territory {name} user",
    )
    token = await services.for_principal(operator).tokens.create(
        name=f"territory {name} token", role=Role.VIEWER, on=holders[Scope.PROJECT]
    )
    grant = await services.for_principal(operator).grants.grant(
        grantee=GranteeReference(kind=GranteeKind.TOKEN, id=token.facts.id),
        role=Role.EDITOR,
        on=holders[Scope.PROJECT],
    )
    await services.for_principal(operator).grants.grant(
        grantee=GranteeReference(kind=GranteeKind.USER, id=user.id),
        role=Role.VIEWER,
        on=holders[Scope.PROJECT],
    )
    rule = await services.for_principal(operator).claim_rules.create(
        name=f"territory {name} rule",
        issuer="https://issuer.example",
        conditions=[ClaimCondition("groups", name)],
        role=Role.VIEWER,
        on=holders[Scope.PROJECT],
    )
    others = {
        "claimRuleId": rule.id,
        "secretId": secrets[Scope.JOB],
        "deletedSecretId": deleted.id,
        "serviceId": holders[Scope.JOB].id,
        "tokenId": token.facts.id,
        "userId": user.id,
        "grantId": grant.id,
    }
    ids = {scope.id_argument: at.id for scope, at in holders.items()}
    return Territory(name, ids | others, secrets, provided.id)
