"""All use cases, built once."""

from dataclasses import dataclass
from typing import Self

from gateway.services.administration import Administration
from gateway.services.aliases import Aliases
from gateway.services.audit_events import AuditEvents
from gateway.services.bells import Bells
from gateway.services.changes import Changes
from gateway.services.delivery import Delivery
from gateway.services.effective import Effective
from gateway.services.entity_tags import EntityTagging
from gateway.services.finishing import Finishing
from gateway.services.foundation import Foundation
from gateway.services.grants import Grants
from gateway.services.hierarchy import Hierarchy
from gateway.services.identities import Identities
from gateway.services.imports import Imports
from gateway.services.news import News
from gateway.services.overrides import Overrides
from gateway.services.pictures import Pictures
from gateway.services.secrets import Secrets
from gateway.services.token_uses import TokenUses
from gateway.services.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases that the faces call: each asks what its principal may do."""

    administration: Administration
    aliases: Aliases
    audit: AuditEvents
    bells: Bells
    changes: Changes
    delivery: Delivery
    effective: Effective
    entity_tags: EntityTagging
    finishing: Finishing
    grants: Grants
    hierarchy: Hierarchy
    identities: Identities
    imports: Imports
    news: News
    overrides: Overrides
    pictures: Pictures
    secrets: Secrets
    tokens: Tokens

    @classmethod
    def over(cls, foundation: Foundation, uses: TokenUses) -> Self:
        """Build all of them on one foundation."""
        bells = Bells(foundation)
        return cls(
            administration=Administration(foundation),
            aliases=Aliases(foundation),
            audit=AuditEvents(foundation),
            bells=bells,
            changes=Changes(foundation),
            delivery=Delivery(foundation),
            effective=Effective(foundation),
            entity_tags=EntityTagging(foundation),
            finishing=Finishing(),
            grants=Grants(foundation),
            hierarchy=Hierarchy(foundation),
            identities=Identities(foundation, uses.homes),
            imports=Imports(foundation),
            news=News(foundation, bells),
            overrides=Overrides(foundation),
            pictures=Pictures(foundation),
            secrets=Secrets(foundation),
            tokens=Tokens(foundation, uses),
        )
