"""Types that refer to each other in a circle, brought together late, here and nowhere else.

A secret tells its holder, and a holder its secrets; Python wants one of the two modules first.
"""

from typing import TYPE_CHECKING, Annotated, TypeAlias

import strawberry

from gateway.domain.holders import Holder
from gateway.domain.pages import Page

if TYPE_CHECKING:
    from schema.holders import SecretHolder, ServiceConnection

LazyHolder: TypeAlias = Annotated["SecretHolder", strawberry.lazy("schema.holders")]
LazyServices: TypeAlias = Annotated["ServiceConnection", strawberry.lazy("schema.holders")]


def wrapped_holder(holder: Holder) -> LazyHolder:
    """Wrap a holder in the type of its kind."""
    from schema.holders import holder_type  # noqa: PLC0415 - this is the circle

    return holder_type(holder)


def wrapped_services(page: Page[Holder]) -> LazyServices:
    """Wrap a page of services."""
    from schema.holders import ServiceConnection, service_type  # noqa: PLC0415 - as above

    return ServiceConnection.of(page, service_type)
