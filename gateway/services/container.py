"""All use cases, built once."""

from dataclasses import dataclass
from typing import Self

from gateway.services.administration import Administration
from gateway.services.aliases import Aliases
from gateway.services.audit_events import AuditEvents
from gateway.services.change_feed import ChangeFeed
from gateway.services.change_notifier import ChangeNotifier
from gateway.services.changes import Changes
from gateway.services.context import ServiceContext
from gateway.services.delivery import Delivery
from gateway.services.effective import Effective
from gateway.services.entity_tags import EntityTagging
from gateway.services.grants import Grants
from gateway.services.hierarchy import Hierarchy
from gateway.services.identities import Identities
from gateway.services.imports import Imports
from gateway.services.overrides import Overrides
from gateway.services.pictures import Pictures
from gateway.services.secrets import Secrets
from gateway.services.shielded_tasks import ShieldedTasks
from gateway.services.token_uses import TokenUses
from gateway.services.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases that the faces call. Each checks its principal's permissions."""

    administration: Administration
    aliases: Aliases
    audit: AuditEvents
    notifier: ChangeNotifier
    changes: Changes
    delivery: Delivery
    effective: Effective
    entity_tags: EntityTagging
    shielded_tasks: ShieldedTasks
    grants: Grants
    hierarchy: Hierarchy
    identities: Identities
    imports: Imports
    change_feed: ChangeFeed
    overrides: Overrides
    pictures: Pictures
    secrets: Secrets
    tokens: Tokens

    @classmethod
    def over(cls, context: ServiceContext, uses: TokenUses) -> Self:
        """Build all use cases on one context."""
        notifier = ChangeNotifier(context)
        return cls(
            administration=Administration(context),
            aliases=Aliases(context),
            audit=AuditEvents(context),
            notifier=notifier,
            changes=Changes(context),
            delivery=Delivery(context),
            effective=Effective(context),
            entity_tags=EntityTagging(context),
            shielded_tasks=ShieldedTasks(),
            grants=Grants(context),
            hierarchy=Hierarchy(context),
            identities=Identities(context, uses.homes),
            imports=Imports(context),
            change_feed=ChangeFeed(context, notifier),
            overrides=Overrides(context),
            pictures=Pictures(context),
            secrets=Secrets(context),
            tokens=Tokens(context, uses),
        )
