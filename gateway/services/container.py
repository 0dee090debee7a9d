"""The use cases that the faces call, bound to the principal of a request."""

from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

from gateway.domain.principals import Principal
from gateway.services.administration import Administration
from gateway.services.aliases import Aliases, Overrides
from gateway.services.audit.events import AuditEvents
from gateway.services.audit.secret_events import SecretEvents
from gateway.services.authentication import Authentication, TokenUses
from gateway.services.change_feed import ChangeFeed
from gateway.services.change_notifier import ChangeNotifier
from gateway.services.changes import Changes
from gateway.services.claim_rules import ClaimRules
from gateway.services.context import LookUp, RequestScope, ServiceContext
from gateway.services.delivery import Delivery
from gateway.services.effective import Effective, Pictures
from gateway.services.execution import ShieldedTasks
from gateway.services.grants import Grants
from gateway.services.hierarchy import Hierarchy
from gateway.services.history import History
from gateway.services.identities import Identities
from gateway.services.imports import Imports
from gateway.services.purging import Purging
from gateway.services.restoring import Restoring
from gateway.services.secrets import Secrets
from gateway.services.tokens import Tokens
from gateway.services.viewer import Viewer
from gateway.storage.unit_of_work import ReadUnit

Service = TypeVar("Service")
Outcome = TypeVar("Outcome")


class Services:
    """The shared parts of the use cases. `for_principal` binds the use cases to a principal."""

    def __init__(self, context: ServiceContext, uses: TokenUses) -> None:
        self._context = context
        self.authentication = Authentication(context, uses)
        self.notifier = ChangeNotifier(context)
        self.shielded_tasks = ShieldedTasks()
        self.deliveries = context.deliveries

    def for_principal(
        self, principal: Principal, view: ReadUnit | None = None, look_up: LookUp | None = None
    ) -> "BoundServices":
        """Return the use cases for a principal; reads need a view, which the caller closes."""
        services = BoundServices(self._context, principal, view, look_up)
        services.shared = self
        return services


def _bound(make: Callable[["BoundServices"], Service]) -> Service:
    """Declare an attribute that makes a use case class for the request when it is used."""
    return cast("Service", property(make))


class BoundServices(RequestScope):
    """The use cases of one request. Each checks the permissions of the request's principal."""

    __slots__ = ("shared",)

    shared: Services
    administration = _bound(Administration)
    aliases = _bound(Aliases)
    audit = _bound(AuditEvents)
    change_feed = _bound(lambda services: ChangeFeed(services, services.shared.notifier))
    changes = _bound(Changes)
    claim_rules = _bound(ClaimRules)
    delivery = _bound(Delivery)
    effective = _bound(Effective)
    grants = _bound(Grants)
    hierarchy = _bound(Hierarchy)
    history = _bound(History)
    identities = _bound(Identities)
    imports = _bound(Imports)
    overrides = _bound(Overrides)
    pictures = _bound(Pictures)
    purging = _bound(Purging)
    restoring = _bound(Restoring)
    secret_events = _bound(SecretEvents)
    secrets = _bound(Secrets)
    tokens = _bound(Tokens)
    viewer = _bound(Viewer)

    def finish(self, change: Awaitable[Outcome]) -> Awaitable[Outcome]:
        """Shield a change from the end of the request; it goes on without its caller."""
        return self.shared.shielded_tasks.shield(change)
