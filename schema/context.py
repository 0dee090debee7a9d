"""The context of a resolver: the principal, the services, and one view of the database."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import strawberry
from strawberry.dataloader import DataLoader

from gateway.domain.grants import Grant
from gateway.domain.holders import Holder
from gateway.domain.permissions import Permission
from gateway.domain.principals import Principal
from gateway.domain.secrets import Secret
from gateway.domain.visibility import Visibility
from gateway.services.container import Services
from gateway.services.execution import LookUp
from gateway.storage.unit_of_work import ReadUnit

Outcome = TypeVar("Outcome")


def _free(_fields: int) -> None:
    """Charge nothing: the gateway's own documents are free."""


@dataclass(slots=True)
class Context:
    """One request's context.

    All reads of a request see the database as it was at the first read. A mutation renews the view,
    so its payload shows the state after the write. A subscription opens a view for each change, and
    looks the principal up again each time.
    """

    principal: Principal
    services: Services
    view: ReadUnit
    # Looks the principal up again; set where a request can outlast its credential.
    look_up: LookUp | None = None
    # False for the legacy REST paths, whose enums do not have the type of external secrets.
    knows_external: bool = True
    # Charges what an answer costs beyond the cost of its document; it can refuse.
    surcharge: Callable[[int], None] = _free
    holders: "DataLoader[str, Holder | None]" = field(init=False)
    secrets: "DataLoader[str, Secret | None]" = field(init=False)
    token_grants: "DataLoader[str, list[Grant]]" = field(init=False)
    # A cache by permission: a list asks for the visibility of every row.
    _visibilities: tuple[Principal, dict[Permission, Visibility]] = field(init=False)

    def __post_init__(self) -> None:
        """Make the loaders."""
        self._visibilities = (self.principal, {})
        self._make_loaders()

    def visibility(self, permission: Permission) -> Visibility:
        """Return where the current principal has a permission."""
        principal, known = self._visibilities
        if principal is not self.principal:
            principal, known = self._visibilities = (self.principal, {})
        if permission not in known:
            known[permission] = principal.visibility(permission)
        return known[permission]

    async def renew(self) -> None:
        """Close the view and drop the loaders, so the next read sees later writes."""
        await self.view.close()
        self._make_loaders()

    async def begin(self, *, refresh: bool) -> tuple[ReadUnit, Principal]:
        """Open a new view and return it with the principal; `refresh` looks the principal up again.

        Raises:
            Unauthenticated: if the credential is no longer valid.

        """
        await self.renew()
        if refresh and self.look_up is not None:
            self.principal = await self.look_up(self.view)
        return self.view, self.principal

    async def end(self) -> None:
        """Close the view, so that none is open while the subscription waits."""
        await self.renew()

    async def finish(self, change: Awaitable[Outcome]) -> Outcome:
        """Await a change, shielded from the end of the request and without an open view."""

        async def change_without_view() -> Outcome:
            await self.renew()
            return await change

        return await self.services.shielded_tasks.finished(change_without_view())

    def _make_loaders(self) -> None:
        self.holders = DataLoader(load_fn=self._load_holders)
        self.secrets = DataLoader(load_fn=self._load_secrets)
        self.token_grants = DataLoader(load_fn=self._load_token_grants)

    async def _load_holders(self, ids: Sequence[str]) -> Sequence[Holder | None]:
        found = await self.services.hierarchy.find(self.view, principal=self.principal, ids=ids)
        return [found.get(holder_id) for holder_id in ids]

    async def _load_secrets(self, ids: Sequence[str]) -> Sequence[Secret | None]:
        found = await self.services.secrets.find(self.view, principal=self.principal, ids=ids)
        return [found.get(secret_id) for secret_id in ids]

    async def _load_token_grants(self, ids: Sequence[str]) -> Sequence[list[Grant]]:
        found = await self.services.tokens.grants_of(
            self.view, principal=self.principal, token_ids=ids
        )
        return [[grant for grant in found if grant.grantee.id == token_id] for token_id in ids]


Info = strawberry.Info[Context, None]
