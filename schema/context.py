"""The context of a resolver: the services for the request's principal, and loaders in batches."""

from asyncio import shield
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import strawberry
from strawberry.dataloader import DataLoader

from gateway.domain.audit import AuditEvent, SecretEdits
from gateway.domain.grants import Grant, User
from gateway.domain.history import Author, SecretVersion
from gateway.domain.holders import Holder
from gateway.domain.pages import MAX_PAGE_SIZE
from gateway.domain.secrets import Secret
from gateway.domain.tokens import ApiToken
from gateway.services.container import BoundServices
from gateway.services.delivery import Admit, admit_all

Key = TypeVar("Key", bound=Hashable)
Loaded = TypeVar("Loaded")


class _Loader(DataLoader[Key, Loaded]):
    """A loader whose results outlive a field that is cancelled: other fields share them."""

    def load(self, key: Key) -> Awaitable[Loaded]:
        return shield(super().load(key))


@dataclass(slots=True)
class Context:
    """One request's context.

    All reads of a request see the database as it was at the first read. A mutation closes the view,
    so its payload shows the state after the write. A subscription reads each change on a view of
    its own. What is loaded or computed is kept with the view, and only as long.
    """

    services: BoundServices
    # False for the legacy REST paths, whose enums do not have the type of external secrets.
    supports_external: bool = True
    # Larger for the gateway's own documents.
    max_page_size: int = MAX_PAGE_SIZE
    # A hash of what a subscription asks for; those that ask for the same share its answers.
    asked: bytes | None = field(default=None, repr=False)
    # Charges what a delivery costs beyond the cost of its document; it can refuse.
    surcharge: Admit = admit_all

    @property
    def holders(self) -> "DataLoader[str, Holder | None]":
        """Loads holders by their ids."""
        return self._loader(self._load_holders)

    @property
    def secrets(self) -> "DataLoader[str, Secret | None]":
        """Loads secrets by their ids."""
        return self._loader(self._load_secrets)

    @property
    def tokens(self) -> "DataLoader[str, ApiToken | None]":
        """Loads tokens by their ids."""
        return self._loader(self._load_tokens)

    @property
    def users(self) -> "DataLoader[str, User | None]":
        """Loads users by their ids."""
        return self._loader(self._load_users)

    @property
    def token_grants(self) -> "DataLoader[str, list[Grant]]":
        """Loads the grants of tokens by the tokens' ids."""
        return self._loader(self._load_token_grants)

    @property
    def secret_edits(self) -> "DataLoader[Secret, SecretEdits | None]":
        """Loads what the audit log knows of the edits of secrets."""
        return self._loader(self._load_secret_edits)

    @property
    def secret_creators(self) -> "DataLoader[SecretVersion, Author | None]":
        """Loads who created secrets, by the first versions of these."""
        return self._loader(self._load_secret_creators)

    @property
    def last_deliveries(self) -> "DataLoader[Secret, AuditEvent | None]":
        """Loads the last deliveries of secrets."""
        return self._loader(self._load_last_deliveries)

    def _loader(
        self, load: Callable[[Sequence[Key]], Awaitable[Sequence[Loaded]]]
    ) -> "DataLoader[Key, Loaded]":
        known = self.services.view.derived
        if load.__name__ not in known:
            known[load.__name__] = _Loader(load_fn=load)
        loader: DataLoader[Key, Loaded] = known[load.__name__]
        return loader

    async def _load_holders(self, ids: Sequence[str]) -> Sequence[Holder | None]:
        found = await self.services.hierarchy.find(ids=ids)
        return [found.get(holder_id) for holder_id in ids]

    async def _load_secrets(self, ids: Sequence[str]) -> Sequence[Secret | None]:
        found = await self.services.secrets.find(ids=ids)
        return [found.get(secret_id) for secret_id in ids]

    async def _load_tokens(self, ids: Sequence[str]) -> Sequence[ApiToken | None]:
        found = await self.services.tokens.find(ids=ids)
        return [found.get(token_id) for token_id in ids]

    async def _load_users(self, ids: Sequence[str]) -> Sequence[User | None]:
        found = await self.services.identities.find(ids=ids)
        return [found.get(user_id) for user_id in ids]

    async def _load_secret_edits(self, secrets: Sequence[Secret]) -> Sequence[SecretEdits | None]:
        found = await self.services.secret_events.edits_of(secrets=secrets)
        return [found.get(secret.id) for secret in secrets]

    async def _load_secret_creators(
        self, versions: Sequence[SecretVersion]
    ) -> Sequence[Author | None]:
        found = await self.services.secret_events.creations_of(versions=versions)
        return [found.get(version.secret_id) for version in versions]

    async def _load_last_deliveries(self, secrets: Sequence[Secret]) -> Sequence[AuditEvent | None]:
        found = await self.services.secret_events.last_deliveries_of(secrets=secrets)
        return [found.get(secret.id) for secret in secrets]

    async def _load_token_grants(self, ids: Sequence[str]) -> Sequence[list[Grant]]:
        found = await self.services.tokens.grants_of(token_ids=ids)
        return [[grant for grant in found if grant.grantee.id == token_id] for token_id in ids]


Info = strawberry.Info[Context, None]
